package nomcore

import (
	"runtime"
	"testing"
)

// heapBytes returns the bytes on the heap that are in use.
func heapBytes() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // the first one leaves what sync.Pool keeps
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// What the registry takes for a client with ten references, to objects of its
// own or to objects that all have.
func TestMemoryOfReferences(t *testing.T) {
	clients, refs := 2000, 10
	if full {
		clients = 10_000
	}
	for _, tt := range []struct {
		name   string
		kind   refKind
		shared bool
		most   int // bytes
	}{
		{"ours", refsOurs, false, 2000},
		{"ours, shared objects", refsOurs, true, 512},
		{"original", refsOriginal, false, 3000},
		{"original, shared objects", refsOriginal, true, 2000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			objects := make([]Object, clients*refs)
			r := newRegistry()
			tables := make([]*refTable, clients)
			before := heapBytes()
			for i := range tables {
				tables[i] = newRefTable(tt.kind)
				for j := range refs {
					o := &objects[i*refs+j]
					if tt.shared {
						o = &objects[j]
					}
					mustGive(t, r, tables[i], o, source{})
				}
			}
			each := (heapBytes() - before) / clients
			t.Logf("%d bytes for each of %d clients", each, clients)
			if each > tt.most {
				t.Errorf("%d bytes for each client, want at most %d", each, tt.most)
			}
			runtime.KeepAlive(r)
			runtime.KeepAlive(objects)
		})
	}
}

// counterPart is an object with a method.
type counterPart struct{ n int }

func (c *counterPart) Add(n int) int { c.n += n; return c.n }

// The estimate of what references keep in memory is near what they do.
func TestCostOfReferences(t *testing.T) {
	const objects, factor = 20_000, 2
	for name, make := range map[string]func() *Object{
		"objects": func() *Object { return &Object{Impl: echo} },
		"structs": func() *Object { return Wrap(&counterPart{}) },
		"methods": func() *Object {
			v, err := Wrap(&counterPart{}).Impl.(AttrGetter).GetAttr(t.Context(), "add")
			if err != nil {
				t.Fatal(err)
			}
			return v.(*Object)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry()
			before := heapBytes()
			for range 2 {
				table := newRefTable(refsOurs)
				for range objects / 2 {
					mustGive(t, r, table, make(), source{})
				}
			}
			used := heapBytes() - before
			t.Logf("%d bytes for each object, estimated %d", used/objects, r.bytes/objects)
			if used > factor*r.bytes || r.bytes > factor*used {
				t.Errorf("%d bytes in use, estimated %d", used, r.bytes)
			}
			runtime.KeepAlive(r)
		})
	}
}
