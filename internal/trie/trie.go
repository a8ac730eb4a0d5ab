// Package trie answers one question: whose subscription is a prefix of this
// message? The answer costs a walk along the message, however many
// subscriptions there are.
//
// [Trie] is the publisher's side: topics to the set of peers that asked for
// them. [Multiset] is the subscriber's: the topics of one socket, counted.
// Both stand on the radix tree of tree.go.
//
// A topic is any run of octets, the empty one included, and may be as long as a
// peer cares to send: memory grows with the octets of the topics that are held,
// nothing recurses, and adding or removing a topic costs its own length, not
// that of its neighbours. The package imports nothing of the project and has no
// lock of its own.
package trie

// Trie maps topics to sets of values; for a publisher, a value is a pipe. A
// value is in the set of a topic or it is not: adding it twice changes nothing,
// and one removal takes it out. RFC 29 "The PUB Socket Type".
//
// The zero value is an empty trie. It must not be copied once used. No two
// calls may overlap, not even two of Match.
type Trie[V comparable] struct {
	tree    tree[set]
	topics  int          // topics with at least one value
	ids     map[V]uint32 // values that have topics, as indices of members
	members []member[V]  // the first is nobody
	free    []uint32     // members to use again
	round   uint64       // counts the matches that had to tell values apart
}

// member is a value and all that it subscribed to.
type member[V comparable] struct {
	value  V
	round  uint64 // the last one in which this value was met
	topics []place
}

// place is one subscription as its member sees it.
type place struct {
	node *node[set]
	at   uint32 // index in the set of node
}

// Add puts v into the set of topic. It reports whether topic is new to the
// trie: no value had it. The slice is not kept.
func (t *Trie[V]) Add(topic []byte, v V) (first bool) {
	n := t.tree.insert(topic)
	first = n.value.empty()
	id := t.enter(v)
	if first {
		t.topics++
	} else if _, found := t.search(n, id); found {
		return false
	}
	m := &t.members[id]
	at := n.value.add(entry{member: id, at: uint32(len(m.topics))})
	m.topics = append(m.topics, place{node: n, at: at})
	return first
}

// Remove takes v out of the set of topic. It reports whether v was in it, and
// whether it was the last: no value has topic any more.
func (t *Trie[V]) Remove(topic []byte, v V) (last, found bool) {
	id, known := t.ids[v]
	if !known {
		return false, false
	}
	n := t.tree.find(topic)
	if n == nil {
		return false, false
	}
	at, found := t.search(n, id)
	if !found {
		return false, false
	}
	return t.unlink(n, at), true
}

// RemoveValue takes v out of every set, at the cost of its own topics. It calls
// f, unless that is nil, for each topic that v had, in no particular order; last
// reports that no value has the topic any more. The slice is valid during the
// call, and f must not use the trie.
func (t *Trie[V]) RemoveValue(v V, f func(topic []byte, last bool)) {
	id, known := t.ids[v]
	if !known {
		return
	}
	var topic []byte
	for n := len(t.members[id].topics); n > 0; n-- {
		p := t.members[id].topics[n-1]
		if f != nil {
			topic = p.node.topic(topic[:0])
		}
		last := t.unlink(p.node, p.at)
		if f != nil {
			f(topic, last)
		}
	}
}

// Match calls f for every value with a topic that is a prefix of message, once
// for each value, however many of its topics are. It allocates nothing, and f
// must not use the trie.
func (t *Trie[V]) Match(message []byte, f func(v V)) {
	// A set holds a value once. Only when a second set matches must the values
	// be marked to tell which have been met.
	var first []entry
	marking := false
	for n, rest := &t.tree.root, message; n != nil; n, rest = n.next(rest) {
		met := n.value.list()
		switch {
		case len(met) == 0:
		case marking:
			t.mark(met, f)
		case first == nil:
			first = met
		default:
			marking = true
			t.round++
			t.mark(first, f)
			t.mark(met, f)
		}
	}
	if marking {
		return
	}
	for _, e := range first {
		f(t.members[e.member].value)
	}
}

// mark calls f for each value of met that this round has not met yet.
func (t *Trie[V]) mark(met []entry, f func(v V)) {
	for _, e := range met {
		if m := &t.members[e.member]; m.round != t.round {
			m.round = t.round
			f(m.value)
		}
	}
}

// Len returns the number of distinct topics. libzmq: ZMQ_TOPICS_COUNT.
func (t *Trie[V]) Len() int { return t.topics }

// Held returns how many topics v has.
func (t *Trie[V]) Held(v V) int {
	id, known := t.ids[v]
	if !known {
		return 0
	}
	return len(t.members[id].topics)
}

// enter returns the index of v among the members, a new one if v has no topics.
func (t *Trie[V]) enter(v V) uint32 {
	if id, known := t.ids[v]; known {
		return id
	}
	if t.ids == nil {
		t.ids = make(map[V]uint32)
		t.members = make([]member[V], 1)
	}
	var id uint32
	if n := len(t.free); n > 0 {
		id, t.free = t.free[n-1], t.free[:n-1]
	} else {
		id = uint32(len(t.members))
		t.members = append(t.members, member[V]{})
	}
	t.members[id].value = v
	t.ids[v] = id
	return id
}

// leave forgets a member without topics.
func (t *Trie[V]) leave(id uint32) {
	delete(t.ids, t.members[id].value)
	t.members[id] = member[V]{}
	t.free = append(t.free, id)
}

// search finds member id in the set of n. It looks through that set or through
// the topics of the member, whichever is shorter: a topic that everybody wants
// and a peer that wants everything are both cheap.
func (t *Trie[V]) search(n *node[set], id uint32) (at uint32, found bool) {
	set, topics := n.value.list(), t.members[id].topics
	if len(topics) < len(set) {
		for i := range topics {
			if topics[i].node == n {
				return topics[i].at, true
			}
		}
		return 0, false
	}
	for i := range set {
		if set[i].member == id {
			return uint32(i), true
		}
	}
	return 0, false
}

// unlink ends the subscription at index at of the set of n. It reports whether
// the set is empty now; the node is gone then.
func (t *Trie[V]) unlink(n *node[set], at uint32) (last bool) {
	gone := n.value.list()[at]
	if moved, ok := n.value.remove(at); ok {
		t.members[moved.member].topics[moved.at].at = at
	}
	m := &t.members[gone.member]
	end := len(m.topics) - 1
	if moved := m.topics[end]; int(gone.at) < end {
		m.topics[gone.at] = moved
		moved.node.value.list()[moved.at].at = gone.at
	}
	m.topics[end] = place{}
	m.topics = shrunk(m.topics[:end])
	if end == 0 {
		t.leave(gone.member)
	}
	if !n.value.empty() {
		return false
	}
	t.topics--
	t.tree.prune(n)
	return true
}
