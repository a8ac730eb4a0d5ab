package trie

import (
	"math/bits"
	"strings"
)

// maxLabel is the most octets that one node holds of a topic; a longer topic is
// a chain of nodes. It bounds what splitting and joining nodes copies, so that a
// short subscription beside a huge one costs no more than it sent.
const maxLabel = 1024

// payload is what a tree keeps for a topic. A node with an empty payload stands
// for no topic: it only joins longer ones.
type payload interface{ empty() bool }

// tree is a radix tree from topics to payloads. A node that carries a topic is
// the same node as long as it does: splitting and joining happen around it, so
// others may point to it. No walk recurses, whatever the length of a topic.
// The zero value is an empty tree; it must not be copied once used.
type tree[P payload] struct {
	root node[P] // the empty topic
}

// node stands for the octets on the way to it. Sixty-four octets with a set in
// it: one line of cache.
type node[P payload] struct {
	label  string // the octets that lead here from parent: 1 to maxLabel, none at the root
	parent *node[P]
	branch *branch[P] // nil for a leaf
	value  P
}

// branch holds the children of a node in the order of their first octet.
type branch[P payload] struct {
	has   [4]uint64 // one bit for each first octet
	below [4]uint8  // children whose octet has its bit in an earlier word
	kids  []*node[P]
	few   [10]*node[P] // where kids begins: a match that meets them here waits for memory once less
}

// fork is a node with its branch in one block of memory, for the same reason:
// with 100 000 topics, waiting for memory is most of what a match does.
type fork[P payload] struct {
	node   node[P]
	branch branch[P]
}

// rank returns the place of octet b among the children, taken or not.
func (br *branch[P]) rank(b byte) (at int, taken bool) {
	word, bit := br.has[b>>6], uint64(1)<<(b&63)
	return int(br.below[b>>6]) + bits.OnesCount64(word&(bit-1)), word&bit != 0
}

// child returns the child whose label begins with b, or nil.
func (n *node[P]) child(b byte) *node[P] {
	if n.branch == nil {
		return nil
	}
	at, taken := n.branch.rank(b)
	if !taken {
		return nil
	}
	return n.branch.kids[at]
}

// next returns the child that lies on the way of topic, and what of topic is
// left behind it; or nil, when no longer prefix of topic is in the tree.
func (n *node[P]) next(topic []byte) (*node[P], []byte) {
	if len(topic) == 0 {
		return nil, nil
	}
	c := n.child(topic[0])
	if c == nil || len(topic) < len(c.label) {
		return nil, nil
	}
	// A label of one octet has been compared by choosing the child.
	if len(c.label) > 1 && string(topic[:len(c.label)]) != c.label {
		return nil, nil
	}
	return c, topic[len(c.label):]
}

// only returns the one child of n, or nil if it has none or several.
func (n *node[P]) only() *node[P] {
	if n.branch == nil || len(n.branch.kids) != 1 {
		return nil
	}
	return n.branch.kids[0]
}

// adopt makes c a child of n, in place of a child with the same first octet if
// there is one.
func (n *node[P]) adopt(c *node[P]) {
	c.parent = n
	if n.branch == nil {
		n.branch = new(branch[P])
		n.branch.kids = n.branch.few[:0]
	}
	br, b := n.branch, c.label[0]
	at, taken := br.rank(b)
	if taken {
		br.kids[at] = c
		return
	}
	br.kids = append(br.kids, nil)
	copy(br.kids[at+1:], br.kids[at:])
	br.kids[at] = c
	br.has[b>>6] |= 1 << (b & 63)
	for w := b>>6 + 1; w < 4; w++ {
		br.below[w]++
	}
}

// drop removes the child whose label begins with b.
func (n *node[P]) drop(b byte) {
	br := n.branch
	if len(br.kids) == 1 {
		n.branch = nil
		return
	}
	at, _ := br.rank(b)
	copy(br.kids[at:], br.kids[at+1:])
	br.kids[len(br.kids)-1] = nil
	br.kids = shrunk(br.kids[:len(br.kids)-1])
	br.has[b>>6] &^= 1 << (b & 63)
	for w := b>>6 + 1; w < 4; w++ {
		br.below[w]--
	}
}

