package interop

import (
	"testing"

	"zeromux/zmq"
)

func TestTheirMonitorSeesAnOrderlyLife(t *testing.T) {
	for _, transport := range bothTransports {
		t.Run(transport+", we connect", func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, them := ourSocket(ctx, t, "DEALER"), startLibzmq(ctx, t).socket(t, "DEALER")
			them.monitor()
			us.connect(them.bind(wildcard(t, transport)))
			them.event("ACCEPTED")
			them.event("HANDSHAKE_SUCCEEDED")
			us.close()
			them.event("DISCONNECTED")
		})
		t.Run(transport+", we bind", func(t *testing.T) {
			ctx := bounded(t, testTime)
			us, them := ourSocket(ctx, t, "DEALER"), startLibzmq(ctx, t).socket(t, "DEALER")
			them.monitor()
			them.connect(us.bind(wildcard(t, transport)))
			them.event("CONNECTED")
			them.event("HANDSHAKE_SUCCEEDED")
			us.close()
			them.event("DISCONNECTED")
			them.event("CONNECT_RETRIED")
		})
	}
}

func TestOurMonitorSeesAnOrderlyLife(t *testing.T) {
	ctx := bounded(t, testTime)
	r := startLibzmq(ctx, t)
	us, them := ourSocket(ctx, t, "DEALER"), r.socket(t, "DEALER")
	us.connect(them.bind("tcp://127.0.0.1:*"))
	us.wait(zmq.EventHandshakeSucceeded)
	r.kill()
	us.wait(zmq.EventDisconnected)
}
