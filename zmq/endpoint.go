package zmq

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
	"zeromux/transport"
	"zeromux/transport/ipc"
	"zeromux/transport/tcp"
	"zeromux/transport/tls"
)

// schemes are the transports over connections; inproc is the only one that is
// none.
var schemes = map[string]transport.Transport{
	"tcp":     tcp.Transport{},
	ipcScheme: ipc.Transport{},
	"tls+tcp": tls.Transport{},
}

const (
	inprocScheme = "inproc"
	ipcScheme    = "ipc"
)

// split reads an endpoint and finds its transport; nil for inproc.
func (s *Socket) split(endpoint string) (t transport.Transport, scheme, address string, err error) {
	scheme, address, err = transport.SplitEndpoint(endpoint)
	if err != nil {
		return nil, "", "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	t = schemes[scheme]
	switch {
	case t == nil && scheme != inprocScheme:
		return nil, "", "", fmt.Errorf("%w %q", ErrUnknownScheme, scheme)
	}
	return t, scheme, address, nil
}

// alive returns why the socket takes no more endpoints. s.mu is held.
func (s *Socket) alive() error {
	if s.closed {
		return s.ended
	}
	s.ctx.mu.Lock()
	defer s.ctx.mu.Unlock()
	if s.ctx.dead {
		return ErrTerminated
	}
	return nil
}

// claim takes note that the socket is about to have an endpoint, of inproc or over
// connections, and returns the configuration as it is now: the endpoint's own. Without
// an error the caller says by claimed what has come of it.
func (s *Socket) claim(overInproc bool) (*Config, *engine.Config, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.alive(); err != nil {
		return nil, nil, err
	}
	config := s.config.clone()
	cfg := config.engine(s.row)
	cfg.Authenticate = s.ctx.authenticate(config.Security.Authenticator)
	cfg.Transport.Logger = s.ctx.config.Logger
	switch {
	case overInproc && cfg.Raw:
		return nil, nil, fmt.Errorf("%w: %s has no raw octets", ErrIncompatible, inprocScheme)
	case !overInproc && !s.ctx.config.hasLoop(config.Network.Affinity):
		return nil, nil, ErrNoIOThreads
	}
	s.opening++
	return &config, cfg, nil
}

// claimed ends what claim began. An endpoint that could not be opened leaves no trace.
func (s *Socket) claimed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.used = s.used || err == nil
}

// Bind opens endpoint to peers and returns what was really bound: wildcards and
// ephemeral ports are resolved, and it is what Unbind wants. A socket may be
// bound to any number of endpoints. libzmq: zmq_bind.
//
// The error wraps ErrInvalid, ErrUnknownScheme, ErrIncompatible,
// ErrAddressInUse, ErrNoIOThreads, ErrClosed or the system's own.
func (s *Socket) Bind(endpoint string) (bound string, err error) {
	bound, err = s.bind(endpoint)
	if err != nil {
		return "", s.fail("bind", endpoint, err)
	}
	return bound, nil
}

func (s *Socket) bind(endpoint string) (bound string, err error) {
	t, scheme, address, err := s.split(endpoint)
	if err != nil {
		return "", err
	}
	config, cfg, err := s.claim(t == nil)
	if err != nil {
		return "", err
	}
	defer func() { s.claimed(err) }()
	if t == nil {
		return endpoint, s.bindName(address, endpoint, config, nil)
	}
	l, err := engine.Listen(s.ctx.env, host{s}, cfg, t, address, scheme+"://")
	if err != nil {
		return "", inUse(err)
	}
	if !s.listening(l) {
		_ = l.Close() // the socket was closed meanwhile
		return "", ErrClosed
	}
	return l.Endpoint(), nil
}

