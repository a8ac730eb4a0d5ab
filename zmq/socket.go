package zmq

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/message"
	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// A Socket sends and receives whole messages by the rules of its type, over any
// number of endpoints that it is bound and connected to.
//
// Every method may be called from any goroutine at any time. A call that waits
// ends when its context does; then nothing was sent and nothing was taken.
type Socket struct {
	ctx    *Context
	row    *pattern.Row
	serial uint64 // of all sockets of the process: the order of their locks

	sendTimeout atomic.Int64 // nanoseconds; zero: for ever, below: not at all
	recvTimeout atomic.Int64

	hub pipe.Hub

	// solo is the only pipe, of a type whose sending needs nothing else; then
	// sending takes the lock of the pipe alone. Written under sendMu.
	solo    atomic.Pointer[pipe.End]
	soloist pattern.Soloist // the pattern, if it is of such a type; nil: it is not

	// direct is the session of the only peer that is there: who waits for a message
	// reads its connection himself. Written under mu.
	direct atomic.Pointer[engine.Session]

	sendMu  sync.Mutex // guards the pattern's sending side and all to the next blank line
	out     message.Message
	single  [1][]byte
	pattern pattern.Pattern // the fields of its receiving side: recvMu
	options pattern.Options // written under sendMu and recvMu

	// fair is the pattern's rotation, when receiving is nothing but taking turns;
	// or nil.
	fair *routing.FairQueue
	// selective is the pattern, if fair is to be asked for no more than it wants; nil:
	// it wants everything.
	selective pattern.Selective

	recvMu recvLock // guards the pattern's receiving side and all to the next blank line
	in     message.Message
	slab   slab
	back   putBack

	dead error // why calls fail; written under sendMu and recvMu, read under either

	mu        sync.Mutex // guards all below
	config    *Config    // never changed; a pointer, so that nothing that prints the socket shows its secrets
	changes   uint64     // how often config has changed
	used      bool       // there is an endpoint, or was one
	opening   int        // calls that are about to open one
	closed    bool
	swept     bool                          // Close has ended all but the sessions
	over      bool                          // nothing of the socket is left
	ended     error                         // what calls that come after closing fail with
	listeners map[string][]*engine.Listener // an ipc path may be bound anew
	names     map[string]neighbour          // bound inproc names
	sessions  map[*engine.Session]*pipe.End
	leaving   map[*engine.Session]struct{} // those of them whose endpoint was given up
	links     map[*pipe.End]*linked
	last      string        // the endpoint of the last bind or connect
	changed   chan struct{} // closed and made anew when peers come or go, or others match
	online    map[*pipe.End]*message.Peer
	losses    []func(*pipe.End) // who is told of each pipe whose peer has gone; never changed
	retired   Counts            // of pipes that are no more
	gone      chan struct{}     // closed when nothing of the socket is left

	monitors monitors
	drops    pipe.Drops // but for those of pipes that live

	reconnects, handshakeFailures atomic.Uint64
}

// linked is an inproc pipe of a socket.
type linked struct {
	link     *inproc.Link
	endpoint string
	connects bool
}

// serials counts the sockets of the process.
var serials atomic.Uint64

func newSocket(c *Context, row *pattern.Row, config *Config) *Socket {
	own := config.clone()
	s := &Socket{
		ctx: c, row: row, serial: serials.Add(1), config: &own,
		listeners: make(map[string][]*engine.Listener),
		names:     make(map[string]neighbour),
		sessions:  make(map[*engine.Session]*pipe.End),
		leaving:   make(map[*engine.Session]struct{}),
		links:     make(map[*pipe.End]*linked),
		online:    make(map[*pipe.End]*message.Peer),
		changed:   make(chan struct{}),
		gone:      make(chan struct{}),
	}
	s.config.Network.IPv6 = config.Network.IPv6 || c.config.IPv6
	s.sendTimeout.Store(int64(waitFor(config.SendTimeout)))
	s.recvTimeout.Store(int64(waitFor(config.RecvTimeout)))
	s.options = config.pattern()
	if row.Publisher {
		s.hub.Arrived = s.arrived
	}
	s.pattern = row.New(&pattern.Env{
		Pool: c.env.Pool, Options: &s.options,
		Dropped:       s.dropped,
		Expel:         func(e *pipe.End) { go s.expel(e) },
		Dismiss:       func(e *pipe.End) { go s.dismiss(e) },
		ReceiversLook: s.hub.WakeReceivers,
		SendersLook:   s.hub.WakeSenders,
	})
	s.soloist, _ = s.pattern.(pattern.Soloist)
	if p, ok := s.pattern.(pattern.FairReceiver); ok && !row.Lockstep {
		s.fair = p.Queue()
		s.selective, _ = s.pattern.(pattern.Selective)
	}
	return s
}

