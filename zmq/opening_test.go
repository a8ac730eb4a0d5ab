package zmq_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// How connections are opened and who may come in: by way of a proxy, with a
// descriptor of somebody else, through filters.

// soonAgain makes attempts follow each other at once.
var soonAgain = zmq.Reconnect{Interval: time.Millisecond}

// TestTheWayThroughAProxy has the name resolved there, with user and password.
func TestTheWayThroughAProxy(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	p := &zmtptest.Proxy{
		Users: map[string]string{"me": "secret"},
		Names: map[string]string{"server.test:5555": strings.TrimPrefix(endpoint, "tcp://")},
	}
	push := newSocket(t, c, zmq.PUSH, nil)
	if err := push.Configure(func(c *zmq.Config) {
		c.TCP.Proxy = zmq.SOCKSProxy{Address: p.Start(t), User: "me", Password: "secret"}
	}); err != nil {
		t.Fatal(err)
	}
	connect(t, push, "tcp://server.test:5555")
	send(t, push, "by way of somebody else")
	want(t, pull, "by way of somebody else")
	heard := p.Heard()
	if len(heard) != 1 || heard[0].User != "me" || heard[0].Password != "secret" || heard[0].Target != "server.test:5555" {
		t.Errorf("the proxy heard %+v", heard)
	}
}

// TestAProxyThatComesLater is tried until it is there.
func TestAProxyThatComesLater(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, nil)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	p := &zmtptest.Proxy{At: freeAddress(t)}
	push := newSocket(t, c, zmq.PUSH, &zmq.Config{TCP: zmq.TCP{Proxy: zmq.SOCKSProxy{Address: p.At}}, Reconnect: soonAgain})
	seen := watch(t, push)
	connect(t, push, endpoint)
	if e := seen.await(zmq.EventClosed); !errors.Is(e.Err, syscall.ECONNREFUSED) || !strings.Contains(e.Err.Error(), p.At) {
		t.Errorf("the event says %v", e.Err)
	}
	p.Start(t)
	send(t, push, "at last")
	want(t, pull, "at last")
}

// TestARefusalOfTheProxyIsSeenInTheEvents tells why there is no connection.
func TestARefusalOfTheProxyIsSeenInTheEvents(t *testing.T) {
	for name, row := range map[string]struct {
		proxy *zmtptest.Proxy
		user  string
		words string
	}{
		"the peer is not there": {&zmtptest.Proxy{Answer: 4}, "", "host unreachable"},
		"the user is unknown":   {&zmtptest.Proxy{Users: map[string]string{"me": ""}}, "you", "authentication failed"},
		"no user was given":     {&zmtptest.Proxy{Users: map[string]string{"me": ""}}, "", "no acceptable authentication methods"},
	} {
		t.Run(name, func(t *testing.T) {
			config := &zmq.Config{TCP: zmq.TCP{Proxy: zmq.SOCKSProxy{Address: row.proxy.Start(t), User: row.user}}, Reconnect: soonAgain}
			push := newSocket(t, newContext(t), zmq.PUSH, config)
			seen := watch(t, push)
			connect(t, push, "tcp://127.0.0.1:1")
			for range 2 { // it is tried again
				if e := seen.await(zmq.EventClosed); e.Err == nil || !strings.Contains(e.Err.Error(), row.words) {
					t.Errorf("the event says %v, want %q", e.Err, row.words)
				}
			}
		})
	}
}

