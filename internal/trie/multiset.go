package trie

// Multiset holds the topics of one subscribing socket and how often each was
// asked for: as many removals as additions make it forget a topic. RFC 29 "The
// SUB Socket Type".
//
// The zero value is empty. It must not be copied once used. Calls that only
// look (Matches, All, Len) may overlap; Add and Remove may not.
type Multiset struct {
	tree   tree[count]
	topics int
}

// count is how often a topic was asked for.
type count uint64

func (c count) empty() bool { return c == 0 }

// Add counts topic once more. It reports whether topic is new. The slice is not
// kept.
func (s *Multiset) Add(topic []byte) (first bool) {
	n := s.tree.insert(topic)
	n.value++
	if n.value > 1 {
		return false
	}
	s.topics++
	return true
}

// Remove counts topic once less. It reports whether topic was there, and whether
// it is gone now.
func (s *Multiset) Remove(topic []byte) (last, found bool) {
	n := s.tree.find(topic)
	if n == nil || n.value == 0 {
		return false, false
	}
	n.value--
	if n.value > 0 {
		return false, true
	}
	s.topics--
	s.tree.prune(n)
	return true, true
}

// Matches reports whether a topic is a prefix of message. It allocates nothing.
func (s *Multiset) Matches(message []byte) bool {
	for n, rest := &s.tree.root, message; n != nil; n, rest = n.next(rest) {
		if n.value > 0 {
			return true
		}
	}
	return false
}

// All calls f for each distinct topic, in byte order. The slice is valid during
// the call, and f must not change the set.
func (s *Multiset) All(f func(topic []byte)) { s.tree.all(f) }

// Len returns the number of distinct topics. libzmq: ZMQ_TOPICS_COUNT.
func (s *Multiset) Len() int { return s.topics }
