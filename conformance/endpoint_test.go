package conformance

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"zeromux/zmq"
)

// What can be bound and connected to, and what it is called.

// talks checks that what one socket sends the other receives, both ways.
func (a *actor) talks(b *actor) {
	a.t.Helper()
	a.send("there", "and")
	b.want("there", "and")
	b.send("back")
	a.want("back")
}

func TestPairInproc(t *testing.T) {
	over(t, func(s *stage) {
		a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
		a.talks(b)
		constant := strings.Repeat("never changed", 10_000)
		ctx, cancel := s.within()
		defer cancel()
		if err := a.SendOwned(ctx, zmq.NewStringMessage(constant), nil); err != nil {
			s.Fatal(err)
		}
		b.want(constant)
	}, "inproc")
}

func TestPairIpc(t *testing.T) {
	over(t, func(s *stage) {
		a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
		a.talks(b)
		long := "ipc:///tmp/" + strings.Repeat("x", 108)
		_, err := s.socket(zmq.PAIR).Bind(long)
		s.wrong(err, syscall.ENAMETOOLONG)
		s.wrong(s.socket(zmq.PAIR).Connect(long), syscall.ENAMETOOLONG)
	}, "ipc")
}

func TestPairTcp(t *testing.T) {
	over(t, func(s *stage) {
		a, b := s.join(as(zmq.PAIR), as(zmq.PAIR))
		a.talks(b)
		a, b = s.socket(zmq.PAIR), s.socket(zmq.PAIR)
		b.connect(strings.Replace(a.bind("tcp://127.0.0.1:*"), "127.0.0.1", "localhost", 1))
		a.talks(b)
	}, "tcp")
}

func TestPairTcpCapNetAdmin(t *testing.T) {
	over(t, func(s *stage) {
		device := func(c *zmq.Config) { c.TCP.BindToDevice = "lo" }
		a := s.socket(zmq.PAIR, device)
		bound, err := a.Bind(s.endpoint)
		if errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
			s.Skipf("the system does not let us: %v", err)
		}
		if err != nil {
			s.Fatal(err)
		}
		b := s.socket(zmq.PAIR, device)
		b.connect(bound)
		a.talks(b)
		_, err = s.socket(zmq.PAIR, func(c *zmq.Config) { c.TCP.BindToDevice = "no-such-device" }).Bind("tcp://127.0.0.1:*")
		if err == nil {
			s.Error("a device that is not there is bound to")
		}
	}, "tcp")
}

func TestAbstractIpc(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("abstract names are Linux's")
	}
	over(t, func(s *stage) {
		s.endpoint = fmt.Sprintf("ipc://@zeromux-%d", os.Getpid())
		a, b := s.join(as(zmq.DEALER), as(zmq.DEALER))
		if got := a.LastEndpoint(); got != s.endpoint || !strings.HasPrefix(got, "ipc://@") {
			s.Errorf("the endpoint is %q", got)
		}
		a.talks(b)
		_, err := s.socket(zmq.DEALER).Bind("ipc://@")
		s.wrong(err, zmq.ErrInvalid)
	}, "ipc")
}

func TestIpcWildcard(t *testing.T) {
	over(t, func(s *stage) {
		a, b := s.socket(zmq.PAIR), s.socket(zmq.PAIR)
		one, two := a.bind("ipc://*"), s.socket(zmq.PAIR).bind("ipc://*")
		if one == two || strings.Contains(one, "*") {
			s.Errorf("bound %q and %q", one, two)
		}
		b.connect(one)
		a.talks(b)
	}, "ipc")
}

func TestBindAfterConnectTcp(t *testing.T) {
	over(t, func(s *stage) {
		s.reserve()
		b := s.connect(zmq.DEALER)
		for i := range 6 {
			b.send(fmt.Sprint(i))
		}
		a := s.bind(zmq.DEALER)
		for i := range 6 {
			a.want(fmt.Sprint(i))
		}
	}, "tcp")
}

func TestBindSrcAddress(t *testing.T) {
	over(t, func(s *stage) {
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.bind(zmq.PULL).LastEndpoint(), "tcp://"))
		sources := []string{"127.0.0.1:0", "localhost:0", "127.0.0.2:0"}
		if runtime.GOOS == "linux" {
			sources = append(sources, "lo:0")
		} else {
			sources = sources[:2]
		}
		for _, source := range sources {
			push := s.socket(zmq.PUSH)
			events := s.watch(push)
			push.connect("tcp://" + source + ";127.0.0.1:" + port)
			local := events.await(zmq.EventConnected).Local
			want := "127.0.0.1:"
			if source == "127.0.0.2:0" {
				want = "127.0.0.2:"
			}
			if !strings.HasPrefix(local, want) {
				s.Errorf("%s: the connection comes from %s", source, local)
			}
		}
	}, "tcp")
}

