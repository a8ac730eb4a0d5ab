package zmq_test

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"zeromux/zmq"
)

// What the kernel says of a socket's connections: every option of the face arrives
// there. Package tcp tries the values.

// kernelSockets are the descriptors of this process that have one end at a port of
// this machine, those that listen apart.
func kernelSockets(t *testing.T, port uint16) (connections, listeners []int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range open {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		local, err := unix.Getsockname(fd)
		if err != nil {
			continue
		}
		if n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && n == 1 {
			if portOf(local) == port {
				listeners = append(listeners, fd)
			}
			continue
		}
		remote, err := unix.Getpeername(fd)
		if err == nil && (portOf(local) == port || portOf(remote) == port) {
			connections = append(connections, fd)
		}
	}
	return connections, listeners
}

func portOf(a unix.Sockaddr) uint16 {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return uint16(a.Port)
	case *unix.SockaddrInet6:
		return uint16(a.Port)
	}
	return 0
}

func TestTheKernelHasTheOptions(t *testing.T) {
	on, off := true, false
	for name, row := range map[string]struct {
		config       zmq.Config
		endpoint     string
		level, which int
		value        int
	}{
		"SendBuffer":            {config: zmq.Config{Network: zmq.Network{SendBuffer: 40_000}}, level: unix.SOL_SOCKET, which: unix.SO_SNDBUF, value: 80_000},
		"RecvBuffer":            {config: zmq.Config{Network: zmq.Network{RecvBuffer: 40_000}}, level: unix.SOL_SOCKET, which: unix.SO_RCVBUF, value: 80_000},
		"TCP.KeepAlive":         {config: zmq.Config{TCP: zmq.TCP{KeepAlive: &on}}, level: unix.SOL_SOCKET, which: unix.SO_KEEPALIVE, value: 1},
		"no TCP.KeepAlive":      {config: zmq.Config{TCP: zmq.TCP{KeepAlive: &off}}, level: unix.SOL_SOCKET, which: unix.SO_KEEPALIVE, value: 0},
		"the system's":          {level: unix.SOL_SOCKET, which: unix.SO_KEEPALIVE, value: 0},
		"TCP.KeepAliveIdle":     {config: zmq.Config{TCP: zmq.TCP{KeepAlive: &on, KeepAliveIdle: 77 * time.Second}}, level: unix.IPPROTO_TCP, which: unix.TCP_KEEPIDLE, value: 77},
		"TCP.KeepAliveInterval": {config: zmq.Config{TCP: zmq.TCP{KeepAlive: &on, KeepAliveInterval: 5 * time.Second}}, level: unix.IPPROTO_TCP, which: unix.TCP_KEEPINTVL, value: 5},
		"TCP.KeepAliveCount":    {config: zmq.Config{TCP: zmq.TCP{KeepAlive: &on, KeepAliveCount: 4}}, level: unix.IPPROTO_TCP, which: unix.TCP_KEEPCNT, value: 4},
		"TCP.MaxRetransmit":     {config: zmq.Config{TCP: zmq.TCP{MaxRetransmit: 1500 * time.Millisecond}}, level: unix.IPPROTO_TCP, which: unix.TCP_USER_TIMEOUT, value: 1500},
		"TCP.TOS":               {config: zmq.Config{TCP: zmq.TCP{TOS: 0x28}}, level: unix.IPPROTO_IP, which: unix.IP_TOS, value: 0x28},
		"TCP.TOS of IPv6": {
			config: zmq.Config{TCP: zmq.TCP{TOS: 0x28}, Network: zmq.Network{IPv6: true}}, endpoint: "tcp://[::1]:*",
			level: unix.IPPROTO_IPV6, which: unix.IPV6_TCLASS, value: 0x28,
		},
		"TCP.Priority": {config: zmq.Config{TCP: zmq.TCP{Priority: 3}}, level: unix.SOL_SOCKET, which: unix.SO_PRIORITY, value: 3},
		"TCP.BusyPoll": {config: zmq.Config{TCP: zmq.TCP{BusyPoll: 50 * time.Microsecond}}, level: unix.SOL_SOCKET, which: unix.SO_BUSY_POLL, value: 50},
	} {
		t.Run(name, func(t *testing.T) {
			pull, push := kernelPair(t, &row.config, row.endpoint)
			connections, _ := kernelSockets(t, pull.port)
			if len(connections) != 2 {
				t.Fatalf("%d connections, want both ends of one", len(connections))
			}
			for _, fd := range connections {
				if got, err := unix.GetsockoptInt(fd, row.level, row.which); err != nil || got != row.value {
					t.Errorf("%d, %v; want %d", got, err, row.value)
				}
			}
			send(t, push.Socket, "still there")
			want(t, pull.Socket, "still there")
		})
	}
}

// bound is a socket and the port that it has.
type bound struct {
	*zmq.Socket
	port uint16
}

// kernelPair joins two sockets of a configuration over tcp.
func kernelPair(t *testing.T, config *zmq.Config, endpoint string) (pull, push bound) {
	t.Helper()
	if endpoint == "" {
		endpoint = "tcp://127.0.0.1:*"
	}
	c := newContext(t)
	pull.Socket, push.Socket = newSocket(t, c, zmq.PULL, config), newSocket(t, c, zmq.PUSH, config)
	at, err := pull.Bind(endpoint)
	switch {
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	pull.port = netip.MustParseAddrPort(strings.TrimPrefix(at, "tcp://")).Port()
	connect(t, push.Socket, at)
	peers(t, pull.Socket, 1)
	peers(t, push.Socket, 1)
	return pull, push
}

func TestTheKernelKnowsTheDevice(t *testing.T) {
	pull, _ := kernelPair(t, &zmq.Config{TCP: zmq.TCP{BindToDevice: "lo"}}, "")
	connections, listeners := kernelSockets(t, pull.port)
	if len(connections) != 2 || len(listeners) != 1 {
		t.Fatalf("%d connections, %d listeners", len(connections), len(listeners))
	}
	for _, fd := range append(connections, listeners...) {
		if got, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE); got != "lo" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestTheKernelKnowsTheBacklog(t *testing.T) {
	for backlog, want := range map[int]uint32{0: 100, 7: 7, zmq.NoBacklog: 0} {
		pull, _ := kernelPair(t, &zmq.Config{Network: zmq.Network{Backlog: backlog}}, "")
		_, listeners := kernelSockets(t, pull.port)
		if len(listeners) != 1 {
			t.Fatalf("%d listeners", len(listeners))
		}
		// Of a listening socket, tcpi_sacked is the longest queue.
		info, err := unix.GetsockoptTCPInfo(listeners[0], unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || info.Sacked != want {
			t.Errorf("Backlog %d: the queue holds %d, %v; want %d", backlog, info.Sacked, err, want)
		}
	}
}
