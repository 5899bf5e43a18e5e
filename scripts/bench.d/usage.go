package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// Usage is what a process has used since it started.
type Usage struct {
	Allocs uint64        // allocations
	CPU    time.Duration // user and system time
}

func (u Usage) minus(before Usage) Usage {
	return Usage{Allocs: u.Allocs - before.Allocs, CPU: u.CPU - before.CPU}
}

func (u Usage) plus(v Usage) Usage {
	return Usage{Allocs: u.Allocs + v.Allocs, CPU: u.CPU + v.CPU}
}

// used returns what this process has used.
func used() Usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return Usage{Allocs: m.Mallocs, CPU: processorTime(syscall.RUSAGE_SELF)}
}

// processorTime returns the user and system time of this process, or that of its
// children that have ended.
func processorTime(who int) time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(who, &r) // it fails for bad arguments only
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Memory is what a process occupies, in bytes.
type Memory struct{ Heap, Resident uint64 }

// memory returns what this process occupies, after a garbage collection if tidy.
func memory(tidy bool) (Memory, error) {
	if tidy {
		runtime.GC() // which leaves what finalizers hold
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	resident, err := residentBytes()
	return Memory{Heap: m.HeapAlloc, Resident: resident}, err
}

// residentBytes reads what the system counts (proc(5), statm): the second number,
// in pages.
func residentBytes() (uint64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm is %q", b)
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	return pages * uint64(os.Getpagesize()), err
}
