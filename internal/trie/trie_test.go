package trie

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// peer stands for the pipe of one peer.
type peer struct{ name string }

// matched returns the names that Match meets, in order.
func matched(trie *Trie[*peer], message string) []string {
	var names []string
	trie.Match([]byte(message), func(p *peer) { names = append(names, p.name) })
	slices.Sort(names)
	return names
}

func TestMatchMeetsWhoeverHasAPrefix(t *testing.T) {
	var trie Trie[*peer]
	a, b, c := &peer{"a"}, &peer{"b"}, &peer{"c"}
	trie.Add(nil, a)
	trie.Add([]byte("weather"), b)
	trie.Add([]byte("weather.berlin"), b)
	trie.Add([]byte("weather.bern"), c)
	trie.Add([]byte("w"), c)
	cases := []struct {
		name, message string
		want          []string
	}{
		{"the empty topic matches the empty message", "", []string{"a"}},
		{"the empty topic matches any message", "sports", []string{"a"}},
		{"a topic matches itself", "w", []string{"a", "c"}},
		{"a message that ends within a topic does not match it", "weathe", []string{"a", "c"}},
		{"two topics of one peer are one match", "weather.berlin: rain", []string{"a", "b", "c"}},
		{"a message may leave a topic at its last octet", "weather.berlim", []string{"a", "b", "c"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := matched(&trie, c.message); !slices.Equal(got, c.want) {
				t.Errorf("Match(%q) meets %v, want %v", c.message, got, c.want)
			}
		})
	}
}

// As libzmq has it: a topic subscribed twice by one peer is one entry, removed by
// one CANCEL.
func TestATopicAddedTwiceIsRemovedOnce(t *testing.T) {
	var trie Trie[*peer]
	a, b := &peer{"a"}, &peer{"b"}
	topic := []byte("t")
	if !trie.Add(topic, a) || trie.Add(topic, a) || trie.Add(topic, b) {
		t.Error("only the first Add of a topic is first")
	}
	if trie.Len() != 1 {
		t.Errorf("Len() = %d, want 1", trie.Len())
	}
	if last, found := trie.Remove(topic, a); last || !found {
		t.Errorf("Remove of the one of two = %v, %v, want false, true", last, found)
	}
	if last, found := trie.Remove(topic, a); last || found {
		t.Errorf("Remove of what is gone = %v, %v, want false, false", last, found)
	}
	if last, found := trie.Remove(topic, b); !last || !found {
		t.Errorf("Remove of the last = %v, %v, want true, true", last, found)
	}
	if got := matched(&trie, "t"); got != nil {
		t.Errorf("Match meets %v, want nobody", got)
	}
}

func TestRemoveOfAStrangerFindsNothing(t *testing.T) {
	var trie Trie[*peer]
	a, stranger := &peer{"a"}, &peer{"stranger"}
	trie.Add([]byte("abc"), a)
	for _, topic := range []string{"", "a", "ab", "abc", "abcd", "x"} {
		if last, found := trie.Remove([]byte(topic), stranger); last || found {
			t.Errorf("Remove(%q) of a stranger = %v, %v", topic, last, found)
		}
		if last, found := trie.Remove([]byte(topic), a); topic != "abc" && (last || found) {
			t.Errorf("Remove(%q) = %v, %v", topic, last, found)
		}
	}
	trie.RemoveValue(stranger, func(topic []byte, _ bool) { t.Errorf("a stranger had %q", topic) })
}

func TestRemoveValueTakesANilFunction(t *testing.T) {
	var trie Trie[*peer]
	a := &peer{"a"}
	trie.Add([]byte("x"), a)
	trie.Add(nil, a)
	trie.RemoveValue(a, nil)
	if trie.Len() != 0 || matched(&trie, "x") != nil {
		t.Errorf("%d topics are left", trie.Len())
	}
}

// deep returns a topic of many octets, such as only a hostile peer would send.
func deep(octets int) []byte {
	b := make([]byte, octets)
	rand.NewChaCha8([32]byte{}).Read(b) // never fails
	return b
}

