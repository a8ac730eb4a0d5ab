//go:build unix

package iomux

// table holds what is registered, by descriptor. Descriptors are small numbers, so it is
// a slice: 24 octets for each number up to the highest that was ever registered.
type table struct {
	slots []slot
	born  uint64 // how many registrations there have been
}

// slot is one row of the table.
type slot struct {
	token    uint64
	born     uint64 // the generation: which registration this is; zero where there is none
	at       int32  // where it stands: with poll in the set, with epoll and kqueue in the events of the last Wait
	interest Interest
}

// row returns what is registered under fd, nil if nothing is. It is valid until put.
func (t *table) row(fd int) *slot {
	if fd < 0 || fd >= len(t.slots) || t.slots[fd].born == 0 {
		return nil
	}
	return &t.slots[fd]
}

// next makes a row of a new generation. A descriptor that takes the number of another
// does not take over its events: they carry an older generation.
func (t *table) next(token uint64, interest Interest) slot {
	t.born++
	return slot{token: token, born: t.born, interest: interest}
}

// put enters a row. The system has taken fd, so fd is below the limit of open files.
func (t *table) put(fd int, s slot) {
	if more := fd + 1 - len(t.slots); more > 0 {
		t.slots = append(t.slots, make([]slot, more)...)
	}
	t.slots[fd] = s
}

func (t *table) forget(fd int) { t.slots[fd] = slot{} }

// event fills in what belongs to fd, and says whether there is anything to tell. Hang-ups
// and errors count as whatever there is interest in: the call that follows meets them.
func (s *slot) event(fd int, e Event) (Event, bool) {
	either := e.Hangup || e.Error
	e.Token, e.FD = s.token, fd
	e.Readable = s.interest&Read != 0 && (e.Readable || either)
	e.Writable = s.interest&Write != 0 && (e.Writable || either)
	e.Priority = s.interest&Priority != 0 && e.Priority
	return e, either || e.Readable || e.Writable || e.Priority
}

// lose makes the event of a descriptor that was closed before it was removed. It is told
// once; the registration stays, but waits for nothing until Modify or Remove.
func (t *table) lose(fd int, from backend) Event {
	s := t.row(fd)
	from.remove(fd, s)
	s.interest = 0
	return Event{Token: s.token, FD: fd, Invalid: true}
}

// told says whether fd is among events already, and where: s.at is where it stood when it
// was told last.
func (s *slot) told(events []Event, fd int) bool {
	return int(s.at) < len(events) && events[s.at].FD == fd
}
