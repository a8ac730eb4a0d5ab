package zmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// A Proxy hands on whole messages between two sockets, all frames of each, in
// every direction that their types have: what comes to one is sent by the other.
// Set the sockets, then call Run. The sockets stay the caller's, who binds,
// connects and closes them.
//
// A message is taken only when the other side has room for it, so back-pressure
// passes through, and the proxy itself drops nothing: a message is with one
// socket or the other, also when Run ends. What is sent tells of this process,
// not of the peer that a message came from. Bodies of 16 KiB and more are not
// copied.
//
// Messages keep their order, so one that must wait for a single peer holds up what comes
// behind it in the same direction, for others too: a ROUTER with Mandatory waits so for a
// peer that is full, an XPUB with NoDrop for a subscriber. libzmq's proxy waits then with
// both directions.
//
// The proxy is steered by Pause, Resume and Stats, and by commands that come to
// Control. libzmq: zmq_proxy, zmq_proxy_steerable.
type Proxy struct {
	// Frontend and Backend are the two sides. Any types will do of which one can
	// receive and the other send: ROUTER and DEALER share requests among servers,
	// XSUB and XPUB publish, PULL and PUSH pass work on. Both may be the same
	// socket, which then sends what it receives: a REP is an echo.
	Frontend, Backend *Socket

	// Capture gets a copy of every message of both directions; nil: no copies. It
	// is a PUB, DEALER, PUSH or PAIR. But for a PUB, which drops what nobody has
	// room for, the proxy waits for it. When Run ends meanwhile, one copy of each
	// direction may be left, of a message that has gone on: the next Run sends it
	// first, to what Capture is then.
	Capture *Socket

	// Control is where commands come from; nil: from nowhere. It is a REP, a PAIR or
	// a SUB. A command is a message of one frame, of exactly these octets:
	//
	//	PAUSE       nothing is moved until RESUME; messages wait in the sockets
	//	RESUME      goes on
	//	TERMINATE   Run returns nil
	//	STATISTICS  is answered by a message of eight frames, unless it came to a SUB
	//
	// The eight frames are numbers of 64 bits in the byte order of this machine:
	// the frames and octets of ProxyStats, in its order. To any other message, known
	// or not, a REP replies with one empty frame, a PAIR and a SUB with nothing.
	// What is no command is ignored. Who does not take the answers holds up no command
	// that follows, and who has left gets none: they do not go to the next PAIR.
	Control *Socket

	running           atomic.Bool
	valve             valve
	forward, backward direction
}

// ProxyStats is what a proxy has moved since it was made.
type ProxyStats struct {
	// Frontend and Backend are as the two sockets have it.
	Frontend, Backend ProxyCount
}

// ProxyCount is what one socket has received for a proxy and sent for it: frames,
// not messages, and the octets of their bodies. A message that was sent and dropped
// by the socket itself, such as one that nobody subscribes to, counts as sent.
type ProxyCount struct {
	ReceivedFrames, ReceivedOctets uint64
	SentFrames, SentOctets         uint64
}

// opProxy is what Run is named in errors.
const opProxy = "proxy"

// errStopped ends a proxy that was told to.
var errStopped = errors.New("stopped")

// Run moves messages until something ends it. It returns nil after a TERMINATE,
// ctx's error when ctx ends, and an error that wraps ErrClosed or ErrTerminated when
// one of the sockets has come to its end. One that wraps ErrInvalid says which
// sockets do not go together, and ErrState that Run is running already.
//
// It may be called again after it has returned.
func (p *Proxy) Run(ctx context.Context) error {
	lanes, err := p.lanes()
	if err != nil {
		return fmt.Errorf("zmq: proxy: %w", err)
	}
	if !p.running.CompareAndSwap(false, true) {
		return fmt.Errorf("zmq: proxy: %w: it is running", ErrState)
	}
	defer p.running.Store(false)
	within, end := context.WithCancelCause(ctx)
	defer end(nil)
	var all sync.WaitGroup
	start := func(f func(context.Context) error) {
		all.Go(func() {
			end(f(within))
		})
	}
	for _, l := range lanes {
		start(func(ctx context.Context) error { return l.run(ctx, &p.valve) })
	}
	for _, s := range p.sockets() {
		start(s.awaitEnd)
	}
	if p.Control != nil {
		start(p.obey)
	}
	all.Wait()
	switch err := context.Cause(within); {
	case errors.Is(err, errStopped):
		return nil
	case ctx.Err() != nil && !isOver(err):
		return fmt.Errorf("zmq: proxy: %w", ctx.Err())
	default:
		return err
	}
}

