package engine

import (
	"errors"
	"io"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// A Session is one peer's life: the session's end of a pipe and the connections
// that carry it, one after the other. One that connects tries again as the
// configuration says; one that was accepted has a single connection.
//
// Its control goroutine lives while it dials and shakes hands; while a
// connection is up, its driver has the session.
type Session struct {
	*origin
	dialling *dialling // nil: the session was accepted

	app, end *pipe.End // nil until the pipe is made
	outgoing pipe.Outgoing

	current    atomic.Pointer[connection] // the one that is up
	descriptor int                        // of the last one, as events name it; whose turn the session is
	gaveUp     atomic.Bool                // there will be no other

	mu      sync.Mutex // guards all below
	parted  bool       // the socket has called Part or Close
	ended   bool
	done    chan struct{} // closed when the session has ended; nil: nobody has asked
	shaking *shaking      // nil: no handshake is under way
	linger  *Timer
}

// An origin is what the sessions of one endpoint have in common.
type origin struct {
	env      *Env
	host     Host
	cfg      *Config
	endpoint string // as the application knows it
	peers    alike
}

// shaking is a connection during its handshake.
type shaking struct {
	net    net.Conn
	broken error // why it was closed
}

func newSession(o *origin) *Session {
	o.env.running.add()
	return &Session{origin: o}
}

// Endpoint is the endpoint that the session belongs to.
func (s *Session) Endpoint() string { return s.endpoint }

// Config is the configuration of the endpoint. It does not change.
func (s *Session) Config() *Config { return s.cfg }

// Connecting reports whether the session connects, rather than was accepted.
func (s *Session) Connecting() bool { return s.dialling != nil }

// WantID is the routing id that the application chose for the peer, or empty.
func (s *Session) WantID() []byte {
	if s.dialling == nil {
		return nil
	}
	return s.dialling.wantID
}

// Done is closed when the session has ended.
func (s *Session) Done() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done == nil {
		s.done = make(chan struct{})
		if s.ended {
			close(s.done)
		}
	}
	return s.done
}

// giveUp lets no other connection follow, and ends waiting for one.
func (s *Session) giveUp() {
	s.gaveUp.Store(true)
	if s.dialling != nil {
		s.dialling.cancel()
	}
}

// open makes the pipe.
func (s *Session) open() bool {
	app, end, ok := s.host.Open(s)
	if !ok {
		s.Hold(nil, nil)
		return false
	}
	s.Hold(app, end)
	s.outgoing = *pipe.NewOutgoing(end)
	s.outgoing.Subscriber = s.cfg.subscribes()
	return true
}

// Hold tells the session of the pipe that its host makes in Open. The host calls
// it before anything can be written, so that a Close which comes at once knows
// that something is to be sent.
func (s *Session) Hold(app, end *pipe.End) {
	s.mu.Lock()
	s.app, s.end = app, end
	s.mu.Unlock()
}

// OutReady implements pipe.Carrier: something waits to be written; alone, by an
// application which has nobody else to tell, so that it may as well be written at
// once.
func (s *Session) OutReady(alone bool) {
	if c := s.current.Load(); c != nil {
		c.driver.flush(alone)
	}
}

// InRoom implements pipe.Carrier: there is room for what comes in.
func (s *Session) InRoom() {
	if c := s.current.Load(); c != nil {
		c.roomy()
	}
}

