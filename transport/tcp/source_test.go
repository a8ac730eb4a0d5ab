package tcp_test

import (
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tcp"
)

func TestSourceAddress(t *testing.T) {
	lo := loopback(t)
	l := transporttest.Listen(t, tcp.Transport{}, "127.0.0.1:*", nil)
	free := nobody(t)
	freePort := free[strings.LastIndex(free, ":")+1:]
	tests := []struct {
		name, source string
		ipv6         bool
		host, port   string // the local end; "" for any
	}{
		{name: "an address and any port", source: "127.0.0.1:*", host: "127.0.0.1"},
		{name: "an address and port zero", source: "127.0.0.1:0", host: "127.0.0.1"},
		{name: "an address and a port", source: free, host: "127.0.0.1", port: freePort},
		{name: "the same port again", source: free, host: "127.0.0.1", port: freePort},
		{name: "any address and a port", source: "*:" + freePort, host: "127.0.0.1", port: freePort},
		{name: "any address and any port", source: "*:*", host: "127.0.0.1"},
		{name: "an interface", source: lo.Name + ":*", host: "127.0.0.1"},
		{name: "a host name", source: "localhost:*", host: "127.0.0.1"},
		{name: "an interface with IPv6, whose address must suit the destination", source: lo.Name + ":*", ipv6: true, host: "127.0.0.1"},
		{name: "any address and a port with IPv6", source: "*:" + freePort, ipv6: true, host: "127.0.0.1", port: freePort},
	}
	if !hasSecondLoopback() {
		t.Log("not tried: a second address of the loopback interface")
	} else {
		tests = append(tests, tests[0])
		last := &tests[len(tests)-1]
		last.name, last.source, last.host = "another address of this machine", "127.0.0.2:*", "127.0.0.2"
	}
	offline(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			address := test.source + ";" + l.Address()
			o := &transport.Options{IPv6: test.ipv6}
			if err := (tcp.Transport{}).CheckConnect(address, o); err != nil {
				t.Errorf("check: %v", err)
			}
			a, err := tcp.Transport{}.Dial(transporttest.Context(t), address, o)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			b, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			transporttest.Exchange(t, a, b)
			host, port, err := net.SplitHostPort(b.RemoteAddr().String())
			if err != nil || host != test.host || (test.port != "" && port != test.port) {
				t.Errorf("the peer is %s:%s, want %s:%s", host, port, test.host, test.port)
			}
			// This side ends the connection, so that it keeps the port no longer than needed.
			b.(*net.TCPConn).SetLinger(0)
			b.Close()
		})
	}
}

// hasSecondLoopback says whether 127.0.0.2 is an address of this machine.
func hasSecondLoopback() bool {
	l, err := net.Listen("tcp4", "127.0.0.2:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// TestSourcePortTwice connects from one port to two listeners at once, which
// takes SO_REUSEADDR.
func TestSourcePortTwice(t *testing.T) {
	source := nobody(t)
	for range 2 {
		l := transporttest.Listen(t, tcp.Transport{}, "127.0.0.1:*", nil)
		conn, err := tcp.Transport{}.Dial(transporttest.Context(t), source+";"+l.Address(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if got := conn.LocalAddr().String(); got != source {
			t.Errorf("the local end is %s, want %s", got, source)
		}
	}
}

func TestSourceOfTheOtherFamily(t *testing.T) {
	needIPv6(t)
	l := transporttest.Listen(t, tcp.Transport{}, "127.0.0.1:*", nil)
	conn, err := tcp.Transport{}.Dial(transporttest.Context(t), "[::1]:*;"+l.Address(), &transport.Options{IPv6: true})
	if err == nil {
		conn.Close()
		t.Fatal("want an error")
	}
	_, err = tcp.Transport{}.Dial(transporttest.Context(t), "[::1]:*;"+l.Address(), nil)
	checkErrno(t, err, syscall.ENODEV)
}

func TestIPv6EndToEnd(t *testing.T) {
	needIPv6(t)
	o := &transport.Options{IPv6: true}
	lo := loopback(t)
	l := transporttest.Listen(t, tcp.Transport{}, "[::1]:*", o)
	port := l.Address()[strings.LastIndex(l.Address(), ":")+1:]
	for _, address := range []string{
		l.Address(), "::1:" + port, "[::1%" + lo.Name + "]:" + port, "::1%" + strconv.Itoa(lo.Index) + ":" + port,
		"[::1]:*;[::1]:" + port, "*:*;[::1]:" + port,
	} {
		a, err := tcp.Transport{}.Dial(transporttest.Context(t), address, o)
		if err != nil {
			t.Fatalf("dial %q: %v", address, err)
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

func TestLinkLocalAddressWithItsZone(t *testing.T) {
	needIPv6(t)
	address := linkLocal(t)
	o := &transport.Options{IPv6: true}
	l := transporttest.Listen(t, tcp.Transport{}, net.JoinHostPort(address, "*"), o)
	if !strings.HasPrefix(l.Address(), "["+address+"]:") {
		t.Errorf("got %q, want the zone of %q", l.Address(), address)
	}
	a, b := transporttest.Pair(t, tcp.Transport{}, l, o)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)

	bare, _, _ := strings.Cut(address, "%")
	if l, err := (tcp.Transport{}).Listen(t.Context(), net.JoinHostPort(bare, "*"), o); err == nil {
		l.Close()
		t.Errorf("%s was bound without a zone", bare)
	}
}

// linkLocal returns a link-local address of this machine with its zone.
func linkLocal(t *testing.T) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		addrs, err := ifi.Addrs()
		if err != nil || ifi.Flags&net.FlagUp == 0 {
			continue
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() {
				return n.IP.String() + "%" + ifi.Name
			}
		}
	}
	t.Skip("this machine has no link-local address")
	return ""
}
