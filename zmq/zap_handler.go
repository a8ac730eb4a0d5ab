package zmq

import (
	"context"
	"fmt"
	"sync"

	"zeromux/internal/pattern"
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
	if _, err := s.Bind(ZAPEndpoint); err != nil {
		s.Close()
		return nil, err
	}
	ctx, end := context.WithCancel(context.Background())
	h := &ZAPHandler{socket: s, policy: policy, end: end}
	h.all.Go(func() { h.serve(ctx) })
	return h, nil
}

// Close ends the handler. It waits for answers that are being thought about, whose
// context ends. From then on there is none: sockets with NULL or CURVE that do not
// enforce a domain let everybody in, so they are to be closed before.
func (h *ZAPHandler) Close() error {
	h.end()
	err := h.socket.Close()
	h.all.Wait()
	return err
}

// serve takes questions until the socket ends. Each is answered on a goroutine of its
// own, so that one that takes long holds up no other. It does not hear of a connection
// that ends meanwhile: there are as many as were asked within the time of a handshake.
func (h *ZAPHandler) serve(ctx context.Context) {
	defer h.end()
	for m, err := range h.socket.Messages(ctx) {
		if err != nil {
			return // ctx has ended
		}
		h.all.Go(func() { h.answer(ctx, m.Frames) })
	}
}

// answer answers the question in the frames that a ROUTER shows. What is none has no
// answer. Who has asked waits no longer for it than for a handshake.
func (h *ZAPHandler) answer(ctx context.Context, frames [][]byte) {
	ctx, end := context.WithTimeout(ctx, defaultHandshakeInterval)
	defer end()
	n := 2 + pattern.Delimiter(frames[1:]) // the routing id, and what it puts in front of others
	question, id, err := zap.ParseRequest(frames[n:])
	if err != nil {
		return
	}
	reply := answerTo(ctx, h.policy, "", &question)
	_ = h.socket.TrySend(Message{Frames: zap.AppendReply(frames[:n:n], id, reply)}) // unless who asked is gone
}
