package model

import "testing"

// This is direct mode: one connection, the background, two applications that receive,
// a peer that sends, and whoever else wakes an application or ends the connection.
// A message is one octet, whole as soon as it is there. Left out are what messages
// hold, heartbeats, commands, the sending side, and the first try of a call, which is
// like all others.

// deadline is that of reading, as the Go runtime's poller has it.
type deadline uint8

const (
	never deadline = iota
	later
	past
)

// reading is who reads, as in package engine.
type reading uint8

const (
	unread reading = iota
	inBackground
	led
)

// directState is what they share.
type directState struct {
	// The descriptor, and what the Go runtime's poller knows of it.
	unsent, octets uint8 // messages that the peer has yet to send, that are there to be read
	fin            bool  // after unsent nothing will come
	ready          bool  // something came since the poller was last asked
	deadline       deadline
	shut           bool // closed

	// connection, gate, parked
	aborted uint8 // connection.once: 1 under way, 2 done
	dead    bool  // gate.dead is closed
	stirred bool
	waiting bool // parked.waiting
	room    bool // gate.room holds a signal

	interest bool // of a loop: it waits for the descriptor

	// turn
	state               reading
	want, urgent, rests bool
	moved               bool // times is not what the background has seen
	fresh               bool // what look is called with
	wake                bool // turn.wake holds a signal

	// zmtpIn
	inMu   bool
	held   uint8 // read, and not handed on
	paused bool

	// The queue to the application, and the cursor of its reader.
	recvMu         bool
	n, taken, used uint8 // used: not yet acknowledged
	idle, full     bool
	listed         bool  // the pipe is announced
	turns          bool  // it is in the rotation
	gone           bool  // nobody will read
	other          uint8 // messages in another pipe of the socket
	yet            uint8 // and that will be

	hub hubState

	closed bool    // Socket.dead
	late   bool    // the time of a call that has a timeout is over
	done   bool    // the context of a call that has one has ended
	after  uint8   // context.AfterFunc: 1 registered, 2 begun, 3 half done
	waited [2]bool // waiting.waiter is set
	got    [2]bool // a try was successful
	result [2]result

	move readMove

	app                       [2]place
	bg, closer, timer, feeder place
}

// result is what leadOn returns.
type result uint8

const (
	signalled result = iota
	gaveUp           // the time is over, or the context has ended
	notOurs          // somebody else has to read
)

// direct is what varies.
type direct struct {
	messages uint8 // that the peer sends
	other    uint8 // that come over another pipe
	mark     uint8 // 0: none
	step     uint8 // messages between acknowledgements
	ends     bool  // the peer hangs up
	closes   bool  // the application closes the socket
	looped   bool  // a loop reads, instead of the background and applications
	moves    bool  // a loop reads once the connection has moved there
	alone    bool  // there is one application
	silent   bool  // and nobody writes
	times    bool  // the first application has a context that may end, the second a timeout
	broken   string
}

func (c direct) is(fault string) bool { return c.broken == fault }

func (c direct) fault() string { return c.broken }

func (c direct) model() *model[directState] {
	m := &model[directState]{start: directState{
		unsent: c.messages, yet: c.other, state: inBackground, bg: backBegins, idle: true,
	}}
	c.peer(m)
	c.application(m, 0)
	if !c.alone {
		c.application(m, 1)
	}
	switch {
	case c.looped:
		m.start.interest = true
		c.loop(m)
	case c.moves:
		m.start.bg = backMoves
		c.background(m)
		c.loop(m)
		c.moving(m)
	default:
		c.background(m)
	}
	c.closing(m)
	m.always = func(s *directState) string {
		readers := 0
		for i := range s.app {
			if appLeads <= s.app[i] && s.app[i] <= appLeaves {
				readers++
			}
			if s.app[i] == appAwaits && s.hub.sig[i] {
				return "a waiter is used that holds an old signal"
			}
		}
		if s.bg <= backGives && !c.looped || backMoves <= s.bg && s.bg <= backPosts {
			readers++
		}
		if c.moves && loopRoom <= s.move.loop && s.move.loop < loopLooks {
			readers++
		}
		if c.moves && s.interest && !s.move.started {
			return "a loop is to read what it has not begun with"
		}
		if readers > 1 {
			return "two read at once"
		}
		return ""
	}
	m.atRest = c.atRest
	m.forget = (*directState).forget
	return m
}

// forget clears what will be written before it is read.
func (s *directState) forget() {
	polls := backBegins < s.bg && s.bg < backCalms
	for i, at := range s.app {
		polls = polls || appReads < at && at < appStirred
		if !(at == appTries || at == appAwaits || appRoomy <= at && at < appPassesOn) {
			s.hub.stale[i] = false
		}
		if at == appAway {
			s.waited[i] = false
		}
		if !(appRoomy <= at && at < appPassesOn) {
			s.got[i] = false
		}
	}
	s.ready = s.ready && polls
	s.moved = s.moved && (s.bg == backLooks || s.bg == backTicks)
	if !s.hub.lock {
		s.hub.popped = 0
	}
}