// waitFor is a timeout as the calls read it: zero is for ever.
func waitFor(d time.Duration) time.Duration {
	if d == Forever {
		return 0
	}
	return d
}

// Type is the socket's type.
func (s *Socket) Type() SocketType { return SocketType(s.row.Type) }

// Context is the context that the socket belongs to.
func (s *Socket) Context() *Context { return s.ctx }

// Send sends m as the socket type says, and waits while it says so: until there
// is a peer with room, for most types. It copies m; the caller may change its
// slices when Send returns.
//
// The error wraps ErrTimeout, ErrState, ErrHostUnreachable, ErrUnsupported,
// ErrInvalid, ErrClosed, ErrTerminated or ctx's own.
func (s *Socket) Send(ctx context.Context, m Message) error {
	return s.send(ctx, m.Frames, nil)
}

// SendFrames is Send of a message with these frames.
func (s *Socket) SendFrames(ctx context.Context, frames ...[]byte) error {
	return s.send(ctx, frames, nil)
}

// SendString is Send of a message with a frame for each string.
func (s *Socket) SendString(ctx context.Context, frames ...string) error {
	return s.send(ctx, NewStringMessage(frames...).Frames, nil)
}

// SendBytes is Send of a message of one frame.
func (s *Socket) SendBytes(ctx context.Context, body []byte) error {
	if ctx.Err() == nil {
		if e := s.solo.Load(); e != nil && e.WriteBody(body) == pipe.OK {
			return nil
		}
		s.lockSend()
		s.single[0] = body
		err := s.offer(s.single[:], nil)
		s.single[0] = nil
		s.unlockSend()
		if err == nil {
			return nil
		}
	}
	return s.sendSlowly(ctx, [][]byte{body}, nil)
}

// SendOwned is Send without copying: frames of 16 KiB and more are queued as
// they are. On success release is called exactly once, on any goroutine and
// under no lock, when the memory may be changed again; on error the message
// stays with the caller and release is not called. It may be nil, for memory
// that is not changed again.
func (s *Socket) SendOwned(ctx context.Context, m Message, release func()) error {
	if release == nil {
		release = func() {}
	}
	owner := message.NewOwner(func() { go release() }) // the last reference may go under a lock
	if err := s.send(ctx, m.Frames, owner); err != nil {
		return err
	}
	owner.Release()
	return nil
}

// SendBatch sends messages one after the other and returns how many it sent;
// the error is the one that stopped it.
func (s *Socket) SendBatch(ctx context.Context, batch []Message) (int, error) {
	for i := range batch {
		if err := s.Send(ctx, batch[i]); err != nil {
			return i, err
		}
	}
	return len(batch), nil
}

// TrySend is Send that does not wait: ErrWouldBlock says that it would have to.
func (s *Socket) TrySend(m Message) error {
	s.lockSend()
	err := s.offer(m.Frames, nil)
	s.unlockSend()
	if err != nil {
		return s.fail(opSend, "", err)
	}
	return nil
}

func (s *Socket) send(ctx context.Context, frames [][]byte, owner *message.Owner) error {
	if ctx.Err() == nil {
		if e := s.solo.Load(); e != nil && len(frames) > 0 && e.WriteAlone(frames, owner) == pipe.OK {
			return nil
		}
		s.lockSend()
		err := s.offer(frames, owner)
		s.unlockSend()
		if err == nil {
			return nil
		}
	}
	return s.sendSlowly(ctx, frames, owner)
}

// lockSend takes the locks under which the pattern sends.
func (s *Socket) lockSend() {
	s.sendMu.Lock()
	if s.row.Lockstep {
		s.recvMu.Lock()
	}
}

// unlockSend gives the locks back and tells whoever must hear of what was
// written.
func (s *Socket) unlockSend() {
	if s.hub.None() {
		if s.row.Lockstep {
			s.recvMu.Unlock()
		}
		s.sendMu.Unlock()
		s.turned()
		return
	}
	later := s.hub.Later()
	if s.row.Lockstep {
		s.recvMu.Unlock()
	}
	s.sendMu.Unlock()
	s.tell(later)
	s.turned()
}

// tell calls on the ends that must hear of what was written. No lock is held.
func (s *Socket) tell(later pipe.Tell) {
	later.Now()
	if later.Many() {
		s.sendMu.Lock()
		s.hub.Reuse(later)
		s.sendMu.Unlock()
	}
}

