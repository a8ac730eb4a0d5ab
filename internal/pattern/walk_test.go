package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/message"
)

// A walk does anything that a socket, a peer and an application may do, in
// random order, and holds the pattern to what every pattern promises.
type walk struct {
	*rig
	rand *rand.Rand
	live []*peer // attached
	gone []*peer // detached, not discarded
	made int
}

func TestRandomWalks(t *testing.T) {
	everyType(t, func(t *testing.T, row *Row) {
		for seed := range uint64(20) {
			w := &walk{rig: newRig(t, row.Type, nil), rand: rand.New(rand.NewPCG(seed, 7))}
			for range 300 {
				w.step()
				w.check()
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
			w.end()
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		}
	})
}

// one chooses a peer, or returns nil if there is none.
func (w *walk) one(of []*peer) *peer {
	if len(of) == 0 {
		return nil
	}
	return of[w.rand.IntN(len(of))]
}

func (w *walk) text() string {
	return []string{"", "a", "\x01", "\x01a", "\x00a", "\x00", "ab", "four", "\x00abcd"}[w.rand.IntN(9)]
}

func (w *walk) texts() (frames []string) {
	for range 1 + w.rand.IntN(4) {
		frames = append(frames, w.text())
	}
	return frames
}

func (w *walk) step() {
	p := w.one(w.live)
	switch k := w.rand.IntN(20); {
	case k == 0 || p == nil:
		w.add()
	case k == 1 && !p.end.Online && p.end.Connecting:
		w.connected(p)
	case k == 2 && p.end.Online && p.end.Connecting:
		p.offline()
	case k == 3:
		w.drop(p)
	case k == 4 && len(w.gone) > 0:
		i := w.rand.IntN(len(w.gone))
		if got := w.gone[i].gets(); got != nil {
			w.t.Errorf("%s gets %q after it has gone", w.gone[i].name, got)
		}
		w.Discard(w.gone[i].end)
		w.gone = append(w.gone[:i], w.gone[i+1:]...)
	case k == 5:
		w.option()
	case k == 6:
		if s, ok := w.Pattern.(Subscriber); ok {
			s.Subscribe([]byte(w.text()))
			w.after()
		}
	case k == 7:
		if s, ok := w.Pattern.(Subscriber); ok {
			s.Unsubscribe([]byte(w.text()))
			w.after()
		}
	case k < 11 && p.end.Online:
		w.arrive(p)
	case k < 13:
		p.gets()
	case k < 16:
		w.trySend()
	default:
		w.tryRecv()
	}
}

func (w *walk) add() {
	if len(w.live) > 4 {
		return
	}
	w.made++
	p := w.pipe(fmt.Sprint(w.made), w.rand.IntN(3), 0)
	p.end.Connecting = w.rand.IntN(2) == 0
	if p.end.Connecting && w.rand.IntN(2) == 0 {
		p.end.WantID = []byte(w.text())
	}
	if !p.attach() {
		return
	}
	w.live = append(w.live, p)
	if !p.end.Connecting {
		w.connected(p)
	}
}

func (w *walk) connected(p *peer) {
	p.peer = &message.Peer{Endpoint: p.name, RoutingID: []byte(w.text()), Inproc: w.rand.IntN(2) == 0}
	if !p.online() {
		w.drop(p)
	}
}

func (w *walk) drop(p *peer) {
	p.gets()
	p.detach()
	if w.rand.IntN(2) == 0 {
		p.far.CloseWrite()
		p.far.CloseRead()
	}
	for i := range w.live {
		if w.live[i] == p {
			w.live = append(w.live[:i], w.live[i+1:]...)
			break
		}
	}
	w.gone = append(w.gone, p)
}

func (w *walk) option() {
	o := &w.opts
	flags := []*bool{
		&o.RouterMandatory, &o.RouterHandover, &o.ProbeRouter, &o.ReqCorrelate, &o.ReqRelaxed,
		&o.XPubVerbose, &o.XPubVerboser, &o.XPubManual, &o.XPubManualLastValue, &o.XPubNoDrop,
		&o.InvertMatching, &o.OnlyFirstSubscribe, &o.XSubVerboseUnsubscribe, &o.StreamSilent,
	}
	f := flags[w.rand.IntN(len(flags))]
	*f = !*f
	o.RouterNotify = w.rand.IntN(4)
	o.MaxSubscriptions = w.rand.IntN(4)
	o.ReceiveHighWater = w.rand.IntN(3)
}

func (w *walk) arrive(p *peer) {
	switch {
	case w.row.Publisher && w.rand.IntN(3) == 0:
		p.subscribes(w.text())
	case w.row.Publisher && w.rand.IntN(3) == 0:
		p.cancels(w.text())
	default:
		p.sends(w.texts()...)
	}
}

func (w *walk) trySend() {
	frames := w.texts()
	if p := w.one(w.live); p != nil && w.row.PrependsID && w.rand.IntN(3) > 0 {
		frames = append([]string{string(p.end.ID)}, frames...)
	}
	w.adopt()
	can := w.CanSend()
	w.notes = nil
	switch err := w.send(frames...); err {
	case nil, ErrInvalid, errStreamFrames:
		if !can && !(w.row.Type == ROUTER && len(frames) < 2) {
			w.t.Errorf("Send(%q) = %v, and CanSend was false", frames, err)
		}
	case ErrWouldBlock:
		// With many peers, CanSend speaks of none in particular, and a REQ may
		// find out only now that its last peer is not worth asking.
		expelled := slices.ContainsFunc(w.notes, func(s string) bool { return strings.HasPrefix(s, "expels") })
		if can && !w.row.PrependsID && !w.row.Publisher && !expelled {
			w.t.Errorf("Send(%q) would block, and CanSend was true", frames)
		}
	case ErrState, ErrUnsupported:
		if can {
			w.t.Errorf("Send(%q) = %v, and CanSend was true", frames, err)
		}
	case ErrHostUnreachable:
		if !w.row.PrependsID {
			w.t.Errorf("Send(%q) = %v", frames, err)
		}
	default:
		w.t.Errorf("Send(%q) = %v", frames, err)
	}
}

func (w *walk) tryRecv() {
	w.adopt()
	look := w.rand.IntN(2) == 0
	can := look && w.CanRecv()
	_, frames, err := w.recv()
	switch err {
	case nil:
		if look && !can {
			w.t.Errorf("Recv = %q, and CanRecv was false", frames)
		}
		if len(frames) == 0 {
			w.t.Error("a message without frames")
		}
	case ErrWouldBlock, ErrState, ErrUnsupported:
		if can {
			w.t.Errorf("Recv = %v, and CanRecv was true", err)
		}
	default:
		w.t.Errorf("Recv = %v", err)
	}
}

// check has a peer send what must be receivable, when nothing else is: whoever
// waits must hear of it.
func (w *walk) check() {
	if w.adopt(); w.CanRecv() {
		return
	}
	p := w.one(w.live)
	if p == nil || !p.end.Online {
		return
	}
	frames := []string{"hello"}
	switch s := w.Pattern.(type) {
	case pub, *push:
		return
	case *sub:
		if s.topics.Matches([]byte("hello")) == w.opts.InvertMatching {
			return
		}
	case *xpub:
		if subscriberOf(p.end).refused {
			return
		}
	case *req:
		if !s.awaiting || s.asked != p.end || standingOf(p.end) != served || w.opts.ReqCorrelate {
			return
		}
		frames = []string{"", "hello"}
	case *rep:
		if s.replying {
			return
		}
		frames = []string{"", "hello"}
	case *stream:
		if callerOf(p.end).closing {
			return
		}
	}
	looks := w.looks
	p.sends(frames...)
	if !w.hub.HasReadable() && w.looks == looks {
		w.t.Errorf("%s has sent %q and nobody is told", p.name, frames)
	}
	if w.adopt(); !w.CanRecv() {
		w.t.Errorf("%s has sent %q and it cannot be received", p.name, frames)
	}
	if _, got, err := w.recv(); err != nil || got[len(got)-1] != "hello" {
		w.t.Errorf("%s has sent %q and %q, %v is received", p.name, frames, got, err)
	}
	if w.row.Type == REP {
		w.wantSend(nil, "reply")
	}
}

// end takes every peer away and looks whether anything is kept of them.
func (w *walk) end() {
	for len(w.live) > 0 {
		w.drop(w.live[0])
	}
	for _, p := range w.gone {
		w.Discard(p.end)
		if got := p.gets(); got != nil {
			w.t.Errorf("%s gets %q after it has gone", p.name, got)
		}
	}
	for _, p := range w.peers {
		if p.end.State != nil || p.end.SendRing.Next != nil || p.end.RecvRing.Next != nil {
			w.t.Errorf("something is kept of %s", p.name)
		}
	}
	for range 100000 {
		if _, err := w.Recv(&message.Message{}); err != nil {
			break
		}
	}
	if w.CanRecv() {
		w.t.Error("something can be received from nobody")
	}
	switch s := w.Pattern.(type) {
	case TopicCounter:
		if n := s.TopicsCount(); n > 0 && w.row.Publisher {
			w.t.Errorf("%d topics of nobody", n)
		}
	case *router:
		if n := s.book.Len(); n > 0 {
			w.t.Errorf("%d routing ids of nobody", n)
		}
	case *stream:
		if n := s.book.Len(); n > 0 {
			w.t.Errorf("%d routing ids of nobody", n)
		}
	}
}
