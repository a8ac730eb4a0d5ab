package tcp_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tcp"
)

// The tables of this file were compared with libzmq 4.3.4, row by row. Where
// the result differs on purpose, the row says so.

func TestBindTable(t *testing.T) {
	offline(t)
	lo := loopback(t)
	index := strconv.Itoa(lo.Index)
	tests := []struct {
		name, address string
		errno         syscall.Errno // or
		v4, v6        string        // the host that is reported with IPv6 off and on
	}{
		{name: "any host, any port", address: "*:*", v4: "0.0.0.0", v6: "[::]"},
		{name: "any host, port zero", address: "*:0", v4: "0.0.0.0", v6: "[::]"},
		{name: "any host in brackets", address: "[*]:0", v4: "0.0.0.0", v6: "[::]"},
		{name: "IPv4", address: "127.0.0.1:0", v4: "127.0.0.1", v6: "[::ffff:127.0.0.1]"},
		{name: "IPv4 in brackets", address: "[127.0.0.1]:0", v4: "127.0.0.1", v6: "[::ffff:127.0.0.1]"},
		{name: "all of IPv4", address: "0.0.0.0:0", v4: "0.0.0.0", v6: "[::ffff:0.0.0.0]"},
		{name: "an interface", address: lo.Name + ":0", v4: "127.0.0.1", v6: "[::1]"},
		{name: "IPv6", address: "[::1]:0", v6: "[::1]"},
		{name: "bare IPv6", address: "::1:0", v6: "[::1]"},
		{name: "all of IPv6", address: "[::]:0", v6: "[::]"},
		{name: "a zone by name", address: "[::1%" + lo.Name + "]:0", v6: "[::1]"},
		{name: "a zone by number", address: "[::1%" + index + "]:0", v6: "[::1]"},
		{name: "a source", address: "127.0.0.1:1;127.0.0.1:0", v4: "127.0.0.1", v6: "[::ffff:127.0.0.1]"},
		{name: "any source", address: "*:5;*:0", v4: "0.0.0.0", v6: "[::]"},

		{name: "an unknown zone", address: "[::1%nope]:0", errno: syscall.EINVAL},
		{name: "an empty zone", address: "[::1%]:0", errno: syscall.EINVAL},
		{name: "a zone of IPv4, which libzmq ignores", address: "127.0.0.1%" + lo.Name + ":0", errno: syscall.EINVAL},
		{name: "a port above 65535, which libzmq takes modulo 65536", address: "127.0.0.1:65537", errno: syscall.EINVAL},
		{name: "a negative port, which libzmq takes modulo 65536", address: "127.0.0.1:-1", errno: syscall.EINVAL},
		{name: "a letter after the port, which libzmq ignores", address: "127.0.0.1:5x", errno: syscall.EINVAL},
		{name: "no port", address: "127.0.0.1", errno: syscall.EINVAL},
		{name: "an empty port", address: "127.0.0.1:", errno: syscall.EINVAL},
		{name: "a port in letters", address: "127.0.0.1:x", errno: syscall.EINVAL},
		{name: "a path", address: "127.0.0.1:0/x", errno: syscall.EINVAL},
		{name: "a source without a port", address: "127.0.0.1;127.0.0.1:0", errno: syscall.EINVAL},
		{name: "an empty source", address: ";127.0.0.1:0", errno: syscall.EINVAL},
		{name: "a source alone", address: "127.0.0.1:0;", errno: syscall.EINVAL},
		{name: "an empty host", address: ":0", errno: syscall.ENODEV},
		{name: "half a pair of brackets", address: "[::1:0", errno: syscall.ENODEV},
		{name: "a zone behind the brackets, which is ENODEV to libzmq", address: "[::1]%" + lo.Name + ":0", errno: syscall.EINVAL},
		{name: "a bad literal", address: "1.2.3.4.5:0", errno: syscall.ENODEV},
		{name: "an unknown name", address: "nope:0", errno: syscall.ENODEV},
		{name: "a leading space", address: " 127.0.0.1:0", errno: syscall.ENODEV},
		{name: "an unknown source", address: "nope:1;127.0.0.1:0", errno: syscall.ENODEV},
		{name: "an address of somebody else", address: "192.0.2.254:0", errno: syscall.EADDRNOTAVAIL},
	}
	for _, ipv6 := range []bool{false, true} {
		for _, test := range tests {
			t.Run(test.name+map[bool]string{false: "", true: " with IPv6"}[ipv6], func(t *testing.T) {
				host, errno := test.v4, test.errno
				if ipv6 {
					needIPv6(t)
					host = test.v6
				}
				if host == "" && errno == 0 {
					errno = syscall.ENODEV // IPv6, and it is off
				}
				if errno == 0 {
					checkBound(t, test.address, ipv6, host)
					return
				}
				l, err := tcp.Transport{}.Listen(t.Context(), test.address, &transport.Options{IPv6: ipv6})
				if err == nil {
					l.Close()
				}
				checkErrno(t, err, errno)
			})
		}
	}
}