func (c direct) atRest(s *directState) string {
	stalled := s.paused && s.full && s.has() > c.mark/2 // rightly
	for i := range s.app {
		switch {
		case s.app[i] == appAway:
		case s.closed:
			return "an application is in a call of a socket that is closed"
		case s.n+s.taken+s.other > 0:
			return "an application sleeps and a message waits"
		case s.late && i == 1:
			return "an application sleeps although its time is over"
		case s.done && i == 0:
			return "an application sleeps although its context has ended"
		}
	}
	over := s.closed || s.fin && s.unsent == 0 && !stalled
	switch {
	case !over && !stalled && s.move.wanted && !s.move.moved:
		return "the connection was to move and has not"
	case over != (s.bg == backOver || s.move.loop == backOver):
		return "the connection ought to have ended, or ought not"
	case s.held+s.octets > 0 && !stalled && !over:
		return "a message is held back, or not read"
	}
	return ""
}

func TestDirectMode(t *testing.T) {
	holds(t, []held{
		{always, "messages come", direct{messages: 2}.model()},
		{always, "the peer hangs up", direct{messages: 1, ends: true}.model()},
		{always, "the mark is reached", direct{messages: 2, mark: 1}.model()},
		{usually, "messages come over another pipe as well", direct{messages: 1, other: 1}.model()},
		{usually, "the socket is closed", direct{messages: 1, closes: true}.model()},
		{usually, "a call gives up", direct{messages: 1, times: true}.model()},
		{usually, "the mark is reached by two", direct{messages: 3, mark: 2}.model()},
		{deeply, "four messages come", direct{messages: 4}.model()},
		{deeply, "messages come in turn over two pipes", direct{messages: 2, other: 1}.model()},
		{deeply, "two calls give up", direct{messages: 2, times: true}.model()},
		{deeply, "messages come until the socket is closed", direct{messages: 2, closes: true}.model()},
		{deeply, "messages are acknowledged by twos", direct{messages: 5, mark: 4, step: 2}.model()},
		{deeply, "the mark is reached when the socket is closed", direct{messages: 3, mark: 2, closes: true}.model()},
	})
}

func TestTheMarkInALoop(t *testing.T) {
	holds(t, []held{
		{always, "the mark is one", direct{messages: 3, mark: 1, looped: true}.model()},
		{usually, "the mark is two", direct{messages: 4, mark: 2, looped: true}.model()},
		{usually, "the peer hangs up", direct{messages: 3, mark: 2, looped: true, ends: true}.model()},
		{usually, "the socket is closed", direct{messages: 3, mark: 2, looped: true, closes: true}.model()},
		{usually, "messages are acknowledged by twos", direct{messages: 5, mark: 4, step: 2, looped: true}.model()},
		{deeply, "many messages come", direct{messages: 7, mark: 4, step: 2, looped: true}.model()},
	})
}

// Without a mark nothing is left of this but the Hub: how receivers queue, are woken one
// at a time, pass a signal on, and give up.
func TestHub(t *testing.T) {
	holds(t, []held{
		{always, "two receive", direct{messages: 3, looped: true}.model()},
		{always, "over two pipes", direct{messages: 2, other: 2, looped: true}.model()},
		{always, "calls give up", direct{messages: 3, looped: true, times: true}.model()},
		{usually, "the socket is closed", direct{messages: 2, other: 1, looped: true, closes: true}.model()},
	})
}

func TestFaultsOfDirectModeAreFound(t *testing.T) {
	fails(t, []direct{
		{messages: 2, other: 1, broken: "the signal is looked for before the deadline is lifted"},
		{messages: 2, other: 1, broken: "who signals rouses first"},
		{messages: 1, broken: "a past deadline is met and not noted"},
		{messages: 1, broken: "the turn is given to who asks"},
		{messages: 3, broken: "who leaves tells nobody"},
		{messages: 1, broken: "the count is not compared"},
		{messages: 2, broken: "who has received passes nothing on"},
		{messages: 3, mark: 2, broken: "who makes room and cannot have the receiving half tells nobody"},
		{messages: 3, mark: 2, broken: "who takes over forgets what is held back"},
	})
}

func TestFaultsOfTheHubAndTheMarkAreFound(t *testing.T) {
	fails(t, []direct{
		{messages: 1, looped: true, broken: "the count is not compared"},
		{messages: 2, looped: true, broken: "who has received passes nothing on"},
		{messages: 3, mark: 1, looped: true, broken: "room that comes before the mark is noted is forgotten"},
		{messages: 3, mark: 1, looped: true, broken: "who makes room and cannot have the receiving half tells nobody"},
	})
}