// TestBindFile takes over sockets that listen, for each pattern of the acceptance
// list.
func TestBindFileServesASocketOfSomebodyElse(t *testing.T) {
	for name, pair := range map[string][2]zmq.SocketType{
		"PAIR": {zmq.PAIR, zmq.PAIR}, "REP and REQ": {zmq.REP, zmq.REQ},
	} {
		t.Run(name, func(t *testing.T) {
			over(t, network, func(t *testing.T, endpoint string) {
				scheme, address, _ := strings.Cut(endpoint, "://")
				kind := map[string]string{"tcp": "tcp", "ipc": "unix"}[scheme]
				l, err := net.Listen(kind, strings.Replace(address, "*", "0", 1))
				if err != nil {
					t.Fatal(err)
				}
				if u, ok := l.(*net.UnixListener); ok {
					u.SetUnlinkOnClose(false)
				}
				file, err := l.(interface{ File() (*os.File, error) }).File()
				if err != nil {
					t.Skip(err) // Windows
				}
				c := newContext(t)
				a, b := newSocket(t, c, pair[0], nil), newSocket(t, c, pair[1], nil)
				bound, err := a.BindFile(scheme+"://*:*", file)
				if err != nil {
					t.Fatal(err)
				}
				l.Close()
				file.Close()
				if want := scheme + "://" + l.Addr().String(); bound != want || a.LastEndpoint() != want {
					t.Errorf("bound to %q, last endpoint %q, want %q", bound, a.LastEndpoint(), want)
				}
				connect(t, b, bound)
				send(t, b, "there")
				want(t, a, "there")
				send(t, a, "and back")
				want(t, b, "and back")
				if err := a.Unbind(bound); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestBindFileOfSomethingElse(t *testing.T) {
	s := newSocket(t, newContext(t), zmq.PULL, nil)
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := watch(t, s)
	for endpoint, want := range map[string]error{
		"tcp://*:*": zmq.ErrInvalid, "ipc://*": zmq.ErrInvalid, "inproc://x": zmq.ErrIncompatible, "nope://x": zmq.ErrUnknownScheme, "tcp": zmq.ErrInvalid,
	} {
		if _, err := s.BindFile(endpoint, file); !is(err, want) && !is(err, zmq.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", endpoint, err, want)
		}
	}
	seen.await(zmq.EventBindFailed)
	if got := s.LastEndpoint(); got != "" {
		t.Errorf("the last endpoint is %q", got)
	}
}

// TestAcceptFromAdmitsAndRefuses has a peer of each kind come in.
func TestAcceptFromAdmitsAndRefuses(t *testing.T) {
	c := newContext(t)
	pull := newSocket(t, c, zmq.PULL, &zmq.Config{TCP: zmq.TCP{AcceptFrom: []netip.Prefix{netip.MustParsePrefix("127.0.0.8/30")}}})
	seen := watch(t, pull)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	from := func(address string) *zmq.Socket {
		push := newSocket(t, c, zmq.PUSH, &zmq.Config{Reconnect: zmq.Reconnect{Interval: zmq.Never}})
		connect(t, push, "tcp://"+address+":*;"+strings.TrimPrefix(endpoint, "tcp://"))
		return push
	}
	stranger := from("127.0.0.7")
	lost := watch(t, stranger)
	if e := seen.await(zmq.EventAcceptFailed); e.Endpoint != endpoint || e.Value != int(syscall.EACCES) || !strings.Contains(e.Err.Error(), "127.0.0.7") {
		t.Errorf("the event is %+v", e)
	}
	_ = lost
	friend := from("127.0.0.11")
	send(t, friend, "hello")
	want(t, pull, "hello")
	if n := len(pull.Peers()); n != 1 {
		t.Errorf("%d peers", n)
	}
}

// TestIPCFiltersAdmitAndRefuse tries our own process, user and group. Others are
// tried in package ipc.
func TestIPCFiltersAdmitAndRefuse(t *testing.T) {
	me, my, mine := int32(os.Getpid()), uint32(os.Geteuid()), uint32(os.Getegid())
	for name, row := range map[string]struct {
		ipc   zmq.IPC
		admit bool
	}{
		"our process":             {zmq.IPC{AcceptPIDs: []int32{me}}, true},
		"another process":         {zmq.IPC{AcceptPIDs: []int32{me + 1}}, false},
		"our user":                {zmq.IPC{AcceptUIDs: []uint32{my}}, true},
		"another user":            {zmq.IPC{AcceptUIDs: []uint32{my + 1}}, false},
		"our group":               {zmq.IPC{AcceptGIDs: []uint32{mine}}, true},
		"another group":           {zmq.IPC{AcceptGIDs: []uint32{4_000_000_000}}, false},
		"another group, our user": {zmq.IPC{AcceptGIDs: []uint32{4_000_000_000}, AcceptUIDs: []uint32{my}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			pull, err := c.NewSocket(zmq.PULL, &zmq.Config{IPC: row.ipc})
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			seen := watch(t, pull)
			push := newSocket(t, c, zmq.PUSH, nil)
			connect(t, push, bind(t, pull, "ipc://"+socketPath(t)))
			if !row.admit {
				if e := seen.await(zmq.EventAcceptFailed); e.Value != int(syscall.EACCES) {
					t.Errorf("the event is %+v", e)
				}
				return
			}
			send(t, push, "hello")
			want(t, pull, "hello")
		})
	}
}
