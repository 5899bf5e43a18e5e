package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
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

// loadAverage returns the load of the last minute (proc(5), loadavg).
func loadAverage() float64 {
	load, _ := strconv.ParseFloat(firstField("/proc/loadavg"), 64)
	return load
}

// firstField returns the first word of a file, "unknown" for none.
func firstField(file string) string {
	text, _ := os.ReadFile(file)
	if fields := strings.Fields(string(text)); len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}