// find returns the node that stands for topic, or nil. Its payload may be empty.
func (t *tree[P]) find(topic []byte) *node[P] {
	n := &t.root
	for n != nil && len(topic) > 0 {
		n, topic = n.next(topic)
	}
	return n
}

// insert returns the node that stands for topic, new where need be. The caller
// fills an empty payload, or calls prune.
func (t *tree[P]) insert(topic []byte) *node[P] {
	n := &t.root
	for len(topic) > 0 {
		c := n.child(topic[0])
		if c == nil {
			return n.grow(topic)
		}
		same := commonPrefix(c.label, topic)
		if same < len(c.label) {
			c = c.split(same)
		}
		n, topic = c, topic[same:]
	}
	return n
}

// grow appends a chain of nodes for topic below n and returns the last.
func (n *node[P]) grow(topic []byte) *node[P] {
	for len(topic) > 0 {
		size := min(len(topic), maxLabel)
		c := &node[P]{label: string(topic[:size])}
		n.adopt(c)
		n, topic = c, topic[size:]
	}
	return n
}

// split puts a new node above n that takes the first size octets of its label,
// and returns it. Both labels are copied: a short one must not keep the memory
// of a long one.
func (n *node[P]) split(size int) *node[P] {
	f := new(fork[P])
	f.branch.kids = f.branch.few[:0]
	upper := &f.node
	upper.branch = &f.branch
	upper.label = strings.Clone(n.label[:size])
	n.parent.adopt(upper)
	n.label = strings.Clone(n.label[size:])
	upper.adopt(n)
	n.join()
	upper.parent.join()
	return upper
}

// join lets the only child of a node without a topic take its place, if the
// labels of both fit in one node.
func (n *node[P]) join() {
	c := n.only()
	if c == nil || n.parent == nil || !n.value.empty() || len(n.label)+len(c.label) > maxLabel {
		return
	}
	c.label = n.label + c.label
	n.parent.adopt(c)
}

// prune takes out what n no longer needs once its payload is empty: n itself,
// and the nodes above that only led to it.
func (t *tree[P]) prune(n *node[P]) {
	for n != &t.root && n.value.empty() && n.branch == nil {
		n.parent.drop(n.label[0])
		n = n.parent
	}
	n.join()
}

// topic appends to b the topic that n stands for.
func (n *node[P]) topic(b []byte) []byte {
	size := 0
	for m := n; m != nil; m = m.parent {
		size += len(m.label)
	}
	end := len(b) + size
	if cap(b) < end {
		b = append(make([]byte, 0, end), b...)
	}
	b = b[:end]
	for m := n; m != nil; m = m.parent {
		end -= len(m.label)
		copy(b[end:], m.label)
	}
	return b
}

// all calls f for every topic in byte order. The slice is valid during the call.
func (t *tree[P]) all(f func(topic []byte)) {
	var topic []byte
	n := &t.root
	for {
		if !n.value.empty() {
			f(topic)
		}
		if n.branch != nil {
			n = n.branch.kids[0]
		} else if topic, n = t.climb(topic, n); n == nil {
			return
		}
		topic = append(topic, n.label...)
	}
}

// climb leaves n for the next node to its right, here or higher up, and cuts
// topic to that node's parent; it returns nil when there is none.
func (t *tree[P]) climb(topic []byte, n *node[P]) ([]byte, *node[P]) {
	for n != &t.root {
		p := n.parent
		topic = topic[:len(topic)-len(n.label)]
		if at, _ := p.branch.rank(n.label[0]); at+1 < len(p.branch.kids) {
			return topic, p.branch.kids[at+1]
		}
		n = p
	}
	return topic, nil
}

// commonPrefix returns how many octets a and b share from the beginning.
func commonPrefix(a string, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// shrunk returns s in a smaller array when it fills a quarter of its own or less.
func shrunk[E any](s []E) []E {
	if cap(s) < 16 || len(s) > cap(s)/4 {
		return s
	}
	return append(make([]E, 0, 2*len(s)), s...)
}
