package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// fairIn is what the types have in common that receive from each peer in turn and
// keep nothing of a pipe but its standing: PULL, DEALER, REP, REQ, XSUB and SUB.
// They embed it, and say what else they do. Queue is not part of it: only a type
// that adds nothing may be passed by.
type fairIn struct{ in routing.FairQueue }

func newFairIn() fairIn { return fairIn{routing.NewFairQueue()} }

func (f *fairIn) Attach(e *pipe.End) bool {
	e.State = served
	f.in.Add(e)
	return true
}

func (f *fairIn) Online(e *pipe.End) bool {
	e.Online = standingOf(e) == served
	return true
}

func (f *fairIn) Offline(e *pipe.End) { e.Online = false }

func (f *fairIn) Detach(e *pipe.End) {
	if standingOf(e) == served {
		e.Online, e.State = false, leaving
	}
}

func (f *fairIn) Discard(e *pipe.End) {
	e.State = nil
	f.in.Remove(e)
}

func (f *fairIn) Recv(m *message.Message) (*pipe.End, error) {
	e := f.in.Recv(m)
	if e == nil {
		return nil, ErrWouldBlock
	}
	return e, nil
}

func (f *fairIn) Readable(e *pipe.End) {
	if standingOf(e) != stranger {
		f.in.Add(e)
	}
}

func (f *fairIn) CanRecv() bool { return f.in.Ready() }
