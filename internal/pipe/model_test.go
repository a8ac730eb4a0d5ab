package pipe

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"zeromux/internal/message"
)

// A model is what one direction of a pipe must do, slowly and obviously: a list of
// messages that wait, one of those that the reader has taken, and three numbers.
type model struct {
	newest  bool
	waiting []*message.Message
	taken   []*message.Message
	unacked int // read and not acknowledged
	mark    int // 0: none
	step    int // messages between acknowledgements, as of the last take
	full    bool
	told    bool // since it was full
}

func (m *model) depth() int { return len(m.waiting) + len(m.taken) + m.unacked }

// admit says what becomes of a message that is written.
func (m *model) admit(kind message.Kind) Status {
	if kind == message.Data && !m.newest && m.mark > 0 && (m.full || m.depth() >= m.mark) {
		m.full, m.told = true, false
		return Full
	}
	return OK
}

func (m *model) write(w *message.Message) {
	if m.newest && w.Kind == message.Data {
		m.waiting = slices.DeleteFunc(m.waiting, func(old *message.Message) bool { return old.Kind == message.Data })
		w = &message.Message{Frames: w.Frames[len(w.Frames)-1:]}
	}
	m.waiting = append(m.waiting, w)
}

// acknowledge is what the reader does now and then.
func (m *model) acknowledge() {
	m.unacked = 0
	if m.full && (m.mark == 0 || m.depth() <= m.mark/2) {
		m.full, m.told = false, true
	}
}

func (m *model) setMark(mark int) {
	m.mark = mark
	if m.full && (mark == 0 || m.depth() < mark) {
		m.full, m.told = false, true
	}
}

// read takes the next message, or nil.
func (m *model) read() *message.Message {
	if len(m.taken) == 0 {
		m.acknowledge()
		m.taken, m.waiting = m.waiting, nil
		if m.step = 1 << 30; m.mark > 0 {
			m.step = max(m.mark/8, 1)
		}
	}
	if len(m.taken) == 0 {
		return nil
	}
	next := m.taken[0]
	m.taken = m.taken[1:]
	if m.unacked++; m.unacked >= m.step {
		m.acknowledge()
	}
	return next
}

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

