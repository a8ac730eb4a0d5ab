//go:build unix

package engine

import (
	"net"
	"net/netip"
	"time"
)

// departed is what is left of a net.Conn whose descriptor is in a loop: who its ends
// were.
type departed struct {
	gone
	local, remote net.Addr
}

func (d *departed) LocalAddr() net.Addr  { return d.local }
func (d *departed) RemoteAddr() net.Addr { return d.remote }

// departedTCP is departed of a connection of tcp, in less memory.
type departedTCP struct {
	gone
	local, remote netip.AddrPort
}

func (d *departedTCP) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(d.local) }
func (d *departedTCP) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(d.remote) }

func departedFrom(nc net.Conn) net.Conn {
	local, ok := nc.LocalAddr().(*net.TCPAddr)
	remote, both := nc.RemoteAddr().(*net.TCPAddr)
	if ok && both {
		return &departedTCP{local: local.AddrPort(), remote: remote.AddrPort()}
	}
	return &departed{local: nc.LocalAddr(), remote: nc.RemoteAddr()}
}

// gone is a net.Conn with which nothing can be done any more.
type gone struct{}

func (gone) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (gone) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (gone) Close() error                     { return net.ErrClosed }
func (gone) SetDeadline(time.Time) error      { return net.ErrClosed }
func (gone) SetReadDeadline(time.Time) error  { return net.ErrClosed }
func (gone) SetWriteDeadline(time.Time) error { return net.ErrClosed }
