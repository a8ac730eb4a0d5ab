// Package tls is the tls+tcp transport: connections of package transport/tcp with
// TLS over them, by crypto/tls. Addresses are those of tcp.
//
// What Dial and Accept return has not shaken hands: that is done by whoever has the
// connection, as transport.Secured says, so that a peer that is slow or silent keeps
// nobody else waiting.
package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"

	"zeromux/transport"
	"zeromux/transport/tcp"
)

// Transport is the tls+tcp transport. The zero value is ready for use; of Options it
// looks at TLS and at all that tcp looks at.
type Transport struct{}

var tcpTransport tcp.Transport // that carries all of ours

// CheckConnect implements transport.Transport. It reads the files that the options
// name, and refuses a connection whose other end could not be verified. Errors of
// the files are the system's.
func (Transport) CheckConnect(address string, o *transport.Options) error {
	if err := tcpTransport.CheckConnect(address, o); err != nil {
		return err
	}
	_, err := dialling(address, o)
	return err
}

// Dial implements transport.Transport. The connection is a *crypto/tls.Conn. Files
// are read anew by each call.
func (Transport) Dial(ctx context.Context, address string, o *transport.Options) (net.Conn, error) {
	config, err := dialling(address, o)
	if err != nil {
		return nil, err
	}
	conn, err := tcpTransport.Dial(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return tls.Client(&wire{Conn: conn}, config), nil
}

// dialling is the configuration of a connection to address.
func dialling(address string, o *transport.Options) (*tls.Config, error) {
	_, destination, err := transport.ParseConnect(address)
	if err != nil {
		return nil, err
	}
	host, _, _ := strings.Cut(destination.Host, "%") // no certificate is for a zone
	return client(&of(o).TLS, host)
}

// Listen implements transport.Transport. Files are read at once, and again by the
// handshakes that find them changed; one a second looks. Errors of the files are the
// system's.
func (Transport) Listen(ctx context.Context, address string, o *transport.Options) (transport.Listener, error) {
	config, err := server(of(o))
	if err != nil {
		return nil, err
	}
	l, err := tcpTransport.Listen(ctx, address, o)
	if err != nil {
		return nil, err
	}
	return &listener{l, config}, nil
}

// ListenFile implements transport.FileListener.
func (Transport) ListenFile(f *os.File, o *transport.Options) (transport.Listener, error) {
	config, err := server(of(o))
	if err != nil {
		return nil, err
	}
	l, err := tcpTransport.ListenFile(f, o)
	if err != nil {
		return nil, err
	}
	return &listener{l, config}, nil
}

// PeerAddress implements transport.PeerNamer, as tcp does.
func (Transport) PeerAddress(c net.Conn) string { return tcpTransport.PeerAddress(c) }

// of is o, whose zero value is nil, too.
func of(o *transport.Options) *transport.Options {
	if o == nil {
		return &transport.Options{}
	}
	return o
}

// listener is a bound address.
type listener struct {
	transport.Listener // of tcp
	config             *tls.Config
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&wire{Conn: conn}, l.config), nil
}

// SyscallConn implements syscall.Conn.
func (l *listener) SyscallConn() (syscall.RawConn, error) {
	if c, ok := l.Listener.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
