package pattern

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// everyType runs f for each type.
func everyType(t *testing.T, f func(*testing.T, *Row)) {
	for i := range rows {
		t.Run(rows[i].Name, func(t *testing.T) { f(t, &rows[i]) })
	}
}

func TestASocketWithoutPeers(t *testing.T) {
	always := map[Type]bool{PUB: true, XPUB: true, XSUB: true, ROUTER: true, STREAM: true}
	everyType(t, func(t *testing.T, row *Row) {
		r := newRig(t, row.Type, nil)
		if got := r.CanSend(); got != always[row.Type] {
			t.Errorf("CanSend() = %v", got)
		}
		if r.CanRecv() {
			t.Errorf("CanRecv() = true")
		}
		wantSend, wantRecv := ErrWouldBlock, ErrWouldBlock
		switch {
		case row.Type == STREAM:
			wantSend = ErrHostUnreachable
		case always[row.Type]:
			wantSend = nil
		case row.Type == REP:
			wantSend = ErrState
		case !row.Sends:
			wantSend = ErrUnsupported
		}
		switch {
		case row.Type == REQ:
			wantRecv = ErrState
		case !row.Receives:
			wantRecv = ErrUnsupported
		}
		r.wantSend(wantSend, "a", "b")
		r.wantRecvErr(wantRecv)
	})
}

// join makes a pipe between two sockets of the same process.
func join(t *testing.T, a, b *rig) {
	t.Helper()
	near, far := pipe.New(pipe.Config{Pool: &a.pool})
	near.Join(&a.hub)
	far.Join(&b.hub)
	for _, side := range []struct {
		rig, other *rig
		end        *pipe.End
	}{{a, b, near}, {b, a, far}} {
		name := fmt.Sprintf("%s-%d", side.other.row.Name, len(side.rig.peers))
		p := &peer{rig: side.rig, name: name, end: side.end, peer: &message.Peer{Endpoint: name, Inproc: true}}
		side.rig.peers = append(side.rig.peers, p)
		if !p.attach() {
			t.Fatalf("%s refuses %s", side.rig.row.Name, name)
		}
	}
	for _, r := range []*rig{b, a} {
		if p := r.peers[len(r.peers)-1]; !p.online() {
			t.Fatalf("%s refuses %s", r.row.Name, p.name)
		}
	}
}

// outgoing is what an application sends so that body arrives, with the routing id
// or envelope that the pair of types needs.
func outgoing(from, to Type, id, body string) []string {
	switch {
	case from == ROUTER && to == REQ:
		return []string{id, "", body}
	case from == ROUTER, from == STREAM:
		return []string{id, body}
	case from == DEALER && to == REP:
		return []string{"", body}
	}
	return []string{body}
}

func TestEveryLegalPairTalks(t *testing.T) {
	everyType(t, func(t *testing.T, row *Row) {
		for _, name := range row.Peers {
			other, _ := LookupName(name)
			t.Run(name, func(t *testing.T) { talk(t, row, other) })
		}
	})
}

// talk sends a message from a to b and one back, if they can.
func talk(t *testing.T, rowA, rowB *Row) {
	a, b := newRig(t, rowA.Type, nil), newRig(t, rowB.Type, nil)
	a.opts.ReceiveHighWater, b.opts.ReceiveHighWater = 10, 10
	join(t, a, b)
	for _, r := range []*rig{a, b} {
		switch r.row.Type {
		case SUB:
			r.Pattern.(Subscriber).Subscribe(nil)
			r.after()
		case XSUB:
			r.wantSend(nil, "\x01")
		}
	}
	for _, r := range []*rig{a, b} {
		if r.row.Type == XPUB {
			r.wantRecv("\x01")
		}
	}
	if rowA.Type == REP || rowB.Type == REQ || rowB.Type == DEALER && rowA.Type == ROUTER {
		a, b = b, a // who asks begins
	}
	exchange(t, a, b)
	exchange(t, b, a)
	exchange(t, a, b)
}

// exchange sends one message from a to b, if there is such a way.
func exchange(t *testing.T, a, b *rig) {
	t.Helper()
	if !a.row.Sends || !b.row.Receives {
		return
	}
	if a.row.Type == REP && b.row.Type == REQ && !a.CanSend() {
		t.Fatal("the request has not been received")
	}
	id := string(a.peers[0].end.ID)
	a.adopt()
	if !a.CanSend() {
		t.Fatalf("%s cannot send to %s", a.row.Name, b.row.Name)
	}
	a.wantSend(nil, outgoing(a.row.Type, b.row.Type, id, "hello")...)
	b.adopt()
	if !b.CanRecv() {
		t.Fatalf("%s cannot receive from %s", b.row.Name, a.row.Name)
	}
	if _, frames, err := b.recv(); err != nil || frames[len(frames)-1] != "hello" {
		t.Fatalf("%s receives %q, %v from %s", b.row.Name, frames, err, a.row.Name)
	}
}