// BindFile is Bind with a socket that somebody else has opened, bound and listens
// with: systemd, or a process before this one. Of endpoint only the scheme counts,
// tcp, tls+tcp or ipc; what is returned names what file is bound to. The socket works with
// a duplicate of file, which stays with the caller, and unlinks no path in the end.
// libzmq: zmq_bind with ZMQ_USE_FD.
//
// The error wraps ErrInvalid for what is no listening socket of that transport,
// errors.ErrUnsupported where the system has no such thing, or is one of Bind's.
func (s *Socket) BindFile(endpoint string, file *os.File) (bound string, err error) {
	bound, err = s.bindFile(endpoint, file)
	if err != nil {
		return "", s.fail("bind", endpoint, err)
	}
	return bound, nil
}

func (s *Socket) bindFile(endpoint string, file *os.File) (bound string, err error) {
	t, scheme, _, err := s.split(endpoint)
	if err != nil {
		return "", err
	}
	lister, ok := t.(transport.FileListener)
	if !ok {
		return "", fmt.Errorf("%w: %s has no descriptors", ErrIncompatible, scheme)
	}
	_, cfg, err := s.claim(false)
	if err != nil {
		return "", err
	}
	defer func() { s.claimed(err) }()
	l, err := engine.ListenFile(s.ctx.env, host{s}, cfg, lister, file, scheme+"://")
	if err != nil {
		return "", err
	}
	if !s.listening(l) {
		_ = l.Close() // the socket was closed meanwhile
		return "", ErrClosed
	}
	return l.Endpoint(), nil
}

// listening takes a listener in.
func (s *Socket) listening(l *engine.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.listeners[l.Endpoint()] = append(s.listeners[l.Endpoint()], l)
	s.last = l.Endpoint()
	return true
}

// inUse makes an address in use ErrAddressInUse, with the system's own words.
func inUse(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %w", ErrAddressInUse, err)
	}
	return err
}

// bindName binds an inproc name, which it may take from another socket; nil: from none.
func (s *Socket) bindName(name, endpoint string, config *Config, from *Socket) error {
	side := neighbour{s, config}
	var earlier inproc.Side
	if from != nil {
		from.mu.Lock()
		if has, ok := from.names[name]; ok {
			earlier = has
		}
		from.mu.Unlock()
	}
	if err := s.ctx.registry.Rebind(name, earlier, side); err != nil {
		return fmt.Errorf("%w: %w", ErrAddressInUse, err)
	}
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.names[name] = side
		s.last = endpoint
	}
	s.mu.Unlock()
	if closed { // meanwhile
		s.ctx.registry.Unbind(name, side)
		return ErrClosed
	}
	return nil
}

// Connect connects to endpoint, now and whenever the connection is lost, and
// returns at once: the peer may come later. libzmq: zmq_connect.
//
// The error wraps ErrInvalid, ErrUnknownScheme, ErrIncompatible, ErrNoIOThreads
// or ErrClosed.
func (s *Socket) Connect(endpoint string) error {
	if err := s.connect(endpoint); err != nil {
		return s.fail("connect", endpoint, err)
	}
	return nil
}

// ConnectAs is Connect that gives the peer the routing id under which a ROUTER
// or STREAM socket knows it; messages may be sent to it at once. libzmq:
// ZMQ_CONNECT_ROUTING_ID.
func (s *Socket) ConnectAs(endpoint, routingID string) error {
	err := s.connectAs(endpoint, routingID)
	if err != nil {
		return s.fail("connect", endpoint, err)
	}
	return nil
}

func (s *Socket) connect(endpoint string) error { return s.connectAs(endpoint, "") }

func (s *Socket) connectAs(endpoint, routingID string) (err error) {
	t, _, address, err := s.split(endpoint)
	if err != nil {
		return err
	}
	if err := s.checkID(routingID); err != nil {
		return err
	}
	config, cfg, err := s.claim(t == nil)
	if err != nil {
		return err
	}
	defer func() { s.claimed(err) }()
	s.mu.Lock()
	again := s.row.OneConnect && t != nil && s.isConnected(endpoint)
	s.mu.Unlock()
	if t != nil && !again {
		if err := t.CheckConnect(address, &cfg.Transport); err != nil {
			return err
		}
	}
	s.mu.Lock()
	s.last = endpoint
	s.mu.Unlock()
	switch {
	case again:
	case t == nil:
		s.ctx.registry.Connect(address, neighbour{s, config}, []byte(routingID))
	default:
		engine.Connect(s.ctx.env, host{s}, cfg, t, address, endpoint, []byte(routingID))
	}
	return nil
}

