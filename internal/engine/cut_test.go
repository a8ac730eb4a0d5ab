package engine

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmtp"
)

// A conversation is what is sent while connections are cut.
type conversation struct {
	name     string
	messages [][]string
}

// numbered makes a body of some size that says which one it is.
func numbered(i, size int) string {
	b := fmt.Sprintf("%d:", i)
	if len(b) > size {
		return b[:size]
	}
	return b + strings.Repeat(string(rune('a'+i%26)), size-len(b))
}

var conversations = []conversation{
	{"short messages of one and more frames", [][]string{
		{"one"}, {"", "two"}, {""}, {"four", "", numbered(5, 20)}, {"five"},
	}},
	{"large frames", [][]string{
		{"one"}, {numbered(3, 255)}, {numbered(4, 256)}, {numbered(2, 70<<10)}, {"three", numbered(3, 40<<10), "x", numbered(4, 17<<10)}, {numbered(5, 16<<10), ""}, {"six"},
	}},
}

// edges returns where frames begin and end in the octets of a conversation behind
// an opening of so many octets.
func (c conversation) edges(d dialect, opening int) []int {
	edges := []int{0, 10, 11, 12, zmtp.GreetingSize, opening}
	at := opening
	for _, m := range c.messages {
		for i := range m {
			edges = append(edges, at+len(d.encode(m[:i+1]...)))
		}
		at += len(d.encode(m...))
	}
	return edges
}

// cuts returns the octets at which to cut: every one of a short conversation, and
// those around the edges of frames in a long one.
func (c conversation) cuts(d dialect, opening int) (cuts []int) {
	edges := c.edges(d, opening)
	for cut := 0; cut <= slices.Max(edges); cut++ {
		near := func(edge int) bool { return -4 <= cut-edge && cut-edge <= 10 }
		if slices.Max(edges) < 1000 || slices.ContainsFunc(edges, near) {
			cuts = append(cuts, cut)
		}
	}
	return cuts
}

// What is sent is there once and in order, but for the message that a cut went
// through.
func TestAConnectionCutAtAnyOctetLosesOneMessageOut(t *testing.T) {
	for _, d := range dialects {
		for _, c := range conversations {
			t.Run(d.name+"/"+c.name, func(t *testing.T) {
				// Ours is as long as a peer's would be, but for the property of an id.
				for _, cut := range c.cuts(d, len(d.opening("PUSH", ""))) {
					synctest.Test(t, func(t *testing.T) { cutOut(t, d, c, cut) })
					if t.Failed() {
						t.Fatalf("cut at octet %d", cut)
					}
				}
			})
		}
	}
}

func cutOut(t *testing.T, d dialect, c conversation, cut int) {
	s, n := d.socket(t, "PUSH", "PULL"), newNetwork()
	Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
	for _, m := range c.messages {
		s.send(m...)
	}
	first := <-n.dialled
	said := say(first, d.opening("PULL", ""))
	_ = first.SetReadDeadline(time.Now().Add(time.Second)) // a cut behind the end is one behind the end
	stream := readAll(first, cut)
	_ = first.Close()
	<-said
	got, rest, err := d.decode(stream)
	if err != nil {
		t.Fatal(err)
	}
	lost := 0 // nothing in the handshake, and the message that is not whole behind it
	ours := len(d.opening("PUSH", ""))
	if d.version == zmtp.V10 {
		ours = zmtp.SignatureSize
	}
	if len(stream) > ours && rest > 0 {
		lost = 1
	}

	second := <-n.dialled
	said = say(second, d.opening("PULL", ""))
	synctest.Wait()
	s.send("the end")
	stream = nil
	for {
		more, rest, err := d.decode(stream)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) > 0 && rest == 0 && slices.Equal(more[len(more)-1], []string{"the end"}) {
			got = append(got, more[:len(more)-1]...)
			break
		}
		b := make([]byte, 64<<10)
		k, err := second.Read(b)
		if err != nil {
			t.Fatalf("after %d octets on the second connection: %v", len(stream), err)
		}
		stream = append(stream, b[:k]...)
	}
	<-said
	go func() { _, _ = io.Copy(io.Discard, second) }()
	s.close(0)
	_ = second.Close()

	if missing := missingFrom(got, c.messages); missing != lost {
		t.Errorf("%d messages came: %.40q\nof these: %.40q", len(got), got, c.messages)
	}
}

