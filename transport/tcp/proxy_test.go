package tcp

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
)

// TestTheProxyIsToldWhoAsksAndForWhom looks at what a SOCKS5 server hears.
func TestTheProxyIsToldWhoAsksAndForWhom(t *testing.T) {
	long := strings.Repeat("x", 255)
	for name, test := range map[string]struct {
		users     map[string]string
		user, pw  string
		address   string // "": the listener's own
		ipv6      bool
		methods   string
		wantUser  string
		wantPw    string
		kind      byte
		wantError string
	}{
		"an address":                           {methods: "\x00", kind: 1},
		"a name, which the proxy resolves":     {methods: "\x00", address: "somewhere.test:1234", kind: 3},
		"an address of IPv6":                   {methods: "\x00", address: "[2001:db8::1]:1234", ipv6: true, kind: 4},
		"a user that nobody wants to know":     {methods: "\x00\x02", user: "me", pw: "secret", kind: 1},
		"user and password":                    {users: map[string]string{"me": "secret"}, user: "me", pw: "secret", methods: "\x00\x02", wantUser: "me", wantPw: "secret", kind: 1},
		"an empty password":                    {users: map[string]string{"me": ""}, user: "me", methods: "\x00\x02", wantUser: "me", kind: 1},
		"a password without user is not said":  {pw: "secret", methods: "\x00", kind: 1},
		"the longest user and password":        {users: map[string]string{long: long}, user: long, pw: long, methods: "\x00\x02", wantUser: long, wantPw: long, kind: 1},
		"a wrong password":                     {users: map[string]string{"me": "secret"}, user: "me", pw: "guess", methods: "\x00\x02", wantUser: "me", wantPw: "guess", wantError: "authentication failed"},
		"nobody, though the proxy asks for it": {users: map[string]string{"me": "secret"}, methods: "\x00", wantError: "no acceptable authentication"},
	} {
		t.Run(name, func(t *testing.T) {
			l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", nil)
			target := l.Address()
			p := &zmtptest.Proxy{Users: test.users}
			if test.address != "" {
				target = test.address
				p.Names = map[string]string{target: l.Address()}
			}
			o := &transport.Options{IPv6: test.ipv6, Proxy: transport.Proxy{Address: p.Start(t), User: test.user, Password: test.pw}}
			conn, err := Transport{}.Dial(transporttest.Context(t), target, o)
			if err == nil {
				defer conn.Close()
			}
			switch {
			case test.wantError == "" && err != nil:
				t.Fatal(err)
			case test.wantError != "" && (err == nil || !strings.Contains(err.Error(), test.wantError) || !strings.Contains(err.Error(), o.Proxy.Address)):
				t.Errorf("got %v, want the proxy's address and %q", err, test.wantError)
			}
			if test.wantError == "" {
				other, err := l.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer other.Close()
				transporttest.Exchange(t, conn, other)
				if _, plain := conn.(*net.TCPConn); !plain {
					t.Errorf("the connection is a %T", conn)
				}
			}
			heard := p.Heard()
			if len(heard) != 1 {
				t.Fatalf("the proxy was asked %d times", len(heard))
			}
			h := heard[0]
			if string(h.Methods) != test.methods || h.User != test.wantUser || h.Password != test.wantPw || h.Kind != test.kind {
				t.Errorf("it heard %+v", h)
			}
			if test.kind != 0 && h.Target != target {
				t.Errorf("it was asked for %q, want %q", h.Target, target)
			}
		})
	}
}

// TestAProxyThatRefuses ends the attempt with what the proxy says.
func TestAProxyThatRefuses(t *testing.T) {
	for answer, words := range map[byte]string{
		1: "general SOCKS server failure", 2: "connection not allowed by ruleset", 4: "host unreachable", 5: "connection refused",
	} {
		p := &zmtptest.Proxy{Answer: answer}
		o := &transport.Options{Proxy: transport.Proxy{Address: p.Start(t)}}
		_, err := Transport{}.Dial(transporttest.Context(t), "127.0.0.1:1", o)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("answer %d: got %v, want %q", answer, err, words)
		}
	}
}

func TestAProxyThatIsNotThere(t *testing.T) {
	l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", nil)
	l.Close()
	o := &transport.Options{Proxy: transport.Proxy{Address: l.Address()}}
	if _, err := (Transport{}).Dial(transporttest.Context(t), "127.0.0.1:1", o); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want that the proxy refused", err)
	}
}

// TestAProxyThatSaysNothing is waited for no longer than a peer would be.
func TestAProxyThatSaysNothing(t *testing.T) {
	p := &zmtptest.Proxy{Mute: true}
	o := &transport.Options{Proxy: transport.Proxy{Address: p.Start(t)}, ConnectTimeout: 20 * time.Millisecond}
	_, err := Transport{}.Dial(transporttest.Context(t), "127.0.0.1:1", o)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want that the time is over", err)
	}
	o.ConnectTimeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := (Transport{}).Dial(ctx, "127.0.0.1:1", o); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}()
	cancel()
	transporttest.Wait(t, ended, "a cancelled Dial")
}

// TestTheWayToAProxy has the source and the options of a connection, and goes
// through the Dialer if there is one.
func TestTheWayToAProxy(t *testing.T) {
	l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", nil)
	p := new(zmtptest.Proxy)
	o := &transport.Options{Proxy: transport.Proxy{Address: p.Start(t)}, KeepAlive: transport.KeepAlive{Mode: transport.KeepAliveOff}}
	conn, err := Transport{}.Dial(transporttest.Context(t), "127.0.0.7:*;"+l.Address(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if from := p.Heard()[0].From; !strings.HasPrefix(from, "127.0.0.7:") {
		t.Errorf("the proxy was asked from %s, want 127.0.0.7", from)
	}
	asked := ""
	o.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		asked = address
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	conn, err = Transport{}.Dial(transporttest.Context(t), l.Address(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if asked != o.Proxy.Address {
		t.Errorf("the Dialer was asked for %q, want the proxy", asked)
	}
}

func TestAProxyThatNobodyCouldAsk(t *testing.T) {
	for name, proxy := range map[string]transport.Proxy{
		"no port":             {Address: "proxy"},
		"port zero":           {Address: "proxy:0"},
		"no host":             {Address: ":1080"},
		"a source":            {Address: "127.0.0.1:1;proxy:1080"},
		"a scheme":            {Address: "socks5://proxy:1080"},
		"a port out of range": {Address: "proxy:65536"},
		"too long a user":     {Address: "proxy:1080", User: strings.Repeat("x", 256)},
		"too long a password": {Address: "proxy:1080", Password: strings.Repeat("x", 256)},
	} {
		t.Run(name, func(t *testing.T) {
			o := &transport.Options{Proxy: proxy}
			if err := (Transport{}).CheckConnect("127.0.0.1:1", o); !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "Proxy") {
				t.Errorf("got %v, want ErrInvalid and the name of the option", err)
			}
		})
	}
}
