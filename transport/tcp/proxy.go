package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/net/proxy"
	"zeromux/transport"
)

// maxCredential is the most octets of a user or a password. RFC 1929.
const maxCredential = 255

// checkProxy refuses a proxy that nobody could ask.
func checkProxy(p *transport.Proxy) error {
	if len(p.User) > maxCredential || len(p.Password) > maxCredential {
		return fmt.Errorf("tcp: option Proxy: %w: user and password have at most %d octets", transport.ErrInvalid, maxCredential)
	}
	if p.Address == "" {
		return nil
	}
	source, at, err := transport.ParseConnect(p.Address)
	switch {
	case err != nil:
		return fmt.Errorf("tcp: option Proxy: %w", err)
	case !source.IsZero() || at.Host == "" || at.Port == 0:
		return fmt.Errorf(`tcp: option Proxy: %w: %q is no "host:port"`, transport.ErrInvalid, p.Address)
	}
	return nil
}

// dialProxy has the proxy connect to remote, a name that the proxy resolves or an
// address. The connection is the one to the proxy. RFC 1928.
func dialProxy(ctx context.Context, network string, source transport.HostPort, remote string, o *transport.Options) (net.Conn, error) {
	_, at, err := transport.ParseConnect(o.Proxy.Address)
	if err != nil {
		return nil, err
	}
	address, err := at.Remote(o.IPv6)
	if err != nil {
		return nil, err
	}
	var auth *proxy.Auth
	if o.Proxy.User != "" {
		auth = &proxy.Auth{User: o.Proxy.User, Password: o.Proxy.Password}
	}
	way := &way{source: source, options: o}
	d, err := proxy.SOCKS5(network, address, auth, way)
	if err != nil {
		return nil, err
	}
	if _, err = d.(proxy.ContextDialer).DialContext(ctx, network, remote); err != nil {
		if over := ctx.Err(); over != nil && !errors.Is(err, over) {
			err = fmt.Errorf("%w (%w)", err, over)
		}
		return nil, fmt.Errorf("by way of the proxy %s: %w", o.Proxy.Address, err)
	}
	return way.conn, nil
}

// way is how the proxy itself is reached. It keeps the connection: what package
// proxy returns only wraps it, and adds nothing once the proxy has agreed.
type way struct {
	source  transport.HostPort
	options *transport.Options
	conn    net.Conn
}

// DialContext implements proxy.ContextDialer.
func (w *way) DialContext(ctx context.Context, network, address string) (conn net.Conn, err error) {
	w.conn, err = dial(ctx, network, w.source, address, w.options)
	return w.conn, err
}

// Dial implements proxy.Dialer.
func (w *way) Dial(network, address string) (net.Conn, error) {
	return w.DialContext(context.Background(), network, address)
}