func TestConnectResolve(t *testing.T) {
	over(t, func(s *stage) {
		pub := s.socket(zmq.PUB, func(c *zmq.Config) { c.Network.IPv6 = true })
		for endpoint, want := range map[string]error{
			"tcp://localhost:1234":            nil,
			"tcp://[::1]:1234":                nil,
			"tcp://[fe80::1%lo]:1234":         nil,
			"tcp://127.0.0.1:1234":            nil,
			"tcp://foobar.invalid:1234":       nil, // resolved later, and again
			"tcp://localhost:invalid":         zmq.ErrInvalid,
			"tcp://in val id:1234":            zmq.ErrInvalid,
			"tcp://:1234":                     nil, // never reached, but libzmq takes it
			"tcp://*:1234":                    zmq.ErrInvalid,
			"tcp://127.0.0.1:*":               zmq.ErrInvalid,
			"tcp://localhost":                 zmq.ErrInvalid,
			"tcp://localhost:65536":           zmq.ErrInvalid,
			"invalid://localhost:1234":        zmq.ErrUnknownScheme,
			"TCP://localhost:1234":            zmq.ErrUnknownScheme,
			"localhost:1234":                  zmq.ErrInvalid,
			"://localhost:1234":               zmq.ErrInvalid,
			"tcp://":                          zmq.ErrInvalid,
			"tcp://127.0.0.1:0;localhost:123": nil,
		} {
			if err := pub.Connect(endpoint); !errors.Is(err, want) {
				s.Errorf("%s: %v, want %v", endpoint, err, want)
			}
		}
	}, "tcp")
}

func TestLastEndpoint(t *testing.T) {
	over(t, func(s *stage) {
		a := s.socket(zmq.ROUTER)
		if got := a.LastEndpoint(); got != "" {
			s.Errorf("before all the endpoint is %q", got)
		}
		for range 2 {
			address := "tcp://" + freeAddress(s.T)
			if got := a.bind(address); got != address || a.LastEndpoint() != address {
				s.Errorf("bound %s, and the last is %s, want %s", got, a.LastEndpoint(), address)
			}
		}
		for _, scheme := range []string{"ipc", "inproc"} {
			endpoint := newStage(s.T, scheme).endpoint
			a.bind(endpoint)
			if got := a.LastEndpoint(); got != endpoint {
				s.Errorf("the last is %s, want %s", got, endpoint)
			}
		}
	}, "tcp")
}

func TestUnbindWildcard(t *testing.T) {
	for name, row := range map[string]struct{ endpoint, host string }{
		"any address and port": {"tcp://*:*", "127.0.0.1"},
		"any port":             {"tcp://127.0.0.1:*", "127.0.0.1"},
		"port zero":            {"tcp://127.0.0.1:0", "127.0.0.1"},
		"any of IPv6":          {"tcp://[::]:*", "[::1]"},
		"IPv6, any port":       {"tcp://[::1]:*", "[::1]"},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, func(s *stage) {
				six := func(c *zmq.Config) { c.Network.IPv6 = strings.HasPrefix(row.host, "[") }
				pull, push := s.socket(zmq.PULL, six), s.socket(zmq.PUSH, six)
				bound := pull.bind(row.endpoint)
				endpoint := "tcp://" + row.host + bound[strings.LastIndex(bound, ":"):]
				push.connect(endpoint)
				push.send("hello")
				pull.want("hello")
				if err := push.Disconnect(endpoint); err != nil {
					s.Error(err)
				}
				s.wrong(pull.Unbind(row.endpoint), zmq.ErrNotFound)
				if err := pull.Unbind(bound); err != nil {
					s.Error(err)
				}
				s.wrong(pull.Unbind(bound), zmq.ErrNotFound)
			}, "tcp")
		})
	}
}

func TestTermEndpoint(t *testing.T) {
	t.Run("after unbind", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			push, pull := s.join(as(zmq.PUSH), as(zmq.PULL))
			push.send("ABC")
			pull.want("ABC")
			if err := push.Unbind(s.endpoint); err != nil {
				s.Fatal(err)
			}
			push.blocked()
			pull.peers(0)
		})
	})
	t.Run("after disconnect", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
			push.send("ABC")
			pull.want("ABC")
			if err := push.Disconnect(s.endpoint); err != nil {
				s.Fatal(err)
			}
			push.blocked()
			pull.peers(0)
			s.wrong(push.Disconnect(s.endpoint), zmq.ErrNotFound)
			push.connect(s.endpoint)
			push.send("again")
			pull.want("again")
		})
	})
	t.Run("a wildcard by what it became", func(t *testing.T) {
		over(t, func(s *stage) {
			wildcard := map[string]string{"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://*"}[s.scheme]
			push := s.socket(zmq.PUSH)
			bound := push.bind(wildcard)
			s.wrong(push.Unbind(wildcard), zmq.ErrNotFound)
			if err := push.Unbind(bound); err != nil {
				s.Error(err)
			}
		}, "tcp", "ipc")
	})
}

func TestRebindIpc(t *testing.T) {
	over(t, func(s *stage) {
		push := s.connect(zmq.PUSH)
		for i := range 3 {
			pull := s.bind(zmq.PULL)
			push.send(fmt.Sprint(i))
			pull.want(fmt.Sprint(i))
			pull.close()
			push.peers(0)
		}
	}, "ipc")
}