// checkID returns what is wrong with a routing id for a peer to be.
func (s *Socket) checkID(id string) error {
	if id == "" {
		return nil
	}
	naming, ok := s.pattern.(pattern.Naming)
	switch {
	case !ok:
		return fmt.Errorf("%w: only ROUTER and STREAM name their peers", ErrInvalid)
	case len(id) > maxRoutingID:
		return fmt.Errorf("%w: routing id of %d octets, more than %d", ErrInvalid, len(id), maxRoutingID)
	}
	taken := false
	s.both(func() { taken = naming.Knows([]byte(id)) })
	if taken {
		return fmt.Errorf("%w: routing id %q is in use", ErrInvalid, id)
	}
	return nil
}

// isConnected reports whether a session connects to endpoint. s.mu is held.
func (s *Socket) isConnected(endpoint string) bool {
	for session := range s.sessions {
		_, leaving := s.leaving[session]
		if !leaving && session.Connecting() && session.Endpoint() == endpoint {
			return true
		}
	}
	return false
}

// LastEndpoint is the endpoint of the last Bind, as bound, or Connect. libzmq:
// ZMQ_LAST_ENDPOINT.
func (s *Socket) LastEndpoint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Unbind closes an endpoint that Bind returned, and the connections that were
// accepted there; what they have brought can still be received. The port is
// free when it returns. The error wraps ErrNotFound, ErrClosed, ErrTerminated, or the
// system's own when the endpoint is given up but a file of it stays behind. libzmq:
// zmq_unbind.
func (s *Socket) Unbind(endpoint string) error { return s.release("unbind", endpoint) }

// Disconnect ends the connections to an endpoint: nothing more is received from
// them, and what is queued for them goes out for as long as Linger says.
// libzmq: zmq_disconnect.
func (s *Socket) Disconnect(endpoint string) error { return s.release("disconnect", endpoint) }

// release gives up an endpoint, whether it was bound or connected.
func (s *Socket) release(op, endpoint string) error {
	_, scheme, address, wrong := s.split(endpoint)
	s.mu.Lock()
	err := s.alive()
	s.mu.Unlock()
	found := false
	switch {
	case err != nil:
	case wrong == nil && scheme == inprocScheme:
		found = s.releaseName(address, endpoint)
	default:
		// What Serve and Attach were given may have a name of no transport.
		found, err = s.releaseConnections(endpoint, wrong != nil)
	}
	switch {
	case err != nil:
		return s.fail(op, endpoint, err)
	case !found && wrong != nil:
		return s.fail(op, endpoint, wrong)
	case !found:
		return s.fail(op, endpoint, ErrNotFound)
	}
	return nil
}

func (s *Socket) releaseName(name, endpoint string) (found bool) {
	s.mu.Lock()
	side, found := s.names[name]
	delete(s.names, name)
	ends := make(map[*pipe.End]*inproc.Link)
	for e, l := range s.links {
		if l.connects && l.endpoint == endpoint {
			ends[e] = l.link
		}
	}
	linger := s.config.linger(s.row, !s.ctx.config.NotBlocky)
	s.mu.Unlock()
	if found {
		s.ctx.registry.Unbind(name, side)
	}
	for e, l := range ends {
		s.part(e, l)
		s.dropAfter(linger, l)
	}
	return found || len(ends) > 0
}

