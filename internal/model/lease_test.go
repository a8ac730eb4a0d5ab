package model

import "testing"

// This is a lease (pipe.Lease): two goroutines receive short messages of one pipe, each
// without the socket's lock while it has a lease, and a third takes the lock for some
// other reason. The messages lie in one chunk, and are told apart by their place in it.

type leaseState struct {
	got uint8 // messages that were received, by anybody

	mu     uint8 // who holds recvLock.mu, by number from one
	lent   uint8 // recvLock.lease: whose it is
	at     uint8 // cursor.at, in messages
	used   uint8 // cursor.used
	freed  uint8 // acknowledged messages
	cursor bool  // the cursor has a reference on the chunk

	who [2]leaseSide
	end uint8 // what Lease.End has yet to tell the cursor

	locks  uint8 // how often the third takes the lock yet
	locker place
}

// leaseSide is a goroutine that receives, and its lease.
type leaseSide struct {
	pc    place
	made  bool  // extra.leased
	ref   bool  // Lease.chunk
	taken uint8 // Lease.taken, as messages
	over  bool  // leaseOver in it
	at    uint8 // Lease.at, from where the lease begins
	base  uint8 // where that is
	left  uint8 // Lease.left
	reads bool  // its last message is in the chunk, and is its own until the next call
	clear bool  // a fault: it has seen that the lease goes on
}

// lend is what varies.
type lend struct {
	messages uint8
	step     uint8 // cursor.step: as many messages are acknowledged at once
	locks    uint8 // how often the third takes the lock
	broken   string
}

func (c lend) is(fault string) bool { return c.broken == fault }
func (c lend) fault() string        { return c.broken }

// Where a receiver stands.
const (
	lendHome place = iota
	lendLook
	lendTake
	lendLock // and two more
)

const (
	lendSettle = lendLock + 3 + iota
	lendNext
	lendMake
	lendUnlock
)

func (c lend) model() *model[leaseState] {
	m := &model[leaseState]{}
	m.start.cursor, m.start.locks = true, c.locks
	for i := range m.start.who {
		c.receiver(m, i)
	}
	// Who takes the lock for something else: it looks whether there is a message, say.
	a := m.actor("who looks", func(s *leaseState) *place { return &s.locker })
	a.world(0, "is about to look", func(s *leaseState) place {
		if s.locks == 0 {
			return blocked
		}
		s.locks--
		return 1
	})
	c.ends(a, 1, 3, func(*leaseState) place { return 4 })
	a.at(4, "recvLock.Unlock", "unlocks", func(s *leaseState) place {
		s.mu = 0
		return 0
	})
	m.always = c.always
	m.atRest = c.atRest
	return m
}

// ends adds recvLock.Lock and Lease.End, at three places.
func (c lend) ends(a *actor[leaseState], from place, who uint8, then func(*leaseState) place) {
	a.at(from, "recvLock.Lock", "locks", func(s *leaseState) place {
		switch {
		case s.mu != 0:
			return blocked
		case s.lent == 0 || c.is("who locks ends no lease"):
			s.mu = who
			return then(s)
		}
		s.mu = who
		return from + 1
	})
	a.at(from+1, "Lease.End", "ends the lease", func(s *leaseState) place {
		l := &s.who[s.lent-1]
		s.end = l.taken
		if !c.is("how many were taken is read before the lease ends") {
			l.taken, l.over = 0, true
		}
		return from + 2
	})
	a.at(from+2, "Lease.End", "tells the cursor", func(s *leaseState) place {
		if c.is("how many were taken is read before the lease ends") {
			s.who[s.lent-1].over = true
		}
		if !c.is("the cursor is not told what was taken") {
			s.at += s.end
		}
		if !c.is("what was taken by a lease counts for no room") {
			s.used += s.end
		}
		s.end = 0
		if !c.is("a lease that has ended is not forgotten") {
			s.lent = 0
		}
		return then(s)
	})
}

// leaseWrong stands for a message that was not the next.
const leaseWrong = 100

// receive counts a message, which has to be the next.
func (s *leaseState) receive(at uint8) {
	if s.got != at {
		s.got = leaseWrong
	} else {
		s.got++
	}
}

