//go:build linux

package fsview

import (
	"context"
	"testing"
	"time"

	"nomfs/codec"
)

// TestSupersededRead checks that the answer to a question from before an attribute
// was set, or deleted, changes nothing of what is known since.
func TestSupersededRead(t *testing.T) {
	f := testPeer(t, demoFake())
	o := f.object(codec.Ref{ID: "1", Home: fakeHome})
	m := member{dir: &objectDir{node: node{p: f}}, attr: "name"}
	m.dir.adopt(o.ref)
	asked := o.peer.stamp()
	f.changed()
	o.wrote(m.id(), codec.Bytes("much longer"))
	f.changed()
	o.store(m.id(), codec.Bytes("old"), asked)
	if size, _ := o.sizeOf(m.id()); size != int64(len("much longer\n")) {
		t.Errorf("size %d after a read that began before the value was set", size)
	}
	o.store(m.id(), codec.Bytes("new"), o.peer.stamp())
	if v, ok := o.fresh(m.id()); !ok || !codec.Equal(v, codec.Bytes("new")) {
		t.Errorf("a value read since then is %v, %v", v, ok)
	}
	asked = o.peer.stamp()
	f.changed()
	o.deletedNow(m.id())
	m.learn(o, false)
	f.changed()
	o.store(m.id(), codec.Bytes("new"), asked)
	m.found(o, true, asked)
	if o.deletedType(m.id()) == nil || o.learntAttrs["name"] {
		t.Error("a read that began before an attribute was deleted brings it back")
	}
	m.found(o, true, o.peer.stamp())
	if !o.learntAttrs["name"] {
		t.Error("an attribute that was found after it was deleted is not known")
	}
}

// TestAbsentAge checks that a name that is no identifier is found though the
// object did not mention it when it was asked long ago.
func TestAbsentAge(t *testing.T) {
	fake := demoFake()
	p := testPeer(t, fake)
	d := &objectDir{node: node{p: p}, path: "demo"}
	o := d.adopt(fake.names["demo"].(fakeRef))
	ctx := context.Background()
	if d.mayExist(ctx, "new-one", "new-one") {
		t.Fatal("a name that nobody mentions may exist")
	}
	fake.objects[o.ref].attrs["new-one"] = codec.Int(1)
	if d.mayExist(ctx, "new-one", "new-one") {
		t.Error("a name that nobody mentions is asked for each time")
	}
	o.desc.at.at = o.desc.at.at.Add(-absentAge)
	if !d.mayExist(ctx, "new-one", "new-one") {
		t.Error("a name that is mentioned by now does not exist")
	}
}

// TestSupersededListing checks that what is removed while somebody lists the
// directory is gone.
func TestSupersededListing(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "big"})
	out, _ := s.sh(`python3 -c "
import os, subprocess
it = os.scandir('wide')
first = next(it).name
os.stat('wide/' + first) # so that the kernel wants to know all of each entry
subprocess.run(['rm', 'wide/a999'])
list(it)
print(os.path.exists('wide/a999'))"`)
	if out != "False\n" {
		t.Errorf("an attribute that was removed is there: %q", out)
	}
}

