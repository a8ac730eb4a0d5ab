package zmq_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"

	"zeromux/zmq"
)

// inherited starts a process and returns what its descriptors name.
func inherited(t *testing.T) (names []string) {
	t.Helper()
	child := exec.Command("cat")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // then its libraries are loaded
		t.Fatal(err)
	}
	folder := fmt.Sprintf("/proc/%d/fd/", child.Process.Pid)
	open, err := os.ReadDir(folder)
	if err != nil {
		t.Error(err)
	}
	for _, fd := range open {
		target, _ := os.Readlink(folder + fd.Name())
		if fd.Name() != "0" && fd.Name() != "1" { // other pipes each time
			names = append(names, fd.Name()+" "+target)
		}
	}
	_ = stdin.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
	return names
}

// A process that is started while sockets are in use gets none of their descriptors,
// so it holds no port and no connection open after we have closed it. A child of
// fork alone, without exec, is beyond a Go program: the other threads are missing.
func TestAChildProcessInheritsNothing(t *testing.T) {
	before := inherited(t)
	for _, multiplexer := range []string{"", "epoll", "poll", "select", "runtime", "stream"} {
		t.Run("multiplexer "+multiplexer, func(t *testing.T) {
			c := zmq.NewContext(&zmq.ContextConfig{Multiplexer: multiplexer})
			t.Cleanup(func() { term(t, c) })
			for _, endpoint := range network(t) {
				pull := newSocket(t, c, zmq.PULL, nil)
				bound := bind(t, pull, endpoint)
				for i := range 2 {
					push := newSocket(t, c, zmq.PUSH, nil)
					connect(t, push, bound)
					send(t, push, fmt.Sprint(i))
				}
				recv(t, pull)
				recv(t, pull)
			}
			if now := inherited(t); !slices.Equal(now, before) {
				t.Errorf("a child has %q, and had %q before there were sockets", now, before)
			}
		})
	}
}
