package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// pair talks to one peer at a time. What a peer that is gone has sent is
// received before anything from the next. RFC 31 "The PAIR Socket Type".
type pair struct {
	peer *pipe.End         // nil: none
	past routing.FairQueue // peers that are gone and have something unread
}

func newPair(*Env) Pattern { return &pair{past: routing.NewFairQueue()} }

// Attach takes no further pipe while there is one.
func (p *pair) Attach(e *pipe.End) bool {
	if p.peer != nil {
		return false
	}
	e.State = served
	p.peer = e
	return true
}

func (p *pair) Online(e *pipe.End) bool {
	e.Online = e == p.peer
	return true
}

func (p *pair) Offline(e *pipe.End) { e.Online = false }

func (p *pair) Detach(e *pipe.End) {
	if e != p.peer {
		return
	}
	e.Online, e.State = false, leaving
	p.peer = nil
	p.past.Add(e)
}

func (p *pair) Discard(e *pipe.End) {
	e.State = nil
	p.past.Remove(e)
}

func (p *pair) Send(m *message.Message) error {
	if p.peer == nil || p.peer.Write(m) != pipe.OK {
		return ErrWouldBlock
	}
	return nil
}

func (p *pair) Recv(m *message.Message) (*pipe.End, error) {
	if e := p.past.Recv(m); e != nil {
		return e, nil
	}
	for p.peer != nil && p.peer.Read(m) == pipe.OK {
		if m.Kind == message.Data {
			return p.peer, nil
		}
	}
	return nil, ErrWouldBlock
}

func (p *pair) Writable(*pipe.End) {}

func (p *pair) Readable(e *pipe.End) {
	if standingOf(e) == leaving {
		p.past.Add(e)
	}
}

func (p *pair) CanSend() bool { return p.peer != nil && p.peer.CanWrite() == pipe.OK }

func (p *pair) CanRecv() bool {
	return p.past.Ready() || p.peer != nil && p.peer.CanRead() == pipe.OK
}

// Solo implements Soloist.
func (p *pair) Solo() *pipe.End { return p.peer }