// TestItemsMove checks what lies under the names of a list from which an item was
// deleted.
func TestItemsMove(t *testing.T) {
	s := startServer(t, serveSpec{Fixture: "demo"})
	out, _ := s.sh(`cd demo; ln -s ../../child numbers/index/3; ln -s ../../../other numbers/index/4; python3 -c "
import os
os.chdir('numbers/index')
os.stat('2'); held = os.open('1', os.O_RDONLY); os.listdir('3')
for i in range(2):
  os.unlink('0')
  print(held and os.fstat(held).st_size, open('0').read().strip(), sorted(os.listdir('.')))
  print(os.path.isfile(str(2 - i)), open(str(2 - i) + '/v').read().strip(), os.path.exists(str(4 - i)))
  if held: held = os.close(held) # who has it open may find the old one for some milliseconds
"; cat numbers/len`)
	if want := "3 20 ['0', '1', '2', '3']\nFalse 7 False\nNone 30 ['0', '1', '2']\nFalse 7 False\n3\n"; out != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// lateTests are command lines in a mounted demo in which a file stays open for
// the kernel, as all do for a moment after close(2), while the next command is
// at work. $L begins a python program: keep(fd) leaves a copy to another process,
// and closes the descriptor here.
var lateTests = []struct{ name, script, out string }{
	{"truncated and not written", `cat name; python3 -c "$L
keep(os.open('name', os.O_WRONLY|os.O_TRUNC))
os.truncate('name', 0)
print(size('name'), end('name'))"; : > name; wc -c < name; tail -c 3 name; test -s name && echo full`, "hello\n6 6\n6\nlo\nfull\n"},
	{"truncated by another", "cat name; exec 3< <(exec 4> name; echo; exec sleep 600); read -u 3; wc -c < name; stat -c %s name; cat < name; kill $!", "hello\n6\n6\nhello\n"},
	{"read, and set otherwise", "exec 3< <(exec 4< name; echo; exec sleep 600); read -u 3; echo \"'longer text'\" > name.repr; stat -c %s name; wc -c < name; kill $!", "12\n12\n"},
	{"read by two", `python3 -c "$L
old = os.open('name', os.O_RDONLY)
subprocess.run(['bash', '-c', 'echo much longer > name; exec 3< <(exec 4< name; echo; exec sleep 1); read -u 3'])
print(os.lseek(old, 0, 2), os.fstat(old).st_size, os.pread(old, 99, 0))
keep(old)
print(size('name'), end('name'))"`, "6 6 b'hello\\n'\n12 12\n"},
	{"read and written by one", `python3 -c "$L
f = open('name')
with open('name', 'w') as g: g.write('much longer\n')
print(size('name'), f.read())"`, "12 hello\n\n"},
	{"still empty to its writer", `cat number name > $HOME/.late 2>/dev/null; rm -f $HOME/.late; { cat name; } > name; cat name > name; python3 -c "$L
f = os.open('name', os.O_RDWR|os.O_TRUNC)
print(os.fstat(f).st_size)
os.write(f, b'x' * 4096)
print(os.fstat(f).st_size)
os.close(f)
print(size('name'))"`, "0\n4096\n4097\n"},
	{"created and not written", `python3 -c "$L
keep(os.open('new', os.O_WRONLY|os.O_CREAT))
print(os.path.exists('new'), 'new' in os.listdir('.'))
os.close(os.open('new', os.O_WRONLY|os.O_CREAT|os.O_EXCL))
f = os.open('new', os.O_WRONLY|os.O_CREAT|os.O_EXCL)
print(os.path.exists('new'), size('new'), os.fstat(f).st_size)
os.system('echo 5 > new; stat -c %s new')
os.write(f, b'6\n')
keep(f)
print(size('new'), open('new').read())
os.unlink('new')
print(os.path.exists('new'))"; touch table/index/new; ls table/index/new`, "False False\nTrue 0 0\n2\n2 6\n\nFalse\nls: cannot access 'table/index/new': No such file or directory\n"},
	{"created by one, used by another", `mkfifo $HOME/.late; exec 3> new; bash -c 'read < $HOME/.late; stat -Lc %s /dev/fd/3; echo 5 >&3' & exec 3>&-; ls new; echo > $HOME/.late; wait; cat new`, "ls: cannot access 'new': No such file or directory\n0\n5\n"},
	{"renamed and written", `python3 -c "$L
f = os.open('.x', os.O_WRONLY|os.O_CREAT)
os.write(f, b'hi\n')
os.rename('.x', 'name')
open('name', 'w').write('hello again\n')
print(size('name'), end('name'))
os.write(f, b'there\n')
print(os.fstat(f).st_size)
os.close(f)
print(open('name').read(), size('name'))"`, "12 12\n9\nhi\nthere\n 9\n"},
	{"listed, closed and deleted", `python3 -c "$L
d = os.open('.', os.O_RDONLY)
os.listdir(d)
try: os.unlink('name')
except OSError as e: print(e.errno)
keep(d)
os.unlink('name')
d = os.open('numbers/index', os.O_RDONLY)
os.listdir(d)
keep(d)
os.unlink('numbers/index/2')"; ls name numbers/index`, "1\nls: cannot access 'name': No such file or directory\nnumbers/index:\n0\n1\n"},
	{"deleted, and its views", `cat number > $HOME/.n; ls > $HOME/.n; cat number.json; python3 -c "$L
os.unlink('number')
print([os.path.exists('number.' + v) for v in ('json', 'repr')])"; ls number.json number.type; rmdir child; echo 5 > child; cat child`,
		"5\n[False, False]\nls: cannot access 'number.json': No such file or directory\nls: cannot access 'number.type': No such file or directory\n5\n"},
	{"made up names that look like words", `python3 - <<X
$L
import ctypes
libc = ctypes.CDLL(None)
libc.prctl(15, b'ln', 0, 0, 0) # PR_SET_NAME
os.symlink('child', 'Culllxrl')
print('Culllxrl' in os.listdir('.'))
os.rename('Culllxrl', 'link')
libc.prctl(15, b'perl', 0, 0, 0)
with open('XXlarger', 'w') as f: f.write('6')
print('XXlarger' in os.listdir('.'))
os.rename('XXlarger', 'number')
X
ls link; cat number; ln -s ../other Customer; readlink Customer; echo 7 > XXlarger; ls | grep XX`, "False\nFalse\nme\nparent\nv\n6\n../a.b c\nXXlarger\n"},
	{"linked and removed", `python3 -c "$L
for i in range(9):
  os.symlink('child', 'kid')
  os.rmdir('kid')
  os.symlink('../other', 'kid')
  os.unlink('kid')
  print(os.path.lexists('kid'))" | uniq`, "False\n"},
}

const latePython = `
import os, subprocess, sys, time
sys.stdout.reconfigure(line_buffering=True) # in step with the programs that it runs
def keep(fd):
  if os.fork() == 0:
    os.closerange(0, 3)
    if fd > 2: os.dup2(fd, 0)
    time.sleep(2)
    os._exit(0)
  os.close(fd)
def size(name): return os.stat(name).st_size
def end(name):
  fd = os.open(name, os.O_RDONLY)
  try: return os.lseek(fd, 0, os.SEEK_END)
  finally: os.close(fd)
`

func TestClosedLate(t *testing.T) {
	for _, tt := range lateTests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, serveSpec{Fixture: "demo", Timeout: 20 * time.Second})
			out, _ := s.sh("export HOME=" + t.TempDir() + " L='" + latePython[1:] + "'\ncd demo\n" + tt.script)
			if out != tt.out {
				t.Errorf("%s\nprinted %q\nwant    %q", tt.script, out, tt.out)
			}
		})
	}
}
