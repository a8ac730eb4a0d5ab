package zmq

import (
	"context"
	"fmt"
	"sync"

	"zeromux/internal/pipe"
	"zeromux/internal/zap"
)

// ZAPEndpoint is where a handler of RFC 27 answers the sockets of its context: bind a
// REP or ROUTER to it to be one, or see [Context.NewZAPHandler]. RFC 27 "ZAP Endpoint".
const ZAPEndpoint = zap.Endpoint

// A ZAPHandler answers for all sockets of a context which peers may come in, as RFC 27
// has it. A context has at most one. [Context.NewZAPHandler] makes it.
type ZAPHandler struct {
	socket *Socket
	policy Authenticator
	end    context.CancelFunc
	all    sync.WaitGroup // the receiver, and a goroutine for each question

	mu     sync.Mutex             // guards what follows
	askers map[*pipe.End]*zapAsks // those whose questions are under way
}

// zapAsks are the questions under way that came through one pipe.
type zapAsks struct {
	ctx context.Context // ends when nobody is at the other end any more
	end context.CancelFunc
	n   int
}

// NewZAPHandler makes policy the one that sockets of the context ask which have no
// Authenticator of their own: from when it returns until Close, or the end of the
// context. It is for programs that come from libzmq; one Authenticator in the Config of
// several sockets does the same, and is told more. It wraps ErrAddressInUse when the
// context has a handler, and ErrInvalid when policy is nil.
func (c *Context) NewZAPHandler(policy Authenticator) (*ZAPHandler, error) {
	if policy == nil {
		return nil, fmt.Errorf("zmq: ZAP handler: %w: no Authenticator", ErrInvalid)
	}
	s, err := c.NewSocket(ROUTER, &Config{Linger: NoLinger})
	if err != nil {
		return nil, err
	}
	if !c.joinConsulted() {
		s.Close()
		return nil, s.fail("bind", ZAPEndpoint, ErrTerminated)
	}
	ctx, end := context.WithCancel(context.Background())
	h := &ZAPHandler{socket: s, policy: policy, end: end, askers: make(map[*pipe.End]*zapAsks)}
	s.onLoss(h.lost)
	if _, err := s.Bind(ZAPEndpoint); err != nil {
		end()
		s.Close()
		c.consulted.Done()
		return nil, err
	}
	h.all.Go(func() {
		defer c.consulted.Done()
		h.serve(ctx)
	})
	return h, nil
}

// Close ends the handler. It waits for answers that are being thought about, whose
// context ends, but no longer than a second after that. From then on there is none: sockets with NULL or CURVE that do not
// enforce a domain let everybody in, so they are to be closed before.
func (h *ZAPHandler) Close() error {
	h.end()
	err := h.socket.Close()
	h.all.Wait()
	return err
}

// serve takes questions until the socket ends. Each is answered on a goroutine of its
// own, so that one that takes long holds up no other.
func (h *ZAPHandler) serve(ctx context.Context) {
	defer h.end()
	for {
		q, err := h.socket.takeRequest(ctx)
		if err != nil {
			return // ctx has ended, or the socket
		}
		asks := h.enter(ctx, q.from)
		h.socket.ctx.consulted.Add(1) // while serve is counted itself
		h.all.Go(func() {
			defer h.socket.ctx.consulted.Done()
			defer h.leave(q.from, asks)
			h.answer(asks.ctx, q)
		})
	}
}

// answer answers a question. What is none has no answer. Who has asked waits no longer
// for it than for a handshake.
func (h *ZAPHandler) answer(ctx context.Context, q handled) {
	ctx, end := context.WithTimeout(ctx, defaultHandshakeInterval)
	defer end()
	question, id, err := zap.ParseRequest(q.body.Frames)
	if err != nil {
		return
	}
	reply, err := h.socket.ctx.consult(ctx, h.policy, "", &question)
	if err != nil {
		reply = &zap.Reply{Status: statusOf(err), Text: err.Error()}
	}
	_ = h.socket.TrySend(Message{Frames: zap.AppendReply(q.envelope, id, reply)}) // unless who asked is gone
}

// enter notes that there is another question of who is behind a pipe. It may be one that
// has left already, of which lost will not hear any more.
func (h *ZAPHandler) enter(ctx context.Context, from *pipe.End) *zapAsks {
	h.mu.Lock()
	asks := h.askers[from]
	if asks == nil {
		asks = new(zapAsks)
		asks.ctx, asks.end = context.WithCancel(ctx)
		h.askers[from] = asks
	}
	asks.n++
	h.mu.Unlock()
	h.socket.lockSend()
	gone := from.CanWrite() == pipe.Closed
	h.socket.unlockSend()
	if gone {
		asks.end()
	}
	return asks
}

// leave notes that a question is over.
func (h *ZAPHandler) leave(from *pipe.End, asks *zapAsks) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if asks.n--; asks.n == 0 {
		asks.end()
		delete(h.askers, from)
	}
}

// lost ends the questions of one who has left: the peer that they are about has, or
// has no time any more.
func (h *ZAPHandler) lost(from *pipe.End) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if asks := h.askers[from]; asks != nil {
		asks.end()
	}
}
