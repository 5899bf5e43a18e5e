package host

import (
	"context"
	"os"
	"runtime"
	"strings"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"

	"nomfs/codec"
	"nomfs/nomcore"
)

// New returns the object that shows this machine. It can be registered with
// any number of services.
func New() *nomcore.Object {
	return &nomcore.Object{Impl: newTable("Host", "", "the machine this service runs on",
		field{"hostname", codec.KindBytes, "name of the machine", hostname},
		field{"os", codec.KindBytes, "operating system", constant(codec.StringValue(runtime.GOOS))},
		field{"platform", codec.KindBytes, "distribution and its version", platform},
		field{"kernel", codec.KindBytes, "version of the kernel", text(host.KernelVersionWithContext)},
		field{"arch", codec.KindBytes, "architecture of the processor", text(func(context.Context) (string, error) { return host.KernelArch() })},
		field{"uptime", codec.KindInt, "seconds since the machine started", seconds(host.UptimeWithContext)},
		field{"boot_time", codec.KindInt, "when the machine started, in seconds since 1970", seconds(host.BootTimeWithContext)},
		object("load", "average number of processes that want to run", newLoad()),
		object("cpu", "processors", newCPU()),
		object("memory", "main memory, in bytes", newMemory()),
		object("swap", "swap space, in bytes", newSwap()),
		object("disks", "file systems by mount point", newDisks()),
		object("net", "network interfaces by name", newInterfaces()),
		object("processes", "processes by process id", newProcesses()),
	)}
}

// object is a field that holds one object for ever.
func object(name, doc string, impl any) field {
	return field{name, codec.KindRef, doc, constant(&nomcore.Object{Impl: impl})}
}

func text(read func(context.Context) (string, error)) func(context.Context) (codec.Value, error) {
	return func(ctx context.Context) (codec.Value, error) {
		s, err := read(ctx)
		return codec.StringValue(s), err
	}
}

func seconds(read func(context.Context) (uint64, error)) func(context.Context) (codec.Value, error) {
	return func(ctx context.Context) (codec.Value, error) {
		n, err := read(ctx)
		return count(n), err
	}
}

func hostname(context.Context) (codec.Value, error) {
	name, err := os.Hostname()
	return codec.StringValue(name), err
}

func platform(ctx context.Context) (codec.Value, error) {
	name, _, version, err := host.PlatformInformationWithContext(ctx)
	return codec.StringValue(strings.TrimSpace(name + " " + version)), err
}

func newLoad() *table {
	average := func(name, doc string, of func(*load.AvgStat) float64) field {
		return field{name, codec.KindFloat, doc, func(ctx context.Context) (codec.Value, error) {
			avg, err := load.AvgWithContext(ctx)
			if err != nil {
				return nil, err
			}
			return codec.Float(of(avg)), nil
		}}
	}
	return newTable("Load", "", "average number of processes that want to run",
		average("load1", "over one minute", func(a *load.AvgStat) float64 { return a.Load1 }),
		average("load5", "over five minutes", func(a *load.AvgStat) float64 { return a.Load5 }),
		average("load15", "over fifteen minutes", func(a *load.AvgStat) float64 { return a.Load15 }),
	)
}

func newCPU() *table {
	m := new(meter)
	usage := func(ctx context.Context) (codec.Value, error) {
		times, err := cpu.TimesWithContext(ctx, false)
		if err != nil || len(times) == 0 {
			return percent(0), err
		}
		t := times[0] // all processors together; guest time is part of user time
		idle := t.Idle + t.Iowait
		busy := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
		return percent(m.read(busy, busy+idle)), nil
	}
	// The first span begins here. Where the system cannot tell, every read
	// says so.
	_, _ = usage(context.Background())
	return newTable("CPU", "", "all processors together",
		field{"count", codec.KindInt, "logical processors", func(ctx context.Context) (codec.Value, error) {
			n, err := cpu.CountsWithContext(ctx, true)
			return codec.Int(n), err
		}},
		field{"model", codec.KindBytes, "name that the maker gave it", text(func(ctx context.Context) (string, error) {
			infos, err := cpu.InfoWithContext(ctx)
			if err != nil || len(infos) == 0 {
				return "", err
			}
			return infos[0].ModelName, nil
		})},
		field{"percent", codec.KindFloat, "busy share of the time since the last reading", usage},
	)
}

func newMemory() *table {
	size := func(name, doc string, of func(*mem.VirtualMemoryStat) uint64) field {
		return field{name, codec.KindInt, doc, func(ctx context.Context) (codec.Value, error) {
			vm, err := mem.VirtualMemoryWithContext(ctx)
			if err != nil {
				return nil, err
			}
			return count(of(vm)), nil
		}}
	}
	return newTable("Memory", "", "main memory, in bytes",
		size("total", "all there is", func(m *mem.VirtualMemoryStat) uint64 { return m.Total }),
		size("available", "what programs can still get without swapping", func(m *mem.VirtualMemoryStat) uint64 { return m.Available }),
		size("used", "used by programs", func(m *mem.VirtualMemoryStat) uint64 { return m.Used }),
		size("free", "used for nothing at all", func(m *mem.VirtualMemoryStat) uint64 { return m.Free }),
		size("cached", "used to keep file contents", func(m *mem.VirtualMemoryStat) uint64 { return m.Cached }),
		size("buffers", "used to keep file system structures", func(m *mem.VirtualMemoryStat) uint64 { return m.Buffers }),
		field{"percent", codec.KindFloat, "share used by programs", func(ctx context.Context) (codec.Value, error) {
			vm, err := mem.VirtualMemoryWithContext(ctx)
			if err != nil {
				return nil, err
			}
			return percent(vm.UsedPercent), nil
		}},
	)
}

func newSwap() *table {
	size := func(name, doc string, of func(*mem.SwapMemoryStat) codec.Value, kind codec.Kind) field {
		return field{name, kind, doc, func(ctx context.Context) (codec.Value, error) {
			sm, err := mem.SwapMemoryWithContext(ctx)
			if err != nil {
				return nil, err
			}
			return of(sm), nil
		}}
	}
	return newTable("Swap", "", "swap space, in bytes",
		size("total", "all there is", func(m *mem.SwapMemoryStat) codec.Value { return count(m.Total) }, codec.KindInt),
		size("used", "in use", func(m *mem.SwapMemoryStat) codec.Value { return count(m.Used) }, codec.KindInt),
		size("free", "not in use", func(m *mem.SwapMemoryStat) codec.Value { return count(m.Free) }, codec.KindInt),
		size("percent", "share in use", func(m *mem.SwapMemoryStat) codec.Value { return percent(m.UsedPercent) }, codec.KindFloat),
	)
}