// missingFrom returns how many of all are not in some, or -1 when some has one that
// all has not, or another order.
func missingFrom(some, all [][]string) (missing int) {
	for _, m := range all {
		if len(some) > 0 && slices.Equal(some[0], m) {
			some = some[1:]
		} else {
			missing++
		}
	}
	if len(some) > 0 {
		return -1
	}
	return missing
}

// What a peer sends is received once and in order, but for the message that a cut
// went through.
func TestAConnectionCutAtAnyOctetLosesOneMessageIn(t *testing.T) {
	for _, d := range dialects {
		for _, c := range conversations {
			t.Run(d.name+"/"+c.name, func(t *testing.T) {
				for _, cut := range c.cuts(d, len(d.opening("PUSH", ""))) {
					synctest.Test(t, func(t *testing.T) { cutIn(t, d, c, cut) })
					if t.Failed() {
						t.Fatalf("cut at octet %d", cut)
					}
				}
			})
		}
	}
}

func cutIn(t *testing.T, d dialect, c conversation, cut int) {
	s, n := d.socket(t, "PULL", "PUSH"), newNetwork()
	Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
	peer := <-n.dialled
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	stream := d.opening("PUSH", "")
	whole := 0 // messages that went before the cut
	begun := 0
	for _, m := range c.messages {
		if len(stream) < cut {
			begun++
		}
		stream = append(stream, d.encode(m...)...)
		if len(stream) <= cut {
			whole++
		}
	}
	<-say(peer, stream[:min(cut, len(stream))])
	synctest.Wait() // a peer has our READY before it sends its first message
	_ = peer.Close()

	peer = <-n.dialled
	go func() { _, _ = io.Copy(io.Discard, peer) }()
	stream = d.opening("PUSH", "")
	for _, m := range c.messages[begun:] {
		stream = append(stream, d.encode(m...)...)
	}
	<-say(peer, stream)
	synctest.Wait()
	want := append(slices.Clone(c.messages[:whole]), c.messages[begun:]...)
	if got := s.recv(); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%d messages came, want %d: %.40q", len(got), len(want), got)
	}
	s.close(0)
	_ = peer.Close()
}

// Connections may be cut time and again; never is more lost than one message a cut.
func TestManyCuts(t *testing.T) {
	for _, d := range []dialect{dialects[0], dialects[5]} {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { manyCuts(t, d) })
		})
	}
}

func manyCuts(t *testing.T, d dialect) {
	s, n := d.socket(t, "PUSH", "PULL"), newNetwork()
	s.cfg.ReconnectInterval = time.Millisecond
	Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
	var want [][]string
	for i := range 60 {
		m := []string{numbered(i, i*i*7), numbered(i, 5)}
		want = append(want, m)
		s.send(m...)
	}
	var got [][]string
	cuts := 0
	for len(got) == 0 || got[len(got)-1][0] != want[len(want)-1][0] {
		peer := <-n.dialled
		said := say(peer, d.opening("PULL", ""))
		_ = peer.SetReadDeadline(time.Now().Add(time.Second)) // the last one is not cut
		stream := readAll(peer, 64+30+cuts*1931)
		_ = peer.Close()
		<-said
		more, _, err := d.decode(stream)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, more...)
		cuts++
	}
	if missing := missingFrom(got, want); missing < 0 || missing > cuts {
		t.Errorf("%d of %d messages missing after %d cuts", missing, len(want), cuts)
	}
	s.close(0)
}
