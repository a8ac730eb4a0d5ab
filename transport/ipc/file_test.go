//go:build unix

package ipc_test

import (
	"errors"
	"net"
	"os"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/ipc"
)

// TestAListenerOfADescriptor serves a socket that somebody else has opened, and
// leaves him his descriptor and his path.
func TestAListenerOfADescriptor(t *testing.T) {
	p := path(t)
	theirs, err := net.Listen("unix", p)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	file, err := theirs.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := ipc.Transport{}.ListenFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l.Address() != p {
		t.Errorf("its address is %q, want %q", l.Address(), p)
	}
	a, b := transporttest.Pair(t, ipc.Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
	l.Close()
	if _, err := os.Lstat(p); err != nil {
		t.Errorf("its path: %v", err)
	}
	if conn, err := net.Dial("unix", p); err != nil {
		t.Errorf("nobody listens any more: %v", err)
	} else {
		conn.Close()
	}
}

func TestADescriptorOfAnotherTransport(t *testing.T) {
	theirs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	file, err := theirs.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l, err := ipc.Transport{}.ListenFile(file, nil)
	if err == nil {
		l.Close()
	}
	if !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("got %v, want ErrInvalid", err)
	}
}