// establish shakes hands over a connection that was just opened and gives it to
// its driver. On an error the connection is closed and nothing else has
// happened.
func (s *Session) establish(nc net.Conn, address string) error {
	if !s.claim(nc) {
		_ = nc.Close() // the session is over
		return errKicked
	}
	in, err := s.introduce(nc, address)
	if err == nil && s.app == nil && !s.open() {
		err = errRefused
		if in.sealing != nil {
			in.sealing.Close()
		}
	}
	if err != nil {
		s.failed(nc, err)
		switch d := denied(err); {
		case isSilent(err):
			s.outlasted(nc, err, outwait(nc, d.Status))
		case d != nil && d.Status >= zap.StatusDenied:
			hearOut(nc)
		}
		_ = s.release() // the handshake's error is the one that counts
		_ = nc.Close()
		s.disconnected(nc, in.peer, err)
		return err
	}
	c := s.connect(nc, in)
	if in.opened {
		s.event(Event{Kind: EventHandshakeSucceeded, Peer: in.peer}, nc)
	}
	if s.dialling != nil {
		s.dialling.attempt = 0
		s.dialling.ups.Add(1)
	}
	served := s.host.Online(s.app, in.peer)
	if served && len(s.cfg.Hello) > 0 && !s.cfg.Raw {
		s.outgoing.Begin(s.cfg.Hello)
	}
	s.current.Store(c)
	broken := s.release()
	switch {
	case !served:
		c.abort(errRefused)
	case s.gaveUp.Load():
		c.abort(errKicked)
	case broken != nil: // the driver may have left nc since
		c.abort(broken)
	}
	c.heart.start()
	if !s.host.Alone(s) {
		s.Share() // others have come since the driver was chosen
	}
	c.driver.start()
	return nil
}

// introduce finds out who the peer is.
func (s *Session) introduce(nc net.Conn, address string) (introduction, error) {
	var until time.Time
	if s.cfg.HandshakeInterval > 0 {
		until = time.Now().Add(s.cfg.HandshakeInterval)
	}
	state, err := secure(nc, until)
	if err != nil {
		return introduction{}, err
	}
	if s.cfg.Raw {
		return introduction{peer: &message.Peer{Address: address, Endpoint: s.endpoint, TLS: state}}, nil
	}
	in, err := shake(s.cfg, nc, until, asked{s.endpoint, zapAddress(nc, address), proven(state)})
	if err != nil {
		return introduction{}, verdict(nc, err)
	}
	in.peer.Address, in.peer.Endpoint, in.peer.TLS = address, s.endpoint, state
	s.peers.share(in.peer)
	return in, nil
}

// connect makes the connection that suits the peer.
func (s *Session) connect(nc net.Conn, in introduction) *connection {
	c := &connection{session: s, net: nc, peer: in.peer, writeMost: int32(min(s.cfg.WriteMost, math.MaxInt32))}
	c.driver = newDriver(c)
	c.carried.Store(2)
	c.beats = in.version.HasHeartbeats()
	if c.beats && s.cfg.HeartbeatInterval > 0 {
		c.heart = newHeartbeat(c)
	}
	if s.cfg.Raw {
		c.in = &rawIn{end: s.end, pool: s.env.Pool, peer: in.peer, most: s.cfg.rawMost()}
		c.out = s.recoder(c, frameRaw)
		return c
	}
	if in.sealing != nil {
		s.seal(c, in)
		return c
	}
	z := newZMTPIn(s.end, s.env.Pool, in.peer, s.cfg, c)
	c.in = z
	var first []byte // house frames that come before what the peer sent
	if in.version.WantsEverything() && s.cfg.Publisher {
		first = zmtp.AppendFrame(nil, zmtp.FlagCommand, subscribePrefix)
	}
	if in.version.UsesV1Framing() {
		c.in = &v1In{
			zmtpIn: z, decoder: zmtp.NewDecoder(in.version, s.cfg.MaxMessageSize),
			held: first, along: in.rest,
		}
	} else {
		z.preload(in.rest)
	}
	switch {
	case in.version.UsesV1Framing():
		c.out = s.recoder(c, frameV1)
	case !in.version.HasCommandSubscriptions() && s.cfg.subscribes():
		c.out = s.recoder(c, frameV2)
	default:
		c.out = zmtpOut{&s.outgoing}
	}
	return c
}

// seal makes both halves of c for a peer with whom frames travel sealed.
func (s *Session) seal(c *connection, in introduction) {
	opener := newSealedIn(s.end, s.env.Pool, in.peer, s.cfg, c, in.sealing)
	opener.preload(in.rest)
	c.in = opener
	c.sealer = &sealer{mech: in.sealing, old: !in.version.HasCommandSubscriptions()}
	c.out = s.recoder(c, c.sealer.frame)
}

// recoder makes the sending half of c for a peer that reads frames in a form of its own.
func (s *Session) recoder(c *connection, frame func([]byte, *pipe.Frame) ([]byte, error)) *recoder {
	return &recoder{out: &s.outgoing, pool: s.env.Pool, frame: frame, failed: c.abort}
}

