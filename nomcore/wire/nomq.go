package wire

import (
	"encoding/binary"
	"fmt"
	"time"
)

const (
	tagBootAt  = 16
	tagSeqAt   = 24
	tagBelowAt = 32
	tagAcksAt  = 40
	seqSize    = 8

	ackFlagsAt  = 8
	ackMemoryAt = 9
	ackSize     = 17

	// MaxAcks bounds the numbers that one request acknowledges one by one, so
	// that nomq stays short beside the request itself.
	MaxAcks = 16
)

// Tag is nomq in a request.
type Tag struct {
	Session SessionID
	Boot    BootID // of the server, as the client knows it
	Seq     uint64 // number of the request
	Below   uint64 // all numbers below are acknowledged, see the package comment
	Acks    []byte // numbers that are acknowledged one by one, 8 bytes each
}

// Append appends the bytes of the tag.
func (t *Tag) Append(b []byte) []byte {
	b = append(b, t.Session[:]...)
	b = append(b, t.Boot[:]...)
	b = binary.BigEndian.AppendUint64(b, t.Seq)
	b = binary.BigEndian.AppendUint64(b, t.Below)
	return append(b, t.Acks...)
}

// Size returns how many bytes Append appends.
func (t *Tag) Size() int { return tagAcksAt + len(t.Acks) }

// ParseTag reads nomq of a request. Acks is a part of b. An error wraps
// ErrPacket.
func ParseTag(b []byte) (Tag, error) {
	if len(b) < tagAcksAt || (len(b)-tagAcksAt)%seqSize != 0 {
		return Tag{}, fmt.Errorf("%w: malformed nomq", ErrPacket)
	}
	t := Tag{
		Seq:   binary.BigEndian.Uint64(b[tagSeqAt:]),
		Below: binary.BigEndian.Uint64(b[tagBelowAt:]),
		Acks:  b[tagAcksAt:],
	}
	copy(t.Session[:], b)
	copy(t.Boot[:], b[tagBootAt:])
	if t.Seq == 0 || t.Below > t.Seq {
		return t, fmt.Errorf("%w: nomq of number %d acknowledges all below %d", ErrPacket, t.Seq, t.Below)
	}
	return t, nil
}

// AppendSeq appends a number to a list of numbers.
func AppendSeq(b []byte, seq uint64) []byte { return binary.BigEndian.AppendUint64(b, seq) }

// NextSeq takes the first number off a list of numbers.
func NextSeq(b []byte) (seq uint64, rest []byte, ok bool) {
	if len(b) < seqSize {
		return 0, nil, false
	}
	return binary.BigEndian.Uint64(b), b[seqSize:], true
}

// The flags of an answer.
const (
	AckUnknown byte = 0x01 // the session is unknown: the request was not run
	AckLost    byte = 0x04 // it has run; its answer is not kept any more
	AckRunning byte = 0x08 // it runs; its answer will follow
	AckBusy    byte = 0x10 // the server has no room for it now: it was not run
)

// The bytes by which Running answers for each number.
const (
	StateUnknown byte = 0
	StateRunning byte = 1
	StateDone    byte = 2
)

// Ack is nomq in an answer.
type Ack struct {
	Seq    uint64
	Flags  byte
	Memory time.Duration // how far back the server knows all sessions that it heard of
}

// Append appends the 17 bytes of the acknowledgement.
func (a *Ack) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, a.Seq)
	return binary.BigEndian.AppendUint64(append(b, a.Flags), uint64(a.Memory))
}

// ParseAck reads nomq of an answer. An error wraps ErrPacket.
func ParseAck(b []byte) (Ack, error) {
	if len(b) < ackSize {
		return Ack{}, fmt.Errorf("%w: malformed nomq", ErrPacket)
	}
	return Ack{
		Seq:    binary.BigEndian.Uint64(b),
		Flags:  b[ackFlagsAt],
		Memory: time.Duration(binary.BigEndian.Uint64(b[ackMemoryAt:])),
	}, nil
}
