// Package tcp is the tcp transport: addresses of the form
// [source:port;]host:port, where libzmq's wildcards and names of interfaces may
// stand for hosts. It imports package transport alone.
package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"

	"zeromux/transport"
)

// Transport is the tcp transport. The zero value is ready for use.
// libzmq: "tcp://".
type Transport struct{}

// CheckConnect implements transport.Transport.
func (Transport) CheckConnect(address string, o *transport.Options) error {
	_, _, err := parseConnect(address, o)
	return err
}

// parseConnect is all that Dial can know before it waits for anybody.
func parseConnect(address string, o *transport.Options) (source, destination transport.HostPort, err error) {
	if source, destination, err = transport.ParseConnect(address); err != nil {
		return source, destination, err
	}
	if o == nil {
		return source, destination, nil
	}
	if o.Dialer != nil && !source.IsZero() {
		return source, destination, &transport.AddressError{
			Address: address, Why: "a source address cannot be combined with a Dialer", Kind: transport.ErrInvalid,
		}
	}
	return source, destination, CheckOptions(o)
}

// Dial implements transport.Transport. The connection is a *net.TCPConn unless
// a Dialer opened it.
func (Transport) Dial(ctx context.Context, address string, o *transport.Options) (net.Conn, error) {
	if o == nil {
		o = &transport.Options{}
	}
	source, destination, err := parseConnect(address, o)
	if err != nil {
		return nil, err
	}
	remote, err := destination.Remote(o.IPv6)
	if err != nil {
		return nil, err
	}
	if o.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.ConnectTimeout)
		defer cancel()
	}
	network := "tcp4"
	if o.IPv6 {
		network = "tcp"
	}
	var conn net.Conn
	if o.Proxy.Address != "" {
		conn, err = dialProxy(ctx, network, source, remote, o)
	} else {
		conn, err = dial(ctx, network, source, remote, o)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		// The net package has two clocks for one deadline, and either may be first.
		err = fmt.Errorf("%w (%w)", err, context.DeadlineExceeded)
	}
	if err != nil {
		return nil, transport.Portable(err)
	}
	if err := established(conn, o, false); err != nil {
		conn.Close()
		return nil, transport.Portable(err)
	}
	return conn, nil
}

// dial connects to remote, from one of the addresses that source names.
func dial(ctx context.Context, network string, source transport.HostPort, remote string, o *transport.Options) (net.Conn, error) {
	connecting := func() {}
	if o.Connecting != nil {
		connecting = sync.OnceFunc(o.Connecting) // a name may have several addresses
	}
	if o.Dialer != nil {
		connecting()
		return o.CallDialer(ctx, network, remote)
	}
	// The net package probes idle connections unless told not to; libzmq does not.
	prepare := beforeConnect(o, !source.IsZero())
	d := net.Dialer{KeepAlive: -1, Control: func(network, address string, c syscall.RawConn) error {
		err := prepare(network, address, c)
		if err == nil {
			connecting()
		}
		return err
	}}
	if source.IsZero() {
		return d.DialContext(ctx, network, remote)
	}
	locals, err := source.Local(ctx, o.IPv6)
	if err != nil {
		return nil, err
	}
	// An interface may have addresses of both families, and only one of them
	// suits the destination.
	var firstErr error
	for _, local := range locals {
		d.LocalAddr = sourceAddr(local)
		conn, err := d.DialContext(ctx, network, remote)
		if err == nil {
			return conn, nil
		}
		if firstErr == nil {
			firstErr = err
		}
	}
	return nil, firstErr
}

// sourceAddr names a local end to the net package. Without an IP it suits
// destinations of both families.
func sourceAddr(a netip.AddrPort) *net.TCPAddr {
	if a.Addr().IsUnspecified() {
		return &net.TCPAddr{Port: int(a.Port())}
	}
	return net.TCPAddrFromAddrPort(a)
}

// Listen implements transport.Transport.
func (Transport) Listen(ctx context.Context, address string, o *transport.Options) (transport.Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o == nil {
		o = &transport.Options{}
	}
	if err := CheckOptions(o); err != nil {
		return nil, err
	}
	source, host, err := transport.ParseBind(address)
	if err != nil {
		return nil, err
	}
	// libzmq has no use for the source address either, but wants it to exist.
	if !source.IsZero() {
		if _, err := source.Local(ctx, o.IPv6); err != nil {
			return nil, err
		}
	}
	locals, err := host.Local(ctx, o.IPv6)
	if err != nil {
		return nil, err
	}
	local := locals[0]
	tcp, err := listen(local, o)
	if host.Host == transport.AnyHost && errors.Is(err, syscall.EAFNOSUPPORT) {
		// A machine without IPv6: "any" is then every IPv4 address.
		local = netip.AddrPortFrom(netip.IPv4Unspecified(), local.Port())
		tcp, err = listen(local, o)
	}
	if err != nil {
		return nil, err
	}
	return newListener(tcp, local, o), nil
}

