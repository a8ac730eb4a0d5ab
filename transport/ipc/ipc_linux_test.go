package ipc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/ipc"
)

// names counts abstract names, so that no two tests use the same.
var names atomic.Int64

func abstract(testing.TB) string {
	return fmt.Sprintf("@zeromux-%d-%d", os.Getpid(), names.Add(1))
}

func TestBatteryAbstract(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: ipc.Transport{},
		Bind:      abstract,
		Nobody:    abstract,
	})
}

func TestAbstractName(t *testing.T) {
	name := abstract(t)
	l := checkUse(t, name)
	_, err := ipc.Transport{}.Listen(t.Context(), name, nil)
	checkErrno(t, err, syscall.EADDRINUSE)

	// The name has no NUL behind it, or another implementation would not find it.
	table, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(table), " "+name+"\n") {
		t.Errorf("the system does not list exactly %q", name)
	}
	l.Close()
	checkUse(t, name)
}

func TestLongestAbstractName(t *testing.T) {
	checkUse(t, ofLength(abstract(t), maxPath))
}

func TestPeerCredentials(t *testing.T) {
	l := transporttest.Listen(t, ipc.Transport{}, path(t), nil)
	a, b := transporttest.Pair(t, ipc.Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	want := ipc.Credentials{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), PID: int32(os.Getpid())}
	text := fmt.Sprintf("localhost:%d:%d:%d", want.UID, want.GID, want.PID)
	for end, conn := range map[string]net.Conn{"dialled": a, "accepted": b} {
		if got, err := ipc.PeerCredentials(conn); err != nil || got != want {
			t.Errorf("%s end: got %v, %v; want %v", end, got, err, want)
		}
		if got := (ipc.Transport{}).PeerAddress(conn); got != text {
			t.Errorf("%s end: got %q, want %q", end, got, text)
		}
	}
	a.Close()
	if _, err := ipc.PeerCredentials(a); !errors.Is(err, net.ErrClosed) {
		t.Errorf("of a closed connection: got %v, want net.ErrClosed", err)
	}
}

func TestPeerCredentialsOfSomethingElse(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, err := ipc.PeerCredentials(a); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want errors.ErrUnsupported", err)
	}
	if got := (ipc.Transport{}).PeerAddress(a); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
	// A tcp connection has a process at its other end, but no credentials.
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if cred, err := ipc.PeerCredentials(conn); err == nil {
		t.Errorf("got credentials %v of a tcp connection, want an error", cred)
	}
}

// A full queue shows how long it is: Linux takes one connection more than the
// backlog says, and refuses the next.
func TestBacklogIsHonoured(t *testing.T) {
	for _, backlog := range []int{-1, 1, 5} {
		o := &transport.Options{Backlog: backlog}
		l := transporttest.Listen(t, ipc.Transport{}, path(t), o)
		want := max(backlog, 0) + 1
		for i := range want + 1 {
			conn, err := ipc.Transport{}.Dial(t.Context(), l.Address(), nil)
			if i < want && err != nil {
				t.Fatalf("backlog %d: connection %d: %v", backlog, i, err)
			}
			if i == want {
				checkErrno(t, err, syscall.EAGAIN)
			}
			if err == nil {
				defer conn.Close()
			}
		}
	}
}

func TestCancelledBeforehand(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (ipc.Transport{}).Listen(ctx, "*", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
