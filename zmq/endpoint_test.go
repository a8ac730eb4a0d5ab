package zmq_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"zeromux/zmq"
)

func TestUnbindFreesThePortBeforeItReturns(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		a := newSocket(t, c, zmq.PULL, nil)
		b := newSocket(t, c, zmq.PULL, nil)
		endpoint = bind(t, a, endpoint)
		for range 20 {
			if err := a.Unbind(endpoint); err != nil {
				t.Fatal(err)
			}
			bind(t, b, endpoint)
			a, b = b, a
		}
		if err := b.Unbind(endpoint); !is(err, zmq.ErrNotFound) || zmq.Errno(err) != syscall.ENOENT {
			t.Errorf("an endpoint that is not bound: %v", err)
		}
		if err := b.Disconnect(endpoint); !is(err, zmq.ErrNotFound) {
			t.Errorf("an endpoint that is not connected: %v", err)
		}
	})
}

func TestCloseFreesThePortBeforeItReturns(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		for range 10 {
			s := newSocket(t, c, zmq.PULL, nil)
			endpoint = bind(t, s, endpoint)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if path, ok := strings.CutPrefix(endpoint, "ipc://"); ok {
			if _, err := os.Stat(path); !os.IsNotExist(err) {
				t.Errorf("the file is still there: %v", err)
			}
		}
	})
}

func TestAWildcardIsUnboundByWhatItBecame(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://*:*", "ipc://*"} {
		t.Run(endpoint, func(t *testing.T) {
			s := newSocket(t, newContext(t), zmq.PULL, nil)
			bound := bind(t, s, endpoint)
			if err := s.Unbind(endpoint); err == nil {
				t.Error("unbound by the wildcard")
			}
			if err := s.Unbind(bound); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnAddressInUseSaysSo(t *testing.T) {
	for name, endpoint := range map[string]string{"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://x"} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			bound := bind(t, newSocket(t, c, zmq.PULL, nil), endpoint)
			s := newSocket(t, c, zmq.PULL, nil)
			_, err := s.Bind(bound)
			if !is(err, zmq.ErrAddressInUse) || zmq.Errno(err) != syscall.EADDRINUSE {
				t.Errorf("got %v", err)
			}
			// The socket goes on.
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, bind(t, s, map[string]string{"tcp": "tcp://127.0.0.1:*", "inproc": "inproc://y"}[name]))
			send(t, push, "x")
			want(t, s, "x")
		})
	}
}

func TestAnInprocNameBelongsToOneContext(t *testing.T) {
	for range 2 {
		bind(t, newSocket(t, newContext(t), zmq.PULL, nil), "inproc://x")
	}
}

// holder is set in the environment of the process that
// TestAnIpcAddressHeldByAnotherProcessCanBeBound starts.
const holder = "ZEROMUX_TEST_HOLDS"

// TestHoldAnIpcAddress is that process: it binds, says so and waits to be ended.
func TestHoldAnIpcAddress(t *testing.T) {
	endpoint := os.Getenv(holder)
	if endpoint == "" {
		t.Skip("only in a process that another test starts")
	}
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	bind(t, s, endpoint)
	fmt.Println("bound")
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the parent goes, or wants
}

func TestAnIpcAddressHeldByAnotherProcessCanBeBound(t *testing.T) {
	for _, state := range []string{"living", "crashed"} {
		t.Run(state, func(t *testing.T) {
			endpoint := "ipc://" + socketPath(t)
			child := exec.Command(os.Args[0], "-test.run=^TestHoldAnIpcAddress$")
			child.Env = append(os.Environ(), holder+"="+endpoint)
			in, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			ended := false
			end := func(crash bool) {
				if ended {
					return
				}
				ended = true
				if crash {
					_ = child.Process.Kill()
				}
				_ = in.Close()
				_ = child.Wait() // a killed process is an error
			}
			defer end(true)
			for lines := bufio.NewScanner(out); ; {
				if !lines.Scan() {
					t.Fatal("the other process did not bind")
				}
				if strings.HasSuffix(lines.Text(), "bound") {
					break
				}
			}
			if state == "crashed" {
				end(true)
			}
			c := newContext(t)
			pull := newSocket(t, c, zmq.PULL, nil)
			bind(t, pull, endpoint)
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, endpoint)
			send(t, push, "x")
			want(t, pull, "x")
			if state == "living" {
				end(false) // its end must not take our file along
				other := newSocket(t, c, zmq.PUSH, nil)
				connect(t, other, endpoint)
				send(t, other, "y")
				want(t, pull, "y")
			}
		})
	}
}

