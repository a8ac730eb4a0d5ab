package engine

import (
	"bytes"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// Peers of every version talk with us in both directions, and are known by the
// routing id that they announce.
func TestPeersOfEveryVersion(t *testing.T) {
	messages := [][]string{{"a"}, {"", "b"}, {numbered(3, 253)}, {numbered(4, 254)}, {numbered(5, 255), numbered(6, 256)}, {numbered(7, 70<<10), "z"}}
	for _, d := range dialects {
		synctest.Test(t, func(t *testing.T) {
			s := d.socket(t, "ROUTER", "DEALER")
			s.cfg.RoutingID = []byte("ours")
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			stream := d.opening("DEALER", "theirs")
			for _, m := range messages {
				stream = append(stream, d.encode(m...)...)
			}
			<-say(l, stream)
			synctest.Wait()
			if got := s.recv(); !slices.EqualFunc(got, messages, slices.Equal) {
				t.Errorf("%s: received %.40q", d.name, got)
			}
			p := s.peers[0]
			if string(p.RoutingID) != "theirs" || p.Version != d.version.String() || d.version.HasHandshake() != (p.SocketType == "DEALER") {
				t.Errorf("%s: the peer is %+v", d.name, p)
			}
			for _, m := range messages {
				s.send(m...)
			}
			synctest.Wait()
			octets, _ := l.heard()
			if d.version == zmtp.V10 {
				// The signature is the header of our identity, in long form.
				if want := "\xff\x00\x00\x00\x00\x00\x00\x00\x05\x7fours"; !bytes.HasPrefix(octets, []byte(want)) {
					t.Errorf("%s: we begin with %q", d.name, octets[:min(len(octets), 20)])
				}
			}
			if got := l.said(t, d); !slices.EqualFunc(got, messages, slices.Equal) {
				t.Errorf("%s: sent %.40q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// An identity may come in the long form, which begins as a signature does.
func TestAnUnversionedPeerWithALongIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "ROUTER", "DEALER")
		ours, theirs := net.Pipe()
		Attach(s.env, s, &s.cfg, ours, "mem://", "")
		l := listen(theirs)
		for _, octet := range []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x03\x00ID\x02\x00x") {
			<-say(l, []byte{octet})
		}
		synctest.Wait()
		if got := s.recv(); !slices.EqualFunc(got, [][]string{{"x"}}, slices.Equal) || string(s.peers[0].RoutingID) != "ID" {
			t.Errorf("received %q from %+v", got, s.peers[0])
		}
		s.close(0)
		_ = l.Close()
	})
}

// We never wait for more of a peer than it may send before it has heard from us.
func TestOurGreetingLeavesAsFarAsThePeerMayNeedIt(t *testing.T) {
	for _, test := range []struct {
		says string
		want int
	}{
		{"", 10},
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01", 10},
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", 11},
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03", 64 + 28}, // and our READY
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x02", 64 + 28}, // taken for 3.1
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01", 12 + 2},
		{"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x00", 12 + 2},
		{"\x01", 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			<-say(l, []byte(test.says))
			synctest.Wait()
			octets, _ := l.heard()
			if len(octets) != test.want {
				t.Errorf("after %q we have sent %d octets, want %d", test.says, len(octets), test.want)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// Subscriptions travel as the peer reads them, and are understood in either form.
func TestSubscriptionsInTheFormOfThePeer(t *testing.T) {
	topics := []string{"", "a", numbered(1, 244), numbered(1, 245), numbered(1, 246), numbered(1, 254), numbered(1, 255), numbered(1, 256), numbered(1, 20<<10)}
	for _, d := range dialects {
		synctest.Test(t, func(t *testing.T) {
			s := d.socket(t, "SUB", "PUB")
			s.topics = topics
			l := s.accepted(d, "PUB")
			s.write(s.end(), &message.Message{Kind: message.Cancel, Frames: [][]byte{[]byte("a")}})
			synctest.Wait()
			var want [][]string
			for _, topic := range topics {
				if d.version.HasCommandSubscriptions() {
					want = append(want, []string{"!\x09SUBSCRIBE" + topic})
				} else {
					want = append(want, []string{"\x01" + topic})
				}
			}
			if d.version.HasCommandSubscriptions() {
				want = append(want, []string{"!\x06CANCELa"})
			} else {
				want = append(want, []string{"\x00a"})
			}
			if got := l.said(t, d); !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s: sent %.30q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
	for _, d := range append(dialects[:3:3], dialects[5:]...) {
		synctest.Test(t, func(t *testing.T) {
			s := d.socket(t, "XPUB", "SUB")
			l := s.accepted(d, "SUB")
			<-say(l, slices.Concat(
				d.frame(zmtp.FlagCommand, []byte("\x09SUBSCRIBEa")),
				d.frame(0, []byte("\x01b")),
				d.frame(zmtp.FlagCommand, []byte("\x06CANCELa")),
			))
			synctest.Wait()
			// The second form is a message, which the pattern understands.
			if got, want := s.recv(), [][]string{{"+a"}, {"\x01b"}, {"-a"}}; !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s: received %q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// A peer without version never asks, and gets everything.
func TestAPublisherTakesAnUnversionedPeerForASubscriberToAll(t *testing.T) {
	for _, d := range dialects {
		synctest.Test(t, func(t *testing.T) {
			s := d.socket(t, "PUB", "SUB")
			l := s.accepted(d, "SUB")
			var want [][]string
			if d.version == zmtp.V10 {
				want = [][]string{{"+"}}
			}
			if got := s.recv(); !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("%s: subscribed to %q, want %q", d.name, got, want)
			}
			<-say(l, d.encode("x"))
			synctest.Wait()
			if got := s.recv(); len(got) != 1 {
				t.Errorf("%s: received %q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// Subscriptions that a broken connection has not brought over are stated anew, not
// twice.
func TestSubscriptionsAreStatedAnew(t *testing.T) {
	for _, d := range dialects {
		synctest.Test(t, func(t *testing.T) {
			s, n := d.socket(t, "SUB", "PUB"), newNetwork()
			s.topics = []string{"a", "b"}
			Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
			first := <-n.dialled
			said := say(first, d.opening("PUB", ""))
			readAll(first, len(d.opening("SUB", ""))+3) // in the middle of the first
			<-said
			_ = first.Close()
			l := listen(<-n.dialled)
			<-say(l, d.opening("PUB", ""))
			synctest.Wait()
			if got := l.said(t, d); len(got) != 2 {
				t.Errorf("%s: sent %q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// The mark pauses a connection and room resumes it, whatever the sizes and splits.
func TestAMarkNeverStallsAConnection(t *testing.T) {
	for _, d := range dialects {
		for mark := 1; mark <= 5; mark++ {
			synctest.Test(t, func(t *testing.T) {
				s := d.socket(t, "PULL", "PUSH")
				s.pipe.RecvMark = mark
				l := s.accepted(d, "PUSH")
				const n = 60
				var stream []byte
				for i := range n {
					stream = append(stream, d.encode(numbered(i, []int{3, 300, 20, 5000, 40 << 10, 1}[i%6]), numbered(i, i))...)
				}
				go func() {
					for i := 0; len(stream) > 0; i++ {
						k := min(len(stream), 1+i*997%9000)
						if _, err := l.Write(stream[:k]); err != nil {
							return
						}
						stream = stream[k:]
					}
				}()
				got := 0
				for synctest.Wait(); got < n; synctest.Wait() {
					more := s.recv()
					if len(more) == 0 {
						t.Fatalf("%s, mark %d: stalled after %d of %d messages", d.name, mark, got, n)
					}
					for i, m := range more {
						if m[0] != numbered(got+i, len(m[0])) {
							t.Fatalf("%s, mark %d: message %d is another one", d.name, mark, got+i)
						}
					}
					got += len(more)
				}
				s.close(0)
				_ = l.Close()
			})
		}
	}
}

// STREAM carries octets as they are.
func TestRawConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "STREAM")
		s.cfg.Raw = true
		s.pipe.RecvMark = 2
		ours, theirs := net.Pipe()
		Attach(s.env, s, &s.cfg, ours, "mem://", "")
		l := listen(theirs)
		synctest.Wait()
		want := ""
		said := make(chan struct{})
		var chunks []string
		for i := range 30 {
			chunks = append(chunks, numbered(i, 1+i*700))
			want += chunks[i]
		}
		go func() {
			defer close(said)
			for _, c := range chunks {
				_, _ = l.Write([]byte(c))
			}
		}()
		got := ""
		for range 1000 {
			synctest.Wait()
			for _, m := range s.recv() {
				if len(m) != 1 || len(m[0]) > rawChunk || m[0] == "" {
					t.Fatalf("a message of %d frames, the first of %d octets", len(m), len(m[0]))
				}
				got += m[0]
			}
		}
		<-said
		if got != want {
			t.Errorf("%d octets came, want %d", len(got), len(want))
		}
		s.send("GET / HTTP/1.1")
		s.send("")
		s.send(numbered(1, 20<<10))
		synctest.Wait()
		if octets, _ := l.heard(); string(octets) != "GET / HTTP/1.1"+numbered(1, 20<<10) {
			t.Errorf("%d octets were sent", len(octets))
		}
		if got := told(s.heard()); got != "accepted" {
			t.Errorf("events: %s", got)
		}
		s.close(0)
		_ = l.Close()
	})
}

// The deadline of the handshake is over when the handshake is.
func TestTheDeadlineIsForTheHandshakeAlone(t *testing.T) {
	for _, d := range dialects {
		synctest.Test(t, func(t *testing.T) {
			s := d.socket(t, "PULL", "PUSH")
			s.cfg.HandshakeInterval = time.Second
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			opening := d.opening("PUSH", "")
			<-say(l, opening[:len(opening)-1])
			pass(time.Second - time.Millisecond)
			<-say(l, opening[len(opening)-1:])
			pass(time.Hour)
			<-say(l, d.encode("hello"))
			synctest.Wait()
			if got := s.recv(); len(got) != 1 {
				t.Errorf("%s: received %q", d.name, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}
