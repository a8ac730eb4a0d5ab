package zmq

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// Retry says when a request of a Requester is sent again.
type Retry struct {
	// Attempts is how often a request is sent at most. Zero is the default, once;
	// Unlimited is as often as the context of the call allows.
	Attempts int
	// Timeout is how long each attempt waits, for a peer with room and then for the
	// reply. Zero is the default, for as long as the context of the call allows.
	// An attempt also ends when the connection is lost that it was sent over.
	Timeout time.Duration
}

// graceOfLoss is how long a reply may need from the pipe to its caller: so long a
// call waits for it when the connection is lost that it came over.
const graceOfLoss = 10 * time.Millisecond

// requestID is the size of the id that goes with a request, in octets.
const requestID = 8

// A Requester asks questions, any number at once, and gives each its own answer. It
// is what a REQ is to one goroutine, for many: it speaks with REP and ROUTER sockets
// of every implementation, also by way of a proxy, and numbers its requests as a REQ
// with Req.Correlate does. A server that reads the envelope by itself finds the
// number, of eight octets, in front of the empty frame, and must send both back.
//
// A request goes to the peers in turn, but only to one that is connected now. A
// reply goes to the call that asked: one that comes when the call has ended, and a
// second one to the same request, are dropped and count in Stats.DroppedFiltered.
// What waits when the call ends never goes out, nor what has not when its connection is
// lost, so that nobody lingers for it; a connection has a request at a time in its hands, or
// 64 KiB of short ones, which go out.
type Requester struct {
	s     *Socket
	asker pattern.Asker
	retry Retry
	over  chan struct{} // closed when no reply will come any more

	mu    sync.Mutex // guards all below
	calls map[uint64]*call
	lines map[*pipe.End]*call // of the calls that were sent there last, the first in line
	ids   *mathrand.ChaCha8   // no peer can guess what another one was asked, and answer it
	err   error               // why there are no more replies
}

// NewRequester makes a Requester of a DEALER, which from then on sends and receives
// for the Requester alone; binding, connecting and options stay the caller's. The
// error wraps ErrInvalid when it is no DEALER, has Conflate or a Requester, or retry
// makes no sense.
func NewRequester(dealer *Socket, retry Retry) (*Requester, error) {
	switch {
	case dealer == nil || dealer.Type() != DEALER:
		return nil, fmt.Errorf("zmq: new requester: %w: it takes a DEALER", ErrInvalid)
	case dealer.Config().Conflate:
		return nil, fmt.Errorf("zmq: new requester: %w: Config.Conflate keeps one frame, and a request has three", ErrInvalid)
	case retry.Attempts < Unlimited:
		return nil, fmt.Errorf("zmq: new requester: %w: Retry.Attempts is %d, less than %d", ErrInvalid, retry.Attempts, Unlimited)
	case retry.Timeout < 0:
		return nil, fmt.Errorf("zmq: new requester: %w: Retry.Timeout is %v, below zero", ErrInvalid, retry.Timeout)
	}
	r := &Requester{
		s: dealer, asker: dealer.pattern.(pattern.Asker), retry: retry,
		over: make(chan struct{}), calls: make(map[uint64]*call), lines: make(map[*pipe.End]*call),
	}
	if r.retry.Attempts == 0 {
		r.retry.Attempts = 1
	}
	var seed [32]byte
	_, _ = rand.Read(seed[:]) // never fails
	r.ids = mathrand.NewChaCha8(seed)
	if !dealer.hub.OnlyWanted(r.wants) {
		return nil, fmt.Errorf("zmq: new requester: %w: the DEALER has one, and a reply goes to either", ErrInvalid)
	}
	dealer.onLoss(r.lost)
	go r.sort()
	return r, nil
}

// Close closes the DEALER. Calls that wait end with ErrClosed. When Close returns
// nothing of the Requester is left.
func (r *Requester) Close() error {
	err := r.s.Close()
	<-r.over
	return err
}

// Do sends m and returns the reply to it. It copies m, and the reply is the
// caller's for good; what is said of the memory at Socket.Recv holds here.
//
// The error wraps ErrTimeout when every attempt has timed out, ErrHostUnreachable
// when the connection of the last one was lost, ErrClosed, ErrTerminated,
// ErrInvalid, or ctx's own. A call that fails may have been heard: a request that
// must not be done twice needs a name by which the server knows it again.
func (r *Requester) Do(ctx context.Context, m Message) (Message, error) {
	if len(m.Frames) == 0 {
		return Message{}, r.fail(errNoFrames)
	}
	c, err := r.enter()
	if err != nil {
		return Message{}, r.fail(err)
	}
	frames := make([][]byte, 0, 2+len(m.Frames))
	frames = append(frames, binary.BigEndian.AppendUint64(nil, c.id), nil)
	frames = append(frames, m.Frames...)
	reply, err := r.try(ctx, c, frames)
	r.leave(c)
	if err != nil || len(c.sent) > 1 { // else it was answered, and waits nowhere
		withdraw(frames[0], c.sent)
	}
	if err != nil {
		return Message{}, r.fail(err)
	}
	return reply, nil
}

