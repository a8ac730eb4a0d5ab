package trie

// entry is one subscription as its topic sees it. Indices of 32 bits suffice: a
// subscription takes a hundred octets of memory.
type entry struct {
	member uint32 // index in Trie.members, never 0
	at     uint32 // index in the topics of that member
}

// set holds the subscriptions of one topic, each member at most once, in any
// order. A set of one, which most are, needs no memory beside the node's own.
type set struct {
	one  [1]entry
	more []entry // all of them, if there are several; one is unused then
}

func (s set) empty() bool { return s.more == nil && s.one[0].member == 0 }

// list returns the entries, to be read or changed in place until the next add
// or remove.
func (s *set) list() []entry {
	switch {
	case s.more != nil:
		return s.more
	case s.one[0].member != 0:
		return s.one[:]
	}
	return nil
}

// add appends e and returns its index.
func (s *set) add(e entry) uint32 {
	switch {
	case s.more != nil:
		s.more = append(s.more, e)
	case s.one[0].member != 0:
		s.more = []entry{s.one[0], e}
	default:
		s.one[0] = e
	}
	return uint32(len(s.list()) - 1)
}

// remove takes out the entry at index at. The last entry moves there, unless it
// was that one; it is returned for its member to be told.
func (s *set) remove(at uint32) (moved entry, ok bool) {
	if s.more == nil {
		s.one[0] = entry{}
		return entry{}, false
	}
	end := len(s.more) - 1
	if int(at) < end {
		moved, ok = s.more[end], true
		s.more[at] = moved
	}
	s.more = shrunk(s.more[:end])
	if end == 1 {
		s.one[0], s.more = s.more[0], nil
	}
	return moved, ok
}
