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

// withdraw takes messages back that wait, and reports whether there were any.
func (m *model) withdraw(first []byte) bool {
	before := len(m.waiting)
	m.waiting = slices.DeleteFunc(m.waiting, func(w *message.Message) bool {
		return w.Kind == message.Data && bytes.Equal(w.Frames[0], first)
	})
	if len(m.waiting) == before {
		return false
	}
	if m.full && (m.mark == 0 || m.depth() <= m.mark/2) {
		m.full, m.told = false, true
	}
	return true
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

// runSockets plays a string to a pipe between two sockets.
func runSockets(tb testing.TB, ops []byte) {
	x := newMachine(tb, ops)
	var hub Hub
	x.far.Join(&hub)
	x.readUntilEmpty()
	send, recv := x.near.out.marks.send, x.near.out.marks.recv
	for len(x.ops) > 0 {
		switch x.next() % 14 {
		case 12:
			x.take(x.next() % 16)
		case 13:
			first := x.someFirst()
			if got, want := x.near.Withdraw(first), x.withdraw(first); got != want {
				x.Fatalf("Withdraw: %v, want %v", got, want)
			}
			x.look()
		case 0, 1, 2, 3:
			x.write()
		case 4, 5, 6:
			x.read()
		case 7:
			x.letGo()
		case 8:
			send = x.someMark()
			x.near.SetSendMark(send)
			x.setMark(markOf(send, recv))
		case 9:
			recv = x.someMark()
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
	mark := x.someMark()
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
			mark := x.someMark()
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
