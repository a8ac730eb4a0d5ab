package zmq

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

// A PanicError says that a handler has panicked. What Handle returns wraps it.
type PanicError struct {
	Value any    // what panic was called with; nil: the handler called runtime.Goexit
	Stack []byte // where, as debug.Stack writes it
}

func (e *PanicError) Error() string {
	if e.Value == nil {
		return "the handler has ended its goroutine"
	}
	return fmt.Sprintf("the handler has panicked: %v", e.Value)
}

// Unwrap returns Value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A handled request is one that a handler works on.
type handled struct {
	from     *pipe.End // where it came from
	envelope [][]byte
	body     Message
}

// Handle serves the requests that come to a REP or ROUTER: so many workers call fn
// at the same time, each with one request, and what fn returns goes to who asked. A
// reply without frames is not sent. The request is fn's for good.
//
// A ROUTER's requests begin behind the routing id and, as with a REP, behind the
// first empty frame, if there is one with something behind it; the reply gets back
// what was in front. Plain Send and Recv of a REP keep their own order; the requests
// that they take are not handled.
//
// Handle returns when ctx ends, with ctx's error, and when the socket does, with one
// that wraps ErrClosed or ErrTerminated. It takes no request then, but first lets
// the handlers finish that have begun, whose own context does not end with ctx,
// and sends what they reply. When fn panics it ends in the same way; the request
// has no reply, and the error wraps a *PanicError. After that, and at any other time,
// it may be called again: nothing is lost of what waits.
//
// A reply to a peer that is gone or full is dropped, and counts so in Stats. But the
// worker of a ROUTER with Router.Mandatory waits for a full peer, until ctx ends or
// SendTimeout is over: without that, a few who ask and never read hold up all workers.
//
// It wraps ErrInvalid when there is no fn or less than one worker, and
// ErrUnsupported for other types.
func (s *Socket) Handle(ctx context.Context, workers int, fn func(ctx context.Context, request Message) (reply Message)) error {
	const op = "handle"
	switch {
	case s.Type() != REP && s.Type() != ROUTER:
		return s.fail(op, "", pattern.ErrUnsupported)
	case fn == nil:
		return s.fail(op, "", fmt.Errorf("%w: no function", ErrInvalid))
	case workers < 1:
		return s.fail(op, "", fmt.Errorf("%w: %d workers, must be 1 or more", ErrInvalid, workers))
	}
	within, end := context.WithCancelCause(ctx)
	defer end(nil)
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			err := error(&PanicError{}) // of fn, if serve does not return
			defer func() { end(err) }()
			err = s.serve(within, context.WithoutCancel(ctx), fn)
		})
	}
	all.Wait()
	err := context.Cause(within)
	switch dead := s.death(); {
	case errors.As(err, new(*PanicError)):
	case dead != nil:
		err = dead
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return s.fail(op, "", err)
}

// serve is one worker. It takes requests until ctx ends, and calls fn with calm,
// which does not.
func (s *Socket) serve(ctx, calm context.Context, fn func(context.Context, Message) Message) error {
	for {
		h, err := s.takeRequest(ctx)
		if err != nil {
			return err
		}
		reply, err := safely(calm, fn, h.body)
		if err != nil {
			return err
		}
		if len(reply.Frames) > 0 {
			s.reply(ctx, h, reply)
		}
	}
}

// safely calls fn once, and returns its panic as an error.
func safely(ctx context.Context, fn func(context.Context, Message) Message, request Message) (reply Message, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	return fn(ctx, request), nil
}

// takeRequest waits for the next request.
func (s *Socket) takeRequest(ctx context.Context) (h handled, err error) {
	w := waiting{socket: s, ctx: ctx, op: opRecv, patient: true}
	defer w.end()
	answerer, isREP := s.pattern.(pattern.Answerer)
	for err = w.begin(); err == nil; err = w.again(err) {
		own := 0
		s.lockRecv()
		if isREP {
			h.from, err = s.nextRequest(answerer)
		} else {
			h.from, own, err = s.next()
		}
		if err == nil {
			h.body = s.slab.give(&s.in, h.from, own)
			left := h.from != nil && h.from.Left()
			s.unlockRecv()
			s.hub.Received(left)
			break
		}
		s.unlockRecv()
	}
	if err != nil {
		return handled{}, err
	}
	frames := h.body.Frames
	n := 1 // a ROUTER's: the routing id
	if isREP {
		n = 0
	}
	n += pattern.Delimiter(frames[n:]) + 1
	h.envelope, h.body.Frames = frames[:n:n], frames[n:]
	return h, nil
}

// nextRequest is next of a REP that answers several requests at once. The locks of
// lockRecv are held.
func (s *Socket) nextRequest(answerer pattern.Answerer) (from *pipe.End, err error) {
	if s.dead != nil {
		return nil, s.dead
	}
	if s.hub.HasReadable() {
		s.hub.Readable(s.pattern.Readable)
	}
	return answerer.Take(&s.in)
}

// reply sends the reply to a request. Nobody can be told of one that finds no way, but
// it counts as dropped.
func (s *Socket) reply(ctx context.Context, h handled, reply Message) {
	frames := append(h.envelope, reply.Frames...)
	answerer, isREP := s.pattern.(pattern.Answerer)
	if !isREP {
		s.replyByID(ctx, frames)
		return
	}
	s.lockSend()
	if s.dead == nil {
		s.out.Frames = frames
		answerer.Answer(h.from, &s.out)
		s.out.Frames = nil
	}
	s.unlockSend()
}

// replyByID is reply of a ROUTER. One that minds waits for a peer that is full, as long
// as ctx and SendTimeout allow.
func (s *Socket) replyByID(ctx context.Context, frames [][]byte) {
	err := s.TrySend(Message{Frames: frames})
	if errors.Is(err, ErrWouldBlock) {
		w := waiting{socket: s, ctx: ctx, op: opSend}
		err = s.sendWaiting(&w, frames, nil)
	}
	switch {
	case err == nil, isOver(err):
	case errors.Is(err, ErrHostUnreachable):
		s.drops[pattern.DroppedUnroutable].Add(1)
	default:
		s.drops[pattern.DroppedFull].Add(1)
	}
}