// releaseConnections gives up the listeners at endpoint with what was accepted there,
// and the connections to it; foreign says that there is no transport of that name.
func (s *Socket) releaseConnections(endpoint string, foreign bool) (found bool, err error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return false, s.ended
	}
	listeners := s.listeners[endpoint]
	delete(s.listeners, endpoint)
	linger := s.config.linger(s.row, !s.ctx.config.NotBlocky)
	s.mu.Unlock()
	for _, l := range listeners {
		err = errors.Join(err, l.Close())
	}
	bound := len(listeners) > 0
	ends := make(map[*engine.Session]*pipe.End)
	s.mu.Lock()
	for session, app := range s.sessions {
		_, leaving := s.leaving[session]
		if !leaving && session.Endpoint() == endpoint && (bound || session.Connecting() || foreign) {
			ends[session] = app
			s.leaving[session] = struct{}{}
		}
	}
	s.mu.Unlock()
	for session, app := range ends {
		s.leave(session, app, session.Connecting(), linger)
	}
	return bound || len(ends) > 0, err
}

// leave ends a session and its pipe, if it has one by now: what is unsent goes
// out within linger, what was not received is thrown away if discard says so.
func (s *Socket) leave(session *engine.Session, app *pipe.End, discard bool, linger time.Duration) {
	if app != nil {
		s.detach(app, nil)
		session.Part()
		app.CloseWrite()
		if discard {
			s.both(func() { s.discard(app) })
		}
	}
	session.Close(linger)
}

// Serve accepts connections from a listener that the application brings: a
// socket that systemd has opened, say, or TLS. The socket closes it in the end.
// It returns the endpoint for Unbind, named by the network and address of the
// listener: what listens to plain TCP or at a Unix-domain socket Connect can connect
// to. A *tls.Conn of it shakes hands in the time of a handshake, as with tls+tcp, and
// what TLS finds out of the peer is known of it.
func (s *Socket) Serve(ln net.Listener) (endpoint string, err error) {
	if ln == nil {
		return "", s.fail("serve", "", fmt.Errorf("%w: no listener", ErrInvalid))
	}
	_, cfg, err := s.claim(false)
	if err != nil {
		return "", s.fail("serve", "", err)
	}
	defer func() { s.claimed(err) }()
	var t transport.Transport
	if isUnix(ln.Addr()) {
		t = schemes[ipcScheme]
	}
	l := engine.Serve(s.ctx.env, host{s}, cfg, t, ln, endpointOf(ln.Addr()))
	if !s.listening(l) {
		_ = l.Close() // the socket was closed meanwhile
		return "", s.fail("serve", "", ErrClosed)
	}
	return l.Endpoint(), nil
}

// endpointOf is the endpoint of what listens at an address.
func endpointOf(a net.Addr) string {
	network := a.Network()
	if network == "unix" { // package net's word for it
		network = ipcScheme
	}
	return network + "://" + a.String()
}

// isUnix reports whether an address is of a Unix-domain socket. The name of the other end
// of one is the peer's to choose, like "127.0.0.1": where the peer is only the system
// tells, as for ipc.
func isUnix(a net.Addr) bool { return strings.HasPrefix(a.Network(), "unix") }

// Attach speaks over a connection that the application brings, which belongs to
// the socket from then on. It does not wait for the handshake, nor for that of a
// *tls.Conn. There is no other connection when this one ends.
func (s *Socket) Attach(conn net.Conn) error {
	if conn == nil {
		return s.fail("attach", "", fmt.Errorf("%w: no connection", ErrInvalid))
	}
	_, cfg, err := s.claim(false)
	if err != nil {
		return s.fail("attach", "", err)
	}
	defer s.claimed(nil)
	endpoint, address := "", ""
	if a := conn.RemoteAddr(); a != nil {
		address = a.String()
		endpoint = endpointOf(a)
		if isUnix(a) {
			address = ipc.Transport{}.PeerAddress(conn)
		}
	}
	engine.Attach(s.ctx.env, host{s}, cfg, conn, endpoint, address)
	return nil
}
