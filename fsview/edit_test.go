//go:build linux

package fsview

import (
	"regexp"
	"strings"
	"testing"
)

// editTests are the ways in which people and programs save a file. Each must
// save, and the peer must be asked to set it once, and never hear of the files
// that the tool made for itself.
var editTests = []struct {
	name    string
	fixture string // "" is demo
	script  string
	out     string
	status  int
	effects string
	root    bool // as in treeTests
}{
	{name: "vim", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/hello/edited/' -c wq demo/name; echo $?; cat demo/name; ls demo | grep -c '[~.0-9]$'; true`, out: "0\nedited\n0\n", effects: "SetAttr demo.name='edited'"},
	{name: "vim in a terminal", script: press + `python3 $T/press hello ':%s/hello/edited/\r:wq\r' vim -N -u DEFAULTS -i NONE --cmd 'set backupskip=' demo/name; echo $?; cat demo/name`, out: "0\nedited\n", effects: "SetAttr demo.name='edited'"},
	{name: "perl -i", script: "perl -pi -e s/hello/edited/ demo/name; perl -pi -e s/5/6/ demo/number; cat demo/name demo/number; perl -pi.bak -e s/6/7/ demo/number; cat demo/number demo/number.bak", out: "edited\n6\n7\n6\n",
		effects: "SetAttr demo.name='edited'; SetAttr demo.number=6; SetAttr demo.number=7"},
	{name: "vim with its defaults", script: `vim -es -u NONE --cmd 'set backupskip=' -N -i NONE --cmd 'set swapfile updatecount=1' -c '%s/5/6/' -c wq demo/number; cat demo/number`, out: "6\n", effects: "SetAttr demo.number=6"},
	{name: "vim backup", script: `vim -es -u NONE --cmd 'set backupskip=' -c 'set backup' -c '%s/hello/edited/' -c wq demo/name; cat demo/name demo/name~`, out: "edited\nhello\n", effects: "SetAttr demo.name='edited'"},
	{name: "vim backupcopy=no", script: `for i in 1 2 3; do vim -es -u NONE --cmd 'set backupskip=' -c 'set backup backupcopy=no' -c "%s/\$/$i/" -c wq demo/name; done; cat demo/name demo/name~`, out: "hello123\nhello12\n",
		effects: "SetAttr demo.name='hello1'; SetAttr demo.name='hello12'; SetAttr demo.name='hello123'"},
	{name: "vim backupcopy=yes", script: `vim -es -u NONE --cmd 'set backupskip=' -c 'set backup backupcopy=yes' -c '%s/hello/edited/' -c wq demo/name; cat demo/name demo/name~`, out: "edited\nhello\n", effects: "SetAttr demo.name='edited'"},
	{name: "vim twice", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/5/6/' -c w -c '%s/6/7/' -c wq demo/number; cat demo/number`, out: "7\n", effects: "SetAttr demo.number=6; SetAttr demo.number=7"},
	{name: "vim of a wrong type", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/5/x/' -c wq demo/number; cat demo/number demo/number.err`, out: "5\nEINVAL: want int, got \"x\": column 1: expected a value, found the name x: text needs quotes\n",
		effects: "SetAttr demo.number=5"}, // vim writes back what it had read
	{name: "vim of a wrong type, backupcopy=no", script: `vim -es -u NONE --cmd 'set backupskip=' -c 'set backupcopy=no' -c '%s/5/x/' -c wq demo/number; cat demo/number`, out: "5\n"},
	{name: "vim of an item", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/20/21/' -c wq demo/numbers/index/1; cat demo/numbers/index/1`, out: "21\n", effects: "SetItem numbers[1]=21"},
	{name: "vim of a literal", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/5/[1]/' -c wq demo/number.repr; cat demo/number`, out: "[1]\n", effects: "SetAttr demo.number=[1]"},
	{name: "vim of something new", script: `vim -es -u NONE --cmd 'set backupskip=' -c 'norm ihi' -c wq demo/brandnew; cat demo/brandnew`, out: "hi\n", effects: "SetAttr demo.brandnew='hi'"},
	{name: "vim on an original", fixture: "plain", script: `vim -es -u NONE --cmd 'set backupskip=' -c '%s/hello/edited/' -c wq demo/name; cat demo/name`, out: "edited\n", effects: "SetAttr demo.name='edited'"},
	{name: "nano", script: press + `python3 $T/press hello 'X\x0f\r\x18' nano -I demo/name; echo $?; cat demo/name`, out: "0\nXhello\n", effects: "SetAttr demo.name='Xhello'"},
	{name: "nano with a backup and a lock", script: press + `python3 $T/press 5 '1\x0f\r\x18' nano -I -B -G demo/number; cat demo/number demo/number~`, out: "15\n5\n", effects: "SetAttr demo.number=15"},
	{name: "sed -i", script: "sed -i s/hello/edited/ demo/name; sed -i s/5/6/ demo/number; sed -i.bak s/6/7/ demo/number; cat demo/name demo/number demo/number.bak", out: "edited\n7\n6\n",
		effects: "SetAttr demo.name='edited'; SetAttr demo.number=6; SetAttr demo.number=7"},
	{name: "sed -i of a wrong type", script: "sed -i s/5/x/ demo/number 2>&1 | sed s,/sed......:,/SEDTMP:,; cat demo/number", out: "sed: cannot rename demo/SEDTMP: Invalid argument\n5\n"},
	{name: "sed -i of an item", script: "sed -i s/20/21/ demo/numbers/index/1; cat demo/numbers/index/1", out: "21\n", effects: "SetItem numbers[1]=21"},
	{name: "cp", script: "echo 6 > $T/f; cp $T/f demo/number; cp -p $T/f demo/long; cp --backup=simple $T/f demo/ratio; cat demo/number demo/long demo/ratio demo/ratio~", out: "6\n6\n6.0\n0.5\n",
		effects: "SetAttr demo.number=6; SetAttr demo.long=6; SetAttr demo.ratio=6.0"},
	{name: "cp inside", script: "cd demo; cp number number2; cp -a name name2; cat number2 name2", out: "5\nhello\n", effects: "SetAttr demo.number2=5; SetAttr demo.name2='hello'"},
	{name: "mv from elsewhere", script: "echo 6 > $T/f; mv $T/f demo/name; cat demo/name demo/name.type; ls $T", out: "6\nbytes\n", effects: "DelAttr demo.name; SetAttr demo.name='6'"},
	{name: "mv after writing", script: "echo 7 > demo/name; echo 6 > $T/f; mv $T/f demo/name; cat demo/name.type", out: "bytes\n", effects: "SetAttr demo.name='7'; DelAttr demo.name; SetAttr demo.name='6'"},
	{name: "mv of a wrong type", script: "echo x > $T/f; mv -f $T/f demo/number; echo $?; cat $T/f demo/number; cat demo/number.err", out: "mv: error writing 'demo/number': Invalid argument\n1\nx\n5\nEINVAL: want int, got \"x\": column 1: expected a value, found the name x: text needs quotes\n", effects: "DelAttr demo.number; SetAttr demo.number=5"},
	{name: "mv, install, tar and cp of what is refused", script: `head -c 70000 /dev/zero | tr '\0' x > $T/name; cp $T/name $T/nested; cp $T/name $T/5
mv -f $T/nested demo/nested; echo $?; install $T/name demo/name; echo $?; tar c -C $T name | tar x -C demo; echo $?; cp --remove-destination $T/5 demo/table/index/5; echo $?; cat demo/name demo/nested demo/table/index/5`,
		out:     "mv: error writing 'demo/nested': Message too long\n1\ninstall: error writing 'demo/name': Message too long\n1\ntar: name: Cannot write: Message too long\ntar: Exiting with failure status due to previous errors\n2\ncp: error writing 'demo/table/index/5': Message too long\n1\nhello\n{'a': 1.5}\n2\n",
		effects: "DelAttr demo.nested; SetAttr demo.nested={'a': 1.5}; DelAttr demo.name; SetAttr demo.name='hello'; DelAttr demo.name; SetAttr demo.name=N bytes; SetAttr demo.name='hello'; DelItem table['5']; SetItem table['5']=2"},
	{name: "mv out, and then a mistake", script: "mv demo/number $T/n; echo x > demo/long; mv demo/long $T/l; echo [ > demo/long; ls demo/number demo/long; cat $T/n", out: "bash: line 2: echo: write error: Invalid argument\nls: cannot access 'demo/number': No such file or directory\nls: cannot access 'demo/long': No such file or directory\n5\n", effects: "DelAttr demo.number; DelAttr demo.long"},
	{name: "install", script: "echo 6 > $T/f; install -m 644 $T/f demo/number; install -b -m 644 $T/f demo/long; cat demo/number demo/long demo/long~ demo/long.type", out: "6\n6\n7\nint\n",
		effects: "DelAttr demo.number; SetAttr demo.number=6; SetAttr demo.long=6"},
	{name: "tar x", script: "cd $T; echo 6 > number; echo 9 > name; tar cf a.tar number name; cd - > /dev/null; tar xf $T/a.tar -C demo; cat demo/number demo/name demo/name.type", out: "6\n9\nbytes\n",
		effects: "DelAttr demo.number; SetAttr demo.number=6; DelAttr demo.name; SetAttr demo.name='9'"},
	{name: "tar x --overwrite", script: "cd $T; echo 6 > number; tar cf a.tar number; cd - > /dev/null; tar xf $T/a.tar --overwrite -C demo; cat demo/number", out: "6\n", effects: "SetAttr demo.number=6"},
	{name: "tee, dd, awk, perl", script: "cd demo; echo 6 | tee number; echo 7 | dd of=number status=none; awk 'BEGIN{print 8 > \"number\"}'; perl -e 'open F,\">number\";print F \"9\\n\";close F or die'; cat number", out: "6\n9\n",
		effects: "SetAttr demo.number=6; SetAttr demo.number=7; SetAttr demo.number=8; SetAttr demo.number=9"},
	{name: "python atomic replace", script: `python3 -c "
import os, tempfile
def save(name, text, **kw):
  f=tempfile.NamedTemporaryFile('w', dir='demo', delete=False, **kw)
  f.write(text); f.flush(); os.fsync(f.fileno()); f.close(); os.replace(f.name, name)
save('demo/number', '6')
save('demo/name', '7\n', prefix='.name.')
save('demo/long', '8\n', suffix='.tmp')
try: save('demo/flag', 'maybe')
except OSError as e: print(e.errno)
"; cat demo/number demo/name demo/long demo/flag; grep -c ^scratch_file .nom/status`, out: "22\n6\n7\n8\nTrue\n1\n", effects: "SetAttr demo.number=6; SetAttr demo.name='7'; SetAttr demo.long=8"},
	{name: "a file that is still open when it is renamed", script: `python3 -c "
import os
f=open('demo/.n','w'); f.write('6'); f.flush(); os.rename('demo/.n','demo/number'); f.write('7'); f.close()"; cat demo/number`, out: "67\n", effects: "SetAttr demo.number=6; SetAttr demo.number=67"},
	{name: "git lock and rename", script: "cd demo; (set -C; echo 6 > number.lock) && mv -f number.lock number; cat number; mv -n number number.old; cat number.old; cp -n number.old long; cat long", out: "6\n6\n7\n", effects: "SetAttr demo.number=6"},
	{name: "git apply", script: "cd demo; printf -- '--- a/name\\n+++ b/name\\n@@ -1 +1 @@\\n-hello\\n+edited\\n' | git apply; cat name; git status 2>&1 | head -n1 | cut -c1-27; git diff --no-index number name | tail -n1", out: "edited\nfatal: not a git repository\n+edited\n",
		effects: "DelAttr demo.name; SetAttr demo.name='edited'"},

	{name: "scratch files", script: `cd demo; for n in .x tmpa 4913 x~ '#x#' sedAbCdEf a.swp name.tmp; do echo 1 > $n && cat $n > /dev/null && chmod 600 $n && stat -c '%a %s' $n; done | sort | uniq -c
echo 23 >> x~; truncate -s 3 x~; cat x~; echo; mv x~ y~; cat x~; cat y~ .x; ls -A | grep -c '[~.#0-9]$'; grep ^scratch_file ../.nom/status | tail -n1; rm .x tmpa 4913 y~ '#x#' sedAbCdEf a.swp name.tmp; cat y~; grep ^scratch_file ../.nom/status`, status: 1,
		out: "      8 600 2\n1\n2\ncat: x~: No such file or directory\n1\n21\n0\nscratch_file         demo/y~, 3 bytes\ncat: y~: No such file or directory\n"},
	{name: "scratch files are bounded", script: "cd demo; head -c 1048577 /dev/zero > .big; echo $?; stat -c %s .big; for i in {1..16}; do head -c 1M /dev/zero > .b$i || break; done 2>&1; for i in {1..300}; do echo > .n$i || break; done 2>&1 | grep -o 'No space.*'; rm -f .b{1..16} .n{1..300} .big; echo > .n",
		out: "head: write error: File too large\n1\n1048576\nhead: error writing 'standard output': No space left on device\nNo space left on device\n"},
	{name: "scratch at any offset", script: `python3 -c "
f=open('demo/.x','w+b'); f.seek(5); f.write(b'b'); f.seek(0); f.write(b'a'); f.flush(); f.seek(0); print(f.read()); f.truncate(1); f.seek(0); print(f.read())"; dd if=demo/.x bs=1 status=none; rm demo/.x`, out: "b'a\\x00\\x00\\x00\\x00b'\nb'a'\na"},
	{name: "scratch beside items", script: "cd demo/table/index; echo 1 > .x; echo 1 > x~; echo 1 > 99; mv x~ 6; cat 6 .x; rm .x", out: "1\n1\n", effects: "SetItem table[99]=1; SetItem table[6]=1"},
	{name: "an attribute with a scratch name", script: "cd other; cat x; mv x tmpx; cat tmpx x", fixture: "told", status: 1, out: "1\n1\ncat: x: No such file or directory\n", effects: "SetAttr other.tmpx=1; DelAttr other.x"},

	{name: "mv inside", script: "cd demo; mv number count; cat count number; mv count nested; cat nested nested.type; mv name child/; cat child/name; ls -i child/name | wc -l", status: 0,
		out:     "5\ncat: number: No such file or directory\n5\nint\nhello\n1\n",
		effects: "SetAttr demo.count=5; DelAttr demo.number; SetAttr demo.nested=5; DelAttr demo.count; SetAttr child.name='hello'; DelAttr demo.name"},
	{name: "mv of references", script: "cd demo; mv child kid; ls kid; cat kid/v; readlink kid/parent; ls child; mv self me; readlink me; mv kid numbers/index/7; ls numbers/index/7", status: 0,
		out:     "me\nparent\nv\n7\n..\nls: cannot access 'child': No such file or directory\n.\nme\nparent\nv\n",
		effects: "SetAttr demo.kid=ref 1003; DelAttr demo.child; SetAttr demo.me=ref 1001; DelAttr demo.self; SetItem numbers[7]=ref 1003; DelAttr demo.kid"},
	{name: "mv and write the old name", script: "cd demo; mv number count; echo 7 > number; cat number count; stat -c %i number count | uniq | wc -l; echo 8 > count; cat number count", out: "7\n5\n2\n7\n8\n",
		effects: "SetAttr demo.count=5; DelAttr demo.number; SetAttr demo.number=7; SetAttr demo.count=8"},
	{name: "mv onto itself", script: "ls demo/child/parent/number > /dev/null; mv demo/number demo/child/parent/number; echo > demo/make/call; o=$(cat demo/make/call); mv demo/child/v $o/v; cat demo/child/v", out: "mv: 'demo/number' and 'demo/child/parent/number' are the same file\n7\n", effects: "Call make()"},
	{name: "mv refused", root: true, script: "cd demo; mv add plus; mv fixed loose; mv numbers/len l; mv number call; mv number .type; cd ..; mv demo d; mv demo/number n; mv plain demo/p; mv demo/number demo/add.err", status: 1,
		out: "mv: cannot move 'add' to 'plus': Operation not permitted\nmv: cannot move 'fixed' to 'loose': Operation not permitted\n" +
			"mv: cannot move 'numbers/len' to 'l': Operation not permitted\nmv: cannot move 'number' to 'call': Operation not permitted\nmv: cannot move 'number' to '.type': Operation not permitted\nmv: cannot move 'demo' to 'd': Operation not permitted\nmv: cannot move 'demo/number' to 'n': Operation not permitted\nmv: cannot move 'plain' to 'demo/p': Operation not permitted\nmv: cannot move 'demo/number' to 'demo/add.err': Operation not permitted\n",
		effects: "SetAttr demo.loose=1; DelAttr demo.fixed; DelAttr demo.loose"},
	{name: "mv flags", script: `python3 -c "
import ctypes, os
libc=ctypes.CDLL(None, use_errno=True)
for flags in 1, 2:
  r=libc.renameat2(-100, b'demo/number', -100, b'demo/long', flags); print(r, os.strerror(ctypes.get_errno()))"; cut -d' ' -f2- .nom/error`, out: "-1 File exists\n-1 Invalid argument\nrename demo/number EINVAL: two names are never exchanged: rename one after the other\n"},
	{name: "a backup and nothing after it", script: "cd demo; mv name name~; cat name name~; ls | grep -x name; mv name~ name; cat name; mv name name~; echo new > name~; mv name~ name; cat name", status: 0,
		out: "cat: name: No such file or directory\nhello\nhello\nnew\n", effects: "SetAttr demo.name='new'"},
	{name: "references as text", script: "cd demo; echo @$M/demo/child > kid; ls kid; echo @$M/other > nothing; readlink nothing; echo @$M/other > number; readlink number; echo @$M/demo/child > name; cat name; echo @$M/other > name.repr; readlink name; echo @$M/none > kid2; echo @bob > bob; cat bob", status: 0,
		out:     "me\nparent\nv\n../a.b c\n../a.b c\n@MNT/demo/child\n../a.b c\nbash: line 2: echo: write error: No such file or directory\n@bob\n",
		effects: "SetAttr demo.kid=ref 1003; SetAttr demo.nothing=ref 1002; SetAttr demo.number=ref 1002; SetAttr demo.name=N bytes; SetAttr demo.name=ref 1002; SetAttr demo.bob='@bob'"},
	{name: "ln -sf", script: "ln -sf ../other demo/link; ln -sfn child demo/link; ls demo/link", out: "me\nparent\nv\n", effects: "SetAttr demo.link=ref 1002; SetAttr demo.link=ref 1003"},
}

// toolNames are the names of tools' own files in the operations of a peer.
var toolNames = regexp.MustCompile(`[.\[']([.#]|tmp|sed......$|(Cu|XX)......$|[0-9]{4}$|\w+[~.])`)

// textSize is the size of a text that holds the name of the mount point.
var textSize = regexp.MustCompile(`\d+ bytes`)

// press runs a program in a terminal of its own, and types once the terminal
// shows the word that the program starts with.
const press = `cat > $T/press <<'X'
import os, pty, sys
word, keys, cmd = sys.argv[1].encode(), eval("b'" + sys.argv[2] + "'"), sys.argv[3:]
pid, fd = pty.fork()
if pid == 0: os.environ['TERM']='xterm'; os.execvp(cmd[0], cmd)
seen, sent = b'', False
while True:
  try: b = os.read(fd, 9999)
  except OSError: break
  if not b: break
  seen += b
  if not sent and word in seen: os.write(fd, keys); sent = True
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
X
`

func TestEditors(t *testing.T) {
	for _, tt := range editTests {
		t.Run(tt.name, func(t *testing.T) {
			fixture := tt.fixture
			if fixture == "" {
				fixture = "demo"
			}
			s := startServer(t, serveSpec{Fixture: fixture})
			out, status := s.sh("export T=" + t.TempDir() + "\n" + tt.script)
			out = strings.ReplaceAll(out, "bash: line 3:", "bash: line 2:")
			if (out != tt.out || status != tt.status) && (isRoot || !tt.root) {
				t.Errorf("%s\nprinted %q, status %d\nwant    %q, status %d", tt.script, out, status, tt.out, tt.status)
			}
			ops := s.ops()
			if got := textSize.ReplaceAllString(effects(ops), "N bytes"); got != tt.effects {
				t.Errorf("%s\nthe peer was asked %q\nwant               %q", tt.script, got, tt.effects)
			}
			for _, op := range ops {
				if toolNames.MatchString(op) && tt.fixture != "told" {
					t.Errorf("the peer heard of a tool's file: %s", op)
				}
			}
		})
	}
}

// deletionTests are what the three ways to mount let rm do.
var deletionTests = []struct {
	name    string
	delete  Deletion
	script  string
	out     string
	effects string
}{
	{"one", DeleteOne, "rm -rf demo/child 2>/dev/null; echo $?; rm demo/number; rmdir demo/child; echo $?", "1\n0\n", "DelAttr demo.number; DelAttr demo.child"},
	{"none", DeleteNone, "cd demo; rm number; rmdir child; mv number count; rm table/index/5; mv number number~; echo 6 > number; rm number~; sed -i s/6/7/ number; cat number",
		"rm: cannot remove 'number': Operation not permitted\nrmdir: failed to remove 'child': Operation not permitted\nmv: cannot move 'number' to 'count': Operation not permitted\nrm: cannot remove 'table/index/5': Operation not permitted\n7\n",
		"SetAttr demo.number=6; SetAttr demo.number=7"},
	{"recursive", DeleteRecursive, "rm -r demo/child; echo $?; rm -r demo/table; echo $?; rmdir demo other 2>/dev/null; ls",
		"0\n0\na.b c\ndemo\nother\nplain\n",
		"DelAttr child.me; DelAttr child.parent; DelAttr child.v; DelAttr demo.child; DelItem table['6']; DelItem table[(1, 2)]; DelItem table['5']; DelItem table[6]; DelItem table['a.b']; DelItem table['x/y']; DelAttr demo.table"},
}

func TestDeletion(t *testing.T) {
	for _, tt := range deletionTests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, serveSpec{Fixture: "demo", Delete: tt.delete})
			out, _ := s.sh(tt.script)
			if out != tt.out {
				t.Errorf("%s\nprinted %q\nwant    %q", tt.script, out, tt.out)
			}
			if got := effects(s.ops()); got != tt.effects {
				t.Errorf("%s\nthe peer was asked %q\nwant               %q", tt.script, got, tt.effects)
			}
		})
	}
}

// TestReadOnlyScratch checks that a mount that may not write has no room for
// tools' files either.
func TestReadOnlyScratch(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo", ReadOnly: true})
	out, _ := s.sh("for c in 'echo 1 > demo/.x' 'sed -i s/5/6/ demo/number' 'mv demo/number demo/number~' 'mv demo/number demo/count' 'ln -sf child demo/kid'; do eval $c 2>&1 | grep -c 'Read-only file system'; done; cat demo/number")
	if want := strings.Repeat("1\n", 5) + "5\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	if got := effects(s.ops()); got != "" {
		t.Errorf("the peer was asked %q", got)
	}
}

func TestParseDeletion(t *testing.T) {
	for d, word := range map[Deletion]string{DeleteOne: "one", DeleteNone: "none", DeleteRecursive: "recursive"} {
		if got, err := ParseDeletion(word); err != nil || got != d || d.String() != word {
			t.Errorf("ParseDeletion(%q) = %v, %v", word, got, err)
		}
	}
	for _, word := range []string{"", "all", "None"} {
		if got, err := ParseDeletion(word); err == nil {
			t.Errorf("ParseDeletion(%q) = %v", word, got)
		}
	}
}
