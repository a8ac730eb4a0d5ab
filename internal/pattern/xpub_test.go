package pattern

import (
	"fmt"
	"strings"
	"testing"
)

func TestASenderHearsOfACancellationThatLetsItGo(t *testing.T) {
	for _, typ := range []Type{PUB, XPUB} {
		r := newRig(t, typ, func(o *Options) { o.XPubNoDrop = true })
		a := r.pipe("a", 1, 0)
		if !a.attach() || !a.online() {
			t.Fatal("a is refused")
		}
		a.subscribes("x")
		r.wantSend(nil, "x1")
		r.wantSend(ErrWouldBlock, "x2")
		a.cancels("x")
		if r.tries == 0 {
			t.Errorf("type %d: a sender that waits for a is not woken", typ)
		}
		r.wantSend(nil, "x2")
	}
}

// TestReportsDoNotPileUp has a peer change its mind for ever and nobody receive:
// what it sends stays in its pipe, where the receive mark stops it.
func TestReportsDoNotPileUp(t *testing.T) {
	r := newRig(t, XPUB, func(o *Options) { o.ReceiveHighWater = 10 })
	a := r.accept("a")
	for range 1000 {
		a.subscribes("x")
		a.cancels("x")
	}
	p := r.Pattern.(*xpub)
	if n := p.reports.len(); n != 11 {
		t.Errorf("%d reports wait", n)
	}
	if unread := a.end.Waiting(); unread < 1900 {
		t.Errorf("%d messages are left in the pipe", unread)
	}
	for i := range 2000 {
		r.wantRecv([]string{"\x01x", "\x00x"}[i%2])
	}
	r.wantRecvErr(ErrWouldBlock)
}

// TestAPeerWithManyTopicsIsNotStopped has one subscribe to more topics than the
// mark: that is no change of mind.
func TestAPeerWithManyTopicsIsNotStopped(t *testing.T) {
	r := newRig(t, XPUB, func(o *Options) { o.ReceiveHighWater = 10 })
	a := r.accept("a")
	for i := range 1000 {
		a.subscribes(fmt.Sprint(i))
	}
	if n := r.Pattern.(TopicCounter).TopicsCount(); n != 1000 {
		t.Errorf("%d topics", n)
	}
	for i := range 1000 {
		r.wantRecv("\x01" + fmt.Sprint(i))
	}
}

func TestReportsUseTheirMemoryAgain(t *testing.T) {
	r := newRig(t, XPUB, nil)
	a := r.accept("a")
	large := strings.Repeat("x", 10000)
	for range 3 {
		for i := range 1000 {
			a.sends("user", fmt.Sprint(i), large)
			if i%2 == 0 {
				r.wantRecv(fmt.Sprintf("user|%d|%s", i/2, large))
			}
		}
		for i := 500; i < 1000; i++ {
			r.wantRecv(fmt.Sprintf("user|%d|%s", i, large))
		}
		r.wantRecvErr(ErrWouldBlock)
		q := &r.Pattern.(*xpub).reports
		if cap(q.octets) > roomyQueue || len(q.entries) > 0 {
			t.Errorf("an empty queue keeps %d octets", cap(q.octets))
		}
	}
}