func TestUnbindKeepsWhatHasArrived(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pull := newSocket(t, c, zmq.PULL, nil)
		push := newSocket(t, c, zmq.PUSH, nil)
		endpoint = bind(t, pull, endpoint)
		connect(t, push, endpoint)
		for i := range 3 {
			send(t, push, fmt.Sprint(i))
		}
		eventually(t, "everything has arrived", func() bool { return pull.Stats().Received == 3 })
		if err := pull.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			want(t, pull, fmt.Sprint(i))
		}
		eventually(t, "the connection is gone", func() bool { return len(push.Peers()) == 0 })
	})
}

func TestUnbindEndsTheConnectionsThatCameThere(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, nil)
		pull := newSocket(t, c, zmq.PULL, nil)
		endpoint = bind(t, push, endpoint)
		other := bind(t, push, "tcp://127.0.0.1:*")
		connect(t, pull, endpoint)
		stays := newSocket(t, c, zmq.PULL, nil)
		connect(t, stays, other)
		peers(t, push, 2)
		if err := push.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			send(t, push, fmt.Sprint(i))
		}
		for i := range 4 {
			want(t, stays, fmt.Sprint(i))
		}
		if err := push.Unbind(other); err != nil {
			t.Fatal(err)
		}
		if err := push.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
			t.Errorf("without endpoints: %v", err)
		}
	})
}

func TestUnbindOfAnInprocNameKeepsItsPipes(t *testing.T) {
	c := newContext(t)
	push, pull := join(t, c, "inproc://x", side{zmq.PUSH, nil}, side{zmq.PULL, nil})
	if err := push.Unbind("inproc://x"); err != nil {
		t.Fatal(err)
	}
	send(t, push, "x")
	want(t, pull, "x")
}

func TestDisconnectThrowsAwayWhatWasNotReceived(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		push := newSocket(t, c, zmq.PUSH, nil)
		pull := newSocket(t, c, zmq.PULL, soon())
		endpoint = bind(t, push, endpoint)
		connect(t, pull, endpoint)
		peers(t, push, 1)
		for i := range 3 {
			send(t, push, fmt.Sprint(i))
		}
		eventually(t, "everything has arrived", func() bool { return pull.Stats().Received == 3 })
		want(t, pull, "0")
		if err := pull.Disconnect(endpoint); err != nil {
			t.Fatal(err)
		}
		nothing(t, pull)
		eventually(t, "the peer is gone", func() bool { return len(push.Peers()) == 0 })
		if err := pull.Disconnect(endpoint); !is(err, zmq.ErrNotFound) {
			t.Errorf("a second time: %v", err)
		}
		connect(t, pull, endpoint)
		send(t, push, "again")
		want(t, pull, "again")
	})
}

func TestDisconnectSendsWhatWasNotSent(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := soon()
		config.Linger = zmq.Forever
		push := newSocket(t, c, zmq.PUSH, config)
		connect(t, push, endpoint)
		for i := range 10 {
			send(t, push, fmt.Sprint(i))
		}
		if err := push.Disconnect(endpoint); err != nil {
			t.Fatal(err)
		}
		if err := push.TrySend(zmq.NewStringMessage("x")); !is(err, zmq.ErrWouldBlock) {
			t.Errorf("after Disconnect: %v", err)
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		for i := range 10 {
			want(t, pull, fmt.Sprint(i))
		}
		eventually(t, "the peer is gone", func() bool { return len(pull.Peers()) == 0 })
	})
}

func TestDisconnectWithoutLingerDropsWhatWasNotSent(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		config := soon()
		config.Linger = zmq.NoLinger
		push := newSocket(t, c, zmq.PUSH, config)
		connect(t, push, endpoint)
		send(t, push, "lost")
		if err := push.Disconnect(endpoint); err != nil {
			t.Fatal(err)
		}
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, pull, endpoint)
		connect(t, push, endpoint)
		send(t, push, "kept")
		want(t, pull, "kept")
		nothing(t, pull)
	})
}

