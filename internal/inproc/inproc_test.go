package inproc

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// A side is a socket in the eyes of its neighbours.
type side struct {
	name    string
	cfg     pipe.Config
	pool    message.Pool
	hub     pipe.Hub
	closed  bool // takes no pipes
	refuses bool // serves no peer
	// onAttach is called with what is taken; nil: nothing is.
	onAttach func(*Link)

	mu    sync.Mutex // guards what follows
	calls []string
	ends  []*pipe.End
	links []*Link
	peers []*message.Peer
}

func (s *side) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *side) Peer() *message.Peer { return &message.Peer{SocketType: s.name, Inproc: true} }

func (s *side) Pipe() pipe.Config {
	c := s.cfg
	c.Pool = &s.pool
	return c
}

func (s *side) Attach(e *pipe.End, l *Link) bool {
	s.note("attach")
	if s.closed {
		return false
	}
	e.Join(&s.hub)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, e)
	s.links = append(s.links, l)
	if s.onAttach != nil {
		s.onAttach(l)
	}
	return true
}

func (s *side) Online(_ *pipe.End, peer *message.Peer) bool {
	s.note("online")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, peer)
	return !s.refuses
}

func (s *side) Detach(*pipe.End, *Link) { s.note("detach") }

func (s *side) heard() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.calls)
}

// send sends a message over the first pipe of a side.
func (s *side) send(text string) pipe.Status {
	st := s.ends[0].Write(&message.Message{Frames: [][]byte{[]byte(text)}})
	later := s.hub.Later()
	later.Now()
	return st
}

// recv returns what has arrived over the first pipe.
func (s *side) recv() (all []string) {
	var m message.Message
	for s.ends[0].Read(&m) == pipe.OK {
		all = append(all, string(m.Frames[0]))
	}
	return all
}

func TestEitherSideMayComeFirst(t *testing.T) {
	for _, bindFirst := range []bool{true, false} {
		var r Registry
		a, b := &side{name: "PUSH"}, &side{name: "PULL"}
		if bindFirst {
			if err := r.Bind("name", b); err != nil {
				t.Fatal(err)
			}
		}
		r.Connect("name", a, nil)
		a.send("one")
		if !bindFirst {
			if err := r.Bind("name", b); err != nil {
				t.Fatal(err)
			}
		}
		a.send("two")
		if got := b.recv(); fmt.Sprint(got) != "[one two]" {
			t.Errorf("bound first %v: received %q", bindFirst, got)
		}
		b.send("back")
		if got := a.recv(); fmt.Sprint(got) != "[back]" {
			t.Errorf("bound first %v: received back %q", bindFirst, got)
		}
		if a.heard() != "[attach online]" || b.heard() != "[attach online]" {
			t.Errorf("bound first %v: calls %s, %s", bindFirst, a.heard(), b.heard())
		}
		if a.peers[0].SocketType != "PULL" || b.peers[0].SocketType != "PUSH" {
			t.Errorf("bound first %v: the peers are %+v and %+v", bindFirst, a.peers[0], b.peers[0])
		}
	}
}

func TestANameIsBoundOnce(t *testing.T) {
	var r Registry
	a, b := &side{}, &side{}
	if err := r.Bind("name", a); err != nil {
		t.Fatal(err)
	}
	if err := r.Bind("name", b); !errors.Is(err, ErrInUse) {
		t.Errorf("bound twice: %v", err)
	}
	if r.Unbind("name", b) {
		t.Error("a name was taken from its owner by another")
	}
	if !r.Unbind("name", a) || r.Unbind("name", a) {
		t.Error("Unbind does not tell whether the name was bound")
	}
	if err := r.Bind("name", b); err != nil {
		t.Errorf("bound after it was free: %v", err)
	}
}

// A name goes from one to another at a stroke, and from nobody else.
func TestANameIsTakenOver(t *testing.T) {
	var r Registry
	a, b, c := &side{}, &side{}, &side{}
	if err := r.Rebind("name", nil, a); err != nil {
		t.Fatal(err)
	}
	if err := r.Rebind("name", c, b); !errors.Is(err, ErrInUse) {
		t.Errorf("taken from one that does not have it: %v", err)
	}
	if err := r.Rebind("name", a, b); err != nil {
		t.Errorf("taken from its owner: %v", err)
	}
	if r.Unbind("name", a) || !r.Unbind("name", b) {
		t.Error("the name is not the other's")
	}
	if err := r.Rebind("name", a, c); err != nil {
		t.Errorf("a free name: %v", err)
	}
}

