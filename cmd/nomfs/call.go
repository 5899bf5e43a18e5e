package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"nomfs/codec"
	"nomfs/fsview"
	"nomfs/nomcore"
)

func (e *env) callCommand() *cli.Command {
	return &cli.Command{
		Name: "call", Usage: "call an object and print the result", ArgsUsage: "PEER PATH [ARG|K=V]...",
		Description: "ARG is a Python literal, or any other text as text; K=V is a keyword argument.\n" +
			"=TEXT and K==TEXT are exactly that text: =5 is the text 5. After -- nothing is a\n" +
			"keyword. Arguments are taken as they are: nomfs call PEER demo/add -5. None prints\n" +
			"nothing, an object prints its path in a mount. An exception that the call raised\n" +
			"ends with 3. A call that takes longer than --timeout may have run.",
		Flags: []cli.Flag{timeoutFlag(), plainFlag(), traceFlag()},
		Action: func(c *cli.Context) error {
			words, rest, err := e.wordsAndRest(c, "[ARG|K=V]...", "PEER", "PATH")
			if err != nil {
				return err
			}
			args, kwargs, err := parseWords(rest)
			if err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			return t.withPeer(func(ctx context.Context, peer *nomcore.Peer) error {
				return e.call(ctx, peer, words[1], args, kwargs)
			})
		},
	}
}

// call calls what is at a path and prints the result.
func (e *env) call(ctx context.Context, peer fsview.Remote, path string, args []codec.Value, kwargs map[string]codec.Value) error {
	at, err := walk(ctx, peer, path)
	if err != nil {
		return err
	}
	ref, err := callable(ctx, peer, at)
	if err != nil {
		return err
	}
	v, err := peer.Call(ctx, ref, args, kwargs)
	if err != nil {
		return errorAt(at.path, raised(err))
	}
	switch v := v.(type) {
	case codec.None:
		return nil
	case codec.Ref:
		return e.println(".nom/obj/" + string(v.ID))
	default:
		return e.printValue(v)
	}
}

// callable returns the object that a path names, itself or by its call entry.
func callable(ctx context.Context, peer fsview.Remote, at place) (codec.Ref, error) {
	if at.what == atControl && at.name == "call" {
		return at.owner, nil
	}
	v, err := at.value(ctx, peer)
	if err != nil {
		return codec.Ref{}, err
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		return codec.Ref{}, localf("%s is a value (%s), which cannot be called", at.path, v.Kind())
	}
	return ref, nil
}

// raised marks an exception that a call raised, so that a KeyError inside a
// method is not taken for a name that does not exist. A refusal stays one.
func raised(err error) error {
	var exc codec.Exception
	if errors.As(err, &exc) && !(exc.Class == "RuntimeError" && errors.Is(exc, fs.ErrPermission)) {
		return &raisedError{err}
	}
	return err
}

// parseWords turns the words of a command line into arguments.
func parseWords(words []string) (args []codec.Value, kwargs map[string]codec.Value, err error) {
	kwargs = make(map[string]codec.Value)
	keywords := true
	for _, word := range words {
		if keywords && word == "--" {
			keywords = false
			continue
		}
		name, value, ok := strings.Cut(word, "=")
		if !keywords || !ok || !isKeyword(name) {
			args = append(args, wordValue(word))
			continue
		}
		if kwargs[name] != nil {
			return nil, nil, usagef("the keyword %s is given twice", name)
		}
		kwargs[name] = wordValue(value)
	}
	return args, kwargs, nil
}

// wordValue is what one word of a command line stands for: after an equals
// sign exactly the text that follows, else a literal, else text.
func wordValue(word string) codec.Value {
	if text, exact := strings.CutPrefix(word, "="); exact {
		return codec.StringValue(text)
	}
	// 1:2 is a slice between brackets alone; here it is a time or a ratio.
	if v, err := codec.ParseLiteral(word); err == nil && (v.Kind() != codec.KindSlice || strings.HasPrefix(word, "slice")) {
		return v
	}
	return codec.StringValue(word)
}

// isKeyword tells whether a word can be the name of a parameter.
func isKeyword(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
		case i > 0 && '0' <= r && r <= '9':
		default:
			return false
		}
	}
	return s != ""
}