func TestServeTakesConnectionsOfAListenerThatTheUserBrings(t *testing.T) {
	listeners := map[string][2]string{"tcp": {"tcp", "127.0.0.1:0"}, "a Unix-domain socket": {"unix", socketPath(t)}}
	if runtime.GOOS == "linux" {
		listeners["an abstract name"] = [2]string{"unix", "@" + t.Name()}
	}
	for name, at := range listeners {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen(at[0], at[1])
			if err != nil {
				t.Fatal(err)
			}
			c := newContext(t)
			pull := newSocket(t, c, zmq.PULL, nil)
			endpoint, err := pull.Serve(l)
			if err != nil {
				t.Fatal(err)
			}
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, endpoint)
			send(t, push, "x")
			want(t, pull, "x")
			if err := pull.Unbind(endpoint); err != nil {
				t.Fatal(err)
			}
			again, err := net.Listen(at[0], l.Addr().String())
			if err != nil {
				t.Fatalf("the address is not free: %v", err)
			}
			again.Close()
		})
	}
}

func TestAttachSpeaksOverAConnectionThatTheUserBrings(t *testing.T) {
	a, b := net.Pipe()
	c := newContext(t)
	rep := newSocket(t, c, zmq.REP, nil)
	req := newSocket(t, c, zmq.REQ, nil)
	for s, conn := range map[*zmq.Socket]net.Conn{rep: a, req: b} {
		if err := s.Attach(conn); err != nil {
			t.Fatal(err)
		}
	}
	send(t, req, "q")
	want(t, rep, "q")
	send(t, rep, "r")
	want(t, req, "r")
	if err := rep.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is gone", func() bool { return len(req.Peers()) == 0 })
	if err := rep.Attach(a); !is(err, zmq.ErrClosed) {
		t.Errorf("a closed socket: %v", err)
	}
}

func TestASubscriberMayConnectAgainRightAfterDisconnect(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		c := newContext(t)
		pub := newSocket(t, c, zmq.PUB, nil)
		sub := newSocket(t, c, zmq.SUB, soon())
		subscribe(t, sub, "x")
		endpoint = bind(t, pub, endpoint)
		for range 10 {
			connect(t, sub, endpoint)
			peers(t, sub, 1)
			if err := sub.Disconnect(endpoint); err != nil {
				t.Fatal(err)
			}
		}
		subscribe(t, sub, "y") // which the earlier connections know nothing of
		connect(t, sub, endpoint)
		eventually(t, "the last connection alone is left", func() bool { return len(pub.Peers()) == 1 && pub.TopicsCount() == 2 })
		send(t, pub, "x")
		want(t, sub, "x")
	})
}

// A path of ipc may be bound anew, by the same socket as well. Both listeners are given
// up in the end, or the context would wait for one of them for ever.
func TestASocketBindsTheSamePathTwice(t *testing.T) {
	for _, end := range []string{"unbind", "close"} {
		t.Run(end, func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, zmq.REP, nil)
			endpoint := "ipc://" + filepath.Join(t.TempDir(), "s")
			bind(t, s, endpoint)
			bind(t, s, endpoint)
			if end == "unbind" {
				if err := s.Unbind(endpoint); err != nil {
					t.Error(err)
				}
				if err := s.Unbind(endpoint); !is(err, zmq.ErrNotFound) {
					t.Errorf("unbound twice: %v", err)
				}
			}
			if err := s.CloseContext(within(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsServedCanBeUnbound(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.REP, nil)
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := s.Serve(ln)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Unbind(endpoint); err != nil {
		t.Error(err)
	}
	if _, err := ln.Accept(); err == nil {
		t.Error("it is open after Unbind")
	}
	if err := s.Unbind(endpoint); !is(err, zmq.ErrNotFound) {
		t.Errorf("unbound twice: %v", err)
	}
}

func TestWhatIsAttachedCanBeDisconnected(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.PAIR, nil)
	ours, theirs := net.Pipe()
	if err := s.Attach(ours); err != nil {
		t.Fatal(err)
	}
	if err := s.Disconnect("pipe://pipe"); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, theirs); err != nil {
		t.Errorf("the connection ended with %v", err)
	}
	_ = theirs.Close()
}
