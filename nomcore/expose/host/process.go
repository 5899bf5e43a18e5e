package host

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"nomfs/codec"
	"nomfs/nomcore"
)

// startSlack is how far two readings of the start of one process may lie
// apart: it is computed from the time at which the machine started, which the
// system rounds to a second. No process id comes back that fast.
const startSlack = 2 * time.Second

// processes holds the processes of this machine, and keeps what it has handed
// out so that a process stays one object.
type processes struct {
	mu    sync.Mutex
	known map[int32]*running
}

// running is one process.
type running struct {
	pid     int32
	started time.Time
	object  *nomcore.Object
	cpu     meter
}

func newProcesses() *items {
	all := &processes{known: make(map[int32]*running)}
	t := &items{table: *newTable("Processes", "", "processes by process id")}
	t.keys = all.keys
	t.item = func(ctx context.Context, key codec.Value) (codec.Value, error) {
		pid, ok := codec.Int64Of(key)
		if !ok || pid != int64(int32(pid)) {
			return nil, noKey(key)
		}
		p := all.find(ctx, int32(pid))
		if p == nil {
			return nil, noKey(key)
		}
		return p.object, nil
	}
	return t
}

// keys returns the ids of all processes, ascending, and forgets the objects of
// those that have ended.
func (all *processes) keys(ctx context.Context) ([]codec.Value, error) {
	pids, err := process.PidsWithContext(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(pids)
	keys := make([]codec.Value, len(pids))
	for i, pid := range pids {
		keys[i] = codec.Int(pid)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	for pid := range all.known {
		if _, lives := slices.BinarySearch(pids, pid); !lives {
			delete(all.known, pid)
		}
	}
	return keys, nil
}

// find returns the process that has this id now, nil where there is none.
func (all *processes) find(ctx context.Context, pid int32) *running {
	_, started, err := look(ctx, pid)
	if err != nil {
		return nil
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if p := all.known[pid]; p != nil && p.is(started) {
		return p
	}
	p := &running{pid: pid, started: started}
	p.cpu.whole = float64(started.UnixMilli()) / 1000 // the first span is its whole life
	p.object = &nomcore.Object{Impl: all.describe(p)}
	all.known[pid] = p
	return p
}

// is tells whether a process of the same id that started at this time is p.
func (p *running) is(started time.Time) bool {
	return p.started.Sub(started).Abs() <= startSlack
}

// look asks the system for the process with this id. The answer is fresh: the
// library keeps what it has read once.
func look(ctx context.Context, pid int32) (*process.Process, time.Time, error) {
	p, err := process.NewProcessWithContext(ctx, pid)
	if err != nil {
		return nil, time.Time{}, err
	}
	ms, err := p.CreateTimeWithContext(ctx)
	return p, time.UnixMilli(ms), err
}

// live returns what reads p, or AttributeError if p has ended.
func (p *running) live(ctx context.Context) (*process.Process, error) {
	proc, started, err := look(ctx, p.pid)
	if err != nil || !p.is(started) {
		return nil, exception("AttributeError", fmt.Sprintf("process %d has ended", p.pid))
	}
	return proc, nil
}

// attr is a field that is read from the live process.
func (p *running) attr(name, doc string, kind codec.Kind, read func(context.Context, *process.Process) (codec.Value, error)) field {
	return field{name, kind, doc, func(ctx context.Context) (codec.Value, error) {
		proc, err := p.live(ctx)
		if err != nil {
			return nil, err
		}
		v, err := read(ctx, proc)
		if err != nil {
			if _, gone := p.live(ctx); gone != nil {
				return nil, gone // it ended between the two
			}
			return nil, err
		}
		return v, nil
	}}
}

func (all *processes) describe(p *running) *table {
	words := func(read func(*process.Process, context.Context) (string, error)) func(context.Context, *process.Process) (codec.Value, error) {
		return func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			s, err := read(proc, ctx)
			return codec.StringValue(s), err
		}
	}
	return newTable("Process", fmt.Sprint(p.pid), "a process",
		field{"pid", codec.KindInt, "process id", constant(codec.Int(p.pid))},
		field{"started", codec.KindInt, "when it started, in seconds since 1970", constant(codec.Int(p.started.Unix()))},
		p.attr("name", "name of the program", codec.KindBytes, words((*process.Process).NameWithContext)),
		p.attr("cmdline", "command line, empty for a thread of the kernel", codec.KindBytes, words((*process.Process).CmdlineWithContext)),
		p.attr("status", "what it does: running, sleep, …", codec.KindBytes, func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			states, err := proc.StatusWithContext(ctx)
			if err != nil || len(states) == 0 {
				return codec.StringValue(""), err
			}
			return codec.StringValue(states[0]), nil
		}),
		p.attr("rss", "main memory in use, in bytes", codec.KindInt, func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			m, err := proc.MemoryInfoWithContext(ctx)
			if err != nil || m == nil {
				return count(0), err
			}
			return count(m.RSS), nil
		}),
		p.attr("threads", "number of threads", codec.KindInt, func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			n, err := proc.NumThreadsWithContext(ctx)
			return codec.Int(n), err
		}),
		p.attr("cpu_percent", "share of one processor since the last reading", codec.KindFloat, func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			t, err := proc.TimesWithContext(ctx)
			if err != nil {
				return nil, err
			}
			now := float64(time.Now().UnixMilli()) / 1000
			return percent(p.cpu.read(t.User+t.System, now)), nil
		}),
		// None, and so no reference, for what the system itself started.
		p.attr("parent", "process that started it", codec.KindInvalid, func(ctx context.Context, proc *process.Process) (codec.Value, error) {
			ppid, err := proc.PpidWithContext(ctx)
			if err != nil {
				return nil, err
			}
			if parent := all.find(ctx, ppid); ppid != 0 && parent != nil {
				return parent.object, nil
			}
			return codec.None{}, nil
		}),
	)
}
