//go:build unix

package tcp

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
)

// TestAListenerOfADescriptor serves a socket that somebody else has opened, and
// leaves him his own descriptor.
func TestAListenerOfADescriptor(t *testing.T) {
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
	l, err := Transport{}.ListenFile(file, &transport.Options{TOS: 0x28})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Address() != theirs.Addr().String() {
		t.Errorf("its address is %q, want %q", l.Address(), theirs.Addr())
	}
	a, b := transporttest.Pair(t, Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
	l.Close()
	if _, err := file.Stat(); err != nil {
		t.Errorf("the descriptor: %v", err)
	}
	if conn, err := net.Dial("tcp", theirs.Addr().String()); err != nil {
		t.Errorf("nobody listens any more: %v", err)
	} else {
		conn.Close()
	}
}

func TestADescriptorThatIsNoListener(t *testing.T) {
	dir := t.TempDir()
	plain, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()

	l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", nil)
	a, b := transporttest.Pair(t, Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	connected, err := a.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()

	ipc, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ipc.Close()
	other, err := ipc.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()

	closed, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	for name, file := range map[string]*os.File{
		"a file": plain, "a connection": connected, "a listener of ipc": other, "closed": closed, "none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Transport{}.ListenFile(file, nil)
			if err == nil {
				l.Close()
			}
			if !errors.Is(err, transport.ErrInvalid) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
		})
	}
}
