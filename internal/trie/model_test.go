package trie

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// subscription is one line of the slow list that the trie must agree with.
type subscription struct {
	topic string
	value int
}

// model answers as Trie must, by looking at every subscription there is.
type model []subscription

func (m model) holders(topic string) int {
	n := 0
	for _, s := range m {
		if s.topic == topic {
			n++
		}
	}
	return n
}

func (m *model) add(topic string, v int) (first bool) {
	first = m.holders(topic) == 0
	if !slices.Contains(*m, subscription{topic, v}) {
		*m = append(*m, subscription{topic, v})
	}
	return first
}

func (m *model) remove(topic string, v int) (last, found bool) {
	i := slices.Index(*m, subscription{topic, v})
	if i < 0 {
		return false, false
	}
	*m = slices.Delete(*m, i, i+1)
	return m.holders(topic) == 0, true
}

func (m *model) removeValue(v int) map[string]bool {
	gone := map[string]bool{}
	for _, s := range slices.Clone(*m) {
		if s.value == v {
			gone[s.topic], _ = m.remove(s.topic, v)
		}
	}
	return gone
}

func (m model) match(message string) []int {
	var met []int
	for _, s := range m {
		if strings.HasPrefix(message, s.topic) && !slices.Contains(met, s.value) {
			met = append(met, s.value)
		}
	}
	slices.Sort(met)
	return met
}

func (m model) topics() int {
	distinct := map[string]bool{}
	for _, s := range m {
		distinct[s.topic] = true
	}
	return len(distinct)
}

// pair is a trie and the model that has seen the same calls. Each of its methods
// makes one call on both and compares.
type pair struct {
	testing.TB
	trie  Trie[int]
	model model
}

func (p *pair) add(topic string, v int) {
	p.Helper()
	b := []byte(topic)
	got, want := p.trie.Add(b, v), p.model.add(topic, v)
	clear(b) // whoever kept the slice would be found out
	if got != want {
		p.Fatalf("Add(%.40q, %d) = %v, want %v", topic, v, got, want)
	}
}

func (p *pair) remove(topic string, v int) {
	p.Helper()
	last, found := p.trie.Remove([]byte(topic), v)
	wantLast, wantFound := p.model.remove(topic, v)
	if last != wantLast || found != wantFound {
		p.Fatalf("Remove(%.40q, %d) = %v, %v, want %v, %v", topic, v, last, found, wantLast, wantFound)
	}
}

func (p *pair) removeValue(v int) {
	p.Helper()
	want := p.model.removeValue(v)
	p.trie.RemoveValue(v, func(topic []byte, last bool) {
		wantLast, had := want[string(topic)]
		if !had || last != wantLast {
			p.Errorf("RemoveValue(%d) reports %.40q, last %v; want %v, had %v", v, topic, last, wantLast, had)
		}
		delete(want, string(topic))
	})
	if len(want) > 0 {
		p.Fatalf("RemoveValue(%d) did not report %v", v, want)
	}
}

func (p *pair) match(message string) {
	p.Helper()
	var got []int
	p.trie.Match([]byte(message), func(v int) { got = append(got, v) })
	slices.Sort(got)
	if want := p.model.match(message); !slices.Equal(got, want) {
		p.Fatalf("Match(%.40q) met %v, want %v", message, got, want)
	}
}

// check compares what both hold, and holds the trie to its own rules.
func (p *pair) check() {
	p.Helper()
	if got, want := p.trie.Len(), p.model.topics(); got != want {
		p.Fatalf("Len() = %d, want %d", got, want)
	}
	checkTree(p, &p.trie.tree)
	checkLinks(p, &p.trie)
	links := p.trie.Held(-1) // nobody
	for v := range p.trie.ids {
		links += p.trie.Held(v)
	}
	if links != len(p.model) {
		p.Fatalf("%d subscriptions are held, want %d", links, len(p.model))
	}
}

// checkTree holds every node to the rules of tree.go.
func checkTree[P payload](t testing.TB, tree *tree[P]) {
	t.Helper()
	ahead := []*node[P]{&tree.root}
	for len(ahead) > 0 {
		n := ahead[len(ahead)-1]
		ahead = ahead[:len(ahead)-1]
		if n != &tree.root && (len(n.label) == 0 || len(n.label) > maxLabel) {
			t.Fatalf("a node holds %d octets", len(n.label))
		}
		if n.branch == nil {
			if n != &tree.root && n.value.empty() {
				t.Fatalf("%.40q is a leaf and no topic", n.topic(nil))
			}
			continue
		}
		if c := n.only(); c != nil && n != &tree.root && n.value.empty() && len(n.label)+len(c.label) <= maxLabel {
			t.Fatalf("%.40q and its only child are two nodes", n.topic(nil))
		}
		previous := -1
		for i, c := range n.branch.kids {
			if c.parent != n || int(c.label[0]) <= previous || n.child(c.label[0]) != c {
				t.Fatalf("child %d of %.40q is out of place", i, n.topic(nil))
			}
			previous = int(c.label[0])
		}
		if len(n.branch.kids) == 0 {
			t.Fatalf("%.40q has an empty branch", n.topic(nil))
		}
		ahead = append(ahead, n.branch.kids...)
	}
}

