package tls

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// ErrCut says that a connection has ended though TLS has not told of its end: the
// peer is gone, or somebody between cuts it short. It is io.ErrUnexpectedEOF.
var ErrCut = fmt.Errorf("tls: connection ended without close_notify: %w", io.ErrUnexpectedEOF)

// wire is the connection below one of TLS. crypto/tls takes the end of it for an end
// that the peer has told of when it comes between two records, which anybody on the
// way can bring about; so it does not get to see that end.
type wire struct {
	net.Conn
	last [alertSize]byte // octets that have come, at the end
}

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if came := b[:n]; n >= alertSize {
		copy(w.last[:], came[n-alertSize:])
	} else {
		copy(w.last[:], w.last[n:])
		copy(w.last[alertSize-n:], came)
	}
	if errors.Is(err, io.EOF) {
		err = ErrCut
	}
	return n, err
}

// alertSize is that of the record of an alert which is not encrypted. RFC 8446
// section 6.
const alertSize = 7

// Alert is the alert that the peer has sent last, in the form in which crypto/tls tells
// of one; nil if the last octets that have come are none. A client that finds out who
// the server is may refuse it before it begins to encrypt what it says itself, when
// crypto/tls already takes everything for encrypted, and finds that it makes no sense.
// It is for a handshake that has failed.
func (w *wire) Alert() error {
	if l := w.last; l[0] == 21 && l[1] == 3 && l[3] == 0 && l[4] == 2 && (l[5] == 1 || l[5] == 2) {
		return &net.OpError{Op: "remote error", Err: tls.AlertError(l[6])}
	}
	return nil
}

// NetConn is the connection itself.
func (w *wire) NetConn() net.Conn { return w.Conn }