// listen binds one address. The network is chosen such that 0.0.0.0 does not
// take IPv6 as well, and [::] does.
func listen(local netip.AddrPort, o *transport.Options) (*net.TCPListener, error) {
	network := "tcp"
	if local.Addr().Unmap().Is4() {
		network = "tcp4"
	}
	// The net package probes idle connections unless told not to; libzmq does not.
	lc := net.ListenConfig{KeepAlive: -1, Control: beforeBind(o)}
	// Multipath TCP, which the net package would offer on Linux, knows fewer socket options.
	lc.SetMultipathTCP(false)
	bare := netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	l, err := lc.Listen(context.Background(), network, bare.String())
	if err != nil {
		return nil, transport.Portable(err)
	}
	tcp := l.(*net.TCPListener)
	if err := setBacklog(tcp, o.ListenBacklog()); err != nil {
		tcp.Close()
		return nil, transport.Portable(err)
	}
	return tcp, nil
}

// ListenFile implements transport.FileListener.
func (Transport) ListenFile(f *os.File, o *transport.Options) (transport.Listener, error) {
	if o == nil {
		o = &transport.Options{}
	}
	if err := CheckOptions(o); err != nil {
		return nil, err
	}
	l, err := transport.ListenerOf(f)
	if err != nil {
		return nil, err
	}
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		l.Close()
		return nil, fmt.Errorf("%w: a socket of %s, not of tcp", transport.ErrInvalid, l.Addr().Network())
	}
	own := *o
	if own.KeepAlive.Mode == transport.KeepAliveDefault {
		own.KeepAlive.Mode = transport.KeepAliveOff // or else the net package probes what such a listener accepts
	}
	return newListener(tcp, tcp.Addr().(*net.TCPAddr).AddrPort(), &own), nil
}

// listener is a bound tcp address.
type listener struct {
	tcp     *net.TCPListener
	address string
	options transport.Options // a copy: what accepted connections are given
	close   func() error
}

// newListener wraps tcp, which was bound to local.
func newListener(tcp *net.TCPListener, local netip.AddrPort, o *transport.Options) *listener {
	bound := tcp.Addr().(*net.TCPAddr).AddrPort()
	if local.Addr().Is4In6() {
		bound = netip.AddrPortFrom(local.Addr(), bound.Port())
	}
	l := &listener{tcp: tcp, address: bound.String(), options: *o}
	// net.TCPListener.Close waits until nobody uses the descriptor, so the port is free afterwards.
	l.close = sync.OnceValue(tcp.Close)
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.tcp.AcceptTCP()
	if err != nil {
		return nil, transport.Portable(err)
	}
	if err := l.admit(conn); err != nil {
		conn.Close()
		return nil, err
	}
	if err := established(conn, &l.options, true); err != nil {
		conn.Close()
		return nil, transport.Portable(err)
	}
	return conn, nil
}

// admit turns away who does not come from one of the addresses of AcceptFrom.
func (l *listener) admit(conn *net.TCPConn) error {
	if len(l.options.AcceptFrom) == 0 {
		return nil
	}
	peer, ok := conn.RemoteAddr().(*net.TCPAddr)
	if ok && isAmong(peer.AddrPort().Addr(), l.options.AcceptFrom) {
		return nil
	}
	return fmt.Errorf("tcp: option AcceptFrom: %w: %v", transport.ErrTurnedAway, conn.RemoteAddr())
}

// isAmong reports whether an address is in one of the prefixes, which may be of
// either family.
func isAmong(a netip.Addr, prefixes []netip.Prefix) bool {
	a = a.WithZone("")
	plain, mapped := a.Unmap(), netip.AddrFrom16(a.As16())
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(plain) || p.Contains(mapped) })
}

func (l *listener) Close() error    { return l.close() }
func (l *listener) Address() string { return l.address }

// SyscallConn implements syscall.Conn.
func (l *listener) SyscallConn() (syscall.RawConn, error) { return l.tcp.SyscallConn() }

// PeerAddress implements transport.PeerNamer: the peer's numeric IP address,
// with a zone if it has one. An IPv4 peer of a listener for both families is
// written ::ffff:a.b.c.d, as libzmq does.
func (Transport) PeerAddress(c net.Conn) string {
	addr, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	return addr.AddrPort().Addr().String()
}
