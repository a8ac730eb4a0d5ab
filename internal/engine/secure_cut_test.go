package engine

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A cutter is an end of a connection that breaks within a record of TLS which comes in,
// or goes out, when so many octets of it have passed.
type cutter struct {
	net.Conn
	record int
	place  func(size int) int // of a record of so many octets, its header of five among them

	header  []byte // of the record that is passing
	had     int    // octets of it that have passed
	size    int    // of all of it, once that is known
	reached bool
}

// places are where to cut a record.
var places = map[string]func(size int) int{
	"before":                func(int) int { return 0 },
	"in the header":         func(int) int { return 3 },
	"behind the header":     func(int) int { return 5 },
	"in the middle":         func(size int) int { return 5 + (size-5)/2 },
	"before the last octet": func(size int) int { return size - 1 },
	"behind":                func(size int) int { return size },
}

// room is how many octets may pass at once; zero: the connection is cut here.
func (c *cutter) room() int {
	end, size := 5, c.size
	if size == 0 {
		size = 1 << 20 // not known yet
	} else {
		end = size
	}
	if c.record == 0 {
		end = min(end, c.place(size))
	}
	return end - c.had
}

// pass takes note of octets that have passed.
func (c *cutter) pass(b []byte) {
	c.had += len(b)
	if c.size == 0 {
		if c.header = append(c.header, b...); len(c.header) == 5 {
			c.size = 5 + int(c.header[3])<<8 + int(c.header[4])
		}
	}
	if c.had == c.size && (c.record > 0 || c.place(c.size) > c.size) {
		c.record, c.header, c.had, c.size = c.record-1, nil, 0, 0
	}
	if c.record == 0 && c.room() == 0 {
		c.reached = true
		_ = c.Conn.Close()
	}
}

func (c *cutter) transfer(b []byte, move func([]byte) (int, error)) (n int, err error) {
	if c.record == 0 && c.had == 0 && c.room() == 0 { // before the first octet of all
		c.pass(nil)
	}
	if c.reached {
		return 0, errCutOff
	}
	n, err = move(b[:min(len(b), c.room())])
	c.pass(b[:n])
	return n, err
}

// cutReads and cutWrites cut one direction alone.
type (
	cutReads  struct{ *cutter }
	cutWrites struct{ *cutter }
)

func (r cutReads) Read(b []byte) (int, error) { return r.transfer(b, r.Conn.Read) }

func (w cutWrites) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = w.transfer(b[n:], w.Conn.Write)
		n += m
	}
	return n, err
}

// eachCut runs a test for each place of each record, until there are no more records.
func eachCut(t *testing.T, test func(t *testing.T, c conversation, cut *cutter)) {
	t.Helper()
	for _, c := range conversations {
		t.Run(c.name, func(t *testing.T) {
			for name, place := range places {
				for record, more := 0, true; more; record++ {
					synctest.Test(t, func(t *testing.T) {
						cut := &cutter{record: record, place: place}
						test(t, c, cut)
						more = cut.reached
					})
					if t.Failed() {
						t.Fatalf("cut %s record %d", name, record)
					}
					if !more && record < 5 {
						t.Fatalf("only %d records were cut", record)
					}
				}
			}
		})
	}
}

// What is sent over TLS is there once and in order, but for the message that a cut went
// through: none is sent again of which the peer has had all records.
func TestAConnectionOfTLSCutInAnyRecordLosesOneMessageOut(t *testing.T) {
	both, d := newSides(t), dialects[0]
	eachCut(t, func(t *testing.T, c conversation, cut *cutter) {
		s, n := newSocket(t, "PUSH", "PULL"), newNetwork()
		both.dial(n)
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		for _, m := range c.messages {
			s.send(m...)
		}
		cut.Conn = <-n.dialled
		first := tls.Server(cutReads{cut}, both.server)
		said := say(first, d.opening("PULL", ""))
		_ = first.SetReadDeadline(time.Now().Add(time.Second)) // if nothing is cut
		stream := readAll(first, -1)
		_ = cut.Close()
		<-said
		got, rest, err := d.decode(stream)
		if err != nil {
			t.Fatal(err)
		}
		lost := 0
		if len(stream) > len(d.opening("PUSH", "")) && rest > 0 {
			lost = 1
		}

		second := tls.Server(<-n.dialled, both.server)
		said = say(second, d.opening("PULL", ""))
		synctest.Wait()
		s.send("the end")
		for stream = nil; ; {
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
	})
}

// What a peer sends over TLS is received once and in order, up to the last message of
// which all records have come.
func TestAConnectionOfTLSCutInAnyRecordBringsWholeMessages(t *testing.T) {
	both, d := newSides(t), dialects[0]
	eachCut(t, func(t *testing.T, c conversation, cut *cutter) {
		s, n := newSocket(t, "PULL", "PUSH"), newNetwork()
		both.dial(n)
		Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		send := func(peer *tls.Conn, messages [][]string) (whole int) {
			go func() { _, _ = io.Copy(io.Discard, peer) }()
			if _, err := peer.Write(d.opening("PUSH", "")); err != nil {
				return 0
			}
			for whole < len(messages) {
				if _, err := peer.Write(d.encode(messages[whole]...)); err != nil {
					break
				}
				whole++
			}
			return whole
		}
		cut.Conn = <-n.dialled
		whole := send(tls.Server(cutWrites{cut}, both.server), c.messages)
		synctest.Wait()
		_ = cut.Close()
		peer := tls.Server(<-n.dialled, both.server)
		if rest := c.messages[whole:]; send(peer, rest) != len(rest) {
			t.Fatal("the second connection is lost")
		}
		synctest.Wait()
		if got := s.recv(); !slices.EqualFunc(got, c.messages, slices.Equal) {
			t.Errorf("%d messages came, want %d: %.40q", len(got), len(c.messages), got)
		}
		s.close(0)
		_ = peer.Close()
	})
}
