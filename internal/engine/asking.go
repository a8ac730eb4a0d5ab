package engine

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// This file is the part of a handshake in which somebody else decides whether a peer
// is let in, and what becomes of one that is not.

// asked is what an authenticator is told of a connection.
type asked struct {
	endpoint string // the socket's own
	address  string // the peer's
	// certificates are the chain by which the peer has proven by TLS who it is; nil if
	// it has not.
	certificates []*x509.Certificate
}

// errAhead is of a peer that has gone on before it was answered.
var errAhead = errors.New("a command ahead of its time")

// ask has a question of the mechanism answered. While the answer is awaited the peer
// is listened to, so that one which leaves is noticed, whatever it has said before, and
// one that goes on as if it had been let in.
func (s *shaker) ask(mech mechanism.Mechanism, q *zap.Request) error {
	if s.cfg.Authenticate == nil {
		return mech.Answer(nil, zap.ErrNoHandler)
	}
	if err := s.send(); err != nil {
		return err
	}
	if err := s.conn.SetReadDeadline(s.deadline); err != nil {
		return err // nothing could end the listening, once there is an answer
	}
	if _, ahead := s.ahead(mech); ahead {
		return s.refuseAhead(mech)
	}
	ctx, cancel := s.context()
	left := make(chan error, 1)
	go func() {
		err := s.listen(mech, int(s.most(mech))+zmtp.MaxHeader+shakerRoom)
		cancel() // the answer is of no use any more, or it is there
		left <- err
	}()
	if s.about.certificates != nil {
		more := *q
		more.Certificates = s.about.certificates
		q = &more
	}
	reply, err := s.cfg.Authenticate(ctx, s.about.endpoint, q)
	if s.conn.SetReadDeadline(longAgo) != nil {
		_ = s.conn.Close() // it has ended, or there is no other way to end the listening
	}
	gone := <-left
	if gone == errAhead {
		return s.refuseAhead(mech)
	}
	if err == nil {
		_ = s.conn.SetReadDeadline(s.deadline) // on failure reading fails as well
		return mech.Answer(reply, nil)         // also of a peer that has left: that it was denied is worth knowing
	}
	late := !s.deadline.IsZero() && !time.Now().Before(s.deadline)
	switch {
	case late:
		return os.ErrDeadlineExceeded
	case !errors.Is(gone, os.ErrDeadlineExceeded):
		return gone
	}
	_ = s.conn.SetReadDeadline(s.deadline) // as above
	return mech.Answer(nil, err)
}

// context is one that ends with the time of the handshake.
func (s *shaker) context() (context.Context, context.CancelFunc) {
	if s.deadline.IsZero() {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadline(context.Background(), s.deadline)
}

// zapAddress is the address of a peer as an authenticator is told: that of tcp
// without a port, whoever has opened the connection.
func zapAddress(nc net.Conn, address string) string {
	if tcp, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().String()
	}
	if at, err := netip.ParseAddrPort(address); err == nil { // a connection of another kind
		return at.Addr().String()
	}
	return address
}

// ahead returns the command that the peer has said ahead of its time, if it is whole: with
// PLAIN and CURVE it has to be answered first. With NULL a peer that has introduced itself
// may go on.
func (s *shaker) ahead(mech mechanism.Mechanism) (command []byte, ok bool) {
	if name := mech.Name(); name != mechanism.NamePlain && name != mechanism.NameCurve {
		return nil, false
	}
	b := s.b[s.took:]
	h, n, err := zmtp.ParseHeader(b)
	if err != nil || h.Size > int64(len(b)-n) {
		return nil, false
	}
	return b[n:][:h.Size], true
}

// refuseAhead returns what is wrong with a command ahead of its time. libzmq does not wait for
// the answer either.
func (s *shaker) refuseAhead(mech mechanism.Mechanism) error {
	command, _ := s.ahead(mech)
	s.took = len(s.b) // for what it may contain
	return cmp.Or(mech.Handle(command), errAhead)
}

// listen takes in what the peer says, which is no more than a command and what may
// come along behind it, most octets in all, until it is interrupted, or the peer leaves or
// has said a command ahead of its time.
func (s *shaker) listen(mech mechanism.Mechanism, most int) error {
	for {
		if len(s.b)-s.took >= most {
			return &zmtp.ProtocolError{Rule: zmtp.ErrUnexpectedCommand, Code: zmtp.CodeUnexpectedCommand}
		}
		s.grow()
		n, err := s.conn.Read(s.b[len(s.b):cap(s.b)])
		s.b = s.b[:len(s.b)+n]
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		if _, ahead := s.ahead(mech); ahead {
			return errAhead
		}
	}
}

// denied returns the verdict that err is, or nil.
func denied(err error) *mechanism.DeniedError {
	var d *mechanism.DeniedError
	errors.As(err, &d)
	return d
}

// isSilent reports whether libzmq tells a peer nothing of the verdict that err is, not even
// by closing the connection: it may try again later, or, with NULL, there was nobody who
// could have judged it. A peer that may try again is not kept when it has said more
// already, as one with NULL has.
func isSilent(err error) bool {
	var e *HandshakeError
	d := denied(err)
	switch {
	case d == nil || !errors.As(err, &e):
		return false
	case d.Status == zap.StatusTemporary:
		return !e.ahead
	}
	return d.Status == 0 && errors.Is(err, zap.ErrNoHandler) && e.Mechanism == mechanism.NameNull
}

// hearOut lets a peer that was told why it is denied read that: if it said something
// more that nobody reads before we hang up, its system might throw away what we said.
// It waits until the peer hangs up, as a peer of libzmq does at once, or for as long as
// a farewell.
func hearOut(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // on failure it has gone
	}
	if nc.SetReadDeadline(time.Now().Add(farewell)) == nil {
		_, _ = io.CopyN(io.Discard, nc, waitMost) // the error is that it has gone, or has not
	}
}

// waitMost is how many octets are heard of a peer that waits and goes on to speak.
const waitMost = 64 << 10

// outwait keeps a connection whose peer is not told that it was denied, until the
// time of the handshake is over or the peer leaves; one that may try again also until it
// says something more. It returns which of these it was. Nothing of the handshake is
// kept meanwhile.
func outwait(nc net.Conn, status int) error {
	var octets [64]byte
	for heard := 0; ; {
		n, err := nc.Read(octets[:])
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if heard += n; err != nil || status != 0 || heard > waitMost {
			return err
		}
	}
}