// some returns a message that the string describes.
func (x *machine) some() *message.Message {
	op := x.next()
	m := x.data(sizes[op%len(sizes)])
	for range op / len(sizes) % 4 {
		m.Frames = append(m.Frames, x.body(sizes[x.next()%len(sizes)]))
	}
	return m
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
	if out, _ := x.from.Depth(); out != x.depth() {
		x.Fatalf("depth %d, want %d", out, x.depth())
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
}

// newMachine makes a pipe as the first octets of a string say.
func newMachine(tb testing.TB, ops []byte) *machine {
	x := &machine{ops: ops}
	form := x.next()
	send, recv := x.next()%9, x.next()%9
	c := Config{SendMark: send, SendMarkPeer: recv, Conflate: form%4 == 3}
	if recv == 8 {
		c.SendMarkPeer = -1
	}
	c.RecvMarkPeer = -1
	x.rig = newRig(tb, c)
	x.newest = c.Conflate
	x.from, x.to = x.near, x.far
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

// runSockets plays a string to a pipe between two sockets.
func runSockets(tb testing.TB, ops []byte) {
	x := newMachine(tb, ops)
	var hub Hub
	x.far.Join(&hub)
	x.readUntilEmpty()
	send, recv := x.near.out.marks.send, x.near.out.marks.recv
	for len(x.ops) > 0 {
		switch x.next() % 12 {
		case 0, 1, 2, 3:
			x.write()
		case 4, 5, 6:
			x.read()
		case 7:
			x.letGo()
		case 8:
			send = x.next() % 9
			x.near.SetSendMark(send)
			x.setMark(markOf(send, recv))
		case 9:
			recv = x.next() % 9
			x.far.SetRecvMark(recv)
			x.setMark(markOf(send, recv))
		case 10:
			want := OK
			if len(x.taken) == 0 {
				if x.acknowledge(); len(x.waiting) == 0 {
					want = Empty
				}
			}
			if got := x.far.CanRead(); got != want {
				x.Fatalf("CanRead: %v, want %v", got, want)
			}
		case 11:
			if got, want := x.near.CanWrite(), x.admit(message.Data); got != want {
				x.Fatalf("CanWrite: %v, want %v", got, want)
			}
		}
		x.check()
	}
	x.readUntilEmpty()
	if x.depth() != 0 || x.full && x.mark > 0 {
		x.Errorf("all is read, and depth is %d, full %v", x.depth(), x.full)
	}
	x.near.CloseWrite()
	if st := x.far.Read(&x.last); st != Closed {
		x.Errorf("Read behind the last message: %v, want Closed", st)
	}
	x.expected = nil
	x.end()
}

// readUntilEmpty reads all there is. The reader must be told of what comes after.
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

func (x *machine) readUntilEmpty() {
	for x.read(); x.expected != nil; x.read() {
		x.check()
	}
}

// runSession plays a string to a pipe between a socket and a session, whose
// connection carries what it likes and breaks where it likes.
func runSession(tb testing.TB, ops []byte) {
	x := newMachine(tb, ops)
	o := NewOutgoing(x.far)
	var wire []byte // of the connection that is up
	// Messages are matched in order; those that were lost are left out.
	var arrived, accepted []*message.Message
	lost, cuts := 0, 0
	carried := func() int {
		whole, size := parse(wire)
		arrived = append(arrived, dataOf(whole)...)
		return len(wire) - size
	}
	for len(x.ops) > 0 {
		switch x.next() % 8 {
		case 0, 1, 2:
			// A session's acknowledgements lag behind: only the words of the pipe
			// tell whether there is room.
			m := x.some()
			copied := copyOf(m)
			if x.next()%2 == 0 {
				m = x.lent(m)
			}
			depth := x.near.out.depth()
			switch st := x.rig.write(x.near, m); {
			case st == OK && x.mark > 0 && !x.newest && depth >= x.mark:
				x.Fatalf("a message was taken beyond the mark: %d of %d", depth+1, x.mark)
			case st == OK && x.newest:
				accepted = append(accepted, &message.Message{Frames: copied.Frames[len(copied.Frames)-1:]})
			case st == OK:
				accepted = append(accepted, copied)
			case st != Full || x.mark == 0 || x.newest:
				x.Fatalf("Write: %v", st)
			}
		case 3:
			m := x.data(sizes[x.next()%len(sizes)])
			m.Kind = message.Subscribe
			x.rig.write(x.near, m)
		case 4, 5, 6:
			wire = append(wire, carry(x, o, 1+x.next()*1009, 1+x.next()*331)...)
		case 7:
			rest := carried()
			wire = nil
			x.look()
			n := o.Restore()
			if n > 1 || n == 1 && rest == 0 {
				x.Fatalf("%d messages lost by a cut with %d octets behind the last message", n, rest)
			}
			lost += n
			cuts++
			x.look()
			if x.near.out.inflight != 0 {
				x.Fatalf("%d messages in flight without a connection", x.near.out.inflight)
			}
		}
	}
	wire = append(wire, carry(x, o, 1<<30, 1<<20)...)
	if rest := carried(); rest != 0 {
		x.Errorf("%d octets behind the last message", rest)
	}
	if depth := x.near.out.depth(); depth != 0 {
		x.Errorf("all is written, and depth is %d", depth)
	}
	if missing := missingFrom(arrived, accepted); missing < 0 {
		x.Error("what arrived is not what was written, in order")
	} else if !x.newest && missing != lost {
		x.Errorf("%d of %d messages are missing, %d were said to be lost by %d cuts", missing, len(accepted), lost, cuts)
	}
	if n := len(accepted); x.newest && n > 0 && lost == 0 && (len(arrived) == 0 || !same(arrived[len(arrived)-1], accepted[n-1])) {
		x.Error("the newest message has not arrived")
	}
	o.Drop()
	x.end()
}

// runDelivery plays a string to a pipe that a session delivers into, in runs of
// spans, as many messages as there is room for.
func runDelivery(tb testing.TB, ops []byte) {
	x := newMachine(tb, ops)
	x.from, x.to = x.far, x.near
	mark := x.next() % 9
	x.near.SetRecvMark(mark)
	x.setMark(mark)
	for len(x.ops) > 0 {
		switch x.next() % 8 {
		case 0, 1, 2:
			x.deliver()
		case 3, 4, 5:
			x.read()
		case 6:
			x.letGo()
		case 7:
			mark := x.next() % 9
			x.near.SetRecvMark(mark)
			x.setMark(mark)
		}
		x.check()
	}
	x.readUntilEmpty()
	if x.depth() != 0 || x.full && x.mark > 0 {
		x.Errorf("all is read, and depth is %d, full %v", x.depth(), x.full)
	}
	x.end()
}

// deliver hands over as many messages as the string says, if there is room.
func (x *machine) deliver() {
	want := 1 << 30
	if x.mark > 0 && !x.newest {
		if want = max(x.mark-x.depth(), 0); x.full || want == 0 {
			x.full, want = true, 0
		}
	}
	if room := min(x.from.Room(), 1<<30); room != want {
		x.Fatalf("room for %d messages, want %d: depth %d, mark %d", room, want, x.depth(), x.mark)
	}
	var run []*message.Message
	for range min(want, x.next()%5) {
		m := x.some()
		run = append(run, m)
		x.model.write(m)
	}
	if len(run) > 0 {
		spans, n := x.spansOf(run...)
		x.from.Deliver(spans, n)
		x.look()
	}
	x.check()
}

func dataOf(all []*message.Message) (data []*message.Message) {
	for _, m := range all {
		if m.Kind == message.Data {
			data = append(data, m)
		}
	}
	return data
}

// missingFrom returns how many of all are not in some, or -1 when some has one that
// all has not, or another order.
func missingFrom(some, all []*message.Message) (missing int) {
	for _, m := range all {
		if len(some) > 0 && same(some[0], m) {
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

var forms = [...]func(testing.TB, []byte){runSockets, runSession, runDelivery}

// FuzzPipe plays a string of operations to a pipe and to a slow model of it. The
// first octet says what stands at the far end.
func FuzzPipe(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 2))
	for form := range 16 {
		ops := []byte{byte(form), byte(random.IntN(9)), byte(random.IntN(9))}
		for range 300 {
			ops = append(ops, byte(random.IntN(256)))
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 1000 {
			return
		}
		form := byte(0)
		if len(ops) > 0 {
			form = ops[0] / 4
		}
		forms[int(form)%len(forms)](t, ops)
	})
}

func TestPipesDoAsTheModel(t *testing.T) {
	runs := 60
	if testing.Short() {
		runs = 40
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 0))
		ops := make([]byte, 20+random.IntN(500))
		for i := range ops {
			ops[i] = byte(random.IntN(256))
		}
		forms[seed%len(forms)](t, ops)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
