package tcp

import (
	"errors"
	"fmt"
	"math"
	"net"
	"runtime"
	"strings"
	"syscall"
	"time"

	"zeromux/transport"
)

// CheckOptions refuses what this system cannot do, and what no system can: what a
// transport that uses tcp may want to know before it opens anything. Errors wrap
// ErrInvalid or errors.ErrUnsupported.
func CheckOptions(o *transport.Options) error {
	switch {
	case o.TOS < 0 || o.TOS > 255:
		return fmt.Errorf("tcp: option TOS %d: %w", o.TOS, transport.ErrInvalid)
	case o.Priority < 0:
		return fmt.Errorf("tcp: option Priority %d: %w", o.Priority, transport.ErrInvalid)
	case o.SendBuffer < 0 || o.RecvBuffer < 0:
		return fmt.Errorf("tcp: negative buffer size: %w", transport.ErrInvalid)
	case o.MaxRetransmit < 0:
		return fmt.Errorf("tcp: option MaxRetransmit %v: %w", o.MaxRetransmit, transport.ErrInvalid)
	case o.KeepAlive.Mode > transport.KeepAliveOn:
		return fmt.Errorf("tcp: option KeepAlive mode %d: %w", o.KeepAlive.Mode, transport.ErrInvalid)
	case strings.IndexByte(o.BindToDevice, 0) >= 0:
		return fmt.Errorf("tcp: option BindToDevice %q: %w", o.BindToDevice, transport.ErrInvalid)
	case o.Priority != 0 && !hasPriority:
		return unsupported("Priority")
	case o.BindToDevice != "" && !hasBindToDevice:
		return unsupported("BindToDevice")
	case o.MaxRetransmit != 0 && !hasMaxRetransmit:
		return unsupported("MaxRetransmit")
	case o.BusyPoll < 0:
		return fmt.Errorf("tcp: option BusyPoll %v: %w", o.BusyPoll, transport.ErrInvalid)
	case o.BusyPoll != 0 && !hasBusyPoll:
		return unsupported("BusyPoll")
	case o.LoopbackFastPath && !hasLoopbackFastPath:
		return unsupported("LoopbackFastPath")
	case o.Dialer != nil && (o.Priority != 0 || o.BindToDevice != "" || o.LoopbackFastPath):
		return fmt.Errorf("tcp: options Priority, BindToDevice and LoopbackFastPath cannot be combined with a Dialer: %w", transport.ErrInvalid)
	}
	for _, p := range o.AcceptFrom {
		if !p.IsValid() {
			return fmt.Errorf("tcp: option AcceptFrom: %w: a prefix of no address", transport.ErrInvalid)
		}
	}
	return checkProxy(&o.Proxy)
}

func unsupported(option string) error {
	return fmt.Errorf("tcp: option %s: %w on %s", option, errors.ErrUnsupported, runtime.GOOS)
}

// beforeConnect returns what is done to a socket before it connects.
func beforeConnect(o *transport.Options, hasSource bool) func(string, string, syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		return control(c, func(s socket) error {
			if hasSource {
				if err := reuseSource(s); err != nil {
					return err
				}
			}
			return prepare(s, o, network == "tcp6")
		})
	}
}

// beforeBind returns what is done to a socket before it is bound.
func beforeBind(o *transport.Options) func(string, string, syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		return control(c, func(s socket) error {
			if err := claimPort(s); err != nil {
				return err
			}
			return prepare(s, o, network == "tcp6")
		})
	}
}

// prepare sets the options that count before a connection exists: the sizes of
// buffers are part of tcp's first packets.
func prepare(s socket, o *transport.Options, ipv6 bool) error {
	if err := setBuffers(s, o); err != nil {
		return err
	}
	if o.BindToDevice != "" {
		if err := bindToDevice(s, o.BindToDevice, ipv6); err != nil {
			return fmt.Errorf("option BindToDevice %q: %w", o.BindToDevice, err)
		}
	}
	if o.LoopbackFastPath {
		if err := setLoopbackFastPath(s); err != nil {
			return fmt.Errorf("option LoopbackFastPath: %w", err)
		}
	}
	if err := setBusyPolling(s, o); err != nil {
		return err
	}
	return setPacketClass(s, o, ipv6)
}

