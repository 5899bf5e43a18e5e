package nomcore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Some tests need several processes. The test binary then runs itself again,
// with the name of a role in the environment. The two talk in lines of JSON: the
// test writes requests to the standard input of the child, whose answers come
// on its standard output. A child ends when its standard input does, so none
// outlives the test.

const roleEnv = "NOMCORE_TEST_ROLE"

// roles are what a child does instead of testing, by name.
var roles = map[string]func(in *json.Decoder, out *json.Encoder) error{}

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	err := roles[role](json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout))
	if err != nil && !errors.Is(err, io.EOF) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
		os.Exit(1)
	}
}

// child is a process with a role.
type child struct {
	role string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
}

// startChild starts a child and sends it its first request, which says what it
// needs to know.
func startChild(role string, request any, attr *syscall.SysProcAttr, files ...*os.File) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{role: role, cmd: exec.Command(exe)}
	c.cmd.Env = append(os.Environ(), roleEnv+"="+role)
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = attr
	c.cmd.ExtraFiles = files
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.tell(request); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// tell sends a request.
func (c *child) tell(request any) error { return json.NewEncoder(c.in).Encode(request) }

// hear waits for an answer, for so long at most: then the child is killed.
func (c *child) hear(answer any, within time.Duration) error {
	late := time.AfterFunc(within, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	if err := c.out.Decode(answer); err != nil {
		return fmt.Errorf("no answer of %s within %v: %w", c.role, within, err)
	}
	return nil
}

// ask sends a request and waits for the answer.
func (c *child) ask(request, answer any, within time.Duration) error {
	if err := c.tell(request); err != nil {
		return err
	}
	return c.hear(answer, within)
}

// kill ends the child as SIGKILL does.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// stop ends the child's standard input, and the child if that does not end it.
func (c *child) stop() error {
	c.in.Close()
	const patience = 10 * time.Second
	late := time.AfterFunc(patience, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	return c.cmd.Wait()
}
