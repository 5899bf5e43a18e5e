package main

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"nomfs/codec"
	"nomfs/fsview"
	"nomfs/nomcore"
)

// readCommand makes a command that asks one question about PATH.
func (e *env) readCommand(name, usage, description, pathArg string,
	ask func(ctx context.Context, peer fsview.Remote, at place) error) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: "PEER " + pathArg, Description: description,
		Flags: []cli.Flag{timeoutFlag(), plainFlag(), traceFlag()},
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "PEER", pathArg)
			if err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			return t.withPeer(func(ctx context.Context, peer *nomcore.Peer) error {
				at, err := walk(ctx, peer, strings.Join(words[1:], ""))
				if err != nil {
					return err
				}
				return ask(ctx, peer, at)
			})
		},
	}
}

func (e *env) lsCommand() *cli.Command {
	return e.readCommand("ls", "list the names in a directory of the tree",
		"Prints one name a line, spelled as in a mount. Without PATH: the registered names.\n"+
			"For a value it prints PATH, as ls does for a file. A listing that is too long is\n"+
			"truncated: ls prints its beginning, says so, and ends with status 1.", "[PATH]",
		func(ctx context.Context, peer fsview.Remote, at place) error {
			names, complete, err := at.list(ctx, peer)
			if err != nil && !isTruncated(err) {
				return err
			}
			if names == nil {
				return e.println(at.path)
			}
			if !complete {
				printHint(e.stderr, "the peer cannot tell all names: any name works when typed")
			}
			if len(names) > 0 {
				if err := e.println(strings.Join(names, "\n")); err != nil {
					return err
				}
			}
			return withHint(err, "the names that are left out work when typed")
		})
}

func (e *env) getCommand() *cli.Command {
	return e.readCommand("get", "print a value",
		"Prints what cat would print in a mount: text as it is, bytes that are no text raw,\n"+
			"anything else as a Python literal.", "PATH",
		func(ctx context.Context, peer fsview.Remote, at place) error {
			switch at.what {
			case atRoot, atIndex:
				return isDirectory(at)
			case atControl:
				return e.getControl(ctx, peer, at)
			}
			v, err := at.value(ctx, peer)
			if err != nil {
				return err
			}
			if _, ok := v.(codec.Ref); ok {
				return isDirectory(at)
			}
			return e.printValue(v)
		})
}

func isDirectory(at place) error {
	return withHint(localf("%s is a directory", at.path), "nomfs ls lists it; nomfs repr shows the object")
}

// getControl prints what the control entries of an object hold.
func (e *env) getControl(ctx context.Context, peer fsview.Remote, at place) error {
	switch at.name {
	case "call":
		return withHint(localf("%s holds what a session has called in a mount", at.path), "nomfs call calls and prints the result")
	case "len":
		n, err := peer.Len(ctx, at.owner)
		return e.printOr(strconv.Itoa(n), errorAt(at.path, err))
	case "repr":
		s, err := peer.Repr(ctx, at.owner)
		return e.printOr(s, errorAt(at.path, err))
	case "str":
		s, err := peer.Str(ctx, at.owner)
		return e.printOr(s, errorAt(at.path, err))
	case ".oid":
		return e.println(at.owner.ID)
	case ".type":
		d, err := peer.Describe(ctx, at.owner)
		if isTruncated(err) {
			err = nil // its attributes are
		}
		return e.printOr(d.Class, errorAt(at.path, err))
	}
	names, err := peer.Dir(ctx, at.owner)
	if isTruncated(err) {
		return errors.Join(e.println(strings.Join(names, "\n")), errorAt(at.path, err))
	}
	return e.printOr(strings.Join(names, "\n"), errorAt(at.path, err))
}

func (e *env) reprCommand() *cli.Command {
	return e.readCommand("repr", "print the repr of an object or a value",
		"Prints what Python's repr says: for a value the literal that reads back as it.", "PATH",
		func(ctx context.Context, peer fsview.Remote, at place) error {
			return e.askText(ctx, peer, at, peer.Repr, codec.Value.String)
		})
}

func (e *env) strCommand() *cli.Command {
	return e.readCommand("str", "print the str of an object or a value",
		"Prints what Python's str says.", "PATH",
		func(ctx context.Context, peer fsview.Remote, at place) error {
			return e.askText(ctx, peer, at, peer.Str, func(v codec.Value) string {
				if s, ok := codec.StringOf(v); ok {
					return s
				}
				return v.String()
			})
		})
}

// askText prints the text that the peer has for an object, or that we have for
// a value, which is a copy.
func (e *env) askText(ctx context.Context, peer fsview.Remote, at place,
	remote func(context.Context, codec.Ref) (string, error), local func(codec.Value) string) error {
	v, err := at.value(ctx, peer)
	if err != nil {
		return err
	}
	ref, ok := v.(codec.Ref)
	if !ok {
		return e.println(local(v))
	}
	s, err := remote(ctx, ref)
	return e.printOr(s, errorAt(at.path, err))
}

func (e *env) lenCommand() *cli.Command {
	return e.readCommand("len", "print the length of an object or a value",
		"Prints what Python's len says.", "PATH",
		func(ctx context.Context, peer fsview.Remote, at place) error {
			v, err := at.value(ctx, peer)
			if err != nil {
				return err
			}
			if ref, ok := v.(codec.Ref); ok {
				n, err := peer.Len(ctx, ref)
				return e.printOr(strconv.Itoa(n), errorAt(at.path, err))
			}
			n, ok := lenOf(v)
			if !ok {
				return localf("%s is of type %s, which has no length", at.path, v.Kind())
			}
			return e.println(n)
		})
}

// lenOf returns what Python's len says of a value.
func lenOf(v codec.Value) (int, bool) {
	switch v := v.(type) {
	case codec.Bytes:
		return len(v), true
	case codec.Text:
		return len([]rune(string(v))), true
	case codec.List:
		return len(v), true
	case codec.Tuple:
		return len(v), true
	case codec.Set:
		return len(v), true
	case *codec.Map:
		return v.Len(), true
	}
	return 0, false
}

// printValue prints a value as the file that holds it would show it.
func (e *env) printValue(v codec.Value) error {
	_, err := e.stdout.Write(fsview.Render(v))
	return err
}

// printOr prints text unless there is an error.
func (e *env) printOr(text string, err error) error {
	if err != nil {
		return err
	}
	return e.println(text)
}