// Pause stops moving messages until Resume; when it returns nothing moves any more.
// It may be called before Run.
func (p *Proxy) Pause() { p.valve.shut() }

// Resume goes on after Pause. Without one before it does nothing.
func (p *Proxy) Resume() { p.valve.open() }

// Stats returns the counts of this moment. Pausing does not change them.
func (p *Proxy) Stats() ProxyStats {
	forward, backward := p.forward.counts.now(), p.backward.counts.now()
	return ProxyStats{
		Frontend: ProxyCount{forward.frames, forward.octets, backward.frames, backward.octets},
		Backend:  ProxyCount{backward.frames, backward.octets, forward.frames, forward.octets},
	}
}

// lanes are the directions that the types of the sockets have.
func (p *Proxy) lanes() ([]*lane, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var lanes []*lane
	if p.Frontend.row.Receives && p.Backend.row.Sends {
		lanes = append(lanes, newLane(p.Frontend, p.Backend, p.Capture, &p.forward))
	}
	if p.Backend.row.Receives && p.Frontend.row.Sends && p.Backend != p.Frontend {
		lanes = append(lanes, newLane(p.Backend, p.Frontend, p.Capture, &p.backward))
	}
	if len(lanes) == 0 {
		return nil, fmt.Errorf("%w: nothing can go from a %v to a %v, or back", ErrInvalid, p.Frontend.Type(), p.Backend.Type())
	}
	return lanes, nil
}

// check returns what is wrong with the sockets.
func (p *Proxy) check() error {
	if p.Frontend == nil || p.Backend == nil {
		return fmt.Errorf("%w: a proxy has a Frontend and a Backend", ErrInvalid)
	}
	for _, of := range []struct {
		name  string
		s     *Socket
		types []SocketType
	}{
		{"Capture", p.Capture, []SocketType{PUB, DEALER, PUSH, PAIR}},
		{"Control", p.Control, []SocketType{REP, PAIR, SUB}},
	} {
		switch {
		case of.s == nil:
		case of.s == p.Frontend, of.s == p.Backend, of.s == p.Capture && of.s == p.Control:
			return fmt.Errorf("%w: %s is another socket of the proxy", ErrInvalid, of.name)
		case !slices.Contains(of.types, of.s.Type()):
			return fmt.Errorf("%w: %s is a %v, must be one of %v", ErrInvalid, of.name, of.s.Type(), of.types)
		}
	}
	return nil
}

// sockets are all that the proxy has, each once.
func (p *Proxy) sockets() []*Socket {
	var list []*Socket
	for _, s := range []*Socket{p.Frontend, p.Backend, p.Capture, p.Control} {
		if s != nil && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// awaitEnd waits for the end of the socket, or of ctx.
func (s *Socket) awaitEnd(ctx context.Context) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if err := s.death(); err != nil {
			return s.fail(opProxy, "", err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A valve lets those pass who move messages, or stops them. The zero valve is open.
type valve struct {
	mu     sync.RWMutex  // held for reading by those who move
	opened chan struct{} // closed when it is opened again; nil: it is open. Guarded by mu
}

// enter lets the caller pass until leave, or returns what is closed when it is
// worth trying again.
func (v *valve) enter() (opened <-chan struct{}) {
	v.mu.RLock()
	if v.opened == nil {
		return nil
	}
	defer v.mu.RUnlock()
	return v.opened
}

func (v *valve) leave() { v.mu.RUnlock() }

// shut stops everybody, and returns when nobody is left inside.
func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened == nil {
		v.opened = make(chan struct{})
	}
}

func (v *valve) open() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.opened != nil {
		close(v.opened)
		v.opened = nil
	}
}

// A direction is what is kept of one beyond the end of a lane.
type direction struct {
	counts counts
	owed   Message // what Capture had no room for; for the lane that runs
}

// counts is what one direction has moved.
type counts struct {
	mu             sync.Mutex // guards all below
	frames, octets uint64
}

// moved is one moment of counts.
type moved struct{ frames, octets uint64 }

func (c *counts) add(frames, octets int) {
	c.mu.Lock()
	c.frames += uint64(frames)
	c.octets += uint64(octets)
	c.mu.Unlock()
}

func (c *counts) now() moved {
	c.mu.Lock()
	defer c.mu.Unlock()
	return moved{c.frames, c.octets}
}
