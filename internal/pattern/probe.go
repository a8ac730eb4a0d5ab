package pattern

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// probing is the empty message that tells a ROUTER that a peer is there.
var probing = message.Message{Frames: [][]byte{empty}}

// probe queues an empty message for the next connection of e, when the socket
// wants that: REQ, DEALER and ROUTER say so to each pipe when it is new, and
// when it has lost a connection. libzmq: ZMQ_PROBE_ROUTER.
func (env *Env) probe(e *pipe.End) {
	if env.Options.ProbeRouter {
		e.Write(&probing)
	}
}