// A pipe holds as many messages as the two marks together, and any number when
// either is none.
func TestMarksOfBothSidesAddUp(t *testing.T) {
	for _, test := range []struct{ send, recv, want int }{{2, 3, 5}, {1, 1, 2}, {0, 3, 100}, {3, 0, 100}} {
		var r Registry
		a, b := &side{cfg: pipe.Config{SendMark: test.send}}, &side{cfg: pipe.Config{RecvMark: test.recv}}
		_ = r.Bind("name", b)
		r.Connect("name", a, nil)
		n := 0
		for n < 100 && a.send("x") == pipe.OK {
			n++
		}
		if n != test.want {
			t.Errorf("%d messages at marks of %d and %d, want %d", n, test.send, test.recv, test.want)
		}
	}
}

// Until somebody binds the name the mark is the sender's own; room that the receiver
// adds is announced.
func TestABinderAddsRoom(t *testing.T) {
	var r Registry
	a, b := &side{cfg: pipe.Config{SendMark: 2}}, &side{cfg: pipe.Config{RecvMark: 2}}
	r.Connect("name", a, nil)
	if a.send("1") != pipe.OK || a.send("2") != pipe.OK || a.send("3") != pipe.Full {
		t.Fatal("the mark of a pipe without a second end is not the sender's")
	}
	_ = r.Bind("name", b)
	if !a.hub.HasWritable() || a.send("3") != pipe.OK || a.send("4") != pipe.OK || a.send("5") != pipe.Full {
		t.Error("the mark of the pipe is not that of both")
	}
}

func TestTheOtherSideHearsOfAnEnd(t *testing.T) {
	for _, connecterFirst := range []bool{true, false} {
		var r Registry
		a, b := &side{}, &side{}
		_ = r.Bind("name", b)
		l := r.Connect("name", a, nil)
		a.send("still there")
		b.send("still there")
		first, second := a, b
		if !connecterFirst {
			first, second = b, a
		}
		l.Close(first.ends[0])
		l.Close(first.ends[0])
		if got := second.heard(); got != "[attach online detach]" {
			t.Errorf("the other side heard %s", got)
		}
		if got := second.recv(); fmt.Sprint(got) != "[still there]" {
			t.Errorf("the other side received %q", got)
		}
		l.Close(second.ends[0])
		if got := first.heard(); got != "[attach online]" {
			t.Errorf("who closed first heard %s", got)
		}
	}
}

// What was sent before anybody bound the name arrives, though the sender has gone.
func TestASenderNeedNotWaitForTheBinder(t *testing.T) {
	var r Registry
	a, b := &side{}, &side{}
	l := r.Connect("name", a, nil)
	a.send("a bottle")
	l.Close(a.ends[0])
	_ = r.Bind("name", b)
	if got := b.heard(); got != "[attach online detach]" {
		t.Errorf("the binder heard %s", got)
	}
	if got := b.recv(); fmt.Sprint(got) != "[a bottle]" {
		t.Errorf("received %q", got)
	}
	if got := a.heard(); got != "[attach]" {
		t.Errorf("the sender, who has gone, heard %s", got)
	}
}

// A side that refuses hears of no pipe that it has to do with any further; the other
// hears that it is over.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name               string
		a, b               *side
		connecter, binding string
	}{
		{"the binder is closed", &side{}, &side{closed: true}, "[attach detach]", "[attach]"},
		{"the binder does not serve the peer", &side{}, &side{refuses: true}, "[attach detach]", "[attach online detach]"},
		{"the connecter does not serve the peer", &side{refuses: true}, &side{}, "[attach online detach]", "[attach online detach]"},
	} {
		for _, bindFirst := range []bool{true, false} {
			a, b := &side{refuses: test.a.refuses}, &side{refuses: test.b.refuses, closed: test.b.closed}
			var r Registry
			if bindFirst {
				_ = r.Bind("name", b)
			}
			r.Connect("name", a, nil)
			if !bindFirst {
				_ = r.Bind("name", b)
			}
			if a.heard() != test.connecter || b.heard() != test.binding {
				t.Errorf("%s, bound first %v: connecter heard %s, want %s; binder %s, want %s",
					test.name, bindFirst, a.heard(), test.connecter, b.heard(), test.binding)
			}
			if st := a.send("x"); st != pipe.Closed {
				t.Errorf("%s: the pipe takes messages: %v", test.name, st)
			}
		}
	}
	a := &side{closed: true}
	var r Registry
	if l := r.Connect("name", a, nil); l != nil || len(r.waiting) > 0 {
		t.Error("a closed socket has connected")
	}
}

// A link that is dropped gives back what was lent to it.
func TestADroppedLinkGivesBackWhatWasLent(t *testing.T) {
	var r Registry
	a := &side{}
	l := r.Connect("name", a, nil)
	released := 0
	o := message.NewOwner(func() { released++ })
	a.ends[0].Write(&message.Message{Frames: [][]byte{make([]byte, message.LargeFrame)}, Owned: o})
	o.Release()
	l.Close(a.ends[0])
	if released != 0 {
		t.Fatal("what waits for a binder was given back")
	}
	l.Drop()
	l.Drop()
	if released != 1 {
		t.Errorf("the owner was told %d times", released)
	}
	b := &side{}
	_ = r.Bind("name", b)
	if got := b.heard(); got != "[]" {
		t.Errorf("a dropped link was joined: %s", got)
	}
}