// subscribes reports whether the socket sends subscriptions, which older peers
// read in another form.
func (c *Config) subscribes() bool { return c.SocketType == "SUB" || c.SocketType == "XSUB" }

// claim notes the connection that is being shaken, so that Close can end it.
func (s *Session) claim(nc net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp.Load() {
		return false
	}
	s.shaking = &shaking{net: nc}
	return true
}

// release forgets it, and returns why it was closed meanwhile, or nil.
func (s *Session) release() (broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	broken = s.shaking.broken
	s.shaking = nil
	return broken
}

// lost is called by the driver when both directions of c are through.
func (s *Session) lost(c *connection) {
	c.abort(errKicked) // both directions have ended: the cause stands, but the descriptor may be open
	c.heart.stop()
	if t := c.leave.Load(); t != nil {
		t.Stop()
	}
	s.current.Store(nil)
	if c.sealer != nil {
		c.sealer.mech.Close()
	}
	cause := c.cause
	if s.Connecting() {
		s.host.Offline(s.app)
		s.outgoing.Restore()
	}
	if !s.hasParted() && cause != errKicked {
		if e, ok := openEvent(cause); ok {
			s.event(e, c.net)
		}
		if cause == io.EOF {
			cause = errPeerClosed
		}
		s.event(Event{Kind: EventDisconnected, Peer: c.peer, Err: cause, Value: s.descriptor}, c.conn())
	}
	if !s.Connecting() || !s.retry(cause) {
		s.finish()
		return
	}
	if s.cfg.Immediate {
		s.drop()
	}
	s.connectLoop(true)
}

// errPeerClosed is an end of stream in words.
var errPeerClosed = errors.New("peer closed the connection")

// drop lets go of a pipe that lives only while a connection is up.
func (s *Session) drop() {
	app, end := s.app, s.end
	s.mu.Lock()
	s.app, s.end = nil, nil
	s.mu.Unlock()
	s.host.Detach(app) // before anything makes room in the pipe
	s.outgoing.Drop()
	end.CloseWrite()
	end.CloseRead()
}

// Expel ends the session because its peer does not keep to the rules of the
// socket type, or is not wanted: there is no other connection.
func (s *Session) Expel(cause error) {
	s.giveUp()
	s.interrupt(cause)
}

// start runs f, which ends a connection, for a timer: on a goroutine of its own,
// since closing may take its time, and waited for like the session. One that has
// given up needs it no more.
func (s *Session) start(f func()) {
	s.mu.Lock() // finish gives up under it before it counts the session off
	defer s.mu.Unlock()
	if s.gaveUp.Load() {
		return
	}
	s.env.running.add()
	go func() {
		defer s.env.running.done()
		f()
	}()
}

// interrupt closes whatever connection there is.
func (s *Session) interrupt(cause error) {
	s.mu.Lock()
	shaking := s.shaking
	if shaking != nil {
		shaking.broken = cause
	}
	s.mu.Unlock()
	if c := s.current.Load(); c != nil { // it is there before shaking has gone
		c.abort(cause)
	}
	if shaking != nil {
		_ = shaking.net.Close() // the handshake ends with an error of its own
	}
}

// Part says that the socket writes no more and is about to end its end of the
// pipe: what becomes of the connection is no event from now on.
func (s *Session) Part() {
	s.mu.Lock()
	s.parted = true
	s.mu.Unlock()
}

// Close lets the session end: what waits is still sent for as long as linger
// says, below zero without limit, then the connection is closed. The host has
// called Part and ended the writing of its end before. Close does not wait; Done
// tells.
func (s *Session) Close(linger time.Duration) {
	s.mu.Lock()
	s.parted = true
	pending := s.end != nil && !s.app.Drained()
	idle := s.current.Load() == nil && s.shaking == nil
	switch {
	case linger == 0, idle && !pending:
		s.mu.Unlock()
		s.Expel(errKicked)
		return
	case linger > 0 && s.linger == nil:
		s.linger = s.env.Wheel.After(linger, func() {
			s.start(func() { s.Expel(errKicked) })
		})
	}
	s.mu.Unlock()
	if !pending {
		s.interruptShaking()
	}
	s.OutReady(false)
}

