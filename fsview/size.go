package fsview

import "nomfs/codec"

// How much memory things take, in bytes, about: what is counted against the bounds of
// params.go.
const (
	wordSize   = 8
	valueSize  = 2 * wordSize // of a codec.Value without what it holds
	stringSize = 2 * wordSize // of a string without its bytes
	// mapEntry is what an entry of a map takes besides its key and value.
	mapEntry = 4 * wordSize
	// infoSize is the size of a codec.AttrInfo, or of what is kept of one value,
	// without its texts.
	infoSize = 18 * wordSize
)

// memSize is about how much memory a value takes.
func memSize(v codec.Value) int {
	switch v := v.(type) {
	case codec.Bytes:
		return valueSize + stringSize + len(v)
	case codec.Text:
		return valueSize + stringSize + len(v)
	case codec.Long:
		return valueSize + stringSize + len(v)
	case codec.List:
		return valueSize + memSizes(v)
	case codec.Tuple:
		return valueSize + memSizes(v)
	case codec.Set:
		return valueSize + memSizes(v)
	case *codec.Map:
		n := valueSize
		for _, pair := range v.Pairs() {
			n += memSize(pair.Key) + memSize(pair.Value) + mapEntry
		}
		return n
	case codec.Ref:
		return valueSize + refSize(v)
	case codec.Exception:
		return valueSize + stringSize + len(v.Class) + memSizes(v.Args)
	}
	return valueSize + wordSize
}

func memSizes(vs []codec.Value) int {
	n := 3 * wordSize
	for _, v := range vs {
		n += memSize(v)
	}
	return n
}

func refSize(r codec.Ref) int { return 2*stringSize + len(r.ID) + len(r.Home) }

// attrSize is about how much memory an attribute of a description takes.
func attrSize(a *codec.AttrInfo) int {
	return infoSize + len(a.Name) + len(a.Type) + len(a.Doc) + paramsSize(a.Params)
}

func paramsSize(params []codec.Param) int {
	n := 0
	for _, p := range params {
		n += infoSize/2 + len(p.Name) + len(p.Type)
		if p.Default != nil {
			n += memSize(p.Default)
		}
	}
	return n
}
