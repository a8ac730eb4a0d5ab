package pipe

import (
	"bytes"
	"testing"

	"zeromux/internal/message"
)

// A machine does what a string of octets tells it, to a pipe and to a model of it.
type machine struct {
	*rig
	model
	ops []byte

	from, to *End // the ends that write and read: near and far, unless a session delivers

	twin    *End // another pipe of the socket, for what is sent to both
	twinFar *End
	sent    int // messages that the twin was sent

	last     message.Message // what Read returned last, and what it should be
	expected *message.Message
	kept     [][2][]byte // frames that were given away, and what they should be
	held     []*message.Chunk
	heldAs   [][2][]byte

	lease  Lease
	leased [][2][]byte // what was taken by it
}

// sizes are those at which something changes.
var sizes = [...]int{0, 1, 7, 255, 256, 1000, 4000, message.LargeFrame - 1, message.LargeFrame, 40000}

// next returns the next octet of the string, zero behind its end.
func (x *machine) next() int {
	if len(x.ops) == 0 {
		return 0
	}
	op := x.ops[0]
	x.ops = x.ops[1:]
	return int(op)
}

// someMarks are marks that the reader acknowledges after every message, and after many.
var someMarks = [...]int{0, 1, 2, 3, 5, 8, 24, 100, 400}

// someMark returns a mark that the string describes.
func (x *machine) someMark() int { return someMarks[x.next()%len(someMarks)] }

// some returns a message that the string describes.
func (x *machine) some() *message.Message {
	op := x.next()
	m := x.data(sizes[op%len(sizes)])
	for range op / len(sizes) % 4 {
		m.Frames = append(m.Frames, x.body(sizes[x.next()%len(sizes)]))
	}
	return m
}

// someFirst returns the first frame of a message that waits, if there is one.
func (x *machine) someFirst() []byte {
	k := x.next()
	if len(x.waiting) == 0 {
		return []byte("nothing that waits")
	}
	return x.waiting[k%len(x.waiting)].Frames[0]
}

// put writes w by a way, and checks what became of it.
func (x *machine) put(w *message.Message, way func(*message.Message) Status) {
	want := x.admit(w.Kind)
	copied := copyOf(w)
	if got := way(w); got != want {
		x.Fatalf("Write: %v, want %v with %d of %d", got, want, x.depth(), x.mark)
	}
	if want == OK {
		x.model.write(copied)
	}
	x.tell()
	x.check()
}

func (x *machine) encode(w *message.Message) Status {
	var c Encoding
	c.Encode(w, &x.pool)
	for i := range c.q.spans {
		x.chunks[c.q.spans[i].chunk] = true
	}
	x.chunks[c.q.open] = true
	st := x.near.WriteEncoded(&c)
	if x.twin.WriteEncoded(&c) == OK {
		x.sent++
	}
	c.Release()
	if c.q.open != nil {
		c.q.rest()
	}
	if w.Owned != nil {
		w.Owned.Release()
	}
	return st
}

// write is one write of any form.
func (x *machine) write() {
	switch x.next() % 7 {
	case 0:
		x.put(x.lent(x.some()), func(m *message.Message) Status { return x.rig.write(x.near, m) })
	case 1:
		x.put(x.some(), x.encode)
	case 2:
		x.put(x.lent(x.some()), x.encode)
	case 3:
		m := x.data(sizes[x.next()%len(sizes)])
		m.Kind = message.Subscribe + message.Kind(x.next()%2)
		x.put(m, func(m *message.Message) Status { return x.rig.write(x.near, m) })
	case 4:
		x.put(x.data(sizes[x.next()%len(sizes)]), func(m *message.Message) Status { return x.near.WriteBody(m.Frames[0]) })
	case 5:
		x.put(x.lent(x.some()), func(m *message.Message) Status {
			defer m.Owned.Release()
			return x.near.WriteAlone(m.Frames, m.Owned)
		})
	default:
		x.put(x.some(), func(m *message.Message) Status { return x.rig.write(x.near, m) })
	}
}

// check compares what can be told of the pipe at any time.
func (x *machine) check() {
	x.Helper()
	if out := x.from.Unsent(); out != x.depth() {
		x.Fatalf("depth %d, want %d", out, x.depth())
	}
	if in, want := x.to.Waiting(), len(x.waiting)+len(x.taken); in != want {
		x.Fatalf("%d messages wait, want %d", in, want)
	}
	room := x.writable.Swap(0) > 0
	x.hub.Writable(func(e *End) { room = room || e == x.from })
	if x.told && !room {
		x.Fatal("there is room, and the writer was not told")
	}
	x.told = false
	x.untouched(x.kept[max(0, len(x.kept)-4):])
	x.untouched(x.heldAs[max(0, len(x.heldAs)-4):])
	if x.expected != nil && !same(&x.last, x.expected) {
		x.Fatal("the message that was read last has changed before the next Read")
	}
}

// untouched checks that memory which the reader has is as it was.
func (x *machine) untouched(pairs [][2][]byte) {
	x.Helper()
	for _, pair := range pairs {
		if !bytes.Equal(pair[0], pair[1]) {
			x.Fatal("memory that the reader has was used for something else")
		}
	}
}