// checkLinks follows every subscription from its member to its topic and back.
func checkLinks[V comparable](t testing.TB, trie *Trie[V]) {
	t.Helper()
	for v, id := range trie.ids {
		m := &trie.members[id]
		if m.value != v || len(m.topics) == 0 {
			t.Fatalf("member %d is %v with %d topics, want %v", id, m.value, len(m.topics), v)
		}
		for i, p := range m.topics {
			if got := p.node.value.list()[p.at]; got != (entry{id, uint32(i)}) {
				t.Fatalf("topic %d of member %d leads to %v", i, id, got)
			}
		}
	}
	if got, want := len(trie.ids)+len(trie.free)+1, max(len(trie.members), 1); got != want {
		t.Fatalf("%d members are in use or free, want %d", got, want)
	}
}

// near returns a topic of which others are likely to be a prefix.
func near(r *rand.Rand) string {
	b := make([]byte, r.IntN(8))
	for i := range b {
		b[i] = "ab\x00\x3f\x40\x7f\x80\xbf\xc0\xff"[r.IntN(10)]
	}
	return string(b)
}

// far returns a topic that fills several nodes.
func far(r *rand.Rand) string {
	return strings.Repeat("x", r.IntN(4*maxLabel)) + near(r)
}

func TestTrieAgreesWithTheList(t *testing.T) {
	cases := []struct {
		name   string
		topic  func(*rand.Rand) string
		values int
		steps  int
	}{
		{"one value with short topics", near, 1, 20000},
		{"a few values with short topics", near, 5, 20000},
		{"many values share few topics", func(r *rand.Rand) string { return near(r)[:0] + string("ab"[r.IntN(2)]) }, 200, 20000},
		{"a few values with long topics", far, 4, 4000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(c.steps)))
			p := &pair{TB: t}
			for step := range c.steps {
				// Grow and shrink by turns, down to nothing.
				growing := step/(c.steps/8)%2 == 0
				switch v := r.IntN(c.values); {
				case r.IntN(200) == 0:
					p.removeValue(v)
				case r.IntN(3) == 0:
					p.match(c.topic(r))
				case growing:
					p.add(c.topic(r), v)
				case r.IntN(4) > 0 && len(p.model) > 0:
					s := p.model[r.IntN(len(p.model))]
					p.remove(s.topic, s.value)
				default:
					p.remove(c.topic(r), v)
				}
				if step%50 == 0 {
					p.check()
				}
			}
			for v := range c.values {
				p.removeValue(v)
			}
			p.check()
			if root := &p.trie.tree.root; root.branch != nil {
				t.Errorf("an empty trie keeps nodes")
			}
		})
	}
}

func TestMultisetAgreesWithAMap(t *testing.T) {
	for name, topic := range map[string]func(*rand.Rand) string{"short topics": near, "long topics": far} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(2, 3))
			var set Multiset
			model := map[string]int{}
			for step := range 10000 {
				s := topic(r)
				if step/1000%2 == 0 {
					model[s]++
					if got := set.Add([]byte(s)); got != (model[s] == 1) {
						t.Fatalf("Add(%.40q) = %v after %d", s, got, model[s]-1)
					}
				} else {
					if r.IntN(2) == 0 {
						s = anyKey(r, model, s)
					}
					last, found := set.Remove([]byte(s))
					if found != (model[s] > 0) || last != (model[s] == 1) {
						t.Fatalf("Remove(%.40q) = %v, %v after %d", s, last, found, model[s])
					}
					if model[s]--; model[s] <= 0 {
						delete(model, s)
					}
				}
				message := topic(r)
				if got, want := set.Matches([]byte(message)), hasPrefixIn(message, model); got != want {
					t.Fatalf("Matches(%.40q) = %v, want %v", message, got, want)
				}
				if step%100 == 0 {
					checkTree(t, &set.tree)
					checkAll(t, &set, model)
				}
			}
		})
	}
}

func anyKey(r *rand.Rand, m map[string]int, otherwise string) string {
	skip := r.IntN(len(m) + 1)
	for k := range m {
		if skip == 0 {
			return k
		}
		skip--
	}
	return otherwise
}

func hasPrefixIn(message string, topics map[string]int) bool {
	for k := range topics {
		if strings.HasPrefix(message, k) {
			return true
		}
	}
	return false
}

// checkAll compares All with the keys of the map in byte order.
func checkAll(t *testing.T, set *Multiset, model map[string]int) {
	t.Helper()
	var want [][]byte
	for k := range model {
		want = append(want, []byte(k))
	}
	slices.SortFunc(want, bytes.Compare)
	var got [][]byte
	set.All(func(topic []byte) { got = append(got, bytes.Clone(topic)) })
	if !slices.EqualFunc(got, want, bytes.Equal) || set.Len() != len(want) {
		t.Fatalf("All yields %d topics, %.200q; want %d, %.200q", len(got), got, len(want), want)
	}
}