// try makes one attempt after the other, as long as another may do better.
func (r *Requester) try(ctx context.Context, c *call, frames [][]byte) (Message, error) {
	for attempt := 1; ; attempt++ {
		reply, err := r.attempt(ctx, c, frames)
		if err == nil || ctx.Err() != nil || attempt == r.retry.Attempts || !again(err) {
			return reply, err
		}
	}
}

// withdraw takes back what waits of a request that was sent to some ends. What is on
// its way does not wait again: the call must have left before.
func withdraw(id []byte, sent []*pipe.End) {
	for _, e := range sent {
		session, connects := e.Link.(*engine.Session)
		if e.Withdraw(id) && connects {
			session.Reconsider()
		}
	}
}

// errLost ends an attempt whose connection is gone.
var errLost = fmt.Errorf("%w: the connection was lost before the reply", ErrHostUnreachable)

// again reports whether another attempt may do better than one that ended with err.
func again(err error) bool { return errors.Is(err, ErrTimeout) || errors.Is(err, errLost) }

// attempt sends the request once and waits for a reply, to this or an earlier
// attempt.
func (r *Requester) attempt(ctx context.Context, c *call, frames [][]byte) (Message, error) {
	var late <-chan time.Time
	if r.retry.Timeout > 0 {
		timer := time.NewTimer(r.retry.Timeout)
		defer timer.Stop()
		late = timer.C
	}
	if err := r.ask(c, frames); err != nil {
		if err = r.askSlowly(ctx, c, frames); err != nil {
			return r.late(c, err)
		}
	}
	var lost <-chan time.Time
	for {
		select {
		case m := <-c.reply:
			return m, nil
		case <-ctx.Done():
			return r.late(c, ctx.Err())
		case <-late:
			return r.late(c, ErrTimeout)
		case <-c.lost:
			lost = time.After(graceOfLoss)
		case <-lost:
			if err := r.s.death(); err != nil {
				return r.late(c, err)
			}
			return r.late(c, errLost)
		case <-r.over:
			return r.late(c, r.err)
		}
	}
}

// late is the end of an attempt with err, unless the reply is there all the same.
func (r *Requester) late(c *call, err error) (Message, error) {
	select {
	case m := <-c.reply:
		return m, nil
	default:
		return Message{}, err
	}
}

// ask sends the request to the next peer, if there is one.
func (r *Requester) ask(c *call, frames [][]byte) error {
	s := r.s
	s.lockSend()
	defer s.unlockSend()
	if s.dead != nil {
		return s.dead
	}
	if s.hub.HasWritable() {
		s.hub.Writable(s.pattern.Writable)
	}
	s.out.Frames = frames
	e, err := r.asker.Ask(&s.out, c.tried)
	s.out.Frames = nil
	if err == nil {
		if slices.Contains(c.tried, e) { // everybody was: another round
			c.tried = c.tried[:0]
		}
		c.tried = append(c.tried, e)
		if !slices.Contains(c.sent, e) {
			c.sent = append(c.sent, e)
		}
		r.line(c, e) // before the peer can go, which takes sendMu
	}
	return err
}

// askSlowly sends the request, and waits until there is somebody to send it to.
func (r *Requester) askSlowly(ctx context.Context, c *call, frames [][]byte) error {
	timeout := r.retry.Timeout
	if timeout == 0 {
		timeout = Forever
	}
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c.rouse.Store(&cancel)
	defer c.rouse.Store(nil)
	if len(c.reply) > 0 {
		return ErrTimeout // it came while nobody could be told
	}
	w := waiting{socket: r.s, ctx: within, op: opSend, patient: true}
	defer w.end()
	for err := w.begin(); ; {
		if err == nil {
			if err = r.ask(c, frames); err == nil {
				return nil
			}
			err = w.again(err)
		}
		if err == nil {
			continue
		}
		switch {
		case r.s.death() != nil:
			return r.s.death()
		case ctx.Err() != nil:
			return ctx.Err()
		}
		return ErrTimeout
	}
}

// sort receives the replies and gives each to its call, until the socket ends.
func (r *Requester) sort() {
	defer close(r.over)
	for {
		m, err := r.s.recvPatiently(context.Background())
		if err != nil {
			err = r.s.death() // which takes a lock of the socket
			r.mu.Lock()
			r.err = err
			r.mu.Unlock()
			return
		}
		if cause, ok := r.deliver(m); !ok {
			r.s.drops[cause].Add(1)
		}
	}
}

// deliver gives a reply to the call that it belongs to, or tells why not.
func (r *Requester) deliver(m Message) (cause pattern.Cause, ok bool) {
	if len(m.Frames) < 3 || len(m.Frames[0]) != requestID || len(m.Frames[1]) != 0 {
		return pattern.DroppedMalformed, false
	}
	r.mu.Lock()
	id := binary.BigEndian.Uint64(m.Frames[0])
	c := r.calls[id]
	delete(r.calls, id) // there is one reply
	r.mu.Unlock()
	if c == nil {
		return pattern.DroppedFiltered, false
	}
	m.Frames = m.Frames[2:]
	c.reply <- m
	if cancel := c.rouse.Load(); cancel != nil {
		(*cancel)()
	}
	return 0, true
}

// fail wraps err with the call that it ends.
func (r *Requester) fail(err error) error { return r.s.fail("do", "", err) }