// libzmq 4.3.4 knew no host names here; 4.3.6 does.
func TestBindHostName(t *testing.T) {
	offline(t)
	checkBound(t, "localhost:0", false, "127.0.0.1")

	l := transporttest.Listen(t, tcp.Transport{}, "localhost:0", &transport.Options{IPv6: true})
	if a := l.Address(); !strings.HasPrefix(a, "[::1]:") && !strings.HasPrefix(a, "[::ffff:127.0.0.1]:") {
		t.Errorf("got %q, want a loopback address in the form of IPv6", a)
	}
}

// checkBound binds address and checks the host that is reported, that the port
// is a real one, and that what is reported can be dialled.
func checkBound(t *testing.T, address string, ipv6 bool, host string) {
	t.Helper()
	o := &transport.Options{IPv6: ipv6}
	l := transporttest.Listen(t, tcp.Transport{}, address, o)
	port, found := strings.CutPrefix(l.Address(), host+":")
	if n, err := strconv.Atoi(port); !found || err != nil || n == 0 {
		t.Fatalf("got %q, want %s and a real port", l.Address(), host)
	}
	a, b := transporttest.Pair(t, tcp.Transport{}, l, o)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
}

func TestConnectTable(t *testing.T) {
	offline(t)
	tests := []struct {
		name, address string
		errno         syscall.Errno // of the check; zero if it passes
		dial          syscall.Errno // of the attempt, where it is certain
	}{
		{name: "port zero", address: "127.0.0.1:0"},
		{name: "IPv6 without IPv6", address: "[::1]:5", dial: syscall.ENODEV},
		{name: "bare IPv6 without IPv6", address: "::1:5", dial: syscall.ENODEV},
		{name: "an empty host is not the local host", address: ":5", dial: syscall.ENODEV},
		{name: "half a pair of brackets", address: "[::1:5", dial: syscall.ENODEV},
		{name: "a star inside a name", address: "a*b:5", dial: syscall.ENODEV},
		{name: "any host in brackets", address: "[*]:5", dial: syscall.ENODEV},
		{name: "an unknown name", address: "nope:5"},
		{name: "a bad literal", address: "256.1.1.1:5"},
		{name: "an empty zone", address: "[::1%]:5", dial: syscall.EINVAL},
		{name: "an unknown zone", address: "[::1%nope]:5", dial: syscall.EINVAL},
		{name: "an unknown source", address: "nope:*;127.0.0.1:5", dial: syscall.ENODEV},
		{name: "a source of somebody else", address: "192.0.2.254:*;127.0.0.1:5", dial: syscall.EADDRNOTAVAIL},

		{name: "any host", address: "*:5", errno: syscall.EINVAL},
		{name: "any port", address: "127.0.0.1:*", errno: syscall.EINVAL},
		{name: "no port", address: "h", errno: syscall.EINVAL},
		{name: "an empty port", address: "h:", errno: syscall.EINVAL},
		{name: "a path", address: "h:5/x", errno: syscall.EINVAL},
		{name: "a leading hyphen", address: "-h:5", errno: syscall.EINVAL},
		{name: "a leading underscore", address: "_h:5", errno: syscall.EINVAL},
		{name: "a negative port", address: "h:-1", errno: syscall.EINVAL},
		{name: "an empty source", address: ";h:5", errno: syscall.EINVAL},
		{name: "a port above 65535, which libzmq lets pass", address: "h:65536", errno: syscall.EINVAL},
		{name: "a letter after the port, which libzmq lets pass", address: "h:80x", errno: syscall.EINVAL},
		{name: "a source without a port, which libzmq lets pass", address: "127.0.0.1;h:5", errno: syscall.EINVAL},
		{name: "any host after a source, which libzmq lets pass", address: "127.0.0.1:*;*:5", errno: syscall.EINVAL},
		{name: "a source alone, which libzmq lets pass", address: "127.0.0.1:*;", errno: syscall.EINVAL},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := tcp.Transport{}.CheckConnect(test.address, nil)
			if test.errno != 0 {
				checkErrno(t, err, test.errno)
			} else if err != nil {
				t.Errorf("check: %v", err)
			}
			conn, err := tcp.Transport{}.Dial(transporttest.Context(t), test.address, nil)
			if err == nil {
				conn.Close()
				t.Fatal("dial: want an error")
			}
			if want := test.errno | test.dial; want != 0 {
				checkErrno(t, err, want)
			}
		})
	}
}

func checkErrno(t *testing.T, err error, want syscall.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

// offline keeps lookups from leaving this machine.
func offline(t *testing.T) {
	before := net.DefaultResolver
	t.Cleanup(func() { net.DefaultResolver = before })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("offline")
	}}
}

// loopback returns the interface of 127.0.0.1.
func loopback(t *testing.T) net.Interface {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, ifi := range all {
		if ifi.Flags&net.FlagLoopback != 0 && ifi.Flags&net.FlagUp != 0 {
			return ifi
		}
	}
	t.Skip("this machine has no loopback interface")
	return net.Interface{}
}

// needIPv6 skips a test on a machine without ::1.
func needIPv6(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no ::1: %v", err)
	}
	l.Close()
}