// TestAPipeThatIsDetached proves that it is written to no more, though its
// connection comes and goes while what is left is sent, and whatever is said of
// it twice.
func TestAPipeThatIsDetached(t *testing.T) {
	everyType(t, func(t *testing.T, row *Row) {
		r := newRig(t, row.Type, func(o *Options) {
			o.ProbeRouter, o.XPubWelcome, o.RouterNotify = true, []byte("welcome"), 3
		})
		a, never := r.accept("a"), r.pipe("never attached", 0, 0)
		switch s := r.Pattern.(type) {
		case *sub:
			s.Subscribe([]byte("topic"))
			r.after()
		case *xsub:
			r.wantSend(nil, "\x01topic")
		}
		a.gets()
		for range 2 {
			for _, p := range []*peer{a, never} {
				p.detach()
				if !p.online() {
					t.Errorf("the pipe that is %s may not send what is left", p.name)
				}
				if p.end.Online {
					t.Errorf("the pipe that is %s counts as online", p.name)
				}
				r.Offline(p.end)
				if got := p.gets(); got != nil {
					t.Errorf("the pipe that is %s gets %q", p.name, got)
				}
			}
			if s, ok := r.Pattern.(Soloist); ok && s.Solo() != nil {
				t.Error("it is the only pipe")
			}
		}
		notices := 0
		for r.recvOne() {
			notices++
		}
		if row.PrependsID && notices != 2 || !row.PrependsID && notices != 0 {
			t.Errorf("%d messages are received", notices)
		}
		r.Discard(a.end)
		r.Discard(never.end)
		a.detach()
		for _, p := range []*peer{a, never} {
			if p.end.State != nil || p.end.SendRing.Next != nil || p.end.RecvRing.Next != nil {
				t.Errorf("something is kept of the pipe that is %s", p.name)
			}
		}
		b := r.accept("b")
		if s, ok := r.Pattern.(Soloist); ok && s.Solo() != b.end {
			t.Error("the next is not the only pipe")
		}
	})
}

// recvOne reports whether there is a message, and takes it.
func (r *rig) recvOne() bool {
	_, _, err := r.recv()
	return err == nil
}

func TestAnnouncementsAreIgnoredForPipesThatAreNotThere(t *testing.T) {
	everyType(t, func(t *testing.T, row *Row) {
		r := newRig(t, row.Type, nil)
		never := r.pipe("never attached", 0, 0)
		gone := r.accept("gone")
		gone.detach()
		r.Discard(gone.end)
		for _, p := range []*peer{never, gone} {
			p.sends("", "hello")
			r.Readable(p.end)
			r.Writable(p.end)
			if p.end.SendRing.Next != nil || p.end.RecvRing.Next != nil {
				t.Errorf("the pipe that is %s takes part", p.name)
			}
			if got := p.gets(); got != nil {
				t.Errorf("the pipe that is %s gets %q", p.name, got)
			}
		}
		if r.CanRecv() {
			t.Error("something can be received")
		}
	})
}

// TestReceivedFramesStayUntilTheNextRecv has rubbish written into memory that is
// let go too early.
func TestReceivedFramesStayUntilTheNextRecv(t *testing.T) {
	everyType(t, func(t *testing.T, row *Row) {
		if !row.Receives {
			t.Skip("it does not receive")
		}
		r := newRig(t, row.Type, func(o *Options) { o.StreamSilent = true })
		r.pool.Poison = true
		p, q := r.accept("p"), r.accept2("q")
		frames := []string{"", strings.Repeat("large", 10000), "small"}
		switch s := r.Pattern.(type) {
		case *sub:
			s.Subscribe(nil)
		case *req:
			r.wantSend(nil, "?")
		}
		for range 3 {
			p.sends(frames...)
		}
		r.adopt()
		var m message.Message
		if _, err := r.Recv(&m); err != nil {
			t.Fatal(err)
		}
		got := m.Frames
		p.sends(frames...)
		if q != nil {
			q.sends(frames...)
			q.detach()
			r.Discard(q.end)
		}
		if row.Type != XPUB { // its frames are copied at once
			r.adopt()
		}
		want := frames
		switch {
		case row.PrependsID:
			want = append([]string{string(p.end.ID)}, frames...)
		case row.Type == REQ || row.Type == REP:
			want = frames[1:]
		}
		if len(got) != len(want) {
			t.Fatalf("Recv = %d frames, want %d", len(got), len(want))
		}
		for i := range want {
			if string(got[i]) != want[i] {
				t.Errorf("frame %d is %.20q, want %.20q", i, got[i], want[i])
			}
		}
	})
}

// accept2 is accept for a second peer, which a PAIR does not take: nil.
func (r *rig) accept2(name string) *peer {
	if r.row.Type == PAIR {
		return nil
	}
	return r.accept(name)
}

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
	case nil, ErrInvalid:
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
