package main

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/urfave/cli/v2"

	"nomfs/codec"
	"nomfs/fsview"
	"nomfs/nomcore"
)

func (e *env) setCommand() *cli.Command {
	return &cli.Command{
		Name: "set", Usage: "set an attribute or an item", ArgsUsage: "PEER PATH VALUE",
		Description: "Does what echo VALUE > PATH would do in a mount: VALUE is read as the type that is\n" +
			"there now; what is None or new takes a Python literal, or any other text as text.\n" +
			"VALUE is taken as it is, whatever it looks like: nomfs set PEER demo/number -5.",
		Flags: []cli.Flag{timeoutFlag(), plainFlag(), traceFlag()},
		Action: func(c *cli.Context) error {
			words, rest, err := e.wordsAndRest(c, "VALUE", "PEER", "PATH")
			if err != nil {
				return err
			}
			switch len(rest) {
			case 0:
				return withHint(usagef("VALUE is missing"), "nomfs set PEER PATH VALUE; '' is the empty text")
			case 1:
			default:
				return withHint(usagef("too many arguments: %q", rest[1]), "quote a VALUE with blanks: nomfs set PEER PATH 'two words'")
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			return t.withPeer(func(ctx context.Context, peer *nomcore.Peer) error {
				return set(ctx, peer, words[1], rest[0])
			})
		},
	}
}

// set assigns text to what is at a path, with the type that is there.
func set(ctx context.Context, peer fsview.Remote, path, text string) error {
	at, err := walk(ctx, peer, path)
	if err != nil {
		return err
	}
	if !at.isMember() {
		return fmt.Errorf("%s cannot be set: %w", at.path, fs.ErrPermission)
	}
	// What cannot be read may still be written: a new attribute, or one that
	// the peer lets nobody see.
	cur, err := at.value(ctx, peer)
	if err != nil && !is[codec.Exception](err) {
		return err
	}
	v, err := parseValue(text, cur)
	if err != nil {
		return &localError{errorAt(at.path, err)}
	}
	if at.what == atItem {
		err = peer.SetItem(ctx, at.owner, at.key, v)
	} else {
		err = peer.SetAttr(ctx, at.owner, at.name, v)
	}
	return errorAt(at.path, err)
}

// parseValue reads text as the file that holds cur would read it from echo,
// which adds a newline. Raw bytes would take the newline as one more byte.
func parseValue(text string, cur codec.Value) (codec.Value, error) {
	if b, ok := cur.(codec.Bytes); ok && string(fsview.Render(b)) == string(b) {
		return codec.Bytes(text), nil
	}
	return fsview.ParseText([]byte(text+"\n"), cur)
}

func (e *env) delCommand() *cli.Command {
	return &cli.Command{
		Name: "del", Usage: "delete an attribute or an item", ArgsUsage: "PEER PATH",
		Flags: []cli.Flag{timeoutFlag(), plainFlag(), traceFlag()},
		Action: func(c *cli.Context) error {
			words, err := e.words(c, "PEER", "PATH")
			if err != nil {
				return err
			}
			t, err := e.targetOf(c, words[0])
			if err != nil {
				return err
			}
			return t.withPeer(func(ctx context.Context, peer *nomcore.Peer) error {
				return del(ctx, peer, words[1])
			})
		},
	}
}

func del(ctx context.Context, peer fsview.Remote, path string) error {
	at, err := walk(ctx, peer, path)
	if err != nil {
		return err
	}
	switch at.what {
	case atAttr:
		err = peer.DelAttr(ctx, at.owner, at.name)
	case atItem:
		err = peer.DelItem(ctx, at.owner, at.key)
	default:
		err = fmt.Errorf("cannot be deleted: %w", fs.ErrPermission)
	}
	return errorAt(at.path, err)
}
