package conformance

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// Connections that a SOCKS5 server opens for us.

// byWayOf makes a socket connect by way of a proxy.
func byWayOf(proxy zmq.SOCKSProxy) set { return func(c *zmq.Config) { c.TCP.Proxy = proxy } }

func TestSocks(t *testing.T) {
	const name = "server.test:5555" // that the proxy alone knows
	for what, row := range map[string]struct {
		users          map[string]string // that the proxy admits; nil: all
		user, password string
		target         string // in place of the endpoint that is bound
		bound          string // in place of an address of IPv4
		refused        string
	}{
		"without authentication":              {},
		"a user whom it does not ask for":     {user: "someuser", password: "somepass"},
		"user and password":                   {users: map[string]string{"someuser": "somepass"}, user: "someuser", password: "somepass"},
		"a user without password":             {users: map[string]string{"someuser": ""}, user: "someuser"},
		"a password without user":             {password: "somepass"},
		"the longest user and password":       {users: map[string]string{strings.Repeat("u", 255): strings.Repeat("p", 255)}, user: strings.Repeat("u", 255), password: strings.Repeat("p", 255)},
		"a name, which the proxy looks up":    {target: "tcp://" + name},
		"an address of IPv6":                  {bound: "tcp://[::1]:*"},
		"a wrong password":                    {users: map[string]string{"someuser": "somepass"}, user: "someuser", password: "guess", refused: "authentication failed"},
		"an unknown user":                     {users: map[string]string{"someuser": "somepass"}, user: "another", password: "somepass", refused: "authentication failed"},
		"nobody, where it asks for a user":    {users: map[string]string{"someuser": "somepass"}, refused: "no acceptable authentication"},
		"a password alone, where it asks too": {users: map[string]string{"": "somepass"}, password: "somepass", refused: "no acceptable authentication"},
	} {
		t.Run(what, func(t *testing.T) {
			over(t, func(s *stage) {
				six := func(c *zmq.Config) { c.Network.IPv6 = row.bound != "" }
				if row.bound != "" {
					s.endpoint = row.bound
				}
				rep := s.bind(zmq.REP, six)
				server := &zmtptest.Proxy{Users: row.users, Names: map[string]string{name: strings.TrimPrefix(s.endpoint, "tcp://")}}
				proxy := zmq.SOCKSProxy{Address: server.Start(s.T), User: row.user, Password: zmq.Secret(row.password)}
				req := s.socket(zmq.REQ, six, byWayOf(proxy))
				if got := req.Config().TCP.Proxy; got != proxy {
					s.Errorf("the option reads %+v, want %+v", got, proxy)
				}
				events := s.watch(req)
				target := s.endpoint
				if row.target != "" {
					target = row.target
				}
				req.connect(target)
				if row.refused != "" {
					for range 2 { // it is tried again
						if e := events.await(zmq.EventClosed); e.Err == nil || !strings.Contains(e.Err.Error(), row.refused) {
							s.Errorf("the event says %v, want %q", e.Err, row.refused)
						}
					}
					return
				}
				req.talks(rep)
				heard := server.Heard()
				if len(heard) != 1 || heard[0].Target != strings.TrimPrefix(target, "tcp://") {
					s.Fatalf("the proxy heard %+v", heard)
				}
				user, password := row.user, row.password
				if row.users == nil {
					user, password = "", "" // they are said to nobody who does not ask
				}
				if heard[0].User != user || heard[0].Password != password {
					s.Errorf("the proxy was told %q and %q", heard[0].User, heard[0].Password)
				}
			}, "tcp")
		})
	}
	t.Run("a proxy that comes later", func(t *testing.T) {
		over(t, func(s *stage) {
			rep := s.bind(zmq.REP)
			server := &zmtptest.Proxy{At: freeAddress(s.T)}
			req := s.socket(zmq.REQ, byWayOf(zmq.SOCKSProxy{Address: server.At}))
			events := s.watch(req)
			req.connect(s.endpoint)
			if e := events.await(zmq.EventClosed); !errors.Is(e.Err, syscall.ECONNREFUSED) {
				s.Errorf("the event says %v", e.Err)
			}
			server.Start(s.T)
			req.talks(rep)
		}, "tcp")
	})
	t.Run("from an address of ours", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("other systems have one loopback address")
		}
		over(t, func(s *stage) {
			rep := s.bind(zmq.REP)
			server := new(zmtptest.Proxy)
			req := s.socket(zmq.REQ, byWayOf(zmq.SOCKSProxy{Address: server.Start(s.T)}))
			req.connect("tcp://127.0.0.7:0;" + strings.TrimPrefix(s.endpoint, "tcp://"))
			req.talks(rep)
			if heard := server.Heard(); !strings.HasPrefix(heard[0].From, "127.0.0.7:") {
				s.Errorf("the proxy was asked from %s", heard[0].From)
			}
		}, "tcp")
	})
	t.Run("given up again", func(t *testing.T) {
		over(t, func(s *stage) {
			rep := s.bind(zmq.REP)
			req := s.socket(zmq.REQ, byWayOf(zmq.SOCKSProxy{Address: freeAddress(s.T)}))
			req.configure(byWayOf(zmq.SOCKSProxy{}))
			req.connect(s.endpoint)
			req.talks(rep)
		}, "tcp")
	})
	t.Run("what is none", func(t *testing.T) {
		s := newStage(t, "tcp")
		for _, proxy := range []zmq.SOCKSProxy{
			{Address: "proxy"},
			{Address: "proxy:0"},
			{Address: "proxy:65536"},
			{Address: "proxy:1080", User: strings.Repeat("u", 256)},
			{Address: "proxy:1080", User: "u", Password: zmq.Secret(strings.Repeat("p", 256))},
		} {
			config := zmq.Config{TCP: zmq.TCP{Proxy: proxy}}
			a, err := s.ctx.NewSocket(zmq.REQ, &config)
			if err == nil {
				err = a.Connect("tcp://127.0.0.1:1")
			}
			s.wrong(err, zmq.ErrInvalid)
		}
	})
}
