package wrap

import (
	"reflect"
	"unicode/utf8"

	"nomfs/codec"
	"nomfs/nomcore/object"
)

// Natural returns the Go value that a Go programmer would expect for v in a
// variable of type any. What Go has no word for stays as it is: tuples, sets,
// slices, remote objects, and objects that are no Go pointer.
func Natural(v codec.Value) any {
	switch v := v.(type) {
	case codec.None:
		return nil
	case codec.Bool:
		return bool(v)
	case codec.Int, codec.Long:
		if n, ok := codec.BigIntOf(v); ok && n.IsInt64() && n.Int64() == int64(int(n.Int64())) {
			return int(n.Int64())
		} else if ok {
			return n
		}
	case codec.Float:
		return float64(v)
	case codec.Text:
		return string(v)
	case codec.Bytes:
		for i := range len(v) {
			if v[i] >= utf8.RuneSelf {
				return []byte(v)
			}
		}
		return string(v)
	case codec.List:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = Natural(item)
		}
		return list
	case *codec.Map:
		m := make(map[string]any, v.Len())
		for _, p := range v.Pairs() {
			k, ok := codec.StringOf(p.Key)
			if !ok {
				return v
			}
			m[k] = Natural(p.Value)
		}
		return m
	case *object.Object:
		if w, ok := goValue(v, anyType); ok {
			return w.Interface()
		}
	}
	return v
}

// goValue returns the Go value that o stands for if it fits t: the pointer or
// map that was wrapped, or a copy of what a pointer points to.
func goValue(o *object.Object, t reflect.Type) (reflect.Value, bool) {
	g := asGoObject(o.Impl)
	if g == nil {
		v := reflect.ValueOf(o.Impl)
		return v, t != anyType && v.IsValid() && v.Type().AssignableTo(t)
	}
	if t == anyType && g.self.Kind() != reflect.Pointer && g.self.Kind() != reflect.Map {
		return reflect.Value{}, false
	}
	if g.self.Type().AssignableTo(t) {
		return g.self, true
	}
	if g.self.Kind() != reflect.Pointer || !g.info.base.AssignableTo(t) {
		return reflect.Value{}, false
	}
	g.guard.read.Lock()
	defer g.guard.read.Unlock()
	c := reflect.New(t).Elem()
	c.Set(g.self.Elem())
	if c.Kind() == reflect.Slice && !c.IsNil() {
		c.Set(reflect.AppendSlice(reflect.MakeSlice(c.Type(), 0, c.Len()), c))
	}
	return c, true
}
