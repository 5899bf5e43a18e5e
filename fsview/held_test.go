//go:build linux

package fsview

import (
	"testing"
	"time"
)

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
	{"linked and removed", `python3 -c "$L
for i in range(9):
  os.symlink('child', 'kid')
  os.rmdir('kid')
  os.symlink('../other', 'kid')
  os.unlink('kid')
  print(os.path.lexists('kid'))" | uniq`, "False\n"},
}

const latePython = `
import os, subprocess, time
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
