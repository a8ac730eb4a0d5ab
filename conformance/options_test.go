package conformance

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// Options of connections, and that they read back.

// skipWhereRefused ends a test that the system does not let us do.
func (s *stage) skipWhereRefused(err error) {
	s.Helper()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, os.ErrPermission) {
		s.Skipf("the system does not let us: %v", err)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// configure changes a live socket.
func (a *actor) configure(change set) {
	a.t.Helper()
	a.t.skipWhereRefused(a.Configure(change))
}

// A listening socket that somebody else has opened, as systemd does.
func TestUseFd(t *testing.T) {
	for name, take := range map[string]func(*actor, net.Listener) error{
		"its descriptor": func(a *actor, l net.Listener) error {
			file, err := l.(interface{ File() (*os.File, error) }).File()
			if err != nil {
				a.t.Skip(err) // Windows
			}
			defer file.Close()
			bound, err := a.BindFile(a.t.scheme+"://*:*", file)
			if want := a.t.scheme + "://" + l.Addr().String(); err == nil && (bound != want || a.LastEndpoint() != want) {
				a.t.Errorf("bound to %q, want %q", bound, want)
			}
			return err
		},
		"itself": func(a *actor, l net.Listener) error {
			if a.t.scheme == overTLS {
				l = tls.NewListener(l, bothSides())
			}
			_, err := a.Serve(l)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				network, address := "tcp", "127.0.0.1:0"
				if s.scheme == "ipc" {
					network, address = "unix", strings.TrimPrefix(s.endpoint, "ipc://")
				}
				for _, types := range [][2]zmq.SocketType{{zmq.REP, zmq.REQ}, {zmq.PAIR, zmq.PAIR}} {
					listener, err := net.Listen(network, address)
					if err != nil {
						s.Fatal(err)
					}
					a, b := s.socket(types[0]), s.socket(types[1])
					if err := take(a, listener); err != nil {
						s.Fatal(err)
					}
					b.connect(s.scheme + "://" + listener.Addr().String())
					b.talks(a)
					b.talks(a)
					a.close()
					_ = listener.Close() // Serve has closed it
				}
			})
		})
	}
	t.Run("what is none", func(t *testing.T) {
		s := newStage(t, "tcp")
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		defer w.Close()
		_, err = s.socket(zmq.REP).BindFile("tcp://*:*", r)
		if !errors.Is(err, errors.ErrUnsupported) {
			s.wrong(err, zmq.ErrInvalid)
		}
	})
}

func TestDiffserv(t *testing.T) {
	over(t, func(s *stage) {
		tos := func(c *zmq.Config) { c.TCP.TOS = 0x28 }
		if got := s.socket(zmq.PAIR).Config().TCP.TOS; got != 0 {
			s.Errorf("the default is %d", got)
		}
		a, b := s.join(as(zmq.PAIR, tos), as(zmq.PAIR, tos))
		if got := b.Config().TCP.TOS; got != 0x28 {
			s.Errorf("it reads %d", got)
		}
		a.talks(b)
	}, "tcp")
}

func TestSetsockopt(t *testing.T) {
	over(t, func(s *stage) {
		plain := s.socket(zmq.PUSH)
		config := plain.Config()
		if n := config.Network; n.SendBuffer != 0 || n.RecvBuffer != 0 || n.Backlog != 0 || !reflect.ValueOf(config.TCP).IsZero() {
			s.Errorf("the defaults are %+v and %+v", n, config.TCP)
		}
		if n := plain.Effective().Network; n.SendBuffer != 0 || n.RecvBuffer != 0 || n.Backlog != 100 {
			s.Errorf("written out, the defaults are %+v", n)
		}
		tuned := func(c *zmq.Config) {
			c.Network.SendBuffer, c.Network.RecvBuffer = 100_000, 110_000
			if runtime.GOOS == "linux" {
				c.TCP.Priority = 5
			}
		}
		pull, push := s.join(as(zmq.PULL, tuned), as(zmq.PUSH, tuned))
		plain.configure(tuned)
		for _, a := range []*actor{push, plain} {
			if c := a.Config(); c.Network.SendBuffer != 100_000 || c.Network.RecvBuffer != 110_000 || runtime.GOOS == "linux" && c.TCP.Priority != 5 {
				s.Errorf("it reads %+v and %+v", c.Network, c.TCP)
			}
		}
		push.send("hello")
		pull.want("hello")
		s.wrong(plain.Configure(func(c *zmq.Config) { c.Network.SendBuffer, c.Linger = -1, 1 }), zmq.ErrInvalid)
		s.wrong(plain.Configure(func(c *zmq.Config) { c.TCP.BindToDevice = strings.Repeat("x", 17) }), zmq.ErrInvalid)
		if c := plain.Config(); c.Network.SendBuffer != 100_000 || c.Linger != 0 || c.TCP.BindToDevice != "" {
			s.Errorf("what was refused reads %+v", c)
		}
		plain.configure(func(c *zmq.Config) { c.TCP.BindToDevice = "lo" })
		if got := plain.Config().TCP.BindToDevice; got != "lo" {
			s.Errorf("the device reads %q", got)
		}
	}, "tcp")
}

// BUSY_POLL can be asked for, and, unlike libzmq's, be read.
func TestBusyPoll(t *testing.T) {
	over(t, func(s *stage) {
		a, b := s.socket(zmq.PAIR), s.socket(zmq.PAIR)
		busy := func(c *zmq.Config) { c.TCP.BusyPoll = time.Microsecond }
		for _, each := range []*actor{a, b} {
			if got := each.Config().TCP.BusyPoll; got != 0 {
				s.Errorf("the default is %v", got)
			}
			each.configure(busy)
			if config, written := each.Config(), each.Effective(); config.TCP.BusyPoll != time.Microsecond || written.TCP.BusyPoll != time.Microsecond {
				s.Errorf("it reads %v", config.TCP.BusyPoll)
			}
		}
		bound, err := a.Bind(s.endpoint)
		s.skipWhereRefused(err)
		b.connect(bound)
		a.talks(b)
		s.wrong(a.Configure(func(c *zmq.Config) { c.TCP.BusyPoll = -1 }), zmq.ErrInvalid)
	}, "tcp")
}
