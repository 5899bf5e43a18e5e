//go:build linux

package fsview

import (
	"strings"
	"testing"
	"time"
)

// treeTests are command lines in a mounted demo: what they print, their status
// and what the peer was asked to change.
var treeTests = []struct {
	name    string
	fixture string // "" is demo
	script  string
	out     string
	status  int
	effects string
	root    bool // what others than root see differs: the kernel refuses them before it asks the mount
}{
	{name: "root", script: "ls", out: "a.b c\ndemo\nother\nplain\n"},
	{name: "root all", script: "ls -a", out: ".\n..\n.nom\na.b c\ndemo\nother\nplain\n"},
	{name: "plain value", root: true, script: "cat plain; echo 1 > plain; rm -f plain", status: 1,
		out: "7\nbash: line 2: plain: Permission denied\nrm: cannot remove 'plain': Operation not permitted\n"},
	{name: "values", script: "cd demo; cat number long ratio flag name text nothing values nested pair empty",
		out: "5\n7\n0.5\nTrue\nhello\ncafé\nNone\n[1, (2, 3)]\n{'a': 1.5}\n(1, 'x')\n\n"},
	{name: "raw bytes", script: `cat demo/blob | od -An -tx1`, out: " ff 00 01\n"},
	{name: "escaped names", script: "cd demo; cat 'a b' a%25b a%2Eb é % call% index%", out: "2\n3\n4\n5\n6\n8\n9\n"},
	{name: "spelled otherwise", script: "cat demo/a%62 demo/a%2eb 2>/dev/null", status: 1},
	{name: "300 bytes", script: "ls demo | grep -c nnn; cat demo/$(printf 'n%.0s' {1..300})", status: 1,
		out: "0\ncat: demo/" + strings.Repeat("n", 300) + ": File name too long\n"},
	{name: "links", script: "readlink demo/self demo/other demo/child/parent demo/child/me; cd demo/child; pwd; ls",
		out: ".\n../a.b c\n..\n.\nMNT/demo/child\nme\nparent\nv\n"},
	{name: "same object", script: "test demo/self -ef demo && test demo/child/parent/number -ef demo/number && echo yes", out: "yes\n"},
	{name: "modes", script: "ls demo > /dev/null; stat -c '%a %n %F' . demo demo/number demo/fixed demo/add demo/add/call .nom .nom/status",
		out: "555 . directory\n755 demo directory\n644 demo/number regular file\n444 demo/fixed regular file\n755 demo/add directory\n644 demo/add/call regular empty file\n555 .nom directory\n444 .nom/status regular file\n"},
	{name: "control entries", script: "cd demo; ls numbers add; cat numbers/len numbers/repr numbers/str; ls len call",
		status: 2, out: "add:\ncall\n\nnumbers:\nindex\nlen\n3\n<list object>\nthe numbers\nls: cannot access 'len': No such file or directory\nls: cannot access 'call': No such file or directory\n"},
	{name: "dot entries", script: "cd demo; cat .type .doc add/.doc child/.dir; cat .oid self/.oid child/parent/.oid | uniq | wc -l; ls .git .bogus 2>/dev/null",
		status: 2, out: "Demo\nA demo.\ndocumentation of add\nme\nparent\nv\n1\n"},
	{name: "hidden attribute", script: "cat demo/secret; ls demo | grep -c secret", status: 1, out: "42\n0\n"},
	{name: "getter that raises", script: "ls demo/broken; cat demo/broken; cat demo/broken.err", out: "demo/broken\ncat: demo/broken: Numerical argument out of domain\nZeroDivisionError: division\n"},
	{name: "no such", script: "cat demo/nope demo/_x", status: 1, out: "cat: demo/nope: No such file or directory\ncat: demo/_x: Permission denied\n"},
	{name: "failed lookup keeps the error", script: "echo x > demo/number; cat demo/nope; ls demo/foo nope; cut -d' ' -f2- .nom/error",
		out: "bash: line 2: echo: write error: Invalid argument\ncat: demo/nope: No such file or directory\nls: cannot access 'demo/foo': No such file or directory\nls: cannot access 'nope': No such file or directory\nwrite demo/number EINVAL: want int, got \"x\": column 1: expected a value, found the name x: text needs quotes\n"},

	{name: "log", script: "echo x > demo/number; echo y > demo/ratio; cut -d' ' -f2-4 .nom/log; test $(stat -c %s .nom/log) = $(cat .nom/log | wc -c) && echo exact; tail -n1 .nom/log | cut -d' ' -f3; echo 1 > .nom/log",
		status: 1, out: "bash: line 2: echo: write error: Invalid argument\nbash: line 2: echo: write error: Invalid argument\nwrite demo/number EINVAL:\nwrite demo/ratio EINVAL:\nexact\ndemo/ratio\nbash: line 2: .nom/log: Permission denied\n"},
	{name: "follow the log", script: "exec 3< <(exec tail -s 0.05 -n +1 -f .nom/log); echo x > demo/number; read -u 3 l; echo y > demo/ratio; read -u 3 l; kill $!; echo $l | cut -d' ' -f2-4",
		out: "bash: line 2: echo: write error: Invalid argument\nbash: line 2: echo: write error: Invalid argument\nwrite demo/ratio EINVAL:\n"},

	{name: "set", script: "echo 6 > demo/number; cat demo/number", out: "6\n", effects: "SetAttr demo.number=6"},
	{name: "set in dash", script: "dash -c 'echo 6 > demo/number; echo x > demo/number; echo $?'", out: "dash: 1: echo: echo: I/O error\n1\n", effects: "SetAttr demo.number=6"},
	{name: "truncate only", script: ": > demo/number; truncate -s 0 demo/number; touch demo/number; cat demo/number", out: "5\n"},
	{name: "truncate to something", script: "truncate -s 3 demo/number", status: 1, out: "truncate: failed to truncate 'demo/number' at 3 bytes: Invalid argument\n"},
	{name: "empty text", script: "echo > demo/name; cat demo/name", out: "\n", effects: "SetAttr demo.name=''"},
	{name: "types", script: "cd demo; echo 7 > ratio; echo off > flag; echo 9 > long; echo '(2, 3)' > pair; echo x > text; echo 5 > name; cat ratio flag long pair text name",
		out: "7.0\nFalse\n9\n(2, 3)\nx\n5\n", effects: "SetAttr demo.ratio=7.0; SetAttr demo.flag=False; SetAttr demo.long=9; SetAttr demo.pair=(2, 3); SetAttr demo.text=u'x'; SetAttr demo.name='5'"},
	{name: "wrong types", script: "cd demo; for f in flag values ratio pair; do echo zz > $f; echo $?; done 2>/dev/null; cat flag values", out: "1\n1\n1\n1\nTrue\n[1, (2, 3)]\n"},
	{name: "read only attribute", script: "echo 5 > demo/fixed", status: 1, out: "bash: line 2: echo: write error: Operation not permitted\n", effects: "SetAttr demo.fixed=5"},
	{name: "a file onto itself", script: "cd demo; for f in number long ratio flag name text nothing values nested pair empty blob; do cat $f > $f || echo $f; done; cat number nested; od -An -tx1 blob", out: "5\n{'a': 1.5}\n ff 00 01\n",
		effects: "SetAttr demo.number=5; SetAttr demo.long=7; SetAttr demo.ratio=0.5; SetAttr demo.flag=True; SetAttr demo.name='hello'; SetAttr demo.text='café'; SetAttr demo.nothing=None; SetAttr demo.values=[1, (2, 3)]; SetAttr demo.nested={'a': 1.5}; SetAttr demo.pair=(1, 'x'); SetAttr demo.empty=''; SetAttr demo.blob=b'\\xff\\x00\\x01'"},
	{name: "append, two at once", script: "cd demo; exec 3>>name 4>>name; echo a >&3; echo b >&4; { echo c; echo d; } >&3; exec 3>&- 4>&-; cat name; exec 3>>new 4>>new; echo a >&3; echo b >&4; cat new; exec 3>>name; rm name; echo e >&3; cat name; exec 3> name 4>>name; echo f >&3; echo g >&4; echo h >&3; cat name",
		out:     "hello\na\nb\nc\nd\na\nb\nhello\na\nb\nc\nd\ne\nf\nh\n",
		effects: `SetAttr demo.name='hello\na'; SetAttr demo.name='hello\na\nb'; SetAttr demo.name='hello\na\nb\nc\nd'; SetAttr demo.new='a'; SetAttr demo.new='a\nb'; DelAttr demo.name; SetAttr demo.name='hello\na\nb\nc\nd\ne'; SetAttr demo.name='f'; SetAttr demo.name='f\ng'; SetAttr demo.name='f\nh'`},
	{name: "append, eight at once", script: "cd demo; : > name; for j in 1 2 3 4 5 6 7 8; do echo $j >> name & done; wait; sort name | tr -d '\\n'", out: "12345678hello"},
	{name: "append", script: "echo more >> demo/name; cat demo/name; echo 1 >> demo/number", status: 1, out: "hello\nmore\nbash: line 2: demo/number: Invalid argument\n", effects: "SetAttr demo.name='hello\\nmore'"},
	{name: "lines of echo", script: `echo -e 'a\nb' > demo/name; cat demo/name`, out: "a\nb\n", effects: "SetAttr demo.name='a'; SetAttr demo.name='a\\nb'"},
	{name: "heredoc", script: "cat > demo/name <<X\na\nb\nX\ncat demo/name", out: "a\nb\n", effects: "SetAttr demo.name='a\\nb'"},
	{name: "incomplete literal", script: `echo $'[1,\n2]' > demo/values; cat demo/values; echo '[1,' > demo/values; cat demo/values`, out: "[1, 2]\n[1, 2]\n", effects: "SetAttr demo.values=[1, 2]"},
	{name: "60 kB", script: "head -c 60000 /dev/zero | tr '\\0' x > demo/name; wc -c < demo/name; cat demo/name > demo/text; cat demo/text | wc -c", out: "60001\n60001\n", effects: "SetAttr demo.name=60002 bytes; SetAttr demo.text=60003 bytes"},
	{name: "too large", script: "cd $(mktemp -d) && head -c 300000 /dev/zero > big; for c in 'cat big' 'dd if=big bs=64k status=none'; do $c > $M/demo/name 2>/dev/null; echo $?; done; cp big $M/demo/name 2>/dev/null; echo $?; cat $M/demo/name",
		out: "1\n1\n1\nhello\n"},
	{name: "python", script: `python3 -c "
f=open('demo/number','r+'); f.seek(0); f.write('78'); f.flush(); f.seek(0); f.write('79'); f.close()
try:
  with open('demo/number','w') as f: f.write('zz')
except OSError as e: print(e.errno)
"; cat demo/number`, out: "22\n79\n", effects: "SetAttr demo.number=78; SetAttr demo.number=79"},
	{name: "vim", script: `vim -es -u NONE -c '%s/hello/vimmed/' -c wq demo/name; echo $?; cat demo/name`, out: "0\nvimmed\n", effects: "SetAttr demo.name='vimmed'"},
	{name: "cp, tee, dd, install", script: "cd demo; echo 11 | tee number; echo 12 | dd of=number status=none; cp number long; echo 3 > $HOME/.n13 2>/dev/null; install -m 600 number made; cat number long made", out: "11\n12\n12\n12\n",
		effects: "SetAttr demo.number=11; SetAttr demo.number=12; SetAttr demo.long=12; SetAttr demo.made=12"},

	{name: "create", script: "echo 5 > demo/new; cat demo/new demo/new.type; echo a b > demo/n2; cat demo/n2; ls demo | grep ^n[e2]", out: "5\nint\na b\nn2\nnested\nnew\n", effects: "SetAttr demo.new=5; SetAttr demo.n2='a b'"},
	{name: "created and not written", script: ": > demo/new; touch demo/new2; while ls demo/new || ls demo/new2; do :; done > /dev/null 2>&1; ls demo/new demo/new2 2>/dev/null", status: 2},
	{name: "set -C", script: "set -C; echo 3 > demo/new; echo 4 > demo/new; cat demo/new", out: "bash: line 2: demo/new: cannot overwrite existing file\n3\n", effects: "SetAttr demo.new=3"},
	{name: "exact type", script: "echo '[1]' > demo/number.repr; cat demo/number demo/number.repr demo/name.repr", out: "[1]\n[1]\n'hello'\n", effects: "SetAttr demo.number=[1]"},

	{name: "rm", script: "rm demo/number; cat demo/number; rm demo/number", status: 1, out: "cat: demo/number: No such file or directory\nrm: cannot remove 'demo/number': No such file or directory\n", effects: "DelAttr demo.number"},
	{name: "a deleted name keeps its type", script: "rm demo/name; echo 5 > demo/name; cat demo/name.type", out: "bytes\n", effects: "DelAttr demo.name; SetAttr demo.name='5'"},
	{name: "rm of what stays", script: "rm demo/fixed; cat demo/fixed; rm demo/fixed.x demo/nope", status: 1,
		out: "rm: cannot remove 'demo/fixed': Operation not permitted\n1\nrm: cannot remove 'demo/fixed.x': No such file or directory\nrm: cannot remove 'demo/nope': No such file or directory\n", effects: "DelAttr demo.fixed"},
	{name: "rmdir", script: "rmdir demo/child; ls demo/child", status: 2, out: "ls: cannot access 'demo/child': No such file or directory\n", effects: "DelAttr demo.child"},
	{name: "rm -r", script: "rm -rf demo/child 2>/dev/null; echo $?; find demo/child -delete 2>/dev/null; rm -rf demo 2>/dev/null; echo $?; rm -rf demo/numbers/index 2>/dev/null; ls demo/child", out: "1\n1\nme\nparent\nv\n"},
	{name: "rm -r of all names", script: "rm -rf demo/* 2>/dev/null; echo $?; cd demo; rm -rf -- * 2>/dev/null; rm --rec * 2>/dev/null; cd numbers/index; rm -R 0 1; cat 0; cd ../..; rm -r name; rm long ratio; ls | grep -cx 'long\\|name\\|ratio\\|number'", status: 0,
		out:     "1\nrm: cannot remove '0': Operation not permitted\nrm: cannot remove '1': Operation not permitted\n10\n1\n",
		effects: "DelAttr demo.name; DelAttr demo.long; DelAttr demo.ratio"},
	{name: "rm control", root: true, script: "rm demo/add/call; rmdir demo; rm -f demo/numbers/len; rmdir demo/numbers/index", status: 1,
		out: "rm: cannot remove 'demo/add/call': Operation not permitted\nrmdir: failed to remove 'demo': Operation not permitted\nrm: cannot remove 'demo/numbers/len': Operation not permitted\nrmdir: failed to remove 'demo/numbers/index': Operation not permitted\n"},
	{name: "not done here", root: true, script: "mkdir demo/x; ln demo/number demo/y; mknod demo/z p; mkdir x; echo 1 > y; chmod 600 demo/number && chown 1 demo/number && touch -d 2001-01-01 demo/number; setfattr -n user.a -v 1 demo/number",
		status: 1, out: "mkdir: cannot create directory ‘demo/x’: Operation not permitted\nln: failed to create hard link 'demo/y' => 'demo/number': Operation not permitted\nmknod: demo/z: Operation not permitted\nmkdir: cannot create directory ‘x’: Operation not permitted\nbash: line 2: y: Operation not permitted\nsetfattr: demo/number: Operation not supported\n"},
	{name: "why it is not done", root: true, script: "for c in 'mkdir demo/x' 'ln demo/number demo/y' 'mknod demo/z p' 'mkdir x' 'touch y' 'ln -s demo z' 'rm plain' 'rmdir demo' 'mv demo d' 'mkdir demo/tmpx' 'touch .y' 'rmdir demo/numbers/index' 'mkdir demo/numbers/index/x' 'mkdir .nom/x'; do $c 2>/dev/null; cut -d' ' -f2- .nom/error; done | uniq",
		out: "mkdir demo/x EPERM: a directory is an object: a call makes one, and ln -s lets a name refer to one\n" +
			"link demo/y EPERM: there are no hard links here: cp copies a value, and ln -s lets a name refer to an object\n" +
			"mknod demo/z EPERM: there are no special files here\n" +
			"mkdir x EPERM: a directory is an object: a call makes one, and ln -s lets a name refer to one\n" +
			"create y EPERM: names are made in the directories of objects alone\n" +
			"link z EPERM: names are made in the directories of objects alone\n" +
			"delete plain EPERM: only attributes and items can be deleted\n" +
			"delete demo EPERM: only attributes and items can be deleted\n" +
			"rename demo EPERM: only attributes, items and scratch files can be renamed\n" +
			"delete demo/numbers/index EPERM: a control entry cannot be deleted\n" +
			"mkdir demo/numbers/index/x EPERM: a directory is an object: a call makes one, and ln -s lets a name refer to one\n" +
			"mkdir .nom/x EPERM: a directory is an object: a call makes one, and ln -s lets a name refer to one\n"},
	{name: "ln -s", script: "ln -s ../other demo/link; readlink demo/link; ln -s $M/demo/child demo/kid; ls demo/kid; ln -s /etc/passwd demo/bad; ln -s ../../etc demo/bad", status: 1,
		out:     "../a.b c\nme\nparent\nv\nln: failed to create symbolic link 'demo/bad': Operation not permitted\nln: failed to create symbolic link 'demo/bad': Operation not permitted\n",
		effects: "SetAttr demo.link=ref 1002; SetAttr demo.kid=ref 1003"},
	{name: "xattr", script: "ls demo > /dev/null; getfattr --only-values -n user.nom.type demo; echo; cat demo/number; getfattr --only-values -n user.nom.type demo/number; echo; getfattr -d demo/number; getfattr -n user.nope demo", status: 1,
		out: "Demo\n5\nint\ndemo: user.nope: No such attribute\n"},

	{name: "items", script: "cd demo; ls numbers/index; cat numbers/index/1 numbers/index/0:2 numbers/index/::2; cat numbers/index/9 numbers/index/foo", status: 1,
		out: "0\n1\n2\n20\n[10, 20]\n[10, 30]\ncat: numbers/index/9: No such file or directory\ncat: numbers/index/foo: No such file or directory\n"},
	{name: "keys", script: "cd demo/table/index; ls; cat a.b 5 6 \"'6'\" x%2Fy '(1, 2)'", out: "'6'\n(1, 2)\n5\n6\na.b\nx%2Fy\n1\n2\n3\n4\n5\n6\n"},
	{name: "set items", script: "cd demo; echo 5 > numbers/index/0; echo new > table/index/k.x; cat table/index/k.x; rm table/index/k.x; ls table/index/k.x 2>/dev/null; cat numbers/index/0", out: "new\n5\n",
		effects: "SetItem numbers[0]=5; SetItem table['k.x']='new'; DelItem table['k.x']"},

	{name: "call", script: "echo '2, b=3' > demo/add/call; cat demo/add/call; cat demo/calls; cat demo/add/call; cat demo/calls", out: "5\n1\n5\n1\n", effects: "Call add(2 b=3)"},
	{name: "call with text", script: "echo bob > demo/greet/call; cat demo/greet/call; echo > demo/greet/call; cat demo/greet/call", out: "hello bob\nhello world\n", effects: "Call greet('bob'); Call greet()"},
	{name: "call that raises", script: "echo > demo/fail/call; echo $?; cat demo/fail/call demo/fail.err; cut -d' ' -f2- .nom/error", out: "bash: line 2: echo: write error: Remote I/O error\n1\nOops: it failed\ncall demo/fail/call Oops: it failed\n", effects: "Call fail()"},
	{name: "call with nonsense", script: "echo '1 2' > demo/add/call; printf '1\\n(\\n' > demo/add/call; echo '\"a' > demo/add/call", status: 1,
		out:     "bash: line 2: echo: write error: Invalid argument\nbash: line 2: printf: write error: Invalid argument\nbash: line 2: echo: write error: Invalid argument\n",
		effects: "Call add(1)"}, // bash writes each line by itself
	{name: "unterminated call", script: "printf 4 > demo/add/call; cat demo/add/call", out: "4\n", effects: "Call add(4)"},
	{name: "several calls", script: "printf '1\\n2\\n3\\n' > demo/add/call; cat demo/add/call", out: "3\n", effects: "Call add(1); Call add(2); Call add(3)"},
	{name: "same descriptor", script: "exec 3<>demo/add/call; echo 7 >&3; read a <&3; echo 8,1 >&3; read b <&3; echo $a $b", out: "7 9\n", effects: "Call add(7); Call add(8, 1)"},
	{name: "calls that fail are not repeated", script: "echo > demo/liar/call; echo > demo/reset/call; cut -d' ' -f2- .nom/error",
		out:     "bash: line 2: echo: write error: Remote I/O error\nbash: line 2: echo: write error: Connection reset by peer\ncall demo/reset/call ECONNRESET: peer was restarted; it may have run: connection reset by peer\n",
		effects: "Call liar(); Call reset()"},
	{name: "result None", script: "echo > demo/none/call; cat demo/none/call; wc -c demo/none/call", out: "0 demo/none/call\n", effects: "Call none()"},
	{name: "result a reference", script: "echo > demo/make/call; cat demo/make/call; cd \"$(cat demo/make/call)\"; ls; readlink parent", out: "MNT/.nom/obj/1003\nme\nparent\nv\n../../../demo\n", effects: "Call make()"},
	{name: "result iterator", script: "echo 3 > demo/yields/call; cat demo/yields/call; echo 0 > demo/yields/call; wc -c < demo/yields/call",
		out: "1\n'two\\nlines'\n3\n0\n", effects: "Call yields(3); Call next(); Call next(); Call next(); Call next(); Call yields(0); Call next()"},
	{name: "original: result iterator", fixture: "plain", script: "echo 3 > demo/yields/call; cat demo/yields/call", out: "1\n'two\\nlines'\n3\n",
		effects: "Call yields(3); Call next(); Call next(); Call next(); Call next()"},
	{name: "paths from where one stands", script: "cd demo; echo '@child, @../other, @other' > none/call; echo $?; ls ../.nom/obj/$(cat child/.oid) | head -n1", out: "0\nme\n", effects: "Call none(ref 1003, ref 1002, ref 1002)"},
	{name: "a value as a path", script: "cd demo; echo @number > none/call; cat none.err; echo @nope > none/call", status: 1, out: "bash: line 2: echo: write error: Operation not permitted\nEPERM: @number: target is not an object in this mount\nbash: line 2: echo: write error: No such file or directory\n"},
	{name: "paths as arguments", script: "echo \"@demo, k=@$M/other\" > demo/none/call; echo @nope > demo/none/call", status: 1, out: "bash: line 2: echo: write error: No such file or directory\n", effects: "Call none(ref 1001 k=ref 1002)"},
	{name: "paths by links from outside", script: "L=$(mktemp -d); mkdir $L/d; ln -s $M $L/d/m; ln -s d/../d/m $L/n; ln -s $L/d/m/other demo/link; readlink demo/link; echo @$L/n/demo/child > demo/kid; cd $L; echo \"@n/other, @d/m/demo, @demo, @$L/n/demo/child\" > $M/demo/none/call; ln -s l $L/l; ln -s $L/l/demo $M/demo/bad; ln -s $L/d $M/demo/bad; rm -r $L", status: 0,
		out:     "../a.b c\nln: failed to create symbolic link 'MNT/demo/bad': Operation not permitted\nln: failed to create symbolic link 'MNT/demo/bad': Operation not permitted\n",
		effects: "SetAttr demo.link=ref 1002; SetAttr demo.kid=ref 1003; Call none(ref 1002, ref 1001, ref 1001, ref 1003)"},
	{name: "reading never calls", script: "cat demo/add/call; wc -c demo/add/call; cp demo/add/call /dev/null; grep -c . demo/add/call", status: 1, out: "0 demo/add/call\n0\n"},
	{name: "two sessions", script: "for i in a b; do setsid -w bash -c \"for j in 1 2 3 4 5 6 7 8 9 10; do echo $i\\$j > demo/greet/call; [ \\\"\\$(cat demo/greet/call)\\\" = \\\"hello $i\\$j\\\" ] || echo BAD; done\" & done; wait; cat demo/greet/call"},

	{name: "JSON", script: "cd demo; cat number.json text.json pair.json child.json child/.json; printf '[1,\\n2.0]' > values.json; echo 3 > ratio.json; cat values ratio; echo '{' > pair.json; echo '[1] 2' > number.json; cat number.err; echo '{\"@\": \"../other\"}' > nothing.json; readlink nothing",
		out:     "5\n\"café\"\n{\n  \"@tuple\": [\n    1,\n    \"x\"\n  ]\n}\n{\n  \"@\": \"child\"\n}\n{\n  \"me\": {\n    \"@\": \"me\"\n  },\n  \"parent\": {\n    \"@\": \"parent\"\n  },\n  \"v\": 7\n}\n[1, 2.0]\n3.0\nbash: line 2: echo: write error: Invalid argument\nEINVAL: want JSON: more follows after the value\n../a.b c\n",
		effects: "SetAttr demo.values=[1, 2.0]; SetAttr demo.ratio=3.0; SetAttr demo.nothing=ref 1002"},
	{name: "JSON read, changed, written", script: `python3 -c "
import json
for f in 'long ratio flag name text nothing values nested pair blob empty'.split():
  v = json.load(open('demo/%s.json' % f)); json.dump(v, open('demo/%s.json' % f, 'w'), indent=4)
print(json.load(open('demo/.json'))['numbers'], len(json.load(open('demo/.json'))))"`, out: "{'@': 'numbers'} 26\n",
		effects: "SetAttr demo.long=7; SetAttr demo.ratio=0.5; SetAttr demo.flag=True; SetAttr demo.name='hello'; SetAttr demo.text='café'; SetAttr demo.nothing=None; SetAttr demo.values=[1, (2, 3)]; SetAttr demo.nested={'a': 1.5}; SetAttr demo.pair=(1, 'x'); SetAttr demo.blob=b'\\xff\\x00\\x01'; SetAttr demo.empty=''"},
	{name: "JSON of the whole", script: `cd demo; echo '[1, {"@": "../other"}]' > values.json; echo 1 > add/call; python3 -c "
import json
v = json.load(open('.json')); print(v['values'], v['calls'], 'broken' in v, 'add' in v)"`, out: "[1, {'@': '../a.b c'}] 1 False False\n", effects: "SetAttr demo.values=[1, <object 1002 at 127.0.0.1:12074>]; Call add(1)"},
	{name: "items of what holds some now", script: "cd demo; ls > /dev/null; echo '{1: 2}' > nothing; ls nothing.items; cat nothing.lines; echo 5 > number.repr; echo '[6]' > number.repr; cat number.lines; echo None > values.repr; ls values.lines 2> /dev/null", status: 2,
		out: "1\n1\t2\n6\n", effects: "SetAttr demo.nothing={1: 2}; SetAttr demo.number=5; SetAttr demo.number=[6]; SetAttr demo.values=None"},
	{name: "lines", root: true, script: "cd demo; cat values.lines pair.lines nested.lines; ls number.lines child.lines add.lines; echo 1 > values.lines; cat values.err", out: "1\n(2, 3)\n1\nx\na\t1.5\nls: cannot access 'number.lines': No such file or directory\nls: cannot access 'child.lines': No such file or directory\nls: cannot access 'add.lines': No such file or directory\nbash: line 2: values.lines: Read-only file system\nEROFS: this is a copy; write values\n"},
	{name: "items of a copy", root: true, script: "cd demo; find values.items nested.items | sort; cat values.items/1/0 nested.items/a; cat values.items/2; rm values.items/0; mkdir values.items/x; echo 1 > values.items/1/9; rm -r nested.items/a; cat values.err; echo '[7]' > values; cat values.items/0; ls number.items", status: 2,
		out:     "nested.items\nnested.items/a\nvalues.items\nvalues.items/0\nvalues.items/1\nvalues.items/1/0\nvalues.items/1/1\n2\n1.5\ncat: values.items/2: No such file or directory\nrm: cannot remove 'values.items/0': Read-only file system\nmkdir: cannot create directory ‘values.items/x’: Read-only file system\nbash: line 2: values.items/1/9: Read-only file system\nrm: cannot remove 'nested.items/a': Read-only file system\nEROFS: this is a copy; write values\n7\nls: cannot access 'number.items': No such file or directory\n",
		effects: "SetAttr demo.values=[7]"},
	{name: "commands", script: "ls demo/.bin; ls -A demo/numbers/.bin demo/add/.bin .bin; head -n1 demo/.bin/add; demo/.bin/add 2 --b=3; $M/demo/self/.bin/greet 'a b'; stat -c '%a %s' demo/.bin/add; test demo/.bin/add -ef demo/.bin/greet || echo apart",
		out: "add\nfail\ngreet\nliar\nmake\nnone\nreset\nslow\nyields\n.bin:\n\ndemo/add/.bin:\n\ndemo/numbers/.bin:\n#!/bin/echo call-file\ncall-file demo/.bin/add 2 --b=3\ncall-file MNT/demo/self/.bin/greet a b\n555 22\napart\n"},
	{name: "commands stay as they are", root: true, script: "cd demo/.bin; echo 1 > add; echo 1 > new; rm -f add; mv add b; chmod 600 add; touch add; ls nope number a%25b; [ -x add ] && echo x", out: "bash: line 2: add: Permission denied\nbash: line 2: new: Operation not permitted\nrm: cannot remove 'add': Operation not permitted\nmv: cannot move 'add' to 'b': Operation not permitted\nls: cannot access 'nope': No such file or directory\nls: cannot access 'number': No such file or directory\nls: cannot access 'a%25b': No such file or directory\nx\n"},
	{name: "signature", script: "cat demo/add/.sig; cat demo/.sig", status: 1, out: "add(a, b: int = 2, *rest)\ncat: demo/.sig: Operation not supported\n"},
	{name: "a caller's own error", script: "python3 -c 'import os\nf=os.open(\"demo/fail/call\",2)\ntry: os.write(f,b\"\\n\")\nexcept OSError: pass\nos.system(\"echo x > demo/fail/call 2>/dev/null; echo [ > demo/fail/call\")\nprint(os.getxattr(f, \"user.nom.error\"))' 2>/dev/null", out: "b'Oops: it failed\\n'\n", effects: "Call fail(); Call fail('x')"},
	{name: "find", script: "find . > /dev/null; echo $?; grep -r 10 demo/numbers; grep -rq nothere demo/child; echo $?; du -s . > /dev/null; echo $?; find demo -name number", out: "0\ndemo/numbers/index/0:10\n1\n0\ndemo/number\n"},
	{name: "cp -r and tar", script: "d=$(mktemp -d); cp -r demo/child demo/numbers $d && cat $d/child/v $d/numbers/index/2; tar c demo/child | tar t; cp -a demo/table $d && ls $d/table", out: "7\n30\ndemo/child/\ndemo/child/me\ndemo/child/parent\ndemo/child/v\nindex\nlen\n"},
	{name: "sizes", script: "[ -s demo/number ] && cat demo/number | wc -c; stat -c %s demo/number; tail -n1 demo/number; wc -c demo/ratio; stat -c %Y demo/number | grep -c ^0", status: 1, out: "2\n2\n5\n4 demo/ratio\n0\n"},
	{name: "sizes with others open", script: "exec 3<demo/name; cd demo; echo much longer > name; wc -c < name; stat -c %s name; exec 4>name; printf 'a b' >&4; wc -c < name; stat -c %s name; tail -c 2 name; wc -c < name.json; exec 6<name.json; echo '\"x\"' > name.json; wc -c < name.json; cat <&3",
		out: "12\n12\n4\n4\nb\n6\n4\nhello\n", effects: "SetAttr demo.name='much longer'; SetAttr demo.name='a b'; SetAttr demo.name='x'"},
	{name: "sizes of texts with others open", script: "exec 3<.nom/error; echo x > demo/number 2>/dev/null; wc -c < .nom/error; cat .nom/error | wc -c; tail -c 8 .nom/error; cat <&3; stat -c %s .nom/error", out: "130\n130\n quotes\n130\n"},
	{name: "df", script: "df . | tail -n1 | cut -d' ' -f1; stat -f -c %l .", out: "fake\n255\n"},
	{name: "git", script: "cd demo; git status 2>&1 | head -n1 | cut -c1-30; git diff --no-index --stat number long | tail -n1", out: "fatal: not a git repository (o\n 1 file changed, 1 insertion(+), 1 deletion(-)\n"},
	{name: "nom", script: "ls -A .nom; grep -c 'ls demo' .nom/README; head -n1 .nom/status; wc -c < .nom/error; ls .nom/obj", out: "README\nerror\nlog\nobj\nstatus\n1\npeer      fake, up\n0\n"},

	{name: "original: lookup is the authority", fixture: "plain", script: "ls demo; cat demo/number demo/name; ls demo; echo 6 > demo/number; cat demo/number demo/number.type; rm demo/number; ls demo",
		out: "call\nindex\nlen\n5\nhello\ncall\nindex\nlen\nname\nnumber\n6\nint\ncall\nindex\nlen\nname\n", effects: "SetAttr demo.number=6; DelAttr demo.number"},
	{name: "original: items", fixture: "plain", script: "ls demo/numbers/index; cat demo/numbers/len demo/len; cat demo/table/index/a.b; ls demo/table/index; cat demo/table/index/5", status: 1,
		out: "0\n1\n2\n3\ncat: demo/len: Operation not supported\n1\na.b\ncat: demo/table/index/5: No such file or directory\n"},
	{name: "original: calls", fixture: "plain", script: "echo 2,3 > demo/add/call; cat demo/add/call; echo > demo/call", status: 1, out: "5\nbash: line 2: echo: write error: Invalid argument\n", effects: "Call add(2, 3); Call demo()"},
	{name: "original: commands", fixture: "plain", script: "demo/.bin/add 1; demo/.bin/nope; ls demo/.bin/a-b demo/.bin/4913; ls demo/.bin; .bin/demo 2; ls .bin/nope; cat demo/add/.sig", out: "call-file demo/.bin/add 1\ncall-file demo/.bin/nope\nls: cannot access 'demo/.bin/a-b': No such file or directory\nls: cannot access 'demo/.bin/4913': No such file or directory\ncall-file .bin/demo 2\nls: cannot access '.bin/nope': No such file or directory\nadd(...)\n"},
	{name: "original: views", fixture: "plain", script: "cd demo; cat values.lines number.json; ls nope.json name.lines; cat .json", out: "1\n(2, 3)\n5\nls: cannot access 'nope.json': No such file or directory\nls: cannot access 'name.lines': No such file or directory\n{\n  \"name\": \"hello\",\n  \"number\": 5,\n  \"values\": [\n    1,\n    {\n      \"@tuple\": [\n        2,\n        3\n      ]\n    }\n  ]\n}\n"},
	{name: "original: find", fixture: "plain", script: "cat demo/self/child/v > /dev/null; find . | sort | head -n 8; grep -r 7 demo/child; echo $?", out: ".\n./.nom\n./.nom/README\n./.nom/error\n./.nom/log\n./.nom/obj\n./.nom/status\n./a.b c\ngrep: demo/child/len: Operation not supported\ndemo/child/v:7\n2\n"},
	{name: "wide and long", fixture: "big", script: "ls wide | wc -l; ls long/index | wc -l; cat long/index/4999; find long | wc -l", out: "1000\n5000\n4999\n5003\n"},
}