// offer gives a message to the pattern. The locks of lockSend are held.
func (s *Socket) offer(frames [][]byte, owner *message.Owner) error {
	switch {
	case s.dead != nil:
		return s.dead
	case len(frames) == 0:
		return errNoFrames
	}
	if s.hub.HasWritable() {
		s.hub.Writable(s.pattern.Writable)
		s.publishSolo()
	}
	s.out.Frames, s.out.Owned = frames, owner
	err := s.pattern.Send(&s.out)
	s.out.Frames, s.out.Owned = nil, nil
	return err
}

// Recv receives the next message, and waits until there is one. The message is
// the caller's for good. It keeps the block alive that it arrived in, 64 KiB
// or, where large frames come in, 256: see Message.Clone for messages that are
// kept for long.
//
// The error wraps ErrTimeout, ErrState, ErrUnsupported, ErrClosed, ErrTerminated
// or ctx's own.
func (s *Socket) Recv(ctx context.Context) (Message, error) {
	if ctx.Err() == nil {
		s.lockRecv()
		if from, own, err := s.next(); err == nil {
			m := s.slab.give(&s.in, from, own)
			behind := s.behind(from)
			s.unlockRecv()
			s.hub.Received(behind)
			return m, nil
		}
		s.unlockRecv()
	}
	var m Message
	err := s.recvSlowly(ctx, func(from *pipe.End, own int) { m = s.slab.give(&s.in, from, own) })
	return m, err
}

// RecvInto is Recv that reuses the memory of *m: nothing is allocated once m has
// grown to what arrives. The frames that an earlier RecvInto put into m die.
// Frames that came from elsewhere are let go untouched.
func (s *Socket) RecvInto(ctx context.Context, m *Message) error {
	x := m.x // a nil pointer panics here, where no lock is held
	if x == nil || s.fair == nil || ctx.Err() != nil {
		return s.recvInto(ctx, m)
	}
	mine := x.self == m
	if mine && x.leased == s && !s.hub.HasReadable() {
		if body, ok := x.lease.Take(cap(x.buffer)); ok {
			x.set(m, body)
			return nil
		}
	}
	// A small message that is there, of a type that receives by taking turns.
	s.recvMu.Lock()
	if mine {
		x.settle(s)
	}
	if e := s.fair.Turn(); e != nil && s.dead == nil && !s.hub.HasReadable() && (s.selective == nil || !s.selective.Ahead()) {
		body, peer, ok := e.ReadShort()
		if !ok {
			body, peer, ok = e.ReadLong(copyUpTo)
		}
		if ok {
			s.fair.Done()
			if s.selective == nil || s.selective.Wanted(e, body) {
				if !x.fillShort(m, body, peer) {
					s.in.Empty()
					s.in.Frames, s.in.Peer = append(s.in.Frames, body), peer
					m.fill(&s.in, nil, 0, &s.slab)
				} else if s.selective == nil && s.fair.Len() == 1 {
					s.lend(x, e)
				}
				behind := s.behind(e)
				s.recvMu.Unlock()
				s.hub.Received(behind)
				return nil
			}
		}
	}
	s.recvMu.Unlock()
	return s.recvInto(ctx, m)
}

// recvInto is RecvInto of any message.
func (s *Socket) recvInto(ctx context.Context, m *Message) error {
	if ctx.Err() == nil {
		s.lockRecv()
		if from, own, err := s.next(); err == nil {
			m.fill(&s.in, from, own, &s.slab)
			behind := s.behind(from)
			s.unlockRecv()
			s.hub.Received(behind)
			return nil
		}
		s.unlockRecv()
	}
	return s.recvSlowly(ctx, func(from *pipe.End, own int) { m.fill(&s.in, from, own, &s.slab) })
}

// RecvBatch receives as many messages as wait, at least one and at most as many
// as batch has room for. It waits only for the first.
func (s *Socket) RecvBatch(ctx context.Context, batch []Message) (int, error) {
	if len(batch) == 0 {
		return 0, nil
	}
	m, err := s.Recv(ctx)
	if err != nil {
		return 0, err
	}
	batch[0] = m
	n := 1
	s.lockRecv()
	defer s.unlockRecv()
	for ; n < len(batch); n++ {
		from, own, no := s.next()
		if no != nil {
			break
		}
		batch[n] = s.slab.give(&s.in, from, own)
	}
	return n, nil
}

// TryRecv is Recv that does not wait: ErrWouldBlock says that there is nothing.
func (s *Socket) TryRecv() (Message, error) {
	m, _, err := s.tryRecv()
	if err != nil {
		return Message{}, s.fail(opRecv, "", err)
	}
	return m, nil
}

// tryRecv is TryRecv that tells where the message came from; nil: that is not known.
func (s *Socket) tryRecv() (m Message, from *pipe.End, err error) {
	s.lockRecv()
	defer s.unlockRecv()
	from, own, err := s.next()
	if err != nil {
		return Message{}, nil, err
	}
	if s.hub.Watched() {
		s.hub.Received(s.behind(from))
	}
	return s.slab.give(&s.in, from, own), from, nil
}

