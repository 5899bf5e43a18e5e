package codec

// Limits bound the cost of one value. A zero field means the default.
type Limits struct {
	// Depth is how many containers may lie inside each other: a scalar needs
	// none, [1] needs 1, [[1]] needs 2. Sequences, maps, the arguments of an
	// error and the address of a reference are containers.
	Depth int
	// Items is the number of members of all containers together; a pair of a
	// map counts as two.
	Items int
	// Bytes is the length of the encoded value, and so of every string in it.
	Bytes int
}

// The defaults.
const (
	// DefaultDepth is in containers. The original runs into its recursion
	// limit at about 320 maps inside each other; staying below it means that
	// whatever we read can be sent to an original too.
	DefaultDepth = 300
	// DefaultItems is in members. A datagram cannot hold more than 65,507;
	// the rest is room for transports without that limit.
	DefaultItems = 1 << 20
	// DefaultBytes is 64 MiB: a thousand times a datagram, and still
	// harmless for a process that keeps several of them.
	DefaultBytes = 64 << 20
)

var defaultLimits = Limits{Depth: DefaultDepth, Items: DefaultItems, Bytes: DefaultBytes}

// withDefaults returns l with every field set.
func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Items <= 0 {
		l.Items = DefaultItems
	}
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	return l
}
