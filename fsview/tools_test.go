//go:build linux

package fsview

import (
	"regexp"
	"testing"
)

// toolTests are what the tools that people use ask of a mount, one at a time,
// and what of it reaches the peer. A handler that relies on an operation can
// see here who sends it, and in which order.
var toolTests = []struct {
	name    string
	script  string // run in the directory demo, with $T to keep things in
	file    string // whose operations are compared; "" is number
	shape   string // a regular expression for the whole of shape's answer
	out     string
	effects string
}{
	{name: "cat", script: "cat number", shape: "open read", out: "5\n"},
	{name: "bash read", script: "read x < number; echo $x", shape: "open read", out: "5\n"},
	{name: "dash read", script: `dash -c 'read x < name; echo $x'`, file: "name", shape: "open read", out: "hello\n"},
	{name: "echo in bash", script: "echo 6 > number", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "echo in dash", script: "dash -c 'echo 6 > number'", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "echo of a wrong type", script: "echo x > number; echo $?", shape: "open> flush write flush", out: "bash: line 3: echo: write error: Invalid argument\n1\n"},
	{name: "echo, appending", script: "echo more >> name", file: "name", shape: "open>> flush write flush", effects: `SetAttr demo.name='hello\nmore'`},
	{name: "tee -a", script: "echo more | tee -a name", file: "name", shape: "open>> write flush", out: "more\n", effects: `SetAttr demo.name='hello\nmore'`},
	{name: "printf", script: "printf '%s\\n' 6 > number", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "a group", script: "{ echo a; printf b; echo c; } > name", file: "name", shape: "open> flush (write )+flush", effects: `SetAttr demo.name='a'; SetAttr demo.name='a\nbc'`},
	{name: "/bin/echo", script: "/bin/echo 6 > number", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "cat, writing", script: "echo 6 | cat > number", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "cat of 60 kB", script: "head -c 60000 /dev/zero | tr '\\0' x | cat > name", file: "name", shape: "open> flush (write )+flush", effects: "SetAttr demo.name=60002 bytes"},
	{name: "cp", script: "echo 6 > $T/f; cp $T/f number", shape: "open> write flush", effects: "SetAttr demo.number=6"},
	{name: "cp -p", script: "echo 6 > $T/f; cp -p $T/f number", shape: "open> write .*flush.*", effects: "SetAttr demo.number=6"},
	{name: "dd", script: "echo 6 | dd of=number status=none", shape: "open> flush write flush", effects: "SetAttr demo.number=6"},
	{name: "awk", script: `awk 'BEGIN { print 6 > "number" }'`, shape: "open> write flush", effects: "SetAttr demo.number=6"},
	{name: "python", script: `python3 -I -c 'open("number", "w").write("6\n")'`, shape: "open> write flush", effects: "SetAttr demo.number=6"},
	{name: "read and write", script: "exec 3<>add/call; echo 7 >&3; read r <&3; echo 8 >&3; read s <&3; echo $r $s", file: "call", shape: "open<> (flush )*write (flush )*read (flush )*write (flush )*read( flush)*", out: "7 8\n", effects: "Call add(7); Call add(8)"},
	{name: "truncate", script: "truncate -s 0 number", shape: "openw set-size flush"},
	{name: ": >", script: ": > number", shape: "open> flush flush"},
	{name: "vim truncate", script: `python3 -I -c 'import os; os.truncate("number", 0)'`, shape: "set-size"}, // without -I, newer ones list the directory first
	{name: "touch", script: "touch number", shape: "openw flush set-time flush"},
	{name: "vim", script: "vim -es -u NONE --cmd 'set fsync' -c '%s/5/6/' -c wq number; echo $?", shape: ".*open(w|>) (set-size )?write fsync (set-mode )?flush", out: "0\n", effects: "SetAttr demo.number=6"},
	{name: "nano", script: press + `python3 $T/press 5 '1\x0f\r\x18' nano -I number; echo $?`, shape: "open read open> write (fsync )?flush", out: "0\n", effects: "SetAttr demo.number=15"},
	{name: "sed -i", script: "sed -i s/5/6/ number", shape: "open read rename", effects: "SetAttr demo.number=6"},
	{name: "mv", script: "mv number count", file: "count", shape: "rename", effects: "SetAttr demo.count=5; DelAttr demo.number"},
	{name: "mv onto", script: "mv number long", file: "long", shape: "(rename )?rename", effects: "SetAttr demo.long=5; DelAttr demo.number"},
	{name: "mv from elsewhere", script: "echo 6 > $T/f; mv $T/f number", shape: "(rename )?unlink create write (set-(time|mode|uid) )*flush", effects: "DelAttr demo.number; SetAttr demo.number=6"},
	{name: "install", script: "echo 6 > $T/f; install $T/f number", shape: "unlink create write (set-(mode|uid) )*flush( set-mode)*", effects: "DelAttr demo.number; SetAttr demo.number=6"},
	{name: "ls", script: "ls > /dev/null", file: "demo", shape: "opendir list"},
	{name: "glob", script: "echo num*", file: "demo", shape: "opendir list", out: "number numbers\n"},
	{name: "TAB", script: "compgen -f num", file: "demo", shape: "opendir list", out: "number\nnumbers\n"},
	{name: "ls -l", script: "ls -l > /dev/null", file: anyFile, shape: "opendir list( readlink| list)+"},
	{name: "du", script: "du . > /dev/null", file: anyFile, shape: "((opendir|list) ?)+"},
	{name: "find", script: "find . -name number", file: anyFile, shape: "((opendir|list) ?)+", out: "./number\n"},
	{name: "grep -r", script: "grep -r hello name", file: "name", shape: "open read", out: "hello\n"},
	{name: "grep -r of a directory", script: "grep -r 7 child", file: anyFile, shape: "(opendir )+list open read( list)?", out: "child/v:7\n"},
	{name: "tar of a file", script: "tar cf - number | tar t", shape: "open read", out: "number\n"},
	{name: "tar", script: "tar cf - child numbers | tar t", file: anyFile, shape: "((opendir|list|readlink|open|read) ?)+", out: "child/\nchild/me\nchild/parent\nchild/v\nnumbers/\nnumbers/index/\nnumbers/index/0\nnumbers/index/1\nnumbers/index/2\nnumbers/len\n"},
	{name: "test -w", script: "test -w number && echo yes", file: anyFile, shape: "(access)?", out: "yes\n"},
	{name: "cd", script: "cd child && cd .. && cd - > /dev/null && pwd", file: anyFile, shape: "(access ?)*", out: "MNT/demo/child\n"},
	{name: "df", script: "df . | wc -l", file: "demo", shape: "(opendir )?statfs", out: "2\n"},
}

// TestTools runs each tool in a mount of its own.
func TestTools(t *testing.T) {
	for _, tt := range toolTests {
		t.Run(tt.name, func(t *testing.T) {
			s := startServer(t, serveSpec{Fixture: "demo", Record: recordAll})
			out, _ := s.sh("export T=" + t.TempDir() + "; cd demo\n" + tt.script)
			if out != tt.out {
				t.Errorf("%s\nprinted %q\nwant    %q", tt.script, out, tt.out)
			}
			file := tt.file
			if file == "" {
				file = "number"
			}
			ops := fuseOps(s.recorded())
			got := shape(ops, file)
			if !regexp.MustCompile("^(" + tt.shape + ")$").MatchString(got) {
				t.Errorf("%s\nreached %s as %q\nwant          %q", tt.script, file, got, tt.shape)
			}
			for _, op := range ops {
				if badReply.MatchString("tx 1: " + op.reply) {
					t.Errorf("%s %s %s is answered %s", op.name, op.file, op.args, op.reply)
				}
			}
			if got := effects(s.ops()); got != tt.effects {
				t.Errorf("%s\nthe peer was asked %q\nwant               %q", tt.script, got, tt.effects)
			}
		})
	}
}
