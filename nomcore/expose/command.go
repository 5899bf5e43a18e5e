package expose

import (
	"context"
	"errors"
	"sync"
	"time"

	"nomfs/codec"
	"nomfs/nomcore"
)

// commandKind is what a program prints.
//
//	command  the program and its arguments
//	cache    for how long one run answers all who read
//	type     what it prints, see output
//	timeout dir env max   see fields.runner
var commandKind = kind{key: "command", what: "a command", read: func(f *fields, d *def) maker {
	return readProgram(f, d, "command", "")
}}

// propertyKind is read by one program and set by another.
//
//	get      the program that reads it; without it, it can only be set
//	set      the program that sets it: {value} is the place of the value
//	stdin    "value": the value goes to the standard input of set
//	cache type timeout dir env max   as for a command
var propertyKind = kind{key: "get", also: "set", what: "a property", read: func(f *fields, d *def) maker {
	return readProgram(f, d, "get", "set")
}}

// valueParam is what a program that sets is given.
const valueParam = "value"

func readProgram(f *fields, d *def, getKey, setKey string) maker {
	m := program{getArgv: f.template(getKey, nil), of: f.output(), cache: f.duration("cache", 0, maxTimeout)}
	runs := f.runner(d, readTimeout)
	if setKey != "" {
		m.setArgv = f.template(setKey, []param{{name: valueParam}})
		m.stdin = f.oneOf("stdin", "", []string{valueParam}) != ""
		switch {
		case m.stdin && m.setArgv == nil:
			f.badKey("stdin", "it is about set, which is missing")
		case m.setArgv != nil && m.stdin == m.setArgv.uses(valueParam):
			f.bad(setKey, `the value needs one place: either the word {value}, or stdin = "value"`)
		case m.setArgv != nil && d.readonly:
			f.badKey("readonly", "it has set as well; one of them has to go")
		}
	}
	if !f.has(getKey) && f.has("cache") {
		f.badKey("cache", "it is about get, which is missing")
	}
	d.says = runsWhat(m.getArgv, m.setArgv)
	return func(s *site) (member, error) {
		r := runs.start(s.ctx)
		n := &program{getArgv: m.getArgv, setArgv: m.setArgv, of: m.of, cache: m.cache, stdin: m.stdin, run: r}
		return n, nil
	}
}

// runsWhat is for the summary.
func runsWhat(argvs ...template) string {
	says := ""
	for _, argv := range argvs {
		if len(argv) == 0 {
			continue
		}
		if says == "" {
			says = "runs " + argv[0]
		} else {
			says += ", writable by " + argv[0]
		}
	}
	return says
}

// program is an attribute that programs read and set.
type program struct {
	getArgv, setArgv template
	of               output
	cache            time.Duration
	stdin            bool
	run              *runner

	mu     sync.Mutex
	last   codec.Value // what was read at readAt, nil for nothing
	readAt time.Time
	kind   codec.Kind // of what was read last
	flight *flight    // a reading under way, for those who may share it
	writes int        // counted, so that what was read before one is not kept
}

// flight is one run of the program that several wait for.
type flight struct {
	done    chan struct{}
	v       codec.Value
	err     error
	waiting int
	cancel  context.CancelFunc
}

func (m *program) info() codec.AttrInfo {
	info := codec.AttrInfo{Kind: m.of.kind(), Type: string(m.of), Write: m.setArgv != nil}
	if info.Kind == codec.KindInvalid { // JSON and literals may be anything
		m.mu.Lock()
		info.Kind = m.kind
		m.mu.Unlock()
	}
	return info
}

func (m *program) close() { m.run.close() }

func (m *program) get(ctx context.Context) (codec.Value, error) {
	if m.getArgv == nil {
		return nil, exception("AttributeError", "it can only be set")
	}
	if m.cache == 0 {
		return m.read(ctx)
	}
	for {
		m.mu.Lock()
		if m.last != nil && time.Since(m.readAt) < m.cache {
			defer m.mu.Unlock()
			return m.last, nil
		}
		f := m.join()
		m.mu.Unlock()
		select {
		case <-f.done:
			if !errors.Is(f.err, context.Canceled) {
				return f.v, f.err
			}
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			// All others had gone when we came.
		case <-ctx.Done():
			m.leave(f)
			return nil, ctx.Err()
		}
	}
}