func TestTree(t *testing.T) {
	for _, tt := range treeTests {
		t.Run(tt.name, func(t *testing.T) {
			fixture := tt.fixture
			if fixture == "" {
				fixture = "demo"
			}
			s := startServer(t, serveSpec{Fixture: fixture})
			out, status := s.sh(tt.script)
			if (out != tt.out || status != tt.status) && (isRoot || !tt.root) {
				t.Errorf("%s\nprinted %q, status %d\nwant    %q, status %d", tt.script, out, status, tt.out, tt.status)
			}
			if got := effects(s.ops()); got != tt.effects && !strings.Contains(tt.script, "$j") {
				t.Errorf("%s\nthe peer was asked %q\nwant               %q", tt.script, got, tt.effects)
			}
		})
	}
}

// TestOperations counts requests: what must be answered from memory is.
func TestOperations(t *testing.T) {
	for _, tt := range []struct {
		name, prepare, script string
		max                   int
	}{
		{"cat", "", "cat demo/number", 2},
		{"listing", "ls -l demo", "ls -l demo/child", 5}, // two attributes are references
		{"names that no attribute has", "ls demo", "ls demo/foo-bar demo/.git demo/.x.swp demo/4913 demo/number~ demo/a.b", 1}, // demo itself,
		{"methods that are not there", "ls demo", "ls demo/.bin/nope demo/.bin/x1 demo/.bin/a.b", 0},
		{"commands", "ls demo", "demo/.bin/add; ls demo/.bin; demo/.bin/greet", 0},
		{"git", "ls demo", "cd demo; git status; cd ..; git status", 2}, // HEAD may be an attribute, .git never
		{"status", "", "cat .nom/status .nom/error; ls .nom; df .", 0},
		{"attributes", "ls demo", "getfattr -n user.nom.error demo", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, serveSpec{Fixture: "demo"})
			s.sh(tt.prepare)
			s.ask("reset")
			s.sh(tt.script)
			if ops := s.ops(); len(ops) > tt.max {
				t.Errorf("%s asks %d times: %q; want at most %d", tt.script, len(ops), ops, tt.max)
			}
		})
	}
	for _, tt := range []struct{ name, fixture, script, want string }{
		{"a cold path", "demo", "cat demo/child/parent/number", "Roots GetAttr demo.child GetAttr child.parent GetAttr demo.number"},
		{"a cold call", "demo", "echo '2, b=3' > demo/add/call; cat demo/add/call", "Roots Look demo.add Call add(2 b=3)"},
		{"a method", "demo", "cat demo/add/.doc demo/add.type; ls demo/add", "Roots Look demo.add Look demo.add Look demo.add"},
		{"a whole object", "demo", "cat demo/child/.json", "Roots GetAttr demo.child Describe child Snapshot child"},
		{"items of a copy", "demo", "find demo/values.items -type f | xargs cat", "Roots GetAttr demo.values"},
		{"items by kind", "demo", "ls demo/table/index demo/numbers/index", "Roots GetAttr demo.table Describe table GetAttr demo.numbers Describe numbers Keys numbers Keys table"},
		{"an original's path", "plain", "cat demo/child/v", "Resolve demo GetAttr demo.child GetAttr child.v"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, serveSpec{Fixture: tt.fixture})
			s.sh(tt.script)
			if got := strings.Join(s.ops(), " "); got != tt.want {
				t.Errorf("%s asks %q, want %q", tt.script, got, tt.want)
			}
		})
	}
	s := startServer(t, serveSpec{Fixture: "big"})
	// A snapshot is good for a second, in which a slow machine reads fewer.
	const once, perSecond = 40, 20
	start := time.Now()
	if out, _ := s.sh("cat wide/* | wc -l; sort -n wide/* | tail -n1"); out != "1000\n999\n" {
		t.Errorf("a thousand values: %q", out)
	}
	if ops := s.ops(); len(ops) > once+perSecond*int(1+time.Since(start)/time.Second) {
		t.Errorf("reading 1000 attributes twice asks %d times: %.300q", len(ops), ops)
	}
	s.ask("reset")
	s.sh("ls -l wide > /dev/null; ls wide > /dev/null")
	if ops := s.ops(); len(ops) > once {
		t.Errorf("listing 1000 attributes asks %d times: %.300q", len(ops), ops)
	}
}

