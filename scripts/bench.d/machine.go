package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// machine describes the machine in one line.
func machine() string {
	return fmt.Sprintf("%d × %s, Linux %s, %s %s", runtime.NumCPU(), processor(),
		firstField("/proc/sys/kernel/osrelease"), runtime.Version(), runtime.GOARCH)
}

// processor returns the name of the processor (proc(5), cpuinfo).
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the name is not known
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

// clockTick is the unit of the system's processor times (proc(5), stat).
const clockTick = 10 * time.Millisecond

// processorTimes is how much time all processors have spent since the machine
// started, and how much of it not idle.
type processorTimes struct{ all, busy time.Duration }

// readProcessorTimes reads what stat says, whose first line has: cpu, user, nice,
// system, idle, iowait, irq, softirq, steal, and times that are parts of these.
func readProcessorTimes(stat string) (processorTimes, error) {
	const idleAt, iowaitAt, parts = 3, 4, 8
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) <= parts || fields[0] != "cpu" {
		return processorTimes{}, fmt.Errorf("%w: stat begins with %q", errNoValue, line)
	}
	var t processorTimes
	for i, field := range fields[1 : parts+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return processorTimes{}, err
		}
		t.all += time.Duration(n) * clockTick
		if i != idleAt && i != iowaitAt {
			t.busy += time.Duration(n) * clockTick
		}
	}
	return t, nil
}

// others returns the part of the time between two readings that was neither idle
// nor used by this program.
func others(before, after processorTimes, ours time.Duration) float64 {
	all := after.all - before.all
	if all <= 0 {
		return 0
	}
	return max(0, float64(after.busy-before.busy-ours)/float64(all))
}

// processorTimesNow reads the processor times of the machine.
func processorTimesNow() (processorTimes, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processorTimes{}, err
	}
	return readProcessorTimes(string(b))
}

// firstField returns the first word of a file, "unknown" for none.
func firstField(file string) string {
	text, _ := os.ReadFile(file)
	if fields := strings.Fields(string(text)); len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}