// Messages receives for ever. The iteration ends when the socket is closed or
// the context terminated; any other error, ctx's included, is yielded once
// before it ends.
func (s *Socket) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			m, err := s.Recv(ctx)
			if err != nil {
				if !isOver(err) {
					yield(Message{}, err)
				}
				return
			}
			if !yield(m, nil) {
				return
			}
		}
	}
}

// lockRecv takes the locks under which the pattern receives.
func (s *Socket) lockRecv() {
	if s.row.Lockstep {
		s.sendMu.Lock()
	}
	s.recvMu.Lock()
}

// unlockRecv gives the locks back, and tells whoever must hear of what was
// written when the pattern could write.
func (s *Socket) unlockRecv() {
	if !s.row.Lockstep {
		s.recvMu.Unlock()
		return
	}
	later := s.hub.Later()
	s.recvMu.Unlock()
	s.sendMu.Unlock()
	s.tell(later)
	s.turned()
}

// next takes a message that is there into s.in. The frames are borrowed from
// the end that it came from, or the pattern's own when there is none; so are
// the first own of them in either case. The locks of lockRecv are held.
func (s *Socket) next() (from *pipe.End, own int, err error) {
	if s.dead != nil {
		return nil, 0, s.dead
	}
	if s.hub.HasReadable() {
		if s.back.waits {
			s.back.take(s)
			return nil, 0, nil
		}
		s.hub.Readable(s.pattern.Readable)
	}
	from, err = s.pattern.Recv(&s.in)
	if s.row.PrependsID && from != nil {
		own = 1
	}
	return from, own, err
}

// Subscribe asks for every message that begins with prefix; the empty prefix
// asks for all. Subscriptions are counted: as many Unsubscribe take it back.
// For SUB, and for an XPUB with PubSub.Manual, where it subscribes the peer
// whose subscription was received last. libzmq: ZMQ_SUBSCRIBE.
func (s *Socket) Subscribe(prefix string) error {
	return s.subscription("subscribe", func(p pattern.Subscriber) error { return p.Subscribe([]byte(prefix)) })
}

// Unsubscribe takes one Subscribe back. A prefix that was never subscribed to is
// no error. libzmq: ZMQ_UNSUBSCRIBE.
func (s *Socket) Unsubscribe(prefix string) error {
	return s.subscription("unsubscribe", func(p pattern.Subscriber) error { return p.Unsubscribe([]byte(prefix)) })
}

func (s *Socket) subscription(op string, do func(pattern.Subscriber) error) error {
	p, ok := s.pattern.(pattern.Subscriber)
	if !ok {
		return s.fail(op, "", pattern.ErrUnsupported)
	}
	var err error
	if !s.both(func() { err = do(p) }) {
		err = s.death()
	}
	if err != nil {
		return s.fail(op, "", err)
	}
	return nil
}

// death is why calls fail, or nil while they do not.
func (s *Socket) death() error {
	s.recvMu.Lock()
	defer s.recvMu.Unlock()
	return s.dead
}

// TopicsCount is the number of distinct topics that a PUB or XPUB serves, or a
// SUB or XSUB has subscribed to; zero for other types. libzmq:
// ZMQ_TOPICS_COUNT.
func (s *Socket) TopicsCount() int {
	n := 0
	if p, ok := s.pattern.(pattern.TopicCounter); ok {
		s.both(func() { n = p.TopicsCount() })
	}
	return n
}

// LastID is the routing id that a STREAM socket, or a raw ROUTER, gave to the
// connection of its last Connect, which may be used at once; empty before, and for
// other types.
// libzmq: ZMQ_ROUTING_ID of a ZMQ_STREAM.
func (s *Socket) LastID() string {
	id := ""
	if p, ok := s.pattern.(pattern.Identifier); ok {
		s.both(func() { id = string(p.LastID()) })
	}
	return id
}

// publishSolo lets the next Send know of the only pipe. sendMu is held.
func (s *Socket) publishSolo() {
	if s.soloist != nil {
		s.solo.Store(s.soloist.Solo())
	}
}

// both runs f under both locks, unless the socket is dead, and tells whoever
// must hear of what it wrote. It reports whether f ran.
func (s *Socket) both(f func()) bool {
	s.sendMu.Lock()
	s.recvMu.Lock()
	alive := s.dead == nil
	if alive {
		f()
		s.publishSolo()
	}
	later := s.hub.Later()
	s.recvMu.Unlock()
	s.sendMu.Unlock()
	s.tell(later)
	return alive
}
