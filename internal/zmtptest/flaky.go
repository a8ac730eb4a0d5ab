package zmtptest

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// The ways in which a Flaky fails of its own accord.
var (
	// ErrBroken: the connection broke where it was told to.
	ErrBroken = errors.New("connection broken on purpose")
	// ErrRefused: the octets were not taken, as was asked for.
	ErrRefused = errors.New("octets refused on purpose")
)

// Flaky is a connection with faults, which are set on its two flows at any time,
// also while a Read or a Write waits. Without faults it is the connection that it
// wraps. It keeps deadlines, and like a net.Conn it may be used by several
// goroutines.
type Flaky struct {
	net.Conn
	// Reads is what comes in by Read, and Writes what goes out by Write.
	Reads, Writes *Flow
}

// NewFlaky returns a connection around c, without faults.
func NewFlaky(c net.Conn) *Flaky {
	f := &Flaky{Conn: c}
	f.Reads, f.Writes = newFlow("read", f), newFlow("write", f)
	return f
}

// Pipe returns the two ends of a net.Pipe, each with faults of its own: a
// connection in memory that holds nothing, on which a Write waits for its reader.
func Pipe() (a, b *Flaky) {
	x, y := net.Pipe()
	return NewFlaky(x), NewFlaky(y)
}

// Read reads what the flow lets through, at least one octet unless it fails.
func (f *Flaky) Read(b []byte) (n int, err error) {
	if len(b) == 0 {
		return f.Conn.Read(b)
	}
	r := f.Reads
	if err := r.enter(); err != nil {
		return 0, r.failed(err)
	}
	defer r.leave()
	for {
		room, err := r.room()
		if err != nil {
			return 0, r.failed(err)
		}
		if len(r.held) > 0 {
			n := copy(b[:min(len(b), room)], r.held)
			r.held = r.held[n:]
			r.pass(n)
			return n, nil
		}
		n, err := f.Conn.Read(b[:min(len(b), room)])
		if n > 0 {
			// A fault may have been set while Read waited: ask again.
			r.held = append(r.held, b[:n]...)
		} else if err != nil {
			return 0, r.failed(err)
		}
	}
}

// Write writes all of b if the flow lets it through, else as much as it does.
func (f *Flaky) Write(b []byte) (n int, err error) {
	if len(b) == 0 {
		return f.Conn.Write(b)
	}
	w := f.Writes
	if err := w.enter(); err != nil {
		return 0, w.failed(err)
	}
	defer w.leave()
	w.begin(len(b))
	for n < len(b) {
		room, err := w.room()
		if err != nil {
			return n, w.failed(err)
		}
		m, err := f.Conn.Write(b[n:min(len(b), n+room)])
		n += m
		w.pass(m)
		if err != nil {
			return n, w.failed(err)
		}
	}
	return n, nil
}

// Break breaks the connection now, in both directions: it is closed, and every Read
// and Write fails with ErrBroken. What the other side was sent and has not read yet
// is lost or not, as with the connection inside.
func (f *Flaky) Break() {
	f.Reads.stop(ErrBroken)
	f.Writes.stop(ErrBroken)
	_ = f.Conn.Close()
}

// Close closes the connection. Whatever waits for a flow fails with net.ErrClosed.
func (f *Flaky) Close() error {
	f.Reads.stop(net.ErrClosed)
	f.Writes.stop(net.ErrClosed)
	return f.Conn.Close()
}

// CloseWrite ends our direction alone. Where the connection inside cannot do that,
// the error is errors.ErrUnsupported.
func (f *Flaky) CloseWrite() error {
	half, ok := f.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}

// SetDeadline sets both deadlines.
func (f *Flaky) SetDeadline(t time.Time) error {
	return errors.Join(f.SetReadDeadline(t), f.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Read, stalled or not.
func (f *Flaky) SetReadDeadline(t time.Time) error {
	f.Reads.setDeadline(t)
	return f.Conn.SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline of Write, stalled or not.
func (f *Flaky) SetWriteDeadline(t time.Time) error {
	f.Writes.setDeadline(t)
	return f.Conn.SetWriteDeadline(t)
}

// failed makes the error of a Read or Write that the flow did not let through. Of
// an error of the connection inside it tells the cause, if that is a fault of ours.
func (fl *Flow) failed(err error) error {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.stopped == ErrBroken {
		err = ErrBroken
	}
	if err == ErrBroken || err == ErrRefused {
		return fmt.Errorf("%s after %d octets: %w", fl.verb, fl.count, err)
	}
	return err
}
