package codec

// Append appends the encoding of v to b, as the original would write it: an
// integer of 32 bits as INT, any other as LONG, text as UTF-8, the pairs of a
// map in order. On an error the result is b as it was. It allocates nothing but
// room for the result.
//
// Errors wrap ErrUnencodable for values the wire cannot carry, ErrText, or
// ErrDepth, ErrItems and ErrSize for the default limits.
func Append(b []byte, v Value) ([]byte, error) {
	w := writer{lim: defaultLimits, start: len(b)}
	out, err := w.value(b, v)
	if err != nil {
		return b, err
	}
	return out, nil
}

// Encoder appends values that may hold values of other packages. The zero
// Encoder does what Append does. It may be used concurrently if Ref may be.
type Encoder struct {
	// Ref makes a reference of a value of another package. If it is nil, such
	// a value is ErrUnencodable; Append returns an error of Ref as it is.
	Ref func(v Value) (Ref, error)
	// Limits apply to each call.
	Limits Limits
}

// Append appends the encoding of v to b; see the function Append.
func (e *Encoder) Append(b []byte, v Value) ([]byte, error) {
	w := writer{ref: e.Ref, lim: e.Limits.withDefaults(), start: len(b)}
	out, err := w.value(b, v)
	if err != nil {
		return b, err
	}
	return out, nil
}

// AppendAttrs appends a MAP whose keys are the names, as BYTES. The attributes
// should be sorted by name, bytewise; if they are not, AppendAttrs sorts a copy. Of
// several with the same name the last counts.
func (e *Encoder) AppendAttrs(b []byte, attrs []Attr) ([]byte, error) {
	w := writer{ref: e.Ref, lim: e.Limits.withDefaults(), start: len(b)}
	out, err := w.attrs(append(b, tagMap), attrs)
	if err != nil {
		return b, err
	}
	return out, nil
}
