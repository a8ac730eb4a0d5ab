package zmq

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"time"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// What calls are named in errors.
const (
	opSend = "send"
	opRecv = "receive"
)

// waiting is one call that may have to wait. A first try costs nothing here;
// before every further one the hub's count is noted, so that the call sleeps
// only if nothing was announced since.
type waiting struct {
	socket *Socket
	ctx    context.Context // the call's own, for as long as the call lasts
	op     string

	patient bool // the socket's timeout does not count

	waiter *pipe.Waiter // nil: nothing has been waited for yet
	count  uint64
	until  time.Time // when the socket's timeout is over; zero: not known, or never
	timer  *time.Timer
	late   <-chan time.Time
}

// waiters are those that no call uses, of one context: a bubble of
// testing/synctest must not see channels from outside.
type waiters struct{ pool sync.Pool }

func (w *waiters) get() *pipe.Waiter {
	if waiter, ok := w.pool.Get().(*pipe.Waiter); ok {
		return waiter
	}
	return pipe.NewWaiter()
}

func (w *waiters) put(waiter *pipe.Waiter) { w.pool.Put(waiter) }

// begin returns the error that ends the call before it has begun.
func (w *waiting) begin() error {
	if err := w.ctx.Err(); err != nil {
		return w.over(err)
	}
	return nil
}

// over is the error of a call whose time has come, unless its socket has: who
// ends both at once wants to hear of the socket.
func (w *waiting) over(err error) error {
	if dead := w.socket.death(); dead != nil {
		err = dead
	}
	return w.socket.fail(w.op, "", err)
}

// again is called after a try that ended with err. It returns nil when it is
// worth trying again, having waited if need be, or the error that ends the call.
func (w *waiting) again(err error) error {
	if !errors.Is(err, ErrWouldBlock) {
		return w.socket.fail(w.op, "", err)
	}
	if w.waiter == nil {
		w.waiter = w.socket.ctx.waiters.get()
		if w.op == opSend || w.socket.direct.Load() == nil {
			runtime.Gosched() // to look once more costs less than being woken
		}
	} else if w.await() {
		if err := w.sleep(); err != nil {
			w.leave()
			return w.over(err)
		}
	}
	w.count = w.now()
	return nil
}

// end gives back what the call has used.
func (w *waiting) end() {
	if w.waiter == nil {
		return
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.socket.ctx.waiters.put(w.waiter)
	if w.op == opRecv && w.socket.hub.ReceiversWait() {
		w.socket.hub.PassReceive() // there may be more than the one that was announced
	}
}

// now notes how much has been announced.
func (w *waiting) now() uint64 {
	if w.op == opSend {
		return w.socket.hub.SendCount()
	}
	return w.socket.hub.RecvCount()
}

// await queues for a signal, unless something was announced meanwhile.
func (w *waiting) await() bool {
	if w.op == opSend {
		return w.socket.hub.AwaitSend(w.waiter, w.count)
	}
	return w.socket.hub.AwaitReceive(w.waiter, w.count)
}

func (w *waiting) leave() {
	if w.op == opSend {
		w.socket.hub.LeaveSend(w.waiter)
		return
	}
	w.socket.hub.LeaveReceive(w.waiter)
}

// sleep waits for a signal. It returns ErrTimeout or the context's error when
// that comes first.
func (w *waiting) sleep() error {
	if w.op == opRecv {
		w.socket.hub.Received(false)
	}
	done := w.ctx.Done()
	timeout := w.timeout()
	if timeout != 0 && w.until.IsZero() {
		w.until = time.Now().Add(max(timeout, 0))
	}
	if ok, err := w.lead(); ok {
		return err
	}
	if done == nil && timeout == 0 {
		<-w.waiter.C
		return nil
	}
	if timeout != 0 && w.timer == nil {
		w.timer = time.NewTimer(time.Until(w.until))
		w.late = w.timer.C
	}
	select {
	case <-w.waiter.C:
		return nil
	case <-done:
		return w.ctx.Err()
	case <-w.late:
		return ErrTimeout
	}
}

// lead reads the only connection of the socket while it waits, if nobody else
// does. It reports false when it has to wait without reading.
func (w *waiting) lead() (ok bool, err error) {
	if w.op != opRecv {
		return false, nil
	}
	session := w.socket.direct.Load()
	if session == nil {
		return false, nil
	}
	ok, err = session.Lead(w.ctx, w.waiter, w.until)
	switch {
	case !ok:
		return false, nil
	case err == nil:
		<-w.waiter.C // it was signalled
	case errors.Is(err, os.ErrDeadlineExceeded) && w.ctx.Err() == nil:
		err = ErrTimeout
	}
	return true, err
}

// timeout is the socket's for this call: zero is for ever, below not at all.
func (w *waiting) timeout() time.Duration {
	if w.patient {
		return 0
	}
	if w.op == opSend {
		return time.Duration(w.socket.sendTimeout.Load())
	}
	return time.Duration(w.socket.recvTimeout.Load())
}

// sendSlowly sends, and waits when that is what it takes.
func (s *Socket) sendSlowly(ctx context.Context, frames [][]byte, owner *message.Owner) error {
	w := waiting{socket: s, ctx: ctx, op: opSend}
	return s.sendWaiting(&w, frames, owner)
}

// sendWaiting is sendSlowly by way of w.
func (s *Socket) sendWaiting(w *waiting, frames [][]byte, owner *message.Owner) error {
	err := w.begin()
	for err == nil {
		s.lockSend()
		err = s.offer(frames, owner)
		s.unlockSend()
		if err == nil {
			break
		}
		err = w.again(err)
	}
	w.end()
	return err
}

// recvSlowly receives, and waits when that is what it takes. It calls take with
// what next returned.
func (s *Socket) recvSlowly(ctx context.Context, take func(from *pipe.End, own int)) error {
	w := waiting{socket: s, ctx: ctx, op: opRecv}
	return s.recvWaiting(&w, take)
}

// recvWaiting is recvSlowly by way of w.
func (s *Socket) recvWaiting(w *waiting, take func(from *pipe.End, own int)) error {
	err := w.begin()
	for err == nil {
		s.lockRecv()
		from, own, no := s.next()
		if no == nil {
			take(from, own)
			left := from != nil && from.Left()
			s.unlockRecv()
			s.hub.Received(left)
			break
		}
		s.unlockRecv()
		err = w.again(no)
	}
	w.end()
	return err
}

// recvPatiently is Recv whatever timeout the socket has.
func (s *Socket) recvPatiently(ctx context.Context) (m Message, err error) {
	w := waiting{socket: s, ctx: ctx, op: opRecv, patient: true}
	err = s.recvWaiting(&w, func(from *pipe.End, own int) { m = s.slab.give(&s.in, from, own) })
	return m, err
}

// isOver reports whether err says that the socket has come to its end.
func isOver(err error) bool { return errors.Is(err, ErrClosed) || errors.Is(err, ErrTerminated) }