// TestReadOnly checks that nothing gets through a mount that may not write.
func TestReadOnly(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo", ReadOnly: true})
	out, _ := s.sh("cat demo/number; for c in 'echo 1 > demo/number' 'echo 1 > demo/new' 'echo > demo/add/call' 'rm demo/number' 'mkdir demo/x' 'ln -s ../other demo/l' 'touch demo/number' 'mv demo/number demo/x'; do eval $c 2>&1 | grep -c 'Read-only file system'; done")
	if want := "5\n" + strings.Repeat("1\n", 8); out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if got := effects(s.ops()); got != "" {
		t.Errorf("the peer was asked %q", got)
	}
}

// TestPeerAway checks that nothing waits longer than it must.
func TestPeerAway(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo", Timeout: time.Second})
	s.sh("ls demo")
	s.ask("hang GetAttr demo.number")
	start := time.Now()
	out, _ := s.sh("cat demo/name; cat demo/number; echo 5 > demo/number; cat demo/name; cut -d' ' -f2-4 .nom/error")
	if want := "hello\ncat: demo/number: Connection timed out\nbash: line 2: demo/number: Connection timed out\nhello\nread demo/number ETIMEDOUT:\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if took := time.Since(start); took > 6*time.Second {
		t.Errorf("took %v", took)
	}
	// Others are not held up by one who waits, and who waits can be killed.
	out, _ = s.sh("(cat demo/number & p=$!; sleep 0.1; kill -9 $p; wait $p; echo $?) 2>/dev/null; ls demo > /dev/null; cat demo/name")
	if out != "137\nhello\n" {
		t.Errorf("got %q", out)
	}
	s.ask("down")
	out, _ = s.sh("ls other 2>&1 | grep -o 'Host is down'; cat .nom/status | head -n1; cat demo/ratio 2>&1 | grep -o 'Host is down'")
	if want := "Host is down\npeer      fake, up\nHost is down\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// TestRestart checks that paths outlive their references.
