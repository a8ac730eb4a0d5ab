package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/routing"
)

// pull receives from each peer in turn. RFC 30 "The PULL Socket Type".
type pull struct{ fairIn }

func newPull(*Env) Pattern { return &pull{newFairIn()} }

func (p *pull) Send(*message.Message) error { return ErrUnsupported }
func (p *pull) Writable(*pipe.End)          {}
func (p *pull) CanSend() bool               { return false }

// Queue implements FairReceiver.
func (p *pull) Queue() *routing.FairQueue { return &p.in }
