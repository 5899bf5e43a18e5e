package codec

// The numbers of the wire. No other file holds one.

// Tags: the first byte of every value that is not written "untagged".
const (
	tagBase     = 0x00 // never on the wire
	tagInt      = 0x01
	tagLong     = 0x02
	tagFloat    = 0x03
	tagBytes    = 0x04
	tagText     = 0x05
	tagBool     = 0x06
	tagSeq      = 0x07
	tagMap      = 0x08
	tagByte     = 0x09 // read, never written
	tagNone     = 0x0a
	tagSlice    = 0x0b
	tagEllipsis = 0x0c
	tagError    = 0x0d
	tagRef      = 0xff
)

// Kinds of SEQ, the byte after the count. Where a set may not stand, seqTuple is
// the last kind that may.
const (
	seqList  = 0
	seqTuple = 1
	seqSet   = 2
)

// Sizes, in bytes.
const (
	sizeTag    = 1
	sizeByte   = 1
	sizeI32    = 4
	sizeFloat  = 8
	sizeSlice  = 3 * sizeI32
	sizeSeqHdr = sizeI32 + sizeByte // count and kind

	// minValue is the shortest value: NONE and ELLIPSIS are a lone tag.
	minValue = sizeTag
	// minPair is the shortest pair of a MAP: a SEQ header and two values.
	minPair = sizeSeqHdr + 2*minValue
)

// pairLen is the count in the header of a pair: a key and a value.
const pairLen = 2

// addrLen is the count of a home address: a host and a port.
const addrLen = 2

// textCodec is the codec name that TEXT is always written with.
const textCodec = "UTF-8"

// textHead is the length in bytes of TEXT without its data.
const textHead = sizeTag + sizeI32 + len(textCodec) + sizeI32
