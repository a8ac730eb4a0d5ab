package zmq

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"zeromux/internal/pattern"
	"zeromux/internal/pipe"
)

const (
	// laneBatch and laneOctets bound what a lane moves before it lets others have
	// the sockets: about a hundred microseconds. Fewer at a time cost more for each.
	laneBatch  = 1000
	laneOctets = 256 << 10
)

// A lane is one direction of a proxy: what comes to one socket leaves by the
// other.
//
// It moves messages under the locks of both sockets, from pipe to pipe, so it has
// none of its own while it waits, and whatever ends it loses none. A message that
// turns out to find no room goes back to where it came from; a copy that does is kept
// for the next lane of the direction.
type lane struct {
	from, to *Socket
	tap      *Socket // gets a copy of every message; nil: none

	locks  []sync.Locker // in the order in which they are taken
	tells  []*Socket     // those whose sending side is locked
	laters []pipe.Tell   // what they have to tell
	turns  bool          // a socket of it must receive before it sends, or the reverse
	plain  bool          // receiving is nothing but taking turns

	*direction
}

// A stall is why a lane has stopped.
type stall uint8

const (
	more     stall = iota // to let others have the sockets
	noInput               // nothing has come
	noRoom                // it finds no room
	tapsFull              // the copy finds no room
)

func newLane(from, to, tap *Socket, d *direction) *lane {
	l := &lane{from: from, to: to, tap: tap, direction: d}
	l.turns = from.takesTurns() || to.takesTurns()
	l.plain = from.fair != nil && from.selective == nil
	sockets := []*Socket{from}
	for _, s := range []*Socket{to, tap} {
		if s != nil && !slices.Contains(sockets, s) {
			sockets = append(sockets, s)
		}
	}
	slices.SortFunc(sockets, func(a, b *Socket) int { return cmp.Compare(a.serial, b.serial) })
	for _, s := range sockets {
		if s != from || s == to || s.row.Lockstep {
			l.locks = append(l.locks, &s.sendMu)
			l.tells = append(l.tells, s)
		}
	}
	for _, s := range sockets {
		if s == from || s.row.Lockstep {
			l.locks = append(l.locks, &s.recvMu)
		}
	}
	l.laters = make([]pipe.Tell, len(l.tells))
	return l
}

// takesTurns reports whether sending and receiving wait for each other.
func (s *Socket) takesTurns() bool { return s.row.Lockstep && !s.row.Publisher }