// Reconsider is for when something was taken back that waited to be sent: a session that
// Close let linger for it has nothing to wait for any more.
func (s *Session) Reconsider() {
	if !s.finished() {
		return
	}
	s.mu.Lock()
	idle := s.current.Load() == nil && s.shaking == nil
	s.mu.Unlock()
	if idle {
		s.Expel(errKicked)
		return
	}
	s.interruptShaking()
	s.OutReady(false)
}

// interruptShaking ends a handshake whose outcome nobody waits for.
func (s *Session) interruptShaking() {
	s.mu.Lock()
	shaking := s.shaking
	s.mu.Unlock()
	if shaking != nil {
		s.giveUp()
		_ = shaking.net.Close() // the handshake ends with an error of its own
	}
}

// Ends are the ends of the connection that is up, or empty.
func (s *Session) Ends() (local, remote string) {
	if c := s.current.Load(); c != nil {
		nc := c.conn()
		return addressOf(nc.LocalAddr()), addressOf(nc.RemoteAddr())
	}
	return "", ""
}

// RoundTrip is how long the last PONG of the connection that is up took to come, and
// how long they took of late; zero: none has come, or none is asked for.
func (s *Session) RoundTrip() (last, smoothed time.Duration) {
	if c := s.current.Load(); c != nil {
		return c.roundTrip()
	}
	return 0, 0
}

// hasParted reports whether the socket has called Part or Close: how a connection
// that was up ends is no event from then on.
func (s *Session) hasParted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parted
}

// finished reports whether the socket has closed its end and nothing is left
// to be sent, or the session was told to give up.
func (s *Session) finished() bool {
	if s.gaveUp.Load() {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.parted && (s.app == nil || s.app.Drained())
}

// finish ends the session for good.
func (s *Session) finish() {
	s.mu.Lock()
	s.giveUp()
	app, end, linger := s.app, s.end, s.linger
	s.mu.Unlock()
	if linger != nil {
		linger.Stop()
	}
	if end != nil {
		s.host.Detach(app) // before anything makes room in the pipe
		s.outgoing.Drop()
		end.CloseWrite()
		end.CloseRead()
	}
	s.host.Ended(s)
	s.mu.Lock()
	s.ended = true
	if s.done != nil {
		close(s.done)
	}
	s.mu.Unlock()
	s.env.running.done()
}

// event reports e with what the connection tells.
func (s *Session) event(e Event, nc net.Conn) {
	e.Endpoint, e.Connecting = s.endpoint, s.Connecting()
	if nc != nil {
		e.Local, e.Remote = addressOf(nc.LocalAddr()), addressOf(nc.RemoteAddr())
	}
	report(s.env, s.host, e)
}

func addressOf(a net.Addr) string {
	if a == nil {
		return ""
	}
	return a.String()
}

// failed reports why a handshake came to nothing: also while what is left to be sent
// waits for a connection, or else nobody would know why.
func (s *Session) failed(nc net.Conn, err error) {
	var handshake *HandshakeError
	if s.dialling != nil && errors.As(err, &handshake) {
		s.dialling.failures.Add(1)
	}
	if e, ok := handshakeEvent(err); ok && !s.finished() {
		s.event(e, nc)
	}
}

// outlasted reports how the wait of a peer ended that was denied and not told so. libzmq
// has no event for it when it has told of a status before.
func (s *Session) outlasted(nc net.Conn, err, end error) {
	if d := denied(err); d.Status != 0 || end == nil || s.finished() {
		return
	}
	s.event(Event{Kind: EventHandshakeNoDetail, Value: errno(end), Err: err}, nc)
}

// disconnected reports the end of a connection that came to nothing. peer is nil unless
// the socket turns away whom it has got to know.
func (s *Session) disconnected(nc net.Conn, peer *message.Peer, err error) {
	if !s.finished() {
		s.event(Event{Kind: EventDisconnected, Peer: peer, Err: err, Value: s.descriptor}, nc)
	}
}