// read reads once, and does with the memory what a receiver may do.
func (x *machine) read() {
	want := x.model.read()
	x.look()
	st := x.readSmall()
	if st != OK {
		st = x.to.Read(&x.last)
	}
	x.expected = want
	if want == nil {
		if st != Empty {
			x.Fatalf("Read: %v, want Empty", st)
		}
		x.idle()
		return
	}
	if st != OK || !same(&x.last, want) {
		x.Fatalf("Read: %v: not the message that was written", st)
	}
	x.check()
	switch how := x.next() % 8; {
	case how < 4 || x.to.Shared():
	case how < 6:
		for i := x.to.cur.first; i < x.to.cur.i; i++ {
			x.given[x.to.cur.spans[i].chunk] = true
		}
		x.to.Keep()
		for i, f := range x.last.Frames {
			x.kept = append(x.kept, [2][]byte{f, want.Frames[i]})
		}
	default:
		x.held = x.to.Hold(x.held)
		for i, f := range x.last.Frames {
			x.heldAs = append(x.heldAs, [2][]byte{f, want.Frames[i]})
		}
	}
}

// take reads up to n messages by a lease, which covers no more than is short.
func (x *machine) take(n int) {
	x.untouched(x.leased)
	x.lease.Drop()
	x.leased = nil
	if !x.to.Lease(&x.lease) {
		return
	}
	x.expected = nil
	for range n {
		body, ok := x.lease.Take(100)
		if !ok {
			break
		}
		want := x.model.read()
		if want == nil || len(want.Frames) != 1 || want.Kind != message.Data || !bytes.Equal(body, want.Frames[0]) {
			x.Fatal("Take: not the message that was written")
		}
		x.leased = append(x.leased, [2][]byte{body, want.Frames[0]})
	}
	x.lease.End()
	if body, ok := x.lease.Take(100); ok {
		x.Fatalf("Take of %d octets from a lease that has ended", len(body))
	}
}

// idle checks that a reader which found nothing is told of the next message.
func (x *machine) idle() {
	x.expected = nil
	if x.to.hub != nil && x.to.hub.HasReadable() {
		x.to.hub.Readable(func(*End) {})
	}
}

// letGo releases what was held.
func (x *machine) letGo() {
	x.untouched(x.heldAs)
	for _, c := range x.held {
		c.Release()
	}
	x.held, x.heldAs = nil, nil
	x.untouched(x.leased)
	x.lease.Drop()
	x.leased = nil
}

// newMachine makes a pipe as the first octets of a string say.
func newMachine(tb testing.TB, ops []byte) *machine {
	x := &machine{ops: ops}
	form := x.next()
	send, recv := x.someMark(), x.someMark()
	c := Config{SendMark: send, SendMarkPeer: recv, Conflate: form%4 == 3}
	if recv == someMarks[8] {
		c.SendMarkPeer = -1
	}
	c.RecvMarkPeer = -1
	x.rig = newRig(tb, c)
	x.newest = c.Conflate
	x.from, x.to = x.near, x.far
	if form%8 < 6 { // else nobody knows who sends
		x.far.Peer = new(message.Peer)
	}
	x.mark = markOf(send, c.SendMarkPeer)
	c.Pool, c.SendMark, c.SendMarkPeer = &x.pool, 0, 0
	x.twin, x.twinFar = New(c)
	x.twin.Join(&x.hub)
	return x
}

func markOf(send, recv int) int {
	if send == 0 || recv == 0 {
		return 0
	}
	return max(send, 0) + max(recv, 0)
}

// end closes everything, and checks that nothing is left over.
func (x *machine) end() {
	x.untouched(x.kept)
	x.letGo()
	twins := 0
	for st := x.twinFar.CanRead(); st == OK; st = x.twinFar.CanRead() {
		var m message.Message
		x.twinFar.Read(&m)
		twins++
	}
	if !x.newest && twins != x.sent {
		x.Errorf("%d messages came through the twin, want %d", twins, x.sent)
	}
	for _, e := range []*End{x.near, x.far, x.twin, x.twinFar} {
		if x.next()%2 == 0 {
			e.CloseWrite()
			e.CloseRead()
		} else {
			e.CloseRead()
			e.CloseWrite()
		}
	}
	if st := x.near.Write(x.data(1)); st != Closed {
		x.Errorf("Write to a closed pipe: %v", st)
	}
	x.done()
}

// readSmall reads by one of the ways for small messages, or reports Empty when
// none of them will do.
func (x *machine) readSmall() Status {
	body, peer, ok := x.to.ReadShort()
	if !ok {
		body, peer, ok = x.to.ReadLong(1000)
	}
	if !ok {
		return Empty
	}
	x.last = message.Message{Frames: [][]byte{body}, Peer: peer}
	return OK
}

// readUntilEmpty reads all there is. The reader must be told of what comes after.
func (x *machine) readUntilEmpty() {
	for x.read(); x.expected != nil; x.read() {
		x.check()
	}
}