func (c lend) always(s *leaseState) string {
	if s.got == leaseWrong {
		return "a message is received twice, or out of its turn"
	}
	if s.used > c.step {
		return "more was taken than is acknowledged at once"
	}
	for i := range s.who {
		if l := &s.who[i]; l.reads && !l.ref && !s.cursor {
			return "memory is read that was given back"
		}
	}
	return ""
}

func (c lend) atRest(s *leaseState) string {
	switch {
	case s.mu != 0 || s.who[0].pc != lendHome || s.who[1].pc != lendHome || s.locker != 0:
		return "somebody is held up"
	case !s.cursor && s.got != c.messages:
		return "a message is lost"
	case !s.cursor && s.freed+s.used != c.messages:
		return "room is lost"
	}
	return ""
}

// receiver adds a goroutine that receives with a message of its own.
func (c lend) receiver(m *model[leaseState], i int) {
	me := uint8(i + 1)
	a := m.actor([]string{"receiver 1", "receiver 2"}[i], func(s *leaseState) *place { return &s.who[i].pc })
	a.world(lendHome, "receives", func(s *leaseState) place {
		s.who[i].reads = false
		if s.who[i].made {
			return lendLook
		}
		return lendLock
	})
	a.at(lendLook, "Lease.Take", "looks at the next message", func(s *leaseState) place {
		l := &s.who[i]
		l.clear = !l.over
		if l.left == 0 || l.base+l.at == c.messages {
			return lendLock
		}
		l.reads = true // its header
		return lendTake
	})
	a.at(lendTake, "Lease.Take", "takes it", func(s *leaseState) place {
		l := &s.who[i]
		over := l.over
		if c.is("whether the lease is over is looked up before the message is counted") {
			over = !l.clear
		}
		l.taken++
		if over {
			l.reads = false
			return lendLock
		}
		s.receive(l.base + l.at)
		l.at++
		if !c.is("a lease goes on behind what is acknowledged at once") {
			l.left--
		}
		return lendHome
	})
	c.ends(a, lendLock, me, func(*leaseState) place { return lendSettle })
	a.at(lendSettle, "extra.settle", "gives back what its lease holds", func(s *leaseState) place {
		l := &s.who[i]
		*l = leaseSide{pc: l.pc}
		return lendNext
	})
	a.at(lendNext, "End.ReadShort", "receives", func(s *leaseState) place {
		if s.at >= c.messages { // and gives back what it has read
			s.cursor = false
			return lendUnlock
		}
		s.receive(s.at)
		s.at++
		if s.used++; s.used >= c.step {
			s.freed, s.used = s.freed+s.used, 0
		}
		return lendMake
	})
	a.at(lendMake, "End.Lease", "gets a lease", func(s *leaseState) place {
		left := c.step - s.used - 1
		if s.at >= c.messages || left == 0 {
			return lendUnlock
		}
		l := &s.who[i]
		l.made, l.ref = true, !c.is("a lease holds no memory")
		l.base, l.left = s.at, left
		s.lent = me
		return lendUnlock
	})
	a.at(lendUnlock, "recvLock.Unlock", "unlocks", func(s *leaseState) place {
		s.mu = 0
		return lendHome
	})
}

func TestLease(t *testing.T) {
	holds(t, []held{
		{always, "as many as are acknowledged at once", lend{messages: 4, step: 8, locks: 2}.model()},
		{always, "more than are acknowledged at once", lend{messages: 7, step: 3, locks: 2}.model()},
		{usually, "a long run", lend{messages: 12, step: 5, locks: 3}.model()},
	})
}

func TestFaultsOfTheLeaseAreFound(t *testing.T) {
	fails(t, []lend{
		{messages: 4, step: 8, broken: "who locks ends no lease"},
		{messages: 4, step: 8, locks: 1, broken: "whether the lease is over is looked up before the message is counted"},
		{messages: 4, step: 8, locks: 1, broken: "how many were taken is read before the lease ends"},
		{messages: 4, step: 8, locks: 1, broken: "the cursor is not told what was taken"},
		{messages: 4, step: 8, locks: 2, broken: "a lease that has ended is not forgotten"},
		{messages: 4, step: 8, locks: 1, broken: "what was taken by a lease counts for no room"},
		{messages: 7, step: 3, broken: "a lease goes on behind what is acknowledged at once"},
		{messages: 4, step: 8, locks: 1, broken: "a lease holds no memory"},
	})
}
