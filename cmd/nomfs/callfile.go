package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"nomfs/codec"
)

// binDir is the directory of the commands of an object in a mount.
const binDir = ".bin"

// callFileCommand is what the kernel runs for a command in .bin.
func (e *env) callFileCommand() *cli.Command {
	return &cli.Command{
		Name: "call-file", Usage: "run a command of .bin in a mount", ArgsUsage: "SCRIPT [ARG]...",
		Hidden: true, SkipFlagParsing: true,
		Description: scriptWords,
		Action: func(c *cli.Context) error {
			words := c.Args().Slice()
			if len(words) == 0 {
				return withHint(usagef("SCRIPT is missing"), "run a command in .bin of a mount instead: demo/.bin/add 2 3")
			}
			if words[0] == "--help" || words[0] == "-h" {
				e.printHelp(c.App, c.Command)
				return errHelped
			}
			s, err := scriptAt(words[0])
			if err != nil {
				return err
			}
			call, err := parseScriptWords(words[1:], e.stdin)
			if errors.Is(err, errHelpWanted) {
				return e.scriptHelp(s)
			}
			if err != nil {
				return withHint(err, "%s --help tells how it is called", s.name())
			}
			return e.runScript(s, call)
		},
	}
}

// scriptWords explains the arguments of the commands in .bin.
const scriptWords = "ARG is a Python literal, or any other text as text; @PATH is the object at PATH in\n" +
	"the mount; - is what standard input holds. --K=V or K=V is a keyword argument. =TEXT\n" +
	"and --K==TEXT are exactly that text. After -- nothing is a keyword."

// A script is a command in .bin: what it calls is the entry of the same name
// in the directory above.
type script struct{ method string } // path of the directory of what is called

// scriptAt finds out what the script at a path calls. The path may be a link
// to the script, from outside the mount too.
func scriptAt(path string) (script, error) {
	real, err := filepath.EvalSymlinks(path)
	if err == nil && !filepath.IsAbs(real) {
		// The working directory may be known by a link as well.
		var wd string
		if wd, err = os.Getwd(); err == nil {
			real, err = filepath.EvalSymlinks(wd + "/" + real)
		}
	}
	if err != nil {
		return script{}, localf("cannot find %s: %w", path, err)
	}
	dir, name := filepath.Split(real)
	dir = filepath.Clean(dir)
	if filepath.Base(dir) != binDir {
		return script{}, withHint(localf("%s is not in %s of a mount", path, binDir), "link to the command instead of copying it")
	}
	return script{filepath.Join(filepath.Dir(dir), name)}, nil
}

// name is what the script calls, from the root of the mount.
func (s script) name() string {
	if root, err := mountRoot(filepath.Dir(s.method)); err == nil {
		if name, err := filepath.Rel(root, s.method); err == nil {
			return name
		}
	}
	return filepath.Base(s.method)
}

// scriptHelp prints how a method is called.
func (e *env) scriptHelp(s script) error {
	sig, err := os.ReadFile(filepath.Join(s.method, ".sig"))
	if err != nil {
		return s.failure(err)
	}
	doc, err := os.ReadFile(filepath.Join(s.method, ".doc"))
	if err != nil {
		return s.failure(err)
	}
	text := string(sig)
	if len(doc) > 0 {
		text += "\n" + string(doc)
	}
	_, err = fmt.Fprintf(e.stdout, "%s\nUsage: %s [ARG]... [--K=V]...\n\n%s\n", text, filepath.Base(s.method), scriptWords)
	return err
}

// runScript calls and prints the result. The wait for it cannot be cut short
// by anything but the end of this process, which also cancels the call.
func (e *env) runScript(s script, call string) error {
	ctx, stop := interruptible()
	defer stop()
	type answer struct {
		text []byte
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		text, err := exchange(ctx, filepath.Join(s.method, "call"), call)
		done <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return interruptedError{}
	case a := <-done:
		if errors.Is(a.err, interruptedError{}) {
			return a.err
		}
		if a.err != nil {
			return s.failure(a.err)
		}
		_, err := e.stdout.Write(a.text)
		return err
	}
}

// exchange writes one call to a call file and reads the result from the same
// descriptor: nobody else's call comes between. The line has no end, so that the
// write only leaves it there, and the call is made, and waited for, when a copy of
// the descriptor is closed: a write that waited would make all others wait that
// call the same.
func exchange(ctx context.Context, path, call string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if call == "" {
		call = " " // nothing at all would be no call
	}
	if _, err := io.WriteString(f, call); err != nil {
		return nil, &callFailure{err, callError(f)}
	}
	err = flush(f)
	if errors.Is(err, syscall.EINTR) {
		select {
		case <-ctx.Done():
			return nil, interruptedError{}
		case <-time.After(signalTime): // stopped and continued: wait on
		}
	} else if err != nil {
		return nil, &callFailure{err, callError(f)}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, &callFailure{err, callError(f)}
	}
	return text, nil
}

// callFailure is the error of a system call on an open call file, and what the
// mount tells of it, "" where it tells nothing.
type callFailure struct {
	err  error
	told string
}

func (e *callFailure) Error() string { return e.err.Error() }
func (e *callFailure) Unwrap() error { return e.err }

