package nomcore_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A lossy path that packets really take: client and server are processes in two
// network namespaces. Each namespace has a TUN device, whose other ends the test
// holds: it reads IP packets from one and writes them to the other, and loses,
// doubles and delays them on the way. What exceeds the MTU travels as IP
// fragments, of which each can be lost.

var (
	serverHost = netip.MustParseAddr("10.74.0.1")
	clientHost = netip.MustParseAddr("10.74.0.2")
	tunNet     = netip.MustParsePrefix("10.74.0.0/24")
)

const tunDevice = "/dev/net/tun"

// tunConfig is what a child makes in its namespace.
type tunConfig struct {
	Addr netip.Addr
	MTU  uint32
}

// openTUN makes the namespace's only network device and returns its other end.
// It is called in the child, which has the namespace for itself.
func openTUN(c tunConfig) (int, error) {
	fd, err := unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("%s: %w", tunDevice, err)
	}
	const name = "nom0"
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(sock)
	ones := netip.PrefixFrom(netip.MustParseAddr("255.255.255.255"), tunNet.Bits()).Masked()
	for _, step := range []struct {
		what    string
		fd      int
		request uint
		set     func(*unix.Ifreq) error
	}{
		{"TUNSETIFF", fd, unix.TUNSETIFF, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI); return nil }},
		{"SIOCSIFADDR", sock, unix.SIOCSIFADDR, func(r *unix.Ifreq) error { return r.SetInet4Addr(c.Addr.AsSlice()) }},
		{"SIOCSIFNETMASK", sock, unix.SIOCSIFNETMASK, func(r *unix.Ifreq) error { return r.SetInet4Addr(ones.Addr().AsSlice()) }},
		{"SIOCSIFMTU", sock, unix.SIOCSIFMTU, func(r *unix.Ifreq) error { r.SetUint32(c.MTU); return nil }},
		{"SIOCSIFFLAGS", sock, unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP); return nil }},
	} {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = step.set(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(step.fd, step.request, r)
		}
		if err != nil {
			return -1, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	// Fragments whose fellows are lost fill the kernel's 4 MiB for them within
	// seconds here; with the usual 30 s no whole datagram would find room.
	const fragmentTime = "/proc/sys/net/ipv4/ipfrag_time"
	return fd, os.WriteFile(fragmentTime, []byte("1"), 0)
}

// handOver makes the device of a child and sends its other end to the test, over
// the socket that is the child's first extra file.
func handOver(c tunConfig) error {
	fd, err := openTUN(c)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	const extra = 3 // the first after standard input, output and error
	defer unix.Close(extra)
	return unix.Sendmsg(extra, []byte{0}, unix.UnixRights(fd), nil, 0)
}

// isolated is how a child gets a network namespace of its own: as root directly,
// as any other user with a user namespace around it, where the system allows it.
func isolated() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// startIsolated starts a child in a namespace of its own and returns the other
// end of its device.
func startIsolated(t *testing.T, role string, c tunConfig) (*child, *os.File) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "child")
	p, err := startChild(role, c, isolated(), theirs)
	theirs.Close()
	defer unix.Close(pair[0])
	if err != nil {
		cannotIsolate(t, err)
	}
	t.Cleanup(p.kill)
	buf, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(pair[0], buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n == 0 {
		cannotIsolate(t, fmt.Errorf("%s made no device", role))
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		t.Fatalf("%d control messages, %v", len(msgs), err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil { // or Close would not end Read
		t.Fatal(err)
	}
	return p, os.NewFile(uintptr(fds[0]), tunDevice)
}

// cannotIsolate ends the test where the system does not let it make namespaces
// and devices. Only a user who may not is let off, and never in CI.
func cannotIsolate(t *testing.T, err error) {
	t.Helper()
	hint := fmt.Sprintf("%v: the test makes network namespaces and TUN devices. Run it as root, where %s exists "+
		"(modprobe tun; in a container --device %s --cap-add NET_ADMIN), or as a user who may open it and make user namespaces", err, tunDevice, tunDevice)
	if os.Geteuid() == 0 || os.Getenv("CI") == "true" {
		t.Fatal(hint)
	}
	t.Skip(hint)
}

// path is how a relay treats IP packets.
type path struct {
	loss, double float64       // the part of packets that is lost, and sent twice
	delay        time.Duration // at most; random, so that packets overtake each other
}

// relay carries IP packets between two devices.
type relay struct {
	path atomic.Pointer[path]
	ends [2]*os.File

	carried, lost, doubled, overtaken, fragments atomic.Int64

	loops   sync.WaitGroup
	delayed sync.WaitGroup
}

// startRelay carries packets, in both directions, until stop.
func startRelay(ends [2]*os.File, seed uint64) *relay {
	r := &relay{ends: ends}
	r.path.Store(&path{})
	for i := range ends {
		r.loops.Go(func() { r.carry(ends[i], ends[1-i], rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	return r
}

func (r *relay) stop() {
	for _, f := range r.ends {
		f.Close()
	}
	r.loops.Wait()
	r.delayed.Wait()
}

// carry carries packets in one direction.
func (r *relay) carry(from, to *os.File, random *rand.Rand) {
	buf := make([]byte, 1<<16)
	var newest atomic.Int64 // number of the latest packet that has arrived
	for number := int64(1); ; number++ {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if n < 20 || buf[0]>>4 != 4 { // IPv6 looks for neighbours here
			continue
		}
		r.carried.Add(1)
		const moreAndOffset = 0x3fff // more fragments, and the offset of this one
		if (int(buf[6])<<8|int(buf[7]))&moreAndOffset != 0 {
			r.fragments.Add(1)
		}
		p := r.path.Load()
		copies := 1
		if random.Float64() < p.double {
			r.doubled.Add(1)
			copies = 2
		}
		for range copies {
			if random.Float64() < p.loss {
				r.lost.Add(1)
				continue
			}
			packet := append([]byte(nil), buf[:n]...)
			r.delayed.Add(1)
			time.AfterFunc(time.Duration(random.Int64N(int64(p.delay)+1)), func() {
				defer r.delayed.Done()
				if newest.Load() > number {
					r.overtaken.Add(1)
				}
				newest.Store(max(number, newest.Load()))
				_, _ = to.Write(packet) // what the device does not take is lost
			})
		}
	}
}

// phase is a load under the conditions of a path.
type phase struct {
	name string
	path path
	load loadConfig
}

// lossyPhases returns what a client does, and for how long.
func lossyPhases() []phase {
	span := 1500 * time.Millisecond
	if full {
		span = 15 * time.Second
	}
	return []phase{
		{"small", path{loss: 0.2, double: 0.2, delay: 5 * time.Millisecond}, loadConfig{Span: span, Callers: 64}},
		// A datagram of 60 kB is 42 fragments or more: two in three arrive whole.
		{"large", path{loss: 0.01, double: 0.1, delay: 2 * time.Millisecond}, loadConfig{Span: span, Callers: 8, Large: 3}},
	}
}

// What a client asks for over a lossy path is done, once, and told right.
func TestLossyPath(t *testing.T) {
	for _, mtu := range []uint32{1500, 1280} {
		t.Run(fmt.Sprintf("MTU %d", mtu), func(t *testing.T) {
			t.Parallel() // most of the time goes by waiting to send again
			server, serverEnd := startIsolated(t, "lossy-server", tunConfig{serverHost, mtu})
			client, clientEnd := startIsolated(t, "lossy-client", tunConfig{clientHost, mtu})
			r := startRelay([2]*os.File{serverEnd, clientEnd}, uint64(mtu))
			t.Cleanup(r.stop)
			const startup, slack = 30 * time.Second, 2 * time.Minute
			var addr string
			if err := server.hear(&addr, startup); err != nil {
				t.Fatal(err)
			}
			if err := client.ask(addr, &addr, startup); err != nil {
				t.Fatal(err)
			}
			for i, p := range lossyPhases() {
				r.path.Store(&p.path)
				p.load.First, p.load.Seed = i*firstOfPhase, uint64(i)
				var report loadReport
				if err := client.ask(p.load, &report, p.load.Span+slack); err != nil {
					t.Fatal(err)
				}
				var runs map[int]int
				if err := server.ask(struct{}{}, &runs, startup); err != nil {
					t.Fatal(err)
				}
				report.check(t, p.name, p.load.First, runs)
			}
			t.Logf("%d IP packets, %d of them fragments: %d lost, %d doubled, %d overtaken",
				r.carried.Load(), r.fragments.Load(), r.lost.Load(), r.doubled.Load(), r.overtaken.Load())
			for what, n := range map[string]int64{"lost": r.lost.Load(), "doubled": r.doubled.Load(), "overtaken": r.overtaken.Load(), "fragments": r.fragments.Load()} {
				if n < 100 {
					t.Errorf("only %d packets were %s: the path is not lossy", n, what)
				}
			}
		})
	}
}
