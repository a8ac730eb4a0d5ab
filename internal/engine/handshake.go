package engine

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/zmtp"
)

// maxHandshakeFrame bounds a command of the handshake, in octets, whatever
// MaxMessageSize allows: a stranger's metadata must not fill memory.
const maxHandshakeFrame = 1 << 20

// judgedFrame is how long a command may be that is longer than any which the mechanism
// takes, in octets: it has a name for what is wrong with it.
const judgedFrame = 1 << 10

// shakerRoom is how much is read at once in a handshake, in octets, and so the most that
// may come along behind it: a decoder keeps what it has of a frame by itself.
const shakerRoom = 512

// How far a handshake came.
const (
	// PhaseTLS: the two sides find out who they are by TLS, before ZMTP begins.
	PhaseTLS = "tls"
	// PhaseGreeting: the two sides tell their versions and mechanisms.
	PhaseGreeting = "greeting"
	// PhaseMechanism: they authenticate each other and tell who they are.
	PhaseMechanism = "mechanism"
	// PhaseIdentity: peers of 1.0 and 2.0 tell their routing ids.
	PhaseIdentity = "identity"
)

// A HandshakeError says how far a handshake came and why it ended there.
type HandshakeError struct {
	Phase     string
	Mechanism string // our own
	Err       error

	ahead bool // the peer has said more than was looked at
}

func (e *HandshakeError) Error() string { return "handshake, " + e.Phase + ": " + e.Err.Error() }

// Unwrap returns Err.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Status is the status of ZAP that one side gave the other, 300, 400 or 500, or zero.
func (e *HandshakeError) Status() int {
	var refused *mechanism.RefusedError
	if errors.As(e.Err, &refused) {
		return refused.Status
	}
	if d := denied(e.Err); d != nil {
		return d.Status
	}
	return 0
}

// errOldPeer is why a peer of 1.0 or 2.0 is turned away where security is asked
// for.
var errOldPeer = errors.New("peer of ZMTP 1.0 or 2.0, which knows no security")

// introduction is what a handshake finds out.
type introduction struct {
	version zmtp.Version
	peer    *message.Peer
	// sealing opens and seals frames from now on; nil: they travel as they are.
	sealing mechanism.Mechanism
	// rest are octets that came behind the handshake.
	rest []byte
	// opened says that a mechanism was agreed on, so that the monitor hears of
	// success; older peers have none.
	opened bool
}

// shaker is one handshake under way: straight-line code on a goroutine of its
// own, under one deadline.
type shaker struct {
	cfg      *Config
	conn     net.Conn
	about    asked
	deadline time.Time // of all; zero: none
	b        []byte    // octets received and not yet used
	took     int       // octets of b that are used
	said     []byte    // what is to be sent before we wait for the peer
	out      chan []byte
	err      chan error

	phase  string // how far it has come
	secret bool   // what is said and heard in clear contains a password
}

// shake finds out what the peer of conn speaks and who it is, until a time at most;
// zero is no limit. The error is a *HandshakeError. RFC 37 "Formal Grammar"; RFC 15
// and RFC 13 for older peers.
func shake(cfg *Config, conn net.Conn, until time.Time, about asked) (introduction, error) {
	s := &shaker{cfg: cfg, conn: conn, about: about, deadline: until, b: make([]byte, 0, shakerRoom), phase: PhaseGreeting}
	mech := s.mechanism()
	if !until.IsZero() {
		if err := conn.SetDeadline(until); err != nil {
			return introduction{}, s.failed(mech, err)
		}
	}
	s.secret = mech.Name() == mechanism.NamePlain
	in, err := s.greet(mech)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.hurry()
	}
	if failed := s.send(); err == nil {
		err = failed
	}
	if failed := s.stop(); err == nil {
		err = failed
	}
	s.forget()
	if in.sealing == nil || err != nil {
		mech.Close() // what was to be said of it has been
	}
	if err != nil {
		return introduction{}, s.failed(mech, err)
	}
	in.rest = s.b[s.took:len(s.b):len(s.b)]
	_ = conn.SetDeadline(time.Time{}) // it fails when the peer has left, but what it said counts
	return in, nil
}

