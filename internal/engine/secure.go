package engine

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"zeromux/transport"
)

// This file is what the engine knows of TLS: connections that have a handshake of
// their own, below ours, and an end of their own, which the peer has to be told of.

// Peers that speak the other of the two are told from those that make no sense by what
// they begin with.
const (
	// zmtpFirst is the first octet of a peer of ZMTP.
	zmtpFirst = 0xff
	// tlsFirst are the first octets of a peer of TLS, a handshake by a version that is
	// 3 whatever it is. They could be of a peer of ZMTP 1.0, with a routing id of 21
	// octets, but for the flags, which are 0 or 1. RFC 8446 section 5.1, RFC 13.
	tlsFirst = "\x16\x03"
)

// errTLS is why a peer of TLS is turned away where none is expected. What it says would
// pass for messages of ZMTP 1.0.
var errTLS = errors.New("the peer speaks TLS")

// secure makes the handshake of a connection that has one of its own, until a time at
// most; zero is no limit. It returns what that has found out: a *tls.ConnectionState,
// or nil where there is no such handshake. The error is a *HandshakeError.
func secure(nc net.Conn, until time.Time) (state any, err error) {
	s, ok := nc.(transport.Secured)
	if !ok {
		return nil, nil
	}
	if !until.IsZero() {
		err = s.SetDeadline(until)
	}
	if err == nil {
		err = s.HandshakeContext(context.Background()) // a deadline and Close end it
	}
	if err != nil {
		return nil, &HandshakeError{Phase: PhaseTLS, Err: brief(refuse(s, until, err))}
	}
	_ = s.SetDeadline(time.Time{}) // it fails when the peer has left, which shows soon
	found := s.ConnectionState()
	return &found, nil
}

// refuse ends a handshake of TLS that has failed, and returns why in words.
func refuse(s transport.Secured, until time.Time, err error) error {
	var strange tls.RecordHeaderError
	var broken *net.OpError
	switch {
	case errors.As(err, &strange):
		if strange.RecordHeader[0] == zmtpFirst {
			return fmt.Errorf("the peer speaks ZMTP without TLS: %w", err)
		}
	case errors.As(err, &broken) && broken.Op != "local error", isEnd(err):
	default: // the refusal is ours
		if told, ok := s.NetConn().(interface{ Alert() error }); ok {
			if alert := told.Alert(); alert != nil {
				return alert // or it only seems so
			}
		}
		hearOutAlert(s, until)
	}
	return err
}

// maxRefusedChain is how large the certificates of a stranger may be, in octets, for an
// error to keep them: it may wait for long in somebody's events. A stranger may show some
// 256 KiB of them, and most chains have a few.
const maxRefusedChain = 8 << 10

// maxRefusedText is how much of an error is told that has lost its certificates, in octets.
const maxRefusedText = 1 << 10

// brief is err, or what it says if it would keep more of a stranger's certificates than
// is right.
func brief(err error) error {
	var unverified *tls.CertificateVerificationError
	if !errors.As(err, &unverified) {
		return err
	}
	size := 0
	for _, certificate := range unverified.UnverifiedCertificates {
		size += len(certificate.Raw)
	}
	if size <= maxRefusedChain {
		return err
	}
	return fmt.Errorf("%.*s", maxRefusedText, err)
}

// isLost reports whether err is of a connection that failed, rather than of time that
// is over, or of what was said.
func isLost(err error) bool {
	var broken *net.OpError
	return isEnd(err) || errors.As(err, &broken) && !broken.Timeout()
}

// isEnd reports whether err is the end of a connection.
func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// hearOutAlert waits for a peer that we refuse to hang up, for as long as a farewell and no
// longer than until a time, if that is not zero. A peer of TLS 1.3 goes on speaking
// before it knows: were that unread when we close, its system might throw away the
// alert that tells it why.
func hearOutAlert(s transport.Secured, until time.Time) {
	c := carrier(s)
	half, ok := c.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	soon := time.Now().Add(farewell)
	if !until.IsZero() && until.Before(soon) {
		soon = until
	}
	if c.SetReadDeadline(soon) == nil {
		_, _ = io.CopyN(io.Discard, c, maxHandshakeFrame) // the error is that it has gone, or has not
	}
}

// verdict is why a handshake of ours has failed over a connection that may be one of
// TLS: with TLS 1.3 we hear only now that the peer refuses who we are, and not at all
// when it no longer reads what we say, unless we listen once more.
func verdict(nc net.Conn, err error) error {
	s, ok := nc.(transport.Secured)
	if !ok {
		return err
	}
	if isLost(err) && !isAlert(err) && s.SetReadDeadline(time.Now().Add(farewell)) == nil {
		if _, heard := s.Read(make([]byte, 1)); isAlert(heard) {
			err = heard
		}
	}
	var failed *HandshakeError
	if !isAlert(err) {
		return err
	}
	if errors.As(err, &failed) {
		err = failed.Err
	}
	return &HandshakeError{Phase: PhaseTLS, Err: err}
}

// proven is the chain by which a peer has proven who it is, as secure has found it out.
func proven(state any) []*x509.Certificate {
	if found, ok := state.(*tls.ConnectionState); ok && len(found.VerifiedChains) > 0 {
		return found.VerifiedChains[0]
	}
	return nil
}

// isAlert reports whether err is what the peer's TLS has said as it gave up.
func isAlert(err error) bool {
	var alert *net.OpError
	return errors.As(err, &alert) && alert.Op == "remote error"
}

// refusedByTLS reports whether a handshake ended with err because one side's TLS did
// not agree, rather than because the connection ended.
func refusedByTLS(err error) bool {
	var failed *HandshakeError
	return errors.As(err, &failed) && failed.Phase == PhaseTLS && !isEnd(err)
}

// carrier is the connection of the system that carries nc, as far as nc tells.
func carrier(nc net.Conn) net.Conn {
	for range 4 { // TLS, what lies below it, and to spare
		outer, ok := nc.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		inner := outer.NetConn()
		if inner == nil {
			break
		}
		nc = inner
	}
	return nc
}

// leaving is how the stream driver ends a connection of TLS. To close one tells the
// peer, which waits if the peer does not read: so it is done by the goroutines of the
// driver, and nobody else waits for it.
type leaving struct {
	s   transport.Secured
	cut bool // a record was cut off: nothing can be told any more. The writer's, until it has ended
}

// newLeaving returns nil for a connection that is none of TLS.
func newLeaving(nc net.Conn) *leaving {
	s, ok := nc.(transport.Secured)
	if !ok {
		return nil
	}
	return &leaving{s: s}
}

// sayGoodbye tells the peer that nothing more comes. crypto/tls gives that up after some
// seconds if the peer does not read; here it is linger that says for how long we wait.
func (l *leaving) sayGoodbye(patient func()) error {
	said := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		tick := time.NewTicker(farewell)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				patient()
			case <-said:
				return
			}
		}
	})
	err := l.s.CloseWrite()
	close(said)
	waiting.Wait()
	return err
}

// hangUp closes the connection when nobody reads or writes it any more.
func (l *leaving) hangUp() {
	if l.cut {
		_ = l.s.NetConn().Close()
	} else {
		late := time.AfterFunc(farewell, func() { _ = l.s.NetConn().Close() })
		defer late.Stop()
	}
	_ = l.s.Close() // nothing could be done about an error
}
