package main

import (
	"fmt"
	"regexp"
)

// A row is one line of the comparison: a pattern over a transport at a size.
type row struct {
	kind      *kind
	transport string // tcp, ipc or inproc
	size      int    // octets a message
	peers     int    // subscribers, clients, visitors at once, sockets in a poller or connections; 0 is one
	depth     int    // messages that each client keeps on the way; 0 is one
	topics    int    // subscriptions of the subscriber; 0 is one
	curve     bool   // connections have the mechanism CURVE
	wants     []want // what is asked of it
}

// A kind is what the rows of one section of the report have in common.
type kind struct {
	name   string // of its rows
	title  string // of its section
	counts string // what is counted
	sides  string // whose processor time it is: of who binds or sends, and of who measures
	// The roles of the peers: who binds, who connects, and who does both for inproc.
	binds, connects, alone string
	// A third process, if there is one: who binds has two endpoints then, and says
	// first that of who feeds it, then that of who connects.
	feeds string
	// The connecting peer measures; otherwise the binding one does.
	connecterMeasures bool
	// It is run with plain Recv, too.
	plain bool
	// How many times the usual warm-up and window it takes until bursts even out; 0 is one.
	patience int64
	// What is looked at first of all.
	first figure
}

var (
	oneWay = &kind{
		name: "PUSH/PULL", title: "One way", counts: "messages", sides: "sender + receiver",
		binds: "pull", connects: "push", alone: "pushpull", plain: true, first: rate,
	}
	thereAndBack = &kind{
		name: "REQ/REP", title: "There and back", counts: "round trips", sides: "replier + requester",
		binds: "rep", connects: "req", alone: "reqrep", connecterMeasures: true, first: p50,
	}
	oneOfMany = &kind{
		name: "poller", title: "One active socket among many", counts: "events", sides: "replier + requester",
		binds: "pollrep", connects: "req", alone: "pollreq", connecterMeasures: true, first: p50,
	}
	oneToMany = &kind{
		name: "PUB/SUB", title: "One to many", counts: "deliveries", sides: "publisher + subscribers",
		binds: "pub", connects: "subs", connecterMeasures: true, patience: 2, first: rate,
	}
	manyClients = &kind{
		name: "ROUTER/DEALER", title: "Many clients of one server", counts: "round trips", sides: "server + clients",
		binds: "router", connects: "dealers", connecterMeasures: true, patience: 2, first: rate,
	}
	comeAndGo = &kind{
		name: "connects", title: "Coming and going", counts: "connections", sides: "server + clients",
		binds: "router", connects: "visitors", connecterMeasures: true, patience: 2, first: rate,
	}
	forwarding = &kind{
		name: "proxy XSUB-XPUB", title: "Publishing through a proxy", counts: "deliveries", sides: "proxy + subscriber",
		binds: "forwarder", feeds: "feeder", connects: "subs", connecterMeasures: true, patience: 2, first: rate,
	}
	queueing = &kind{
		name: "proxy ROUTER-DEALER", title: "Asking through a proxy", counts: "round trips", sides: "proxy + clients",
		binds: "queue", feeds: "worker", connects: "dealers", connecterMeasures: true, patience: 2, first: rate,
	}
	subscribing = &kind{
		name: "topics", title: "Subscriptions", counts: "subscriptions and their ends", sides: "publisher + subscriber",
		binds: "registrar", connects: "subscribing", connecterMeasures: true, first: rate,
	}
	topicMemory = &kind{
		name: "memory, topics", title: "Memory of subscriptions", counts: "topics",
		binds: "registrar", connects: "holding", first: resident,
	}
	idle = &kind{
		name: "memory, idle", title: "Memory", counts: "connections",
		binds: "router", first: resident,
	}
	halfOpen = &kind{
		name: "memory, half-open", title: "Memory", counts: "connections",
		binds: "router", first: resident,
	}
)

// matching keeps the rows whose name matches.
func matching(all []row, name *regexp.Regexp) []row {
	var kept []row
	for _, r := range all {
		if name.MatchString(r.String()) {
			kept = append(kept, r)
		}
	}
	return kept
}

// String is the row's name: "PUSH/PULL tcp 4 KiB", "PUB/SUB tcp 64 B to 8", "connects
// tcp 64 B, CURVE".
func (r row) String() string {
	if r.curve {
		r.curve = false
		return r.String() + ", CURVE"
	}
	name := r.kind.name + " " + r.transport
	if r.kind.first == resident {
		return name
	}
	name += " " + octets(r.size)
	switch {
	case r.kind == subscribing:
		return fmt.Sprintf("%s %s, %d", r.kind.name, r.transport, r.topics)
	case r.kind == oneToMany && r.topics > 1:
		name += fmt.Sprintf(", %d subscriptions", r.topics)
	case r.kind == oneToMany:
		name += fmt.Sprintf(" to %d", r.peers)
	case r.kind == oneOfMany:
		name += fmt.Sprintf(", 1 of %d", r.peers)
	case r.kind == manyClients, r.kind == queueing:
		name += fmt.Sprintf(", %d × %d", r.peers, r.depth)
	}
	return name
}

// want is what is asked of a figure of the row; the zero want asks for nothing.
func (r row) want(f figure) want {
	for _, w := range r.wants {
		if w.figure == f {
			return w
		}
	}
	return want{figure: f}
}

func octets(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