// failed is err and where it happened.
func (s *shaker) failed(mech mechanism.Mechanism, err error) *HandshakeError {
	return &HandshakeError{Phase: s.phase, Mechanism: mech.Name(), Err: err, ahead: len(s.b) > s.took}
}

// greet exchanges greetings as far as both sides understand each other. That we are
// the server of a mechanism we do not say, as libzmq does not, so that no peer can
// rely on it.
func (s *shaker) greet(mech mechanism.Mechanism) (introduction, error) {
	full := zmtp.AppendGreeting(nil, zmtp.Greeting{Mechanism: mech.Name()}, len(s.cfg.RoutingID))
	if err := s.look(); err != nil {
		return introduction{}, err
	}
	version, err := s.detect(full, mech)
	if err != nil {
		return introduction{}, err
	}
	switch {
	case version.HasHandshake():
		return s.modern(version, mech)
	case s.cfg.RefuseOld:
		return introduction{}, errOldPeer
	default:
		return s.old(version)
	}
}

// detect reads until the peer's version is plain, and sends of our own greeting
// what the peer may be waiting for before it goes on with its own. With NULL our READY
// follows the greeting at once: it tells no secret, whatever mechanism the peer is
// about to name.
func (s *shaker) detect(full []byte, mech mechanism.Mechanism) (zmtp.Version, error) {
	sent := 0
	for {
		due := zmtp.GreetingDue(s.b)
		if due == zmtp.OldGreetingSize {
			due-- // an older peer gets our socket type in place of a minor version
		}
		if due > sent {
			s.say(full[sent:due])
			sent = due
			if due == zmtp.GreetingSize && len(s.b) < due && mech.Name() == mechanism.NameNull {
				if err := s.offer(mech); err != nil {
					return 0, err
				}
			}
		}
		version, err := zmtp.Detect(s.b)
		if err == nil {
			return version, nil
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// mechanism makes the mechanism of this connection.
func (s *shaker) mechanism() mechanism.Mechanism {
	config := mechanism.Config{
		Metadata:  s.cfg.metadata(),
		CheckPeer: mechanism.CheckSocketType(s.cfg.SocketType, s.cfg.Peers...),
		ZAP:       s.cfg.ZAP,
	}
	config.ZAP.Address, config.ZAP.Identity = s.about.address, s.cfg.RoutingID
	if s.cfg.Mechanism != nil {
		return s.cfg.Mechanism(config)
	}
	return mechanism.NewNull(config)
}

// modern goes on with a peer of 3.0 or later.
func (s *shaker) modern(version zmtp.Version, mech mechanism.Mechanism) (introduction, error) {
	for len(s.b) < zmtp.GreetingSize {
		if err := s.more(); err != nil {
			return introduction{}, err
		}
	}
	theirs, err := zmtp.ParseGreeting(s.b[:zmtp.GreetingSize])
	if err != nil {
		return introduction{}, err
	}
	if theirs.Mechanism != mech.Name() {
		return introduction{}, &zmtp.ProtocolError{
			Rule: fmt.Errorf("%w: %s here, %s there", zmtp.ErrMechanism, mech.Name(), theirs.Mechanism),
			Code: zmtp.CodeMechanismMismatch,
		}
	}
	s.took, s.phase = zmtp.GreetingSize, PhaseMechanism
	for {
		if err := s.advance(mech); err != nil {
			return introduction{}, err
		}
		if mech.Done() {
			break
		}
		most := s.most(mech)
		f, err := s.frame(zmtp.NewDecoder(version, most))
		switch {
		case errors.Is(err, zmtp.ErrTooLarge) && most < s.limit(): // no command that is awaited
			return introduction{}, &zmtp.ProtocolError{Rule: err, Code: zmtp.CodeUnexpectedCommand}
		case err != nil:
			return introduction{}, s.hungUp(mech, err)
		}
		err = s.handle(mech, f.Body)
		if s.secret {
			clear(f.Body)
		}
		if err != nil {
			return introduction{}, err
		}
	}
	in := introduction{version: version, peer: s.introduce(version, mech), opened: true}
	if mech.Sealed() {
		in.sealing = mech
	}
	return in, nil
}

// handle has the mechanism take a command. A HELLO may be a stranger's, and its sender
// may let us wait: computing with keys takes a deep stack, which would be kept meanwhile,
// so that it is done on another goroutine.
func (s *shaker) handle(mech mechanism.Mechanism, command []byte) error {
	if awaited, _ := mech.Awaits(); awaited != mechanism.CommandHello || !mech.Sealed() {
		return mech.Handle(command)
	}
	done := make(chan error)
	go func() { done <- mech.Handle(command) }()
	return <-done
}

// advance sends what the mechanism has to say and has its questions answered, until
// it is the peer's turn.
func (s *shaker) advance(mech mechanism.Mechanism) error {
	for {
		if err := s.offer(mech); err != nil {
			return err
		}
		q := mech.Question()
		if q == nil {
			return nil
		}
		if err := s.ask(mech, q); err != nil {
			return err
		}
	}
}

// offer sends what the mechanism has to say now.
func (s *shaker) offer(mech mechanism.Mechanism) error {
	for {
		command, ok, err := mech.Next()
		if err != nil || !ok {
			return err
		}
		s.said = zmtp.AppendFrame(s.said, zmtp.FlagCommand, command)
	}
}

// hungUp says in words what the peer has left us with, if that is why there is no
// frame. A server that does not want to talk, or cannot open what it was sent, tells
// a client nothing more than this.
func (s *shaker) hungUp(mech mechanism.Mechanism, err error) error {
	lost := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	awaited, _ := mech.Awaits()
	if !lost || awaited == "" {
		return err
	}
	hint := ""
	if mech.Name() == mechanism.NameCurve && awaited == mechanism.CommandWelcome {
		hint = ", which is what a CURVE server does that cannot open our HELLO: the server key that we have may be another's"
	}
	return fmt.Errorf("the peer was reached, and closed the connection before its %s%s: %w", awaited, hint, err)
}

// introduce makes the record of a peer that shook hands.
func (s *shaker) introduce(version zmtp.Version, mech mechanism.Mechanism) *message.Peer {
	m := mech.Peer()
	socketType, _ := m.Get(zmtp.PropertySocketType)
	p := &message.Peer{
		SocketType: string(socketType),
		RoutingID:  append([]byte(nil), m.Identity()...),
		Mechanism:  mech.Name(),
		UserID:     mech.UserID(),
		Version:    version.String(),
		Properties: make([]message.Property, 0, len(m)),
	}
	for _, property := range m { // the mechanism's for good, and what seals goes on to have them
		p.Properties = append(p.Properties, message.Property(property))
	}
	return p
}

// old goes on with a peer of 1.0 or 2.0: each side's first frame is its
// identity, and there is nothing else to agree on.
func (s *shaker) old(version zmtp.Version) (introduction, error) {
	if version == zmtp.V10 {
		for len(s.b) < len(tlsFirst) {
			if err := s.more(); err != nil {
				return introduction{}, err
			}
		}
		if string(s.b[:len(tlsFirst)]) == tlsFirst {
			return introduction{}, errTLS
		}
	}
	s.phase = PhaseIdentity
	id := s.cfg.RoutingID
	var ours []byte
	switch version {
	case zmtp.V10: // our signature was the header of the frame, the body follows
		ours = append(ours, id...)
	case zmtp.V10Versioned:
		ours = zmtp.AppendFrameV1([]byte{s.cfg.SocketNumber}, 0, id)
	default:
		ours = zmtp.AppendFrame([]byte{s.cfg.SocketNumber}, 0, id)
	}
	s.say(ours)
	for len(s.b) < version.GreetingSize() {
		if err := s.more(); err != nil {
			return introduction{}, err
		}
	}
	s.took = version.GreetingSize()
	f, err := s.frame(zmtp.NewDecoder(version, s.limit()))
	if err != nil {
		return introduction{}, err
	}
	peer := &message.Peer{RoutingID: append([]byte(nil), f.Body...), Version: version.String()}
	return introduction{version: version, peer: peer}, nil
}

// limit is the most that a frame may have in a handshake, in octets.
func (s *shaker) limit() int64 {
	if m := s.cfg.MaxMessageSize; m >= 0 {
		return min(maxHandshakeFrame, m)
	}
	return maxHandshakeFrame
}

// most is the limit of the next command, which may be one of a stranger.
func (s *shaker) most(mech mechanism.Mechanism) int64 {
	if _, longest := mech.Awaits(); longest >= 0 {
		return min(s.limit(), max(int64(longest), judgedFrame))
	}
	return s.limit()
}

// frame reads the next frame.
func (s *shaker) frame(d *zmtp.Decoder) (zmtp.Frame, error) {
	for {
		f, n, err := d.Next(s.b[s.took:])
		s.took += n
		if err != zmtp.ErrShort {
			return f, err
		}
		if err := s.more(); err != nil {
			return f, err
		}
	}
}

// more reads what has come in, once what is to be said has been. What was used
// before makes room.
func (s *shaker) more() error {
	if err := s.send(); err != nil {
		return err
	}
	if s.took > zmtp.GreetingSize && s.took == len(s.b) {
		s.b, s.took = s.b[:0], 0
	}
	s.grow()
	n, err := s.conn.Read(s.b[len(s.b):cap(s.b)])
	s.b = s.b[:len(s.b)+n]
	if n > 0 {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// look reads what the peer has said by now, if there is any: the answer to it goes out
// with what we have to say in any case.
func (s *shaker) look() error {
	n, err := readNow(s.conn, s.b[:cap(s.b)])
	s.b = s.b[:n]
	return err
}

// forget wipes what was said and heard, if there is a password in it. What came behind
// the handshake stays.
func (s *shaker) forget() {
	if s.secret {
		clear(s.said[:cap(s.said)])
		clear(s.b[:s.took])
		clear(s.b[len(s.b):cap(s.b)])
	}
}

// grow makes room for more of what is heard.
func (s *shaker) grow() {
	if len(s.b) < cap(s.b) {
		return
	}
	old := s.b
	s.b = append(s.b, 0)[:len(s.b)]
	if s.secret {
		clear(old)
	}
}

// say has b sent before we wait for the peer again.
func (s *shaker) say(b []byte) { s.said = append(s.said, b...) }

// send sends what was said. A system's socket takes these few octets without
// waiting; on any other connection a Write may wait until the peer reads, while
// the peer waits in a Write of its own, so a goroutine writes there. No octets are
// not written at all: a net.Pipe would wait for a reader of them.
func (s *shaker) send() error {
	if len(s.said) == 0 {
		return nil
	}
	b := s.said
	s.said = nil // a peer that says nothing more keeps us waiting, but not this memory
	switch carrier(s.conn).(type) {
	case *net.TCPConn, *net.UnixConn:
		_, err := s.conn.Write(b)
		if s.secret {
			clear(b)
		}
		return err
	}
	if s.out == nil {
		s.out, s.err = make(chan []byte, 8), make(chan error, 1)
		go func(out <-chan []byte, done chan<- error) {
			var failed error
			for b := range out {
				if failed == nil {
					_, failed = s.conn.Write(b)
				}
				if s.secret {
					clear(b)
				}
			}
			done <- failed
		}(s.out, s.err)
	}
	s.out <- b
	return nil
}

// hurry bounds the time that a peer has to read what we say before we hang up.
func (s *shaker) hurry() {
	if s.out != nil {
		if s.conn.SetWriteDeadline(time.Now().Add(farewell)) != nil {
			_ = s.conn.Close() // it has ended, or might wait for ever
		}
	}
}

// stop waits for what was written to be gone, or to have failed.
func (s *shaker) stop() error {
	if s.out == nil {
		return nil
	}
	close(s.out)
	s.out = nil
	return <-s.err
}
