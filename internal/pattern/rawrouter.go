package pattern

import (
	"errors"

	"zeromux/internal/message"
	"zeromux/internal/routing"
)

// RawRouter is the row of a ROUTER that speaks raw octets. libzmq: ZMQ_ROUTER_RAW.
var RawRouter = &Row{
	Type: ROUTER, Name: "ROUTER", New: newRawRouter,
	Sends: true, Receives: true, PrependsID: true, Raw: true,
}

// rawRouter is a STREAM that drops what it cannot route, unless that is mandatory. It
// has to be silent of connections.
type rawRouter struct{ stream }

func newRawRouter(env *Env) Pattern {
	return &rawRouter{stream{addressed: addressed{env: env, book: routing.NewAddressBook(), in: routing.NewFairQueue()}}}
}

func (p *rawRouter) Send(m *message.Message) error {
	err := p.stream.Send(m)
	switch {
	case p.env.Options.RouterMandatory:
		return err
	case errors.Is(err, ErrHostUnreachable):
		p.env.Dropped(DroppedUnroutable)
	case errors.Is(err, ErrWouldBlock):
		p.env.Dropped(DroppedFull)
	default:
		return err
	}
	return nil
}

// CanSendTo implements Asked.
func (p *rawRouter) CanSendTo(id []byte) (bool, error) { return p.canSendTo(id) }

func (p *rawRouter) CanSend() bool { return p.canRoute() }
