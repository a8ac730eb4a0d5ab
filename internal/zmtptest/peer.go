package zmtptest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"zeromux/zmtp"
)

// Peer is one end of a connection, played by a test. What it sends is written by a
// goroutine of its own, so that two sides that both write first, over a connection
// that holds nothing, do not wait for each other. It reads only what it expects:
// to the other side a Peer that expects nothing is one that does not read.
//
// Apart from Close, its methods belong to one goroutine at a time.
type Peer struct {
	conn net.Conn
	in   []byte // octets that came and were not yet expected
	out  sender
	over bool // the end of the stream has come, or we closed: nobody reads what we write
}

// NewPeer returns a Peer on conn, which is its own from now on.
func NewPeer(conn net.Conn) *Peer {
	return &Peer{conn: conn, out: sender{conn: conn}}
}

// Close closes the connection at once, and waits until nothing is being written.
func (p *Peer) Close() error {
	err := p.conn.Close()
	_ = p.out.flush()
	return err
}

// Follow does what the script says, and returns when all of it is done and
// written. The connection is left open, and may go on with another script.
//
// An error names the line, what was expected and what came. The connection is then
// of no use any more, and to be closed. That nobody read what was sent is an error
// only if no end of the stream was expected.
func (p *Peer) Follow(s *Script) error {
	for _, a := range s.acts {
		if err := a.do(p); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", s.name, a.line, a.text, err)
		}
	}
	if err := p.out.flush(); err != nil && !p.over {
		return fmt.Errorf("%s: what was sent did not arrive: %w", s.name, err)
	}
	return nil
}

// Play follows the script that text is. When that fails it reports an error to tb,
// closes the connection so that nobody waits for it, and returns false. It may be
// called from any goroutine.
func (p *Peer) Play(tb testing.TB, text string) bool {
	tb.Helper()
	s, err := ParseScript("script", text)
	if err == nil {
		err = p.Follow(s)
	}
	if err != nil {
		_ = p.conn.Close()
		tb.Error(err)
	}
	return err == nil
}

// finish is "close".
func (p *Peer) finish() error {
	err := p.out.flush()
	if p.over {
		err = nil
	}
	p.over = true
	return errors.Join(err, p.conn.Close())
}

// hangUp ends our direction when all is written: "send eof".
func (p *Peer) hangUp() error {
	half, ok := p.conn.(interface{ CloseWrite() error })
	if !ok {
		return p.finish()
	}
	if err := p.out.flush(); err != nil {
		return err
	}
	err := half.CloseWrite()
	if errors.Is(err, errors.ErrUnsupported) {
		return p.finish()
	}
	return err
}

// fill reads what comes next.
func (p *Peer) fill() error {
	var b [4096]byte
	n, err := p.conn.Read(b[:])
	p.in = append(p.in, b[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

// take takes n octets of what came.
func (p *Peer) take(n int) []byte {
	octets := p.in[:n:n]
	p.in = p.in[n:]
	return octets
}

// expect reads u.
func (p *Peer) expect(u unit) error {
	if u.kind == asOctets {
		return p.expectOctets(u.octets)
	}
	for {
		size, err := u.kind.sizeOf(p.in)
		switch {
		case err == nil && len(p.in) >= size:
			if got := p.take(size); !u.matches(got) {
				return fmt.Errorf("got %s", u.kind.describe(got))
			}
			return nil
		case err != nil && err != zmtp.ErrShort:
			return err
		}
		if err := p.fill(); err != nil {
			return p.cut(err)
		}
	}
}

// expectOctets reads octets, and fails as soon as one differs.
func (p *Peer) expectOctets(want []byte) error {
	at := 0
	for {
		for ; at < len(want) && at < len(p.in); at++ {
			if p.in[at] != want[at] {
				return fmt.Errorf("octet %d: got %02x, want %02x, in %s", at, p.in[at], want[at], asOctets.describe(p.in))
			}
		}
		if at == len(want) {
			p.take(at)
			return nil
		}
		if err := p.fill(); err != nil {
			return p.cut(err)
		}
	}
}

// cut makes the error for a stream that ended with err where more was expected.
func (p *Peer) cut(err error) error {
	if len(p.in) == 0 {
		return fmt.Errorf("nothing came: %w", err)
	}
	return fmt.Errorf("after %s came no more: %w", asOctets.describe(p.in), err)
}

// expectEnd reads the end of the stream, and fails as soon as anything else comes.
func (p *Peer) expectEnd() error {
	for len(p.in) == 0 {
		if over, err := p.fillOrEnd(); over || err != nil {
			return err
		}
	}
	kind := asOctets
	if size, err := asFrame.sizeOf(p.in); err == nil && size == len(p.in) {
		kind = asFrame
	}
	return fmt.Errorf("got %s", kind.describe(p.in))
}

// fillOrEnd reads what comes next, and says whether that is the end of the stream.
// A connection that was reset has ended as well: it happens when the other side
// closed it and we went on writing. No end are a deadline that passed and an end
// that we made ourselves.
func (p *Peer) fillOrEnd() (over bool, err error) {
	err = p.fill()
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return false, err
	}
	p.over = true
	return true, nil
}

// expectSilence waits for d, and fails when anything comes.
func (p *Peer) expectSilence(d time.Duration) error {
	if err := p.conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	err := error(nil)
	for len(p.in) == 0 && err == nil {
		err = p.fill()
	}
	switch {
	case err == nil:
		return fmt.Errorf("got %s", asOctets.describe(p.in))
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return p.cut(err)
	}
	return p.conn.SetReadDeadline(time.Time{})
}

// sender writes what it is given, in order, on a goroutine that lives as long as
// there is something to write.
type sender struct {
	conn net.Conn

	mu    sync.Mutex // guards what follows
	queue [][]byte
	done  chan struct{} // closed when the goroutine ends; nil when there is none
	err   error         // the first; nothing is written after it
}

// send has octets written, and does not wait. They must not change afterwards. No
// octets are not written at all: over a net.Pipe even that would wait for a reader.
func (s *sender) send(octets []byte) {
	if len(octets) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, octets)
	if s.done == nil {
		s.done = make(chan struct{})
		go s.run()
	}
}

func (s *sender) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) > 0 && s.err == nil {
		octets := s.queue[0]
		s.queue = s.queue[1:]
		s.mu.Unlock()
		_, err := s.conn.Write(octets)
		s.mu.Lock()
		s.err = err
	}
	close(s.done)
	s.done = nil
}

// flush waits until all is written, or cannot be.
func (s *sender) flush() error {
	for {
		s.mu.Lock()
		done, err := s.done, s.err
		s.mu.Unlock()
		if done == nil {
			return err
		}
		<-done
	}
}
