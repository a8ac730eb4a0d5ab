package pipe

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"zeromux/internal/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A crowd is several goroutines that write to one end of a pipe and several that
// read from the other, as the calls of two sockets do: under the sockets' locks, and
// waiting by the hubs.
type crowd struct {
	from, to       *End
	fromHub, toHub Hub
	sendMu, recvMu sync.Mutex
}

func newCrowd(c Config) *crowd {
	c.Pool = new(message.Pool)
	w := new(crowd)
	w.from, w.to = New(c)
	w.from.Join(&w.fromHub)
	w.to.Join(&w.toHub)
	return w
}

// send writes m and waits for room.
func (c *crowd) send(m *message.Message) {
	waiter := NewWaiter()
	for {
		count := c.fromHub.SendCount()
		c.sendMu.Lock()
		c.fromHub.Writable(func(*End) {})
		st := c.from.Write(m)
		later := c.fromHub.Later()
		c.sendMu.Unlock()
		later.Now()
		if st == OK {
			return
		}
		if c.fromHub.AwaitSend(waiter, count) {
			<-waiter.C
		}
	}
}

// recv reads a message and returns the number in it, or false when there will be
// none. impatient gives up each wait at once when it can, and begins again.
func (c *crowd) recv(waiter *Waiter, impatient bool) (number byte, ok bool) {
	var m message.Message
	waited := false
	for {
		count := c.toHub.RecvCount()
		c.recvMu.Lock()
		c.toHub.Readable(func(*End) {})
		st := c.to.Read(&m)
		if st == OK {
			number = m.Frames[0][0]
		}
		c.recvMu.Unlock()
		switch st {
		case OK:
			if waited && c.toHub.ReceiversWait() {
				c.toHub.PassReceive()
			}
			return number, true
		case Closed:
			c.toHub.WakeReceivers()
			return 0, false
		}
		if !c.toHub.AwaitReceive(waiter, count) {
			continue
		}
		waited = true
		if !impatient {
			<-waiter.C
			continue
		}
		runtime.Gosched()
		c.toHub.LeaveReceive(waiter)
	}
}

// Whoever waits is woken when there is something to do, whatever the others do.
func TestNoWakeUpIsLost(t *testing.T) {
	const senders, receivers, each = 4, 5, 500
	for _, mark := range []int{0, 1, 2, 3, 100} {
		w := newCrowd(Config{SendMark: mark, SendMarkPeer: -1})
		var sending, receiving sync.WaitGroup
		var got atomic.Int64
		for i := range receivers {
			receiving.Go(func() {
				waiter := NewWaiter()
				for {
					if _, ok := w.recv(waiter, i == 0); !ok {
						return
					}
					got.Add(1)
				}
			})
		}
		for range senders {
			sending.Go(func() {
				for range each {
					w.send(&message.Message{Frames: [][]byte{{1}}})
				}
			})
		}
		sending.Wait()
		w.from.CloseWrite()
		receiving.Wait()
		if got.Load() != senders*each {
			t.Errorf("mark %d: %d messages came, want %d", mark, got.Load(), senders*each)
		}
	}
}

// A receiver that gives up hands the signal that it got to the next.
func TestALeavingReceiverPassesItsSignalOn(t *testing.T) {
	var h Hub
	first, second := NewWaiter(), NewWaiter()
	h.AwaitReceive(first, h.RecvCount())
	h.AwaitReceive(second, h.RecvCount())
	h.PassReceive()
	h.LeaveReceive(first)
	select {
	case <-second.C:
	default:
		t.Error("the signal is lost")
	}
	if len(first.C) > 0 {
		t.Error("the waiter that left has a signal for its next wait")
	}
}

// A receiver that leaves without a signal leaves nothing behind.
func TestALeavingReceiverIsForgotten(t *testing.T) {
	var h Hub
	waiters := []*Waiter{NewWaiter(), NewWaiter(), NewWaiter()}
	for _, w := range waiters {
		h.AwaitReceive(w, h.RecvCount())
	}
	h.LeaveReceive(waiters[1])
	h.WakeReceivers()
	for i, w := range waiters {
		if woken := len(w.C) > 0; woken != (i != 1) {
			t.Errorf("receiver %d woken: %v", i, woken)
		}
	}
	if h.ReceiversWait() {
		t.Error("somebody is thought to wait")
	}
}

// Signals go to those who wait, the longest first, one for each arrival.
func TestReceiversAreWokenInTheOrderInWhichTheyCame(t *testing.T) {
	var h Hub
	var waiters []*Waiter
	for range 4 {
		w := NewWaiter()
		waiters = append(waiters, w)
		h.AwaitReceive(w, h.RecvCount())
	}
	for i := range waiters {
		h.activate(new(End))
		for j, w := range waiters {
			if woken := len(w.C) > 0; woken != (j <= i) {
				t.Errorf("after %d arrivals: receiver %d woken: %v", i+1, j, woken)
			}
		}
	}
}

// What is announced between a try and the wait that follows is not slept over.
func TestAnAnnouncementBeforeTheWaitEndsIt(t *testing.T) {
	var h Hub
	w := NewWaiter()
	recv, send := h.RecvCount(), h.SendCount()
	h.activate(new(End))
	h.announce(new(End))
	if h.AwaitReceive(w, recv) {
		t.Error("a receiver sleeps over an arrival")
	}
	if h.AwaitSend(w, send) {
		t.Error("a sender sleeps over room")
	}
	if !h.AwaitReceive(w, h.RecvCount()) {
		t.Error("a receiver with nothing new does not sleep")
	}
}

// Room wakes every sender: one may wait for this pipe, another for any.
func TestRoomWakesEverySender(t *testing.T) {
	var h Hub
	waiters := []*Waiter{NewWaiter(), NewWaiter(), NewWaiter()}
	for _, w := range waiters {
		h.AwaitSend(w, h.SendCount())
	}
	e := new(End)
	h.announce(e)
	for i, w := range waiters {
		if len(w.C) == 0 {
			t.Errorf("sender %d sleeps on", i)
		}
	}
	var adopted []*End
	h.Writable(func(e *End) { adopted = append(adopted, e) })
	if len(adopted) != 1 || adopted[0] != e || h.HasWritable() {
		t.Errorf("adopted %d ends, news %v", len(adopted), h.HasWritable())
	}
}

// An end that becomes readable while ends are adopted is adopted the next time.
func TestWhatArrivesDuringAdoptionIsAdoptedNext(t *testing.T) {
	var h Hub
	a, b := new(End), new(End)
	h.activate(a)
	var order []*End
	h.Readable(func(e *End) {
		order = append(order, e)
		if e == a {
			h.activate(b)
		}
	})
	if !h.HasReadable() {
		t.Fatal("the second end is forgotten")
	}
	h.Readable(func(e *End) { order = append(order, e) })
	if len(order) != 2 || order[0] != a || order[1] != b {
		t.Errorf("adopted %d ends in another order", len(order))
	}
}
