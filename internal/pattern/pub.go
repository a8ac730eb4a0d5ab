package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// pub is an XPUB that keeps subscriptions to itself. Send runs under sendMu
// alone. RFC 29 "The PUB Socket Type".
type pub struct{ *xpub }

func newPub(env *Env) Pattern {
	p := pub{makeXPub(env)}
	p.silent = true
	return p
}

func (p pub) Recv(*message.Message) (*pipe.End, error) { return nil, ErrUnsupported }
func (p pub) CanRecv() bool                            { return false }