// join returns the reading under way, or begins one. mu must be held.
func (m *program) join() *flight {
	if m.flight != nil {
		m.flight.waiting++
		return m.flight
	}
	ctx, cancel := context.WithCancel(m.run.ctx)
	f := &flight{done: make(chan struct{}), waiting: 1, cancel: cancel}
	m.flight = f
	writes := m.writes
	go func() {
		defer cancel()
		f.v, f.err = m.read(ctx)
		m.mu.Lock()
		if m.flight == f {
			m.flight = nil
		}
		if f.err == nil && m.writes == writes {
			m.last, m.readAt = f.v, time.Now()
		}
		m.mu.Unlock()
		close(f.done)
	}()
	return f
}

// leave ends a reading that nobody waits for any more.
func (m *program) leave(f *flight) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f.waiting--; f.waiting == 0 {
		if m.flight == f {
			m.flight = nil
		}
		f.cancel()
	}
}

// read runs the program that reads.
func (m *program) read(ctx context.Context) (codec.Value, error) {
	text, err := m.run.run(ctx, m.getArgv.fill(nil), nil)
	if err != nil {
		return nil, err
	}
	v, err := m.of.value(text)
	if err == nil {
		m.mu.Lock()
		m.kind = v.Kind()
		m.mu.Unlock()
	}
	return v, err
}

func (m *program) set(ctx context.Context, v codec.Value) error {
	if m.setArgv == nil {
		return constant{}.set(ctx, v)
	}
	p := param{name: valueParam, typ: m.wants()}
	words := make(map[string][]string)
	var stdin []byte
	if m.stdin {
		text, err := m.of.text(v)
		if err != nil {
			return err
		}
		stdin = append([]byte{}, text...)
	} else {
		word, err := p.word(v)
		if err != nil {
			return err
		}
		words[valueParam] = []string{word}
	}
	_, err := m.run.run(ctx, m.setArgv.fill(words), stdin)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	m.last = nil
	if m.flight != nil { // it may have read before the change
		m.flight = nil
	}
	return err
}

// wants is the type that the value must have.
func (m *program) wants() output {
	switch m.of {
	case "text", "int", "float", "bool":
		return m.of
	}
	return ""
}

// callKind is a program to be called.
//
//	call   the program and its arguments; {name} is the place of an argument
//	args   the arguments: "name", "name=default", "name:int", "*names"
//	stdin  the argument that goes to its standard input
//	type   what it prints, see output; without it, nothing printed is None
//	timeout dir env max   see fields.runner
var callKind = kind{key: "call", what: "a call", object: true, read: readCall}

func readCall(f *fields, d *def) maker {
	params := f.params("args")
	argv := f.template("call", params)
	stdin := f.text("stdin")
	of, typed := f.output(), f.has("type")
	runs := f.runner(d, callTimeout)
	known := false
	for i, p := range params {
		known = known || p.name == stdin
		params[i].raw = p.name == stdin && !argv.uses(p.name)
		if p.name == stdin && p.rest {
			f.bad("stdin", "*%s is any number of arguments, and standard input takes one", p.name)
		}
		if len(argv) > 0 && !argv.uses(p.name) && p.name != stdin {
			f.bad("args", "%s is not used: neither a word {%s} of call, nor stdin", p.name, p.name)
		}
	}
	if stdin != "" && !known {
		f.bad("stdin", "there is no argument %s in args", stdin)
	}
	if argv != nil {
		d.says = runsWhat(argv)
	}
	return func(s *site) (member, error) {
		c := &call{name: s.name, params: params, argv: argv, stdin: stdin, of: of, typed: typed, run: runs.start(s.ctx)}
		return s.fixed(&nomcore.Object{Impl: c},
			codec.AttrInfo{Kind: codec.KindRef, Type: "method", Call: true, Params: described(params)}, c.run.close), nil
	}
}

// call is a program as a method.
type call struct {
	name   string
	params []param
	argv   template
	stdin  string
	of     output
	typed  bool
	run    *runner
}

var _ interface {
	nomcore.Caller
	nomcore.Describer
	nomcore.Reprer
} = (*call)(nil)

func (c *call) Describe(context.Context) (codec.Description, error) {
	return codec.Description{Class: "method", Callable: true, Params: described(c.params)}, nil
}

func (c *call) Repr(context.Context) (string, error) { return "<method " + c.name + ">", nil }

// Call runs the program.
func (c *call) Call(ctx context.Context, args []codec.Value, kwargs map[string]codec.Value) (codec.Value, error) {
	words, err := bind(c.name, c.params, args, kwargs)
	if err != nil {
		return nil, err
	}
	var stdin []byte
	if c.stdin != "" {
		stdin = []byte(words[c.stdin][0])
	}
	text, err := c.run.run(ctx, c.argv.fill(words), stdin)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 && !c.typed {
		return codec.None{}, nil
	}
	return c.of.value(text)
}
