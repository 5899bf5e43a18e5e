package expose

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"nomfs/codec"
	"nomfs/nomcore"
	"nomfs/nomcore/expose/script"
)

// scriptKind is a Starlark file as an object: its top-level names are
// attributes, its functions methods, see package script. The object is another
// one when the file has changed.
//
//	script   its path
//	steps    how many steps of the interpreter a call may take
//	timeout  how long it may take
var scriptKind = kind{key: "script", what: "a script", object: true, read: func(f *fields, d *def) maker {
	path := f.file("script")
	env := script.Env{Timeout: f.duration("timeout", 0, maxTimeout), Steps: uint64(f.count("steps", 0, math.MaxInt))}
	if path == "" {
		return nil
	}
	d.watch = path
	text, err := readLimited(path, maxConfig)
	if err == nil {
		// Another text is another script.
		d.canon = fmt.Sprintf("sha256 %x\n", sha256.Sum256(text))
		err = tryScript(path, env)
	}
	if err != nil {
		f.script(path, err)
	}
	return func(s *site) (member, error) {
		env := env
		env.Log, env.Connect, env.Objects = s.log, s.svc.Connect, s.v.value
		x, err := script.Load(path, env)
		if err != nil {
			return nil, err
		}
		return s.fixed(x.Object(), codec.AttrInfo{Kind: codec.KindRef}, x.Close), nil
	}
}}

// errNotYet: the file is only looked at.
var errNotYet = errors.New("nothing is connected to while a file is checked")

// tryScript loads a script to see what is wrong with it.
func tryScript(path string, env script.Env) error {
	env.Log = slog.New(slog.DiscardHandler)
	env.Objects = func(string) (any, bool) { return nil, false }
	env.Connect = func(context.Context, string) (*nomcore.Peer, error) { return nil, errNotYet }
	x, err := script.Load(path, env)
	if err == nil {
		x.Close()
	}
	return err
}

// script notes what is wrong with a script, at its place in the script where
// that is known.
func (f *fields) script(path string, err error) {
	for _, one := range allErrors(err) {
		var at *script.Error
		if !errors.As(one, &at) || at.Line == 0 {
			f.bad("script", "%s", whyNot(one))
			continue
		}
		f.l.bad.list = append(f.l.bad.list, &Error{File: path, Line: at.Line, Column: at.Col, Key: join(f.path, "script"), Text: at.Text})
	}
}

// value returns an object of the file by its name, for scripts.
func (v *Served) value(name string) (any, bool) {
	o, ok := v.Object(name)
	return o, ok
}