// signalTime is how long after a system call was interrupted the signal has
// surely become known.
const signalTime = 100 * time.Millisecond

// failure turns the error of a system call on the call file into what the peer
// said.
func (s script) failure(err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return localf("%s: %w", s.name(), err)
	}
	var failed *callFailure
	text := ""
	if errors.As(err, &failed) {
		text = failed.told
	}
	class, words, _ := strings.Cut(text, ": ")
	switch {
	case failed != nil && mountGone[errno] && class != errnoName(errno): // what is told is of another call
		return &toldError{s.name() + ": the mount, or this peer of it, is gone; the call may have run", errno}
	case text == "":
		return errorAt(s.name(), errno)
	case class == errnoName(errno):
		return &toldError{s.name() + ": " + words, errno}
	case text == accessDenied:
		return &toldError{s.name() + ": " + text, fs.ErrPermission}
	}
	return &raisedError{errors.New(s.name() + ": " + text)}
}

// mountGone are the errors of a file whose mount has ended, or was killed, or has
// no such peer any more.
var mountGone = map[syscall.Errno]bool{syscall.ENODEV: true, syscall.ENOTCONN: true, syscall.ECONNABORTED: true}

// accessDenied is the exception with which a peer refuses. All others were
// raised by what was called.
var accessDenied = codec.Exception{Class: "RuntimeError", Args: codec.Tuple{codec.StringValue("Access denied")}}.Error()

// toldError is an error of the mount: its words, and its kind.
type toldError struct {
	words string
	kind  error
}

func (e *toldError) Error() string { return e.words }
func (e *toldError) Unwrap() error { return e.kind }

// errHelpWanted: the arguments ask for help.
var errHelpWanted = errors.New("help is wanted")

// scriptCall is the line of a call under construction.
type scriptCall struct {
	args, kwargs []string
	seen         map[string]bool
	stdin        io.Reader // nil once it was read
}

// parseScriptWords turns the arguments of a command in .bin into one line for
// a call file. All that could end the line early is escaped.
func parseScriptWords(words []string, stdin io.Reader) (string, error) {
	c := scriptCall{seen: make(map[string]bool), stdin: stdin}
	keywords := true
	for _, word := range words {
		var err error
		switch {
		case keywords && word == "--":
			keywords = false
		case keywords && word == "--help":
			return "", errHelpWanted
		case keywords:
			err = c.add(word)
		default:
			err = c.addValue(word)
		}
		if err != nil {
			return "", err
		}
	}
	return strings.Join(slices.Concat(c.args, c.kwargs), ", "), nil
}

// add takes a word that may be a keyword.
func (c *scriptCall) add(word string) error {
	flag, value, ok := strings.Cut(word, "=")
	name, dashed := strings.CutPrefix(flag, "--")
	switch {
	case dashed && isKeyword(name) && !ok:
		return withHint(usagef("%s has no value", word), "--%s=VALUE; after -- it is text", name)
	case dashed && !isKeyword(name) && startsWithLetter(name):
		return withHint(usagef("%s is no name of an argument", flag), "a name is letters, digits and _; after -- it is text")
	case !ok || !isKeyword(name):
		return c.addValue(word)
	case c.seen[name]:
		return usagef("the keyword %s is given twice", name)
	}
	text, err := argumentText(value)
	c.seen[name] = true
	c.kwargs = append(c.kwargs, name+"="+text)
	return err
}

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

// addValue takes a word that is the value of an argument.
func (c *scriptCall) addValue(word string) error {
	if word == "-" {
		if c.stdin == nil {
			return usagef("standard input can be one argument only")
		}
		all, err := io.ReadAll(c.stdin)
		if err != nil {
			return localf("cannot read standard input: %w", err)
		}
		c.stdin = nil
		v := inputValue(string(all))
		text, err := literalText(v)
		c.args = append(c.args, text)
		return err
	}
	text, err := argumentText(word)
	c.args = append(c.args, text)
	return err
}

// inputValue is what standard input stands for as an argument. It is read as a
// word is, without the newline at its end; bytes that are no text stay as they
// are.
func inputValue(s string) codec.Value {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return codec.StringValue(s)
	}
	s = strings.TrimSuffix(s, "\n")
	if strings.HasPrefix(s, "=") {
		return codec.StringValue(s) // an equals sign is a mark on the command line alone
	}
	return wordValue(s)
}

// argumentText is one word of the command line as it is written to a call
// file.
func argumentText(word string) (string, error) {
	path, isPath := strings.CutPrefix(word, "@")
	if !isPath || path == "" {
		return literalText(wordValue(word))
	}
	if strings.ContainsAny(path, ",\n") || strings.TrimSpace(path) != path {
		return "", withHint(usagef("%q cannot be written as a path", word), "=%s is the text", word)
	}
	return word, nil
}

// literalText is a value as a literal in one line.
func literalText(v codec.Value) (string, error) {
	text := v.String()
	back, err := codec.ParseLiteral(text)
	if err != nil || !codec.Equal(v, back) || strings.ContainsRune(text, '\n') {
		return "", usagef("%s cannot be written as an argument", text)
	}
	return text, nil
}
