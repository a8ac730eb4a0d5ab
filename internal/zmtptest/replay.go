package zmtptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"zeromux/zmtp"
)

// Replay sends what was sent in one direction of a vector, and compares what comes
// with the other. The other side of the connection plays libzmq's part, with the
// options and calls that the vector names. Only vectors in which both sides are
// libzmq's can be played in either direction; of the others that is Scripted.
//
// Units are sent and expected in the order in which they were recorded, but our
// greeting leaves first, and with one of 2.0 and before the identity that follows,
// since neither side may wait for the other's. Not compared is
// what varies between runs of libzmq itself: how many PINGs there are; the number
// that REQ puts before its requests, which is taken over into our replies; how far
// a side that closes the connection in the handshake had got with its own greeting
// and READY. Nor are memory that libzmq sent by mistake, and a flag that it forgot:
// see the table of exceptions.
//
// Replay returns when all is done and written. The connection is left as it is.
// Errors are as with [Peer.Follow], with the number of the step.
func (p *Peer) Replay(v *Vector, own Direction) error {
	if own != ClientToServer && own != ServerToClient {
		return fmt.Errorf("%s: no direction: %q", v.Name, own)
	}
	r := replay{peer: p, vector: v, own: own, exception: exceptions[v.Name]}
	r.greet()
	for i := range v.Steps {
		if err := r.step(i); err != nil {
			step := v.Steps[i]
			return fmt.Errorf("%s: step %d, %s %s: %w", v.Name, i, step.Dir, step.What, err)
		}
	}
	if err := p.out.flush(); err != nil && !p.over {
		return fmt.Errorf("%s: what was sent did not arrive: %w", v.Name, err)
	}
	return nil
}

// exception is what is special about a vector.
type exception struct {
	// flag is an octet in the place of another, where libzmq wrote a long size and
	// not the flag that says so. It is expected from the other side, and not sent.
	flag *octet
	// id is where a number of four octets begins that every run has anew.
	id *place
	// stale is the step of an answer that nobody should give; it is neither sent nor
	// expected. Zero: none.
	stale int
	// pings says that the number of PINGs before the end depends on the time; one
	// must come.
	pings bool
	// hangsUp says that the scripted side closed, though no step says so, and that
	// the end of the other stream is the answer to it.
	hangsUp bool
}

// place is somewhere in a vector.
type place struct{ step, at int }

type octet struct {
	place
	value byte
}

var exceptions = map[string]exception{
	"heartbeat-timeout":         {pings: true},
	"heartbeat-to-3.0-peer":     {pings: true},
	"null-router-req-correlate": {id: &place{4, 2}},
	"odd-early-close-connecter": {hangsUp: true},
	"odd-pub-sub-topic-250":     {flag: &octet{place{5, 27}, byte(zmtp.FlagCommand | zmtp.FlagLong)}},
	"odd-short-ping":            {stale: 5},
	"stream-connect":            {hangsUp: true},
	"zmtp30-sub-topic-255":      {flag: &octet{place{5, 0}, byte(zmtp.FlagLong)}},
}

// replay is a Replay under way.
type replay struct {
	exception
	peer   *Peer
	vector *Vector
	own    Direction

	ahead    int    // how many of our units left before their turn
	pinged   bool   // a PING has come
	took     []byte // what has come so far
	newID    []byte // what came in the place of the id; nil: not yet
	closedBy bool   // we ended our direction, or the connection
}

const idSize = 4

func (r *replay) step(i int) error {
	step := r.vector.Steps[i]
	switch {
	case r.stale == i && i > 0:
		return nil
	case step.Dir == r.own && len(step.Octets) == 0:
		return r.hangUp()
	case step.Dir == r.own && r.ahead > 0:
		r.ahead--
		return nil
	case step.Dir == r.own:
		r.peer.out.send(r.ours(step.Octets))
		return nil
	case len(step.Octets) == 0:
		return r.expectEnd()
	case r.pings && isPing(step.Octets) && r.pinged:
		return nil
	}
	return r.expect(i, step.Octets)
}

