package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// push sends each message to the next peer with room. RFC 30 "The PUSH Socket
// Type".
type push struct{ out routing.LoadBalance }

func newPush(*Env) Pattern { return &push{out: routing.NewLoadBalance()} }

func (p *push) Attach(e *pipe.End) bool {
	e.State = served
	p.out.Join(e)
	return true
}

func (p *push) Online(e *pipe.End) bool {
	e.Online = standingOf(e) == served
	return true
}

func (p *push) Offline(e *pipe.End) { e.Online = false }

func (p *push) Detach(e *pipe.End) {
	if standingOf(e) == served {
		e.Online, e.State = false, nil
		p.out.Leave(e)
	}
}

func (p *push) Discard(*pipe.End) {}

func (p *push) Send(m *message.Message) error {
	if p.out.Send(m) == nil {
		return ErrWouldBlock
	}
	return nil
}

func (p *push) Recv(*message.Message) (*pipe.End, error) { return nil, ErrUnsupported }

func (p *push) Writable(e *pipe.End) {
	if standingOf(e) == served {
		p.out.Add(e)
	}
}

// Readable does nothing: whatever a peer sends stays where it is.
func (p *push) Readable(*pipe.End) {}

func (p *push) CanSend() bool { return p.out.Next() != nil }
func (p *push) CanRecv() bool { return false }

// Solo implements Soloist.
func (p *push) Solo() *pipe.End { return p.out.Solo() }