// Only a link that waits, or will, has a timer, and none when it waits no more: nothing
// holds what both sides had.
func TestALinkHasATimerOnlyWhileItMayWait(t *testing.T) {
	for name, test := range map[string]struct {
		// live makes a link and has its timer set, and lets it be joined or dropped.
		live func(r *Registry, a, b *side, later func(*Link)) *Link
		// How often the timer is set and stopped.
		set, stopped int
	}{
		"joined before": {func(r *Registry, a, b *side, later func(*Link)) *Link {
			_ = r.Bind("name", b)
			l := r.Connect("name", a, nil)
			later(l)
			return l
		}, 0, 0},
		"joined before, or not at all": {func(r *Registry, a, b *side, later func(*Link)) *Link {
			_ = r.Bind("name", b)
			l := r.ConnectBound("name", a, func(*message.Peer) bool { return true })
			later(l)
			return l
		}, 0, 0},
		"joined after": {func(r *Registry, a, b *side, later func(*Link)) *Link {
			l := r.Connect("name", a, nil)
			later(l)
			later(l) // again
			_ = r.Bind("name", b)
			return l
		}, 1, 1},
		"closed while it connects": {func(r *Registry, a, b *side, later func(*Link)) *Link {
			_ = r.Bind("name", b)
			a.onAttach = later
			return r.Connect("name", a, nil)
		}, 1, 1},
		"closed while it connects to who is there": {func(r *Registry, a, b *side, later func(*Link)) *Link {
			_ = r.Bind("name", b)
			a.onAttach = later
			return r.ConnectBound("name", a, func(*message.Peer) bool { return true })
		}, 1, 1},
		"closed before it waits": {func(r *Registry, a, _ *side, later func(*Link)) *Link {
			a.onAttach = later
			return r.Connect("name", a, nil)
		}, 1, 0},
		"dropped before": {func(r *Registry, a, _ *side, later func(*Link)) *Link {
			l := r.Connect("name", a, nil)
			l.Drop()
			later(l)
			return l
		}, 0, 0},
		"dropped after": {func(r *Registry, a, _ *side, later func(*Link)) *Link {
			l := r.Connect("name", a, nil)
			later(l)
			l.Drop()
			return l
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var r Registry
			var due func()
			set, stopped := 0, 0
			l := test.live(&r, &side{}, &side{}, func(l *Link) {
				l.DropLater(func(f func()) (stop func() bool) {
					set++
					due = f
					return func() bool { stopped++; return true }
				})
			})
			if set != test.set || stopped != test.stopped {
				t.Errorf("set %d times and stopped %d times, want %d and %d", set, stopped, test.set, test.stopped)
			}
			if set > stopped {
				due()
			}
			if l.stop != nil || len(r.waiting) > 0 {
				t.Errorf("the timer is kept: %v; %d names are waited for", l.stop != nil, len(r.waiting))
			}
		})
	}
}

// A link that is closed before anybody has joined it waits on only if something
// was sent: sockets that come and go at a name that nobody binds leave nothing.
func TestAnEmptyLinkDoesNotWaitOn(t *testing.T) {
	for sent, want := range map[bool]int{false: 0, true: 1} {
		var r Registry
		a := &side{}
		l := r.Connect("name", a, nil)
		if sent {
			a.send("x")
		}
		l.Close(l.near)
		if n := len(r.waiting["name"]); n != want {
			t.Errorf("something sent %v: %d links wait, want %d", sent, n, want)
		}
	}
}

// Whoever binds, connects, closes and unbinds at once: every pipe is told of to both
// sides, and over for both in the end.
func TestManyAtOnce(t *testing.T) {
	for range 200 {
		var r Registry
		b := &side{}
		var all sync.WaitGroup
		sides := make([]*side, 4)
		for i := range sides {
			sides[i] = &side{}
			all.Go(func() {
				l := r.Connect("name", sides[i], nil)
				sides[i].send("x")
				if i%2 == 0 {
					l.Close(l.near)
				}
			})
		}
		all.Go(func() {
			if err := r.Bind("name", b); err != nil {
				t.Error(err)
			}
		})
		all.Wait()
		if len(b.ends) != len(sides) {
			t.Fatalf("%d pipes at the binder, want %d", len(b.ends), len(sides))
		}
		got, detached := 0, 0
		for _, e := range b.ends {
			var m message.Message
			for e.Read(&m) == pipe.OK {
				got++
			}
		}
		for _, call := range b.calls {
			if call == "detach" {
				detached++
			}
		}
		if got != len(sides) || detached < len(sides)/2 {
			t.Fatalf("%d messages came of %d, %d of %d pipes ended", got, len(sides), detached, len(sides)/2)
		}
	}
}
