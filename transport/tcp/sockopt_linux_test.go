package tcp

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
)

// wantOption is a socket option and the value it should have.
type wantOption struct {
	name         string
	level, which int
	value        int
}

func TestOptionsReachBothEnds(t *testing.T) {
	tests := []struct {
		name    string
		address string
		options transport.Options
		want    []wantOption
	}{
		{
			name:    "defaults",
			address: "127.0.0.1:*",
			want: []wantOption{
				{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
				{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
				{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0},
				{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, 0},
				{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
				{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP},
			},
		},
		{
			name:    "probes of silent connections",
			address: "127.0.0.1:*",
			options: transport.Options{KeepAlive: transport.KeepAlive{
				Mode: transport.KeepAliveOn, Idle: 77 * time.Second, Interval: 1500 * time.Millisecond, Count: 4,
			}},
			want: []wantOption{
				{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
				{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
				{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 2},
				{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 4},
			},
		},
		{
			name:    "no probes",
			address: "127.0.0.1:*",
			options: transport.Options{KeepAlive: transport.KeepAlive{Mode: transport.KeepAliveOff, Count: 4}},
			want:    []wantOption{{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0}},
		},
		{
			name:    "type of service",
			address: "127.0.0.1:*",
			options: transport.Options{TOS: 0x28},
			want:    []wantOption{{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0x28}},
		},
		{
			name:    "traffic class of IPv6",
			address: "[::1]:*",
			options: transport.Options{TOS: 0x28, IPv6: true},
			want: []wantOption{
				{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0x28},
				{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0x28},
			},
		},
		{
			name:    "priority",
			address: "127.0.0.1:*",
			options: transport.Options{Priority: 3},
			want:    []wantOption{{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, 3}},
		},
		{
			name:    "time of retransmission",
			address: "127.0.0.1:*",
			options: transport.Options{MaxRetransmit: 1500*time.Millisecond + 1},
			want:    []wantOption{{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1501}},
		},
		{
			name:    "time of busy polling",
			address: "127.0.0.1:*",
			options: transport.Options{BusyPoll: 49*time.Microsecond + 1},
			want:    []wantOption{{"SO_BUSY_POLL", unix.SOL_SOCKET, unix.SO_BUSY_POLL, 50}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.options.IPv6 && !hasIPv6() {
				t.Skip("this machine has no ::1")
			}
			l, err := Transport{}.Listen(t.Context(), test.address, &test.options)
			if errors.Is(err, syscall.EPERM) && test.options.BusyPoll != 0 {
				t.Skip("this needs CAP_NET_ADMIN")
			}
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			a, b := transporttest.Pair(t, Transport{}, l, &test.options)
			defer a.Close()
			defer b.Close()
			transporttest.Exchange(t, a, b)
			for _, w := range test.want {
				for end, conn := range map[string]net.Conn{"dialled": a, "accepted": b} {
					if got := transporttest.SocketOption(t, conn, w.level, w.which); got != w.value {
						t.Errorf("%s end: %s is %d, want %d", end, w.name, got, w.value)
					}
				}
			}
		})
	}
}

// TestOptionsOfADialersConnection shows that what can be set later is.
func TestOptionsOfADialersConnection(t *testing.T) {
	l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", nil)
	o := &transport.Options{
		TOS: 0x28, SendBuffer: 64 << 10, MaxRetransmit: time.Second,
		KeepAlive: transport.KeepAlive{Mode: transport.KeepAliveOff},
		Dialer:    new(net.Dialer).DialContext,
	}
	a, b := transporttest.Pair(t, Transport{}, l, o)
	defer a.Close()
	defer b.Close()
	for _, w := range []wantOption{
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0x28},
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 128 << 10},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 1000},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
	} {
		if got := transporttest.SocketOption(t, a, w.level, w.which); got != w.value {
			t.Errorf("%s is %d, want %d", w.name, got, w.value)
		}
	}
}

func TestListenerOptions(t *testing.T) {
	for _, test := range []struct{ backlog, want int }{{0, transport.DefaultBacklog}, {7, 7}, {-1, 0}} {
		l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", &transport.Options{Backlog: test.backlog})
		tcp := l.(*listener).tcp
		raw, err := tcp.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		err = control(raw, func(s socket) error {
			// Of a listening socket, tcpi_sacked is the longest queue.
			info, err := unix.GetsockoptTCPInfo(int(s), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil && int(info.Sacked) != test.want {
				t.Errorf("Backlog %d: the queue holds %d, want %d", test.backlog, info.Sacked, test.want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := transporttest.SocketOption(t, tcp, unix.SOL_SOCKET, unix.SO_PROTOCOL); got != unix.IPPROTO_TCP {
			t.Errorf("the listener speaks protocol %d, want plain TCP", got)
		}
		if got := transporttest.SocketOption(t, tcp, unix.SOL_SOCKET, unix.SO_REUSEADDR); got != 1 {
			t.Error("SO_REUSEADDR is not set")
		}
	}
}

func TestBindToDevice(t *testing.T) {
	o := &transport.Options{BindToDevice: "lo"}
	l, err := Transport{}.Listen(t.Context(), "127.0.0.1:*", o)
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this needs CAP_NET_RAW")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, b := transporttest.Pair(t, Transport{}, l, o)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
	raw, err := a.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = control(raw, func(s socket) error {
		device, err := unix.GetsockoptString(int(s), unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
		if device != "lo" {
			t.Errorf("bound to device %q, want lo", device)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	o.BindToDevice = "nope"
	if l, err := (Transport{}).Listen(t.Context(), "127.0.0.1:*", o); !errors.Is(err, syscall.ENODEV) || !strings.Contains(err.Error(), "nope") {
		if err == nil {
			l.Close()
		}
		t.Errorf("got %v, want ENODEV and the name of the device", err)
	}
}

func TestDialerExcludesDevice(t *testing.T) {
	for _, o := range []*transport.Options{{BindToDevice: "lo"}, {Priority: 1}} {
		o.Dialer = new(net.Dialer).DialContext
		if err := (Transport{}).CheckConnect("127.0.0.1:5", o); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("got %v, want ErrInvalid", err)
		}
	}
}

// full returns the address of a listener whose queue is full, so that no
// attempt to connect comes to an end.
func full(t *testing.T) string {
	t.Helper()
	o := &transport.Options{Backlog: -1, ConnectTimeout: 100 * time.Millisecond}
	l := transporttest.Listen(t, Transport{}, "127.0.0.1:*", o)
	for range 10 {
		conn, err := Transport{}.Dial(t.Context(), l.Address(), o)
		if errors.Is(err, context.DeadlineExceeded) {
			return l.Address()
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("a backlog of nothing holds ten connections")
	return ""
}

func TestAttemptThatHangs(t *testing.T) {
	address := full(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := (Transport{}).Dial(ctx, address, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	}()
	cancel()
	transporttest.Wait(t, ended, "a cancelled Dial")
}

func hasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}