// run moves messages until ctx ends or a socket does.
func (l *lane) run(ctx context.Context, v *valve) error {
	w := waiting{ctx: ctx, patient: true} // for what has stopped the lane
	defer func() { w.end() }()
	for ctx.Err() == nil {
		if shut := v.enter(); shut != nil {
			select {
			case <-shut:
			case <-ctx.Done():
			}
			continue
		}
		moved, why, err := l.move()
		v.leave()
		if err != nil {
			return err
		}
		s, op := l.waitsFor(why)
		if moved > 0 || s != w.socket || op != w.op {
			w.end()
			w = waiting{ctx: ctx, patient: true, socket: s, op: op}
		}
		if s == nil {
			continue
		}
		if err := w.again(ErrWouldBlock); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// waitsFor is what has to happen for a lane that has stopped to go on.
func (l *lane) waitsFor(why stall) (s *Socket, op string) {
	switch why {
	case noInput:
		return l.from, opRecv
	case noRoom:
		return l.to, opSend
	case tapsFull:
		return l.tap, opSend
	}
	return nil, ""
}

// move moves what is there, a batch at most.
func (l *lane) move() (moved int, why stall, err error) {
	for _, mu := range l.locks {
		mu.Lock()
	}
	frames, octets := 0, 0
	why, err = l.ready()
	for why == more && err == nil && moved < laneBatch && octets < laneOctets {
		if l.plain {
			var n, size int
			n, size, why, err = l.quick(laneBatch - moved)
			moved, frames, octets = moved+n, frames+n, octets+size
			if why != more || err != nil || moved == laneBatch {
				break
			}
		}
		var sent bool
		if sent, why, err = l.step(); sent {
			moved++
			frames += len(l.from.in.Frames)
			octets += l.from.in.Size()
		}
	}
	if moved > 0 {
		l.counts.add(frames, octets)
	}
	for i, s := range l.tells {
		if l.laters[i] = s.hub.Later(); why == more {
			l.laters[i].Behind()
		}
	}
	for _, mu := range l.locks {
		mu.Unlock()
	}
	for i, s := range l.tells {
		s.tell(l.laters[i])
		l.laters[i] = pipe.Tell{}
	}
	if l.turns && moved > 0 {
		l.from.hub.WakeSenders()
		l.to.hub.WakeReceivers()
	}
	return moved, why, err
}

// ready reports whether a message would find room, before any is taken. The locks
// of the lane are held.
func (l *lane) ready() (why stall, err error) {
	if l.tap != nil {
		if can, err := l.tap.mayOffer(); err != nil || !can {
			return tapsFull, err
		}
		if l.owed.Frames != nil {
			if why, err = l.copyTo(l.owed.Frames, nil); why != more || err != nil {
				return why, err
			}
			l.owed = Message{}
			return l.ready() // there may be no room for another
		}
	}
	can, err := l.to.mayOffer()
	if err != nil || !can && l.to != l.from { // one that is both may have to receive first
		return noRoom, err
	}
	return more, nil
}

// mayOffer reports whether the socket could send. The locks of lockSend are held.
func (s *Socket) mayOffer() (bool, error) {
	if s.dead != nil {
		return false, s.fail(opProxy, "", s.dead)
	}
	if s.hub.HasWritable() {
		s.hub.Writable(s.pattern.Writable)
		s.publishSolo()
	}
	return s.pattern.CanSend(), nil
}

// quick moves short messages that are there, as long as nothing else comes, and
// reports how many. The locks of the lane are held.
func (l *lane) quick(most int) (moved, octets int, why stall, err error) {
	from := l.from
	if from.dead != nil || from.hub.HasReadable() {
		return 0, 0, more, nil
	}
	for moved < most && why == more && err == nil {
		end := from.fair.Turn()
		if end == nil {
			break
		}
		body, peer, ok := end.ReadShort()
		if !ok {
			break
		}
		from.fair.Done()
		from.in.Empty()
		from.in.Frames, from.in.Peer = append(from.in.Frames, body), peer
		var sent bool
		if sent, why, err = l.pass(end, 0, false); sent {
			moved++
			octets += len(body)
		}
	}
	return moved, octets, why, err
}

// step moves one message, whatever it is, and reports whether it has. The locks of
// the lane are held.
func (l *lane) step() (sent bool, why stall, err error) {
	from := l.from
	again := from.back.waits
	end, own, err := from.next()
	switch {
	case err == nil:
	case waits(err):
		return false, noInput, nil
	default:
		return false, noInput, from.fail(opProxy, "", err)
	}
	sent, why, err = l.pass(end, own, again)
	if again && sent {
		from.back.done()
	}
	return sent, why, err
}

// pass sends on the message that was just received, or puts it back, where it may
// have been before. The locks of the lane are held.
func (l *lane) pass(end *pipe.End, own int, again bool) (sent bool, why stall, err error) {
	from, to := l.from, l.to
	frames := from.in.Frames
	switch err := handOn(to, frames, end); {
	case err == nil:
	case errors.Is(err, ErrHostUnreachable): // nobody can be told
		to.drops[pattern.DroppedUnroutable].Add(1)
	case errors.Is(err, ErrInvalid):
		to.drops[pattern.DroppedMalformed].Add(1)
	default:
		if again {
			from.back.wait(from)
		} else {
			from.back.put(from, end, own)
		}
		if waits(err) {
			return false, noRoom, nil
		}
		return false, noRoom, to.fail(opProxy, "", err)
	}
	if l.tap != nil {
		why, err = l.copyTo(frames, end)
	}
	return true, why, err
}

// handOn has s send frames, which are borrowed from end if that is not nil. The locks
// of lockSend are held, and the socket is alive.
func handOn(s *Socket, frames [][]byte, end *pipe.End) error {
	s.out.Frames = frames
	if end != nil {
		s.out.Lender = end
	}
	err := s.pattern.Send(&s.out)
	s.out.Frames, s.out.Lender = nil, nil
	return err
}

// waits reports whether a call that ended with err may do otherwise later.
func waits(err error) bool { return errors.Is(err, ErrWouldBlock) || errors.Is(err, ErrState) }

// copyTo sends a copy to the tap. One that it has no room for is owed. The locks of
// the lane are held.
func (l *lane) copyTo(frames [][]byte, end *pipe.End) (why stall, err error) {
	err = handOn(l.tap, frames, end)
	switch {
	case err == nil:
		return more, nil
	case waits(err):
		if l.owed.Frames == nil {
			l.owed = Message{Frames: frames}.Clone()
		}
		return tapsFull, nil
	}
	return more, l.tap.fail(opProxy, "", err)
}