// asked returns how many octets of memory f asked for.
func asked(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestATopicOfManyMegabytesIsATopic(t *testing.T) {
	topic := deep(16 << 20)
	var trie Trie[*peer]
	var set Multiset
	a := &peer{"a"}
	trie.Add(topic, a)
	trie.Add(topic[:len(topic)-1], a)
	if octets := asked(func() { set.Add(topic) }); octets > uint64(len(topic))*3/2 {
		t.Errorf("a topic of %d octets takes %d", len(topic), octets)
	}
	if got := matched(&trie, string(topic)); len(got) != 1 {
		t.Errorf("Match meets %v, want a", got)
	}
	if got := matched(&trie, string(topic[:len(topic)-2])); got != nil {
		t.Errorf("a shorter message meets %v", got)
	}
	set.All(func(got []byte) {
		if !bytes.Equal(got, topic) {
			t.Errorf("All yields %d octets, want the topic of %d", len(got), len(topic))
		}
	})
	if last, found := set.Remove(topic); !last || !found {
		t.Errorf("Remove = %v, %v", last, found)
	}
	trie.RemoveValue(a, func(got []byte, last bool) {
		if !last || !bytes.HasPrefix(topic, got) || len(got) < len(topic)-1 {
			t.Errorf("RemoveValue reports %d octets, last %v", len(got), last)
		}
	})
	if trie.tree.root.branch != nil || set.tree.root.branch != nil {
		t.Error("an empty trie keeps nodes")
	}
}

// A peer may hold a long topic and then subscribe to short prefixes of it, again
// and again: each such pair of commands is a few octets and must cost as little.
func TestAShortTopicBesideALongOneCostsLittle(t *testing.T) {
	var trie Trie[*peer]
	a := &peer{"a"}
	long := deep(16 << 20)
	trie.Add(long, a)
	const rounds = 1000
	octets := asked(func() {
		for range rounds {
			trie.Add(long[:3], a)
			trie.Remove(long[:3], a)
		}
	}) / rounds
	if octets > 4*maxLabel {
		t.Errorf("%d octets are asked for each time, want at most %d", octets, 4*maxLabel)
	}
	checkTree(t, &trie.tree)
}

func TestMemoryFollowsWhatIsHeld(t *testing.T) {
	held := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const many = 100_000
	before := held()
	var trie Trie[*peer]
	a := &peer{"a"}
	for i := range many {
		trie.Add(fmt.Appendf(nil, "topic.%06d", i), a)
	}
	full := held() - before
	if each := full / many; each > 160 {
		t.Errorf("a subscription of 12 octets takes %d, want at most 160", each)
	}
	trie.RemoveValue(a, nil)
	if left := int64(held()) - int64(before); left > int64(full/10) {
		t.Errorf("%d octets of %d are left when all topics are gone", left, full)
	}
	runtime.KeepAlive(&trie)
}

func TestMatchAllocatesNothing(t *testing.T) {
	var trie Trie[*peer]
	var set Multiset
	for i := range 100 {
		trie.Add(fmt.Appendf(nil, "topic.%02d", i), &peer{})
		trie.Add([]byte("topic."), &peer{})
		set.Add(fmt.Appendf(nil, "topic.%02d", i))
	}
	message, met := []byte("topic.42 and more"), 0
	allocs := testing.AllocsPerRun(100, func() {
		trie.Match(message, func(*peer) { met++ })
		if set.Matches(message) {
			met++
		}
	})
	if allocs != 0 || met == 0 {
		t.Errorf("%v allocations a match", allocs)
	}
}

// traffic is a message that takes one topic after another in random order, its
// octets always in the cache, as those of a message being sent are.
type traffic struct {
	order   []int
	message []byte
}

// newTraffic has topics "topic.000000" and so on, n of them, and gives each to
// subscribe.
func newTraffic(n int, subscribe func(topic []byte)) *traffic {
	r := rand.New(rand.NewPCG(1, 2))
	for _, i := range r.Perm(n) {
		subscribe(fmt.Appendf(nil, "topic.%06d", i))
	}
	return &traffic{order: r.Perm(n), message: []byte("topic.000000 and a body")}
}

func (t *traffic) take(step int) []byte {
	i := t.order[step%len(t.order)]
	for at := 11; at > 5; at-- {
		t.message[at] = byte('0' + i%10)
		i /= 10
	}
	return t.message
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		var trie Trie[*peer]
		a := &peer{}
		messages := newTraffic(n, func(topic []byte) { trie.Add(topic, a) })
		b.Run(fmt.Sprintf("hit/subscriptions=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			met := 0
			for i := 0; b.Loop(); i++ {
				trie.Match(messages.take(i), func(*peer) { met++ })
			}
			if met != b.N {
				b.Fatalf("%d of %d messages met the peer", met, b.N)
			}
		})
		b.Run(fmt.Sprintf("miss/subscriptions=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			message := []byte("nobody asked for this")
			for b.Loop() {
				trie.Match(message, func(*peer) { b.Fatal("met a peer") })
			}
		})
	}
}

func BenchmarkMatches(b *testing.B) {
	for _, n := range []int{1, 1000, 100_000} {
		b.Run(fmt.Sprintf("subscriptions=%d", n), func(b *testing.B) {
			var set Multiset
			messages := newTraffic(n, func(topic []byte) { set.Add(topic) })
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !set.Matches(messages.take(i)) {
					b.Fatal("no match")
				}
			}
		})
	}
}

// Every peer is met by one topic, or by two of which one must not count.
func BenchmarkFanOut(b *testing.B) {
	for _, topics := range []int{1, 2} {
		for _, peers := range []int{1, 8, 64, 1024} {
			b.Run(fmt.Sprintf("topics=%d/peers=%d", topics, peers), func(b *testing.B) {
				var trie Trie[*peer]
				message := []byte("topic.42")
				for range peers {
					p := &peer{}
					for i := range topics {
						trie.Add(message[:6*i], p)
					}
				}
				b.ReportAllocs()
				met := 0
				for b.Loop() {
					trie.Match(message, func(*peer) { met++ })
				}
				if met < peers*b.N {
					b.Fatalf("met %d, want %d", met, peers*b.N)
				}
			})
		}
	}
}

func BenchmarkSubscribe(b *testing.B) {
	var trie Trie[*peer]
	a := &peer{}
	topics := make([][]byte, 100_000)
	for i := range topics {
		topics[i] = fmt.Appendf(nil, "topic.%06d", i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		trie.Add(topics[i], a)
		if i++; i == len(topics) {
			trie.RemoveValue(a, nil)
			i = 0
		}
	}
}
