package tcp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBattery(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: tcp.Transport{},
		Bind:      func(testing.TB) string { return "127.0.0.1:*" },
		Nobody:    nobody,
	})
}

func TestBatteryAny(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: tcp.Transport{},
		Bind:      func(testing.TB) string { return "*:*" },
		Nobody:    nobody,
	})
}

// nobody returns a loopback address whose port is taken but does not listen.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestAddressInUse(t *testing.T) {
	l := transporttest.Listen(t, tcp.Transport{}, "127.0.0.1:*", nil)
	for _, address := range []string{l.Address(), strings.Replace(l.Address(), "127.0.0.1", "*", 1)} {
		second, err := tcp.Transport{}.Listen(t.Context(), address, nil)
		if err == nil {
			second.Close()
		}
		checkErrno(t, err, syscall.EADDRINUSE)
		if err != nil && !strings.Contains(err.Error(), address[strings.LastIndex(address, ":"):]) {
			t.Errorf("%q does not name the address", err)
		}
	}
	a, b := transporttest.Pair(t, tcp.Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
}

func TestAnyHostTakesBothFamilies(t *testing.T) {
	needIPv6(t)
	tests := []struct {
		name, bind  string
		listen      bool // IPv6 of the listener
		host        string
		wantRefused bool
		wantPeer    string
	}{
		{name: "an IPv4 peer of a listener for both", bind: "*:*", listen: true, host: "127.0.0.1", wantPeer: "::ffff:127.0.0.1"},
		{name: "an IPv6 peer of a listener for both", bind: "*:*", listen: true, host: "::1", wantPeer: "::1"},
		{name: "an IPv6 peer of [::]", bind: "[::]:*", listen: true, host: "::1", wantPeer: "::1"},
		{name: "an IPv4 peer of [::]", bind: "[::]:*", listen: true, host: "127.0.0.1", wantPeer: "::ffff:127.0.0.1"},
		{name: "an IPv4 peer of a listener for IPv4", bind: "*:*", host: "127.0.0.1", wantPeer: "127.0.0.1"},
		{name: "an IPv6 peer of a listener for IPv4", bind: "*:*", host: "::1", wantRefused: true},
		{name: "an IPv6 peer of all of IPv4", bind: "0.0.0.0:*", listen: true, host: "::1", wantRefused: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := transporttest.Listen(t, tcp.Transport{}, test.bind, &transport.Options{IPv6: test.listen})
			_, port, err := net.SplitHostPort(l.Address())
			if err != nil {
				t.Fatal(err)
			}
			a, err := tcp.Transport{}.Dial(transporttest.Context(t), net.JoinHostPort(test.host, port), &transport.Options{IPv6: true})
			if test.wantRefused {
				if err == nil {
					a.Close()
				}
				checkErrno(t, err, syscall.ECONNREFUSED)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			b, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			transporttest.Exchange(t, a, b)
			if got := (tcp.Transport{}).PeerAddress(b); got != test.wantPeer {
				t.Errorf("the peer is %q, want %q", got, test.wantPeer)
			}
		})
	}
}

func TestPeerAddressOfSomethingElse(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if got := (tcp.Transport{}).PeerAddress(a); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestHostNameIsResolvedAtEachDial(t *testing.T) {
	offline(t)
	l := transporttest.Listen(t, tcp.Transport{}, "127.0.0.1:*", nil)
	address := strings.Replace(l.Address(), "127.0.0.1", "localhost", 1)
	for _, ipv6 := range []bool{false, true} {
		a, err := tcp.Transport{}.Dial(transporttest.Context(t), address, &transport.Options{IPv6: ipv6})
		if err != nil {
			t.Fatal(err)
		}
		b, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		transporttest.Exchange(t, a, b)
		a.Close()
		b.Close()
	}
}

func TestDialerIsGivenNamesUnresolved(t *testing.T) {
	tests := []struct {
		name, address, network, want string
		ipv6                         bool
	}{
		{name: "a name", address: "nope.example:5", network: "tcp4", want: "nope.example:5"},
		{name: "a name with IPv6", address: "nope.example:5", ipv6: true, network: "tcp", want: "nope.example:5"},
		{name: "a bare IPv6 address", address: "::1:5", ipv6: true, network: "tcp", want: "[::1]:5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			near, far := net.Pipe()
			defer far.Close()
			o := &transport.Options{IPv6: test.ipv6, Dialer: func(_ context.Context, network, address string) (net.Conn, error) {
				if network != test.network || address != test.want {
					t.Errorf("got %s %s, want %s %s", network, address, test.network, test.want)
				}
				return near, nil
			}}
			conn, err := tcp.Transport{}.Dial(t.Context(), test.address, o)
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
		})
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	d := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("not called") }
	tests := []struct {
		name    string
		address string
		options transport.Options
	}{
		{name: "a type of service above an octet", options: transport.Options{TOS: 256}},
		{name: "a negative type of service", options: transport.Options{TOS: -1}},
		{name: "a negative priority", options: transport.Options{Priority: -1}},
		{name: "a negative time of retransmission", options: transport.Options{MaxRetransmit: -1}},
		{name: "an unknown mode of keep-alive", options: transport.Options{KeepAlive: transport.KeepAlive{Mode: 9}}},
		{name: "a device with a NUL", options: transport.Options{BindToDevice: "lo\x00"}},
		{name: "a Dialer and a source", address: "127.0.0.1:*;127.0.0.1:5", options: transport.Options{Dialer: d}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address := "127.0.0.1:5"
			if test.address != "" {
				address = test.address
			}
			checkErrno(t, tcp.Transport{}.CheckConnect(address, &test.options), syscall.EINVAL)
			_, err := tcp.Transport{}.Dial(t.Context(), address, &test.options)
			checkErrno(t, err, syscall.EINVAL)
			if test.options.Dialer != nil {
				return
			}
			l, err := tcp.Transport{}.Listen(t.Context(), "127.0.0.1:*", &test.options)
			if err == nil {
				l.Close()
			}
			checkErrno(t, err, syscall.EINVAL)
		})
	}
}
