package interop

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// legalPairs are the types that may talk, the one that begins first.
var legalPairs = [][2]string{
	{"PAIR", "PAIR"},
	{"PUSH", "PULL"},
	{"PUB", "SUB"},
	{"PUB", "XSUB"},
	{"XPUB", "SUB"},
	{"XPUB", "XSUB"},
	{"REQ", "REP"},
	{"REQ", "ROUTER"},
	{"DEALER", "REP"},
	{"DEALER", "DEALER"},
	{"DEALER", "ROUTER"},
	{"ROUTER", "ROUTER"},
}

func TestLibzmqTalksWithEveryLegalPair(t *testing.T) {
	talkInEveryPair(t, startLibzmq(bounded(t, tableTime), t), []string{"tcp", "ipc"})
}

// talkInEveryPair runs each pair's conversation over each transport, with us in
// either part of it, and with either side binding.
func talkInEveryPair(t *testing.T, r *remote, transports []string) {
	for _, transport := range transports {
		for _, pair := range legalPairs {
			begins := []bool{true, false}
			if pair[0] == pair[1] {
				begins = begins[:1]
			}
			for _, weBegin := range begins {
				ourType, theirType := pair[0], pair[1]
				if !weBegin {
					ourType, theirType = pair[1], pair[0]
				}
				for _, weBind := range []bool{true, false} {
					name := transport + " " + ourType + " connects to their " + theirType
					if weBind {
						name = transport + " " + ourType + " binds for their " + theirType
					}
					t.Run(name, func(t *testing.T) {
						var options []option
						them := r.socket(t, theirType)
						if ourType == "ROUTER" && theirType == "ROUTER" {
							options = []option{withRoutingID("us"), withMandatory}
							them.set("ROUTING_ID", "them")
							them.set("ROUTER_MANDATORY", 1)
						}
						us := ourSocket(bounded(t, testTime), t, ourType, options...)
						join(t, us, them, transport, weBind)
						if weBegin {
							talk(t, us, them)
						} else {
							talk(t, them, us)
						}
					})
				}
			}
		}
	}
}

// An end is a socket of either side.
type end interface {
	typeName() string
	bind(endpoint string) string
	connect(endpoint string)
	send(frames ...string)
	trySend(frames ...string) error
	recv() []string
	tryRecv(timeout time.Duration) ([]string, bool)
	subscribe(topic string)
	unsubscribe(topic string)
}

// join binds one of the two and connects the other to it.
func join(t *testing.T, us, them end, transport string, weBind bool) {
	t.Helper()
	binder, connecter := them, us
	if weBind {
		binder, connecter = us, them
	}
	connecter.connect(binder.bind(wildcard(t, transport)))
}

// wildcard is an endpoint to bind that is free.
func wildcard(t *testing.T, transport string) string {
	t.Helper()
	if transport == "tcp" {
		return "tcp://127.0.0.1:*"
	}
	dir, err := os.MkdirTemp("", "zi") // t.TempDir may be too long for an ipc address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return "ipc://" + filepath.Join(dir, "s")
}
