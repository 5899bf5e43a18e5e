// Package host exposes the machine it runs on as live objects: every read of
// an attribute asks the system again, nothing is sampled in the background.
//
//	host
//	├── hostname, os, platform, kernel, arch    text
//	├── uptime, boot_time                       seconds; seconds since 1970
//	├── load/        load1 load5 load15
//	├── cpu/         count model percent
//	├── memory/      total available used free cached buffers percent
//	├── swap/        total used free percent
//	├── disks/       items by mount point: device fstype total used free percent
//	├── net/         items by interface: addresses mac mtu up bytes_sent …
//	└── processes/   items by process id: name cmdline rss cpu_percent parent …
//
// Sizes are bytes. A percentage of processor time covers the span since the
// reading before it, at least half a second: a second reader within that span
// gets the same number. The first one covers the time since the package began
// to look, which for a process is its whole life.
//
// A process is the same object for as long as it lives, and a process id that
// the system gives away again is another object. The parent of a process is a
// reference, so the graph has many ways to one object; what has ended answers
// AttributeError, and its key KeyError.
//
// Nothing here can be written.
package host
