package tls

import (
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
type wire struct{ net.Conn }

func (w *wire) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		err = ErrCut
	}
	return n, err
}

// NetConn is the connection itself.
func (w *wire) NetConn() net.Conn { return w.Conn }
