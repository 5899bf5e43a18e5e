package host

import (
	"context"
	"runtime"
	"slices"

	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/net"

	"nomfs/codec"
	"nomfs/nomcore"
)

// deviceKey is the identity of a disk or an interface: it is the same object
// whenever it is looked up.
type deviceKey struct{ class, name string }

func newDisks() *items {
	t := &items{table: *newTable("Disks", "", "file systems by mount point")}
	t.keys = func(ctx context.Context) ([]codec.Value, error) {
		parts, err := partitions(ctx)
		keys := make([]codec.Value, len(parts))
		for i, p := range parts {
			keys[i] = codec.StringValue(p.Mountpoint)
		}
		return keys, err
	}
	t.item = func(ctx context.Context, key codec.Value) (codec.Value, error) {
		parts, err := partitions(ctx)
		if err != nil {
			return nil, err
		}
		name, _ := codec.StringOf(key)
		for _, p := range parts {
			if p.Mountpoint == name {
				return &nomcore.Object{Impl: newDisk(p), Key: deviceKey{"Disk", name}}, nil
			}
		}
		return nil, noKey(key)
	}
	return t
}

// partitions returns the file systems on real devices, and the root whatever
// it is on: in a container that is no device. Network and user space file
// systems are left out, because asking them can take for ever.
func partitions(ctx context.Context) ([]disk.PartitionStat, error) {
	parts, err := disk.PartitionsWithContext(ctx, false)
	if err != nil {
		return nil, err
	}
	isRoot := func(p disk.PartitionStat) bool { return p.Mountpoint == "/" }
	if runtime.GOOS != "windows" && !slices.ContainsFunc(parts, isRoot) {
		parts = append(parts, disk.PartitionStat{Mountpoint: "/"})
	}
	// What is mounted last on one place hides what was there before.
	seen := make(map[string]int, len(parts))
	var out []disk.PartitionStat
	for _, p := range parts {
		if i, again := seen[p.Mountpoint]; again {
			out[i] = p
			continue
		}
		seen[p.Mountpoint] = len(out)
		out = append(out, p)
	}
	return out, nil
}

func newDisk(p disk.PartitionStat) *table {
	usage := func(name, doc string, kind codec.Kind, of func(*disk.UsageStat) codec.Value) field {
		return field{name, kind, doc, func(ctx context.Context) (codec.Value, error) {
			u, err := disk.UsageWithContext(ctx, p.Mountpoint)
			if err != nil {
				return nil, err
			}
			return of(u), nil
		}}
	}
	return newTable("Disk", p.Mountpoint, "a file system, sizes in bytes",
		field{"mountpoint", codec.KindBytes, "where it is mounted", constant(codec.StringValue(p.Mountpoint))},
		field{"device", codec.KindBytes, "what it is on", constant(codec.StringValue(p.Device))},
		usage("fstype", "type of file system", codec.KindBytes, func(u *disk.UsageStat) codec.Value {
			if p.Fstype != "" {
				return codec.StringValue(p.Fstype)
			}
			return codec.StringValue(u.Fstype)
		}),
		usage("total", "size", codec.KindInt, func(u *disk.UsageStat) codec.Value { return count(u.Total) }),
		usage("used", "in use", codec.KindInt, func(u *disk.UsageStat) codec.Value { return count(u.Used) }),
		usage("free", "what users can still write", codec.KindInt, func(u *disk.UsageStat) codec.Value { return count(u.Free) }),
		usage("percent", "share in use", codec.KindFloat, func(u *disk.UsageStat) codec.Value { return percent(u.UsedPercent) }),
	)
}

func newInterfaces() *items {
	t := &items{table: *newTable("Interfaces", "", "network interfaces by name")}
	t.keys = func(ctx context.Context) ([]codec.Value, error) {
		all, err := net.InterfacesWithContext(ctx)
		keys := make([]codec.Value, len(all))
		for i, ifc := range all {
			keys[i] = codec.StringValue(ifc.Name)
		}
		return keys, err
	}
	t.item = func(ctx context.Context, key codec.Value) (codec.Value, error) {
		name, _ := codec.StringOf(key)
		if _, err := findInterface(ctx, name); err != nil {
			return nil, err
		}
		return &nomcore.Object{Impl: newInterface(name), Key: deviceKey{"Interface", name}}, nil
	}
	return t
}

// findInterface looks an interface up; KeyError where there is none of that
// name.
func findInterface(ctx context.Context, name string) (net.InterfaceStat, error) {
	all, err := net.InterfacesWithContext(ctx)
	if err != nil {
		return net.InterfaceStat{}, err
	}
	for _, ifc := range all {
		if ifc.Name == name {
			return ifc, nil
		}
	}
	return net.InterfaceStat{}, noKey(codec.StringValue(name))
}

func newInterface(name string) *table {
	state := func(attr, doc string, kind codec.Kind, of func(net.InterfaceStat) codec.Value) field {
		return field{attr, kind, doc, func(ctx context.Context) (codec.Value, error) {
			ifc, err := findInterface(ctx, name)
			if err != nil {
				return nil, err
			}
			return of(ifc), nil
		}}
	}
	counter := func(attr, doc string, of func(net.IOCountersStat) uint64) field {
		return field{attr, codec.KindInt, doc, func(ctx context.Context) (codec.Value, error) {
			all, err := net.IOCountersWithContext(ctx, true)
			if err != nil {
				return nil, err
			}
			for _, io := range all {
				if io.Name == name {
					return count(of(io)), nil
				}
			}
			return nil, noKey(codec.StringValue(name))
		}}
	}
	return newTable("Interface", name, "a network interface",
		field{"name", codec.KindBytes, "its name", constant(codec.StringValue(name))},
		state("addresses", "addresses with the length of their prefix", codec.KindList, func(i net.InterfaceStat) codec.Value {
			list := codec.List{}
			for _, a := range i.Addrs {
				list = append(list, codec.StringValue(a.Addr))
			}
			return list
		}),
		state("mac", "hardware address", codec.KindBytes, func(i net.InterfaceStat) codec.Value { return codec.StringValue(i.HardwareAddr) }),
		state("mtu", "largest packet, in bytes", codec.KindInt, func(i net.InterfaceStat) codec.Value { return codec.Int(i.MTU) }),
		state("up", "whether it is switched on", codec.KindBool, func(i net.InterfaceStat) codec.Value {
			return codec.Bool(slices.Contains(i.Flags, "up"))
		}),
		counter("bytes_sent", "sent since the machine started", func(io net.IOCountersStat) uint64 { return io.BytesSent }),
		counter("bytes_recv", "received since the machine started", func(io net.IOCountersStat) uint64 { return io.BytesRecv }),
		counter("packets_sent", "sent since the machine started", func(io net.IOCountersStat) uint64 { return io.PacketsSent }),
		counter("packets_recv", "received since the machine started", func(io net.IOCountersStat) uint64 { return io.PacketsRecv }),
	)
}
