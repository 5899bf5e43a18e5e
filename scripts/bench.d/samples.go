package main

import (
	"fmt"
	"strings"

	"nomfs/codec"
)

// sample is one value in the types that the codecs take.
type sample struct {
	name  string
	nom   codec.Value
	plain any // for those that read into an any
	typed any // for gob
}

// reference is what others send for a codec.Ref, as an array where they can.
type reference struct {
	_    struct{} `cbor:",toarray"`
	ID   []byte   // 16
	Host string
	Port int
}

// record is what gob sends for the sample of that name.
type record struct {
	Name   string
	Number int
	Load   float64
	Tags   []string
	Owner  struct {
		Name string
		UID  int
		Home string
	}
	Points []point
}

type point struct{ X, Y int }

const (
	sampleInt    = 1 << 20
	sampleText   = 1024 // ASCII characters
	sampleList   = 100
	sampleMap    = 20
	sampleTags   = 5
	samplePoints = 4
)

// samples returns all samples.
func samples() []sample {
	text := strings.Repeat("x", sampleText)
	blob := make([]byte, bulkSize)
	for i := range blob {
		blob[i] = byte(i * i)
	}
	return []sample{
		{"int", codec.Int(sampleInt), sampleInt, sampleInt},
		{"text", codec.Text(text), text, text},
		{"bytes", codec.Bytes(blob), blob, blob},
		referenceSample(),
		listSample(),
		mapSample(),
		recordSample(),
	}
}

func referenceSample() sample {
	const id = "212676479325586539664609129644855132177" // 128 bits
	ref := codec.Ref{ID: id, Home: codec.NewHome("127.0.0.1", 12074)}
	same := reference{ID: []byte("0123456789abcdef"), Host: "127.0.0.1", Port: 12074}
	return sample{"reference", ref, same, same}
}

func listSample() sample {
	nom, plain, typed := make(codec.List, sampleList), make([]any, sampleList), make([]int, sampleList)
	for i := range typed {
		n := i * 1000
		nom[i], plain[i], typed[i] = codec.Int(n), n, n
	}
	return sample{"list", nom, plain, typed}
}

func mapSample() sample {
	nom, plain, typed := map[string]codec.Value{}, map[string]any{}, map[string]int{}
	for i := range sampleMap {
		name, n := fmt.Sprintf("name%d", i), i*1000
		nom[name], plain[name], typed[name] = codec.Int(n), n, n
	}
	return sample{"map", codec.MapOf(nom), plain, typed}
}

func recordSample() sample {
	r := record{Name: "a machine", Number: sampleInt, Load: 1.25}
	r.Owner.Name, r.Owner.UID, r.Owner.Home = "somebody", 1000, "/home/somebody"
	var nomTags, nomPoints codec.List
	var tags, points []any
	for i := range sampleTags {
		tag := fmt.Sprintf("tag %d", i)
		r.Tags = append(r.Tags, tag)
		nomTags, tags = append(nomTags, codec.Bytes(tag)), append(tags, tag)
	}
	for i := range samplePoints {
		p := point{i, 1000 * i}
		r.Points = append(r.Points, p)
		nomPoints = append(nomPoints, codec.MapOf(map[string]codec.Value{"x": codec.Int(p.X), "y": codec.Int(p.Y)}))
		points = append(points, map[string]any{"x": p.X, "y": p.Y})
	}
	nom := codec.MapOf(map[string]codec.Value{
		"name": codec.Bytes(r.Name), "number": codec.Int(r.Number), "load": codec.Float(r.Load), "tags": nomTags,
		"owner": codec.MapOf(map[string]codec.Value{
			"name": codec.Bytes(r.Owner.Name), "uid": codec.Int(r.Owner.UID), "home": codec.Bytes(r.Owner.Home)}),
		"points": nomPoints,
	})
	plain := map[string]any{
		"name": r.Name, "number": r.Number, "load": r.Load, "tags": tags,
		"owner":  map[string]any{"name": r.Owner.Name, "uid": r.Owner.UID, "home": r.Owner.Home},
		"points": points,
	}
	return sample{"record", nom, plain, r}
}
