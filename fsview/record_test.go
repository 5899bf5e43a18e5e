//go:build linux

package fsview

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// A recorder keeps what the kernel asks of a mount, as the library prints it.
type recorder struct {
	badOnly bool // keep only answers that no operation may get

	mu  sync.Mutex
	buf bytes.Buffer
}

// badReply matches EIO, which is for bugs, and ENOSYS, of which a single one
// would switch an operation off for the whole mount.
var badReply = regexp.MustCompile(`^tx \d+: +(5|38)=`)

func (r *recorder) Write(p []byte) (int, error) {
	if r.badOnly && !badReply.Match(p) {
		return len(p), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

// take returns the lines so far and forgets them.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.buf.Reset()
	return r.buf.String()
}

// record makes r hear of every operation that reaches m from now on. The
// library offers no way to switch its debugging on in a mount that is in use,
// and a mount has no use for one outside of tests.
func record(m *Mounted, r *recorder) {
	opts := (*fuse.MountOptions)(reflect.ValueOf(m.server).Elem().FieldByName("opts").UnsafePointer())
	opts.Logger.SetOutput(r)
	setDebug(opts)
}

// setDebug is out of sight of the race detector: the readers of this flag see
// it with their next request.
//
//go:norace
func setDebug(opts *fuse.MountOptions) { opts.Debug = true }

// What the server of a test records.
const (
	recordAll = "all"
	recordBad = "bad"
)

// recorded returns what was recorded since the last time.
func (s *server) recorded() string {
	s.t.Helper()
	var text string
	if err := json.Unmarshal([]byte(s.ask("fuse")), &text); err != nil {
		s.t.Fatal(err)
	}
	return text
}

// A fuseOp is one operation of the kernel and its answer.
type fuseOp struct {
	name  string // as the kernel calls it
	file  string // the last component of what it is about, "" where nobody said
	args  string
	reply string
}

var (
	requestLine = regexp.MustCompile(`^rx (\d+): ([A-Z_0-9]+) n(\d+) ?(.*)$`)
	replyLine   = regexp.MustCompile(`^tx (\d+): +(.*)$`)
	quotedName  = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	newNode     = regexp.MustCompile(`\{n(\d+) g`)
)

// fuseOps reads the library's lines.
func fuseOps(text string) []fuseOp {
	var ops []fuseOp
	byID := make(map[string]int)
	files := make(map[string]string) // by number of the node
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := requestLine.FindStringSubmatch(line); m != nil {
			op := fuseOp{name: m[2], file: files[m[3]], args: m[4]}
			switch op.name {
			case "LOOKUP", "CREATE", "UNLINK", "RMDIR", "SYMLINK", "MKDIR", "MKNOD", "RENAME", "RENAME2", "LINK":
				// Names come last; of two, the second is what there will be.
				if names := quotedName.FindAllString(op.args, -1); len(names) > 0 {
					op.file, _ = strconv.Unquote(names[len(names)-1])
				}
			}
			byID[m[1]] = len(ops)
			ops = append(ops, op)
			continue
		}
		m := replyLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		i, ok := byID[m[1]]
		if !ok {
			continue // a notice of ours
		}
		ops[i].reply = m[2]
		if n := newNode.FindStringSubmatch(m[2]); n != nil && n[1] != "0" {
			files[n[1]] = ops[i].file
		}
	}
	return ops
}

// opWords are what the operations are called in the tables. Others are
// answered from memory, and how often they come differs between kernels.
var opWords = map[string]string{
	"READ": "read", "WRITE": "write", "FLUSH": "flush", "FSYNC": "fsync", "CREATE": "create", "UNLINK": "unlink",
	"RENAME": "rename", "RENAME2": "rename", "OPENDIR": "opendir", "READDIRPLUS": "list", "READDIR": "list",
	"STATFS": "statfs", "ACCESS": "access", "SYMLINK": "symlink", "READLINK": "readlink",
}

// word is the operation in the words of the tables, "" for what does not
// count.
func (op fuseOp) word() string {
	switch op.name {
	case "OPEN":
		switch {
		case strings.Contains(op.args, "TRUNC"):
			return "open>"
		case strings.Contains(op.args, "APPEND"):
			return "open>>"
		case strings.Contains(op.args, "RDWR"):
			return "open<>"
		case strings.Contains(op.args, "WRONLY"):
			return "openw"
		}
		return "open"
	case "SETATTR":
		for _, what := range []string{"size", "mode", "uid", "time"} {
			if strings.Contains(op.args, what) {
				return "set-" + what
			}
		}
	}
	return opWords[op.name]
}

// anyFile makes shape take all files together.
const anyFile = "*"

// shape is what reached one file, a word each; reads and listings in a row are
// one.
func shape(ops []fuseOp, file string) string {
	var words []string
	for _, op := range ops {
		w := op.word()
		if w == "" || op.file != file && file != anyFile {
			continue
		}
		if (w == "read" || w == "list") && len(words) > 0 && words[len(words)-1] == w {
			continue
		}
		words = append(words, w)
	}
	return strings.Join(words, " ")
}