// established sets the options of a new connection. Those that prepare set on
// the same socket need no second time; an accepted one is another socket, and
// so is one that the user's Dialer opened. TCP_NODELAY is on from the net package.
func established(conn net.Conn, o *transport.Options, accepted bool) error {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	if err := setKeepAlive(tcp, o.KeepAlive); err != nil {
		return err
	}
	isNew := accepted || o.Dialer != nil
	if o.MaxRetransmit == 0 && !isNew {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(s socket) error {
		if o.MaxRetransmit != 0 {
			if err := setMaxRetransmit(s, o.MaxRetransmit); err != nil {
				return fmt.Errorf("option MaxRetransmit %v: %w", o.MaxRetransmit, err)
			}
		}
		if !isNew {
			return nil
		}
		if err := setBuffers(s, o); err != nil {
			return err
		}
		if err := setBusyPolling(s, o); err != nil {
			return err
		}
		return setPacketClass(s, o, isIPv6(tcp.LocalAddr()))
	})
}

// setKeepAlive sets the probes of a silent connection.
func setKeepAlive(tcp *net.TCPConn, k transport.KeepAlive) error {
	switch k.Mode {
	case transport.KeepAliveOff:
		return tcp.SetKeepAlive(false)
	case transport.KeepAliveOn:
		return tcp.SetKeepAliveConfig(net.KeepAliveConfig{
			Enable: true, Idle: orSystem(k.Idle), Interval: orSystem(k.Interval), Count: orSystem(k.Count),
		})
	}
	return nil
}

// orSystem turns our zero, the system's default, into the net package's -1.
func orSystem[T int | time.Duration](v T) T {
	if v <= 0 {
		return -1
	}
	return v
}

// roundUp returns d as a whole number of units, as the system's calls take it.
func roundUp(d, unit time.Duration) int {
	n := d / unit
	if d%unit > 0 {
		n++
	}
	return int(min(n, math.MaxInt32))
}

// setBuffers asks for the sizes of a connection's buffers.
func setBuffers(s socket, o *transport.Options) error {
	if o.SendBuffer > 0 {
		if err := setInt(s, solSocket, soSndbuf, o.SendBuffer); err != nil {
			return fmt.Errorf("option SendBuffer %d: %w", o.SendBuffer, err)
		}
	}
	if o.RecvBuffer > 0 {
		if err := setInt(s, solSocket, soRcvbuf, o.RecvBuffer); err != nil {
			return fmt.Errorf("option RecvBuffer %d: %w", o.RecvBuffer, err)
		}
	}
	return nil
}

// setBusyPolling sets how long a read asks the device.
func setBusyPolling(s socket, o *transport.Options) error {
	if o.BusyPoll == 0 {
		return nil
	}
	if err := setBusyPoll(s, o.BusyPoll); err != nil {
		return fmt.Errorf("option BusyPoll %v: %w", o.BusyPoll, err)
	}
	return nil
}

// setPacketClass sets what marks each packet: type of service and priority.
func setPacketClass(s socket, o *transport.Options, ipv6 bool) error {
	if o.TOS != 0 {
		if err := setTOS(s, o.TOS, ipv6); err != nil {
			return fmt.Errorf("option TOS %d: %w", o.TOS, err)
		}
	}
	if o.Priority != 0 {
		if err := setPriority(s, o.Priority); err != nil {
			return fmt.Errorf("option Priority %d: %w", o.Priority, err)
		}
	}
	return nil
}

// setTOS marks the packets of both families, since an IPv6 socket may carry
// IPv4; some systems then know no IP_TOS, which is no error.
func setTOS(s socket, tos int, ipv6 bool) error {
	if !ipv6 {
		return setInt(s, protoIP, ipTOS, tos)
	}
	_ = setInt(s, protoIP, ipTOS, tos)
	return setInt(s, protoIPv6, ipv6TClass, tos)
}

// isIPv6 says whether a is the address of an IPv6 socket. The net package
// writes addresses of IPv4 sockets in 4 octets, and of IPv6 sockets in 16.
func isIPv6(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && len(tcp.IP) == net.IPv6len
}

// setBacklog sets the length of the queue of connections to be accepted. The
// net package has listened already, with the system's maximum, but to listen
// again on a listening socket changes the length. (On Windows it does nothing.)
func setBacklog(tcp *net.TCPListener, backlog int) error {
	raw, err := tcp.SyscallConn()
	if err != nil {
		return err
	}
	return control(raw, func(s socket) error {
		if err := listenAgain(s, backlog); err != nil {
			return fmt.Errorf("option Backlog %d: %w", backlog, err)
		}
		return nil
	})
}

// control runs f on the socket of c.
func control(c syscall.RawConn, f func(socket) error) error {
	var err error
	if outer := c.Control(func(fd uintptr) { err = f(socket(fd)) }); outer != nil {
		return outer
	}
	return err
}