func TestRestart(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	s.sh("cat demo/child/v demo/number; echo 1 > demo/add/call; echo > demo/make/call; cat demo/make/call")
	s.ask("restart")
	out, status := s.sh("ls .nom/obj/1003; cat demo/child/v; echo 2,3 > demo/add/call && cat demo/add/call; echo 6 > demo/number; cat demo/number")
	if want := "ls: reading directory '.nom/obj/1003': Stale file handle\n7\n5\n6\n"; out != want || status != 0 {
		t.Errorf("got %q, status %d, want %q", out, status, want)
	}
}

// TestWaiting checks who waits for a call, and who does not.
func TestWaiting(t *testing.T) {
	const runs = `; until grep -q "^calls_running *1$" .nom/status; do :; done; `
	for _, tt := range []struct {
		name, script, out string
		min, max          time.Duration
		effects           string
	}{
		{"the reader waits", "echo 2 > demo/slow/call; cat demo/slow/call", "done\n", 1900 * time.Millisecond, 20 * time.Second, "Call slow(2)"},
		{"a second writer does not", "(echo 60 > demo/slow/call) >/dev/null 2>&1 &" + runs[1:] + "echo 0.1 > demo/slow/call", "", 0, 20 * time.Second, "Call slow(60); Call slow(0.1)"},
		{"kill -9", "(echo 60 > demo/slow/call & p=$!" + runs + "kill -9 $p; wait $p; echo $?) 2>/dev/null", "137\n", 0, 20 * time.Second, "Call slow(60)"},
		{"kill -9 in close", "(bash -c 'exec 3>demo/slow/call; echo 60 >&3' & p=$!" + runs + "sleep 1.5; kill -9 $p; wait $p; echo $?) 2>/dev/null", "137\n", 0, 20 * time.Second, "Call slow(60)"},
		{"exit", "python3 -c 'import os\nf=os.open(\"demo/slow/call\",1); os.write(f,b\"60\\n\"); os._exit(3)'; echo $?", "3\n", 900 * time.Millisecond, 20 * time.Second, "Call slow(60)"},
		{"Ctrl-C on a reader", "echo 60 > demo/slow/call &" + runs[1:] + "(cat demo/slow/call & p=$!; sleep 0.3; kill $p; wait $p; echo $?)", "143\n", 0, 20 * time.Second, "Call slow(60)"},
		{"signals that mean nothing", "python3 -c '\nimport os,signal,threading,time\nn=[]\nsignal.signal(signal.SIGUSR1,lambda *a:n.append(1)); signal.signal(signal.SIGURG,lambda *a:n.append(2))\nm=threading.main_thread().ident\ndef k():\n  for i in range(40):\n    signal.pthread_kill(m,signal.SIGUSR1); signal.pthread_kill(m,signal.SIGURG); time.sleep(0.02)\nt=threading.Thread(target=k); t.start()\nf=os.open(\"demo/slow/call\",2); os.write(f,b\"0.5\\n\"); print(os.read(f,99)); t.join()'", "b'done\\n'\n", 0, 20 * time.Second, "Call slow(0.5)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, serveSpec{Fixture: "demo"})
			start := time.Now()
			out, _ := s.sh(tt.script)
			took := time.Since(start)
			if out != tt.out && !strings.HasSuffix(out, tt.out) || took < tt.min || took > tt.max {
				t.Errorf("%s\nprinted %q after %v, want %q after %v to %v", tt.script, out, took, tt.out, tt.min, tt.max)
			}
			if got := effects(s.ops()); got != tt.effects {
				t.Errorf("the peer was asked %q, want %q", got, tt.effects)
			}
		})
	}
}

// TestToldAttributes checks names from the mount's options, for a peer that
// cannot tell any.
func TestToldAttributes(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "plain", Attrs: map[string][]string{"demo": {"number", "child", "nope", "_x"}}})
	out, status := s.sh("ls -F demo")
	if want := "call\nchild/\nindex/\nlen\nnumber\n"; out != want || status != 0 {
		t.Errorf("got %q, status %d, want %q", out, status, want)
	}
}
