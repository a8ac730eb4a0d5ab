package pipe

import (
	"sync"
	"sync/atomic"
	"testing"

	"zeromux/internal/message"
)

// attentive is a Watcher that counts.
type attentive struct{ n atomic.Int64 }

func (c *attentive) Noticed() { c.n.Add(1) }

// told checks how often it was told since the last time.
func (c *attentive) told(t *testing.T, want int64) {
	t.Helper()
	if got := c.n.Swap(0); got != want {
		t.Errorf("told %d times, want %d", got, want)
	}
}

func TestAWatcherIsToldWhatWaitersAreTold(t *testing.T) {
	var h Hub
	var in, out, both attentive
	h.Turned()
	h.WatchReceive(&in)
	h.WatchReceive(&both)
	h.WatchSend(&out)
	h.WatchSend(&both)
	h.WakeReceivers()
	h.PassReceive()
	in.told(t, 2)
	out.told(t, 0)
	both.told(t, 2)
	h.WakeSenders()
	in.told(t, 0)
	out.told(t, 1)
	both.told(t, 1)
	h.Turned()
	in.told(t, 1)
	out.told(t, 1)
	both.told(t, 2)
	h.IgnoreReceive(&both)
	h.IgnoreReceive(&both) // who is not there is none to take off
	h.IgnoreSend(&in)
	h.WakeReceivers()
	h.WakeSenders()
	in.told(t, 1)
	out.told(t, 1)
	both.told(t, 1)
	h.IgnoreReceive(&in)
	h.IgnoreSend(&out)
	h.IgnoreSend(&both)
	h.Turned()
	in.told(t, 0)
	both.told(t, 0)
	if h.watched.Load() != 0 {
		t.Errorf("%d are left", h.watched.Load())
	}
}

// Messages come one by one to a reader that looks once each time that it is told, and
// finds nothing in between.
func TestAWatcherIsToldOfEachMessageThatIsTheOnlyOne(t *testing.T) {
	const n = 2000
	c := newCrowd(Config{SendMark: 3, RecvMark: -1})
	w := &ringing{bell: make(chan struct{}, 1)}
	c.toHub.WatchReceive(w)
	var other sync.WaitGroup
	done := make(chan struct{})
	other.Go(func() { // another watcher comes and goes
		for {
			select {
			case <-done:
				return
			default:
				x := new(attentive)
				c.toHub.WatchReceive(x)
				c.toHub.IgnoreReceive(x)
			}
		}
	})
	other.Go(func() {
		for range n {
			c.send(&message.Message{Frames: [][]byte{{1}}})
		}
	})
	read := func() (k int) {
		var m message.Message
		c.recvMu.Lock()
		defer c.recvMu.Unlock()
		c.toHub.Readable(func(*End) {})
		for c.to.Read(&m) == OK {
			k++
		}
		return k
	}
	for got := read(); got < n; got += read() {
		<-w.bell
	}
	close(done)
	other.Wait()
}

// ringing is a Watcher that rings.
type ringing struct{ bell chan struct{} }

func (r *ringing) Noticed() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}
