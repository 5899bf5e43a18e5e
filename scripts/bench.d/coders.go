package main

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"reflect"

	"github.com/fxamacker/cbor/v2"
	"github.com/vmihailenco/msgpack/v5"

	"nomfs/codec"
)

func newNomCoder(s sample) (*coder, error) {
	b, err := codec.Append(nil, s.nom)
	if err != nil {
		return nil, err
	}
	var last codec.Value
	return &coder{
		encode: func() (err error) {
			b, err = codec.Append(b[:0], s.nom)
			return err
		},
		decode: func() (err error) {
			last, _, err = codec.Parse(b, codec.Limits{})
			return err
		},
		value: func() any { return last },
	}, nil
}

// plainCoder is the coder of a library that writes to a buffer, and reads into an
// any.
func plainCoder(s sample, buf *bytes.Buffer, encode func(any) error, decode func([]byte, any) error) (*coder, error) {
	if err := encode(s.plain); err != nil {
		return nil, err
	}
	var last any
	return &coder{
		encode: func() error {
			buf.Reset()
			return encode(s.plain)
		},
		decode: func() error {
			last = nil
			return decode(buf.Bytes(), &last)
		},
		value: func() any { return last },
	}, nil
}

func newCBORCoder(s sample) (*coder, error) {
	enc, err := cbor.EncOptions{}.UserBufferEncMode()
	if err != nil {
		return nil, err
	}
	dec, err := cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any]()}.DecMode()
	if err != nil {
		return nil, err
	}
	buf := &bytes.Buffer{}
	return plainCoder(s, buf, func(v any) error { return enc.MarshalToBuffer(v, buf) }, dec.Unmarshal)
}

func newMsgpackCoder(s sample) (*coder, error) {
	buf := &bytes.Buffer{}
	enc := msgpack.NewEncoder(buf)
	enc.UseArrayEncodedStructs(true)
	return plainCoder(s, buf, enc.Encode, msgpack.Unmarshal)
}

func newJSONCoder(s sample) (*coder, error) {
	buf := &bytes.Buffer{}
	return plainCoder(s, buf, json.NewEncoder(buf).Encode, json.Unmarshal)
}

// newGobCoder makes a stream of its own for each message, which begins with the
// types.
func newGobCoder(s sample) (*coder, error) {
	buf := &bytes.Buffer{}
	if err := gob.NewEncoder(buf).Encode(s.typed); err != nil {
		return nil, err
	}
	last := reflect.New(reflect.TypeOf(s.typed))
	return &coder{
		encode: func() error {
			buf.Reset()
			return gob.NewEncoder(buf).Encode(s.typed)
		},
		decode: func() error {
			last.Elem().SetZero()
			return gob.NewDecoder(bytes.NewReader(buf.Bytes())).DecodeValue(last)
		},
		value: func() any { return last.Elem().Interface() },
	}, nil
}

// newStreamCoder makes one stream for all messages, on which the types have been
// sent already.
func newStreamCoder(s sample) (*coder, error) {
	buf := &bytes.Buffer{}
	enc := gob.NewEncoder(buf)
	if err := enc.Encode(s.typed); err != nil {
		return nil, err
	}
	in := bytes.NewReader(bytes.Clone(buf.Bytes()))
	dec := gob.NewDecoder(in)
	last := reflect.New(reflect.TypeOf(s.typed))
	if err := dec.DecodeValue(last); err != nil {
		return nil, err
	}
	buf.Reset()
	if err := enc.Encode(s.typed); err != nil {
		return nil, err
	}
	return &coder{
		encode: func() error {
			buf.Reset()
			return enc.Encode(s.typed)
		},
		decode: func() error {
			in.Reset(buf.Bytes())
			last.Elem().SetZero()
			return dec.DecodeValue(last)
		},
		value: func() any { return last.Elem().Interface() },
	}, nil
}