// greet sends the units that leave first.
func (r *replay) greet() {
	i := slices.IndexFunc(r.vector.Steps, func(s Step) bool { return s.Dir == r.own })
	if i < 0 || r.vector.Steps[i].What != "greeting" && r.vector.Steps[i].What != "incomplete tail" {
		return
	}
	units := r.vector.Octets(r.own)
	r.ahead = 1
	if len(units[0]) == zmtp.OldGreetingSize && len(units) > 1 {
		r.ahead = 2
	}
	for _, octets := range units[:r.ahead] {
		r.peer.out.send(octets)
	}
}

func (r *replay) hangUp() error {
	r.closedBy = true
	return r.peer.hangUp()
}

// ours returns octets of our direction, with the id that the other side chose.
func (r *replay) ours(octets []byte) []byte {
	if r.newID == nil {
		return octets
	}
	return bytes.ReplaceAll(octets, r.recordedID(), r.newID)
}

func (r *replay) recordedID() []byte {
	return r.vector.Steps[r.id.step].Octets[r.id.at : r.id.at+idSize]
}

// expect reads the octets of step i.
func (r *replay) expect(i int, want []byte) error {
	p := r.peer
	if r.pings && !isPing(want) {
		if err := r.skipPings(); err != nil {
			return p.cut(err)
		}
	}
	want = bytes.Clone(want)
	if r.flag != nil && r.flag.step == i {
		want[r.flag.at] = r.flag.value
	}
	if r.id != nil && r.id.step == i {
		if err := p.expectOctets(want[:r.id.at]); err != nil {
			return err
		}
		for len(p.in) < idSize {
			if err := p.fill(); err != nil {
				return p.cut(err)
			}
		}
		r.newID = bytes.Clone(p.take(idSize))
		r.took = append(append(r.took, want[:r.id.at]...), r.newID...)
		want = want[r.id.at+idSize:]
	}
	r.pinged = r.pinged || isPing(want)
	r.took = append(r.took, want...)
	return p.expectOctets(want)
}

var pingPrefix = []byte("\x04PING")

// isPing says whether octets are a PING command, or begin with one.
func isPing(octets []byte) bool {
	return len(octets) >= 2 && octets[0] == byte(zmtp.FlagCommand) && bytes.HasPrefix(octets[2:], pingPrefix)
}

// skipPings reads PINGs until something else comes.
func (r *replay) skipPings() error {
	p := r.peer
	for {
		size, err := asFrame.sizeOf(p.in)
		switch {
		case err == nil && size <= len(p.in) && isPing(p.in):
			p.take(size)
		case len(p.in) > 0 && !mayBePing(p.in):
			return nil
		default:
			if err := p.fill(); err != nil {
				return err
			}
		}
	}
}

// mayBePing says whether more octets can make a PING of these, or have made one.
func mayBePing(octets []byte) bool {
	n := len(octets)
	return n == 0 || octets[0] == byte(zmtp.FlagCommand) &&
		(n <= 2 || bytes.HasPrefix(octets[2:], pingPrefix) || bytes.HasPrefix(pingPrefix, octets[2:]))
}

// expectEnd reads the end of the stream. What was under way when the other side
// made up its mind may come before it.
func (r *replay) expectEnd() error {
	p := r.peer
	if r.hangsUp && !r.closedBy {
		if err := r.hangUp(); err != nil {
			return err
		}
	}
	for over := false; !over; {
		var err error
		if over, err = p.fillOrEnd(); err != nil {
			if r.closedBy && (errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)) {
				return nil // a connection without halves, which we closed
			}
			return err
		}
	}
	if r.pings {
		for size, err := asFrame.sizeOf(p.in); err == nil && size <= len(p.in) && isPing(p.in); size, err = asFrame.sizeOf(p.in) {
			p.take(size)
		}
	}
	rest := p.take(len(p.in))
	if len(rest) == 0 || isOpening(append(r.took, rest...)) {
		return nil
	}
	return fmt.Errorf("got %s", asOctets.describe(rest))
}

// isOpening says whether a stream is no more than the beginning of a greeting, or a
// greeting and a READY.
func isOpening(stream []byte) bool {
	if len(stream) <= zmtp.GreetingSize {
		return bytes.HasPrefix(stream, []byte{0xff})
	}
	frame := stream[zmtp.GreetingSize:]
	size, err := asFrame.sizeOf(frame)
	if err != nil || size != len(frame) {
		return false
	}
	_, n, _ := zmtp.ParseHeader(frame)
	_, err = zmtp.ParseReady(frame[n:])
	return err == nil
}
