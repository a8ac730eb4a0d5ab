package pattern

import (
	"fmt"
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
