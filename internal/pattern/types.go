package pattern

// Type is the number of a socket type, libzmq's.
type Type int

// The socket types, spelled as on the wire. RFC 23 "The READY Command".
const (
	PAIR   Type = 0
	PUB    Type = 1
	SUB    Type = 2
	REQ    Type = 3
	REP    Type = 4
	DEALER Type = 5
	ROUTER Type = 6
	PULL   Type = 7
	PUSH   Type = 8
	XPUB   Type = 9
	XSUB   Type = 10
	STREAM Type = 11
)

// Row is what the rest of the house must know of a socket type.
type Row struct {
	// Type is the number, Name the name on the wire.
	Type Type
	Name string
	// Peers are the names of the types that it may talk to; nil for a type
	// that has no handshake.
	Peers []string
	// New makes the pattern of one socket.
	New func(*Env) Pattern

	// Sends and Receives say what the application may do.
	Sends, Receives bool
	// Lockstep says that every method runs under sendMu and recvMu together.
	Lockstep bool
	// Publisher says that subscriptions are acted on as they arrive: the
	// socket calls Readable with both locks held, from whatever goroutine
	// delivered, and never by way of the list of the newly readable.
	Publisher bool
	// PrependsID says that the first frame that Recv yields is the pattern's
	// own memory, which the application must get a copy of.
	PrependsID bool
	// AnnouncesID says that the handshake names the routing id, empty or not.
	AnnouncesID bool
	// Raw says that connections carry octets without any protocol.
	Raw bool
	// Conflates says that the type may keep the newest message alone.
	// libzmq: ZMQ_CONFLATE.
	Conflates bool
	// OneConnect says that connecting again to an endpoint does nothing.
	OneConnect bool
	// NoLinger says that closing drops what is unsent, unless told otherwise.
	NoLinger bool
}

// Notices is what an endpoint of a socket with these options writes into
// pipe.Seat.Notices.
func (r *Row) Notices(o *Options) uint8 {
	switch {
	case !r.Raw && !o.RouterRaw:
		return uint8(o.RouterNotify)
	case o.StreamSilent:
		return 0
	}
	return 3
}

// Lookup returns the row of a type, and whether there is one.
func Lookup(t Type) (*Row, bool) {
	if t < 0 || int(t) >= len(rows) {
		return nil, false
	}
	return &rows[t], true
}

// LookupName returns the row of the type that has this name on the wire.
func LookupName(name string) (*Row, bool) {
	for i := range rows {
		if rows[i].Name == name {
			return &rows[i], true
		}
	}
	return nil, false
}

// rows is in the order of the numbers.
var rows = [...]Row{
	{
		Type: PAIR, Name: "PAIR", Peers: []string{"PAIR"}, New: newPair,
		Sends: true, Receives: true,
	},
	{
		Type: PUB, Name: "PUB", Peers: []string{"SUB", "XSUB"}, New: newPub,
		Sends: true, Publisher: true, Conflates: true, OneConnect: true,
	},
	{
		Type: SUB, Name: "SUB", Peers: []string{"PUB", "XPUB"}, New: newSub,
		Receives: true, Conflates: true, OneConnect: true, NoLinger: true,
	},
	{
		Type: REQ, Name: "REQ", Peers: []string{"REP", "ROUTER"}, New: newReq,
		Sends: true, Receives: true, Lockstep: true, AnnouncesID: true, OneConnect: true,
	},
	{
		Type: REP, Name: "REP", Peers: []string{"REQ", "DEALER"}, New: newRep,
		Sends: true, Receives: true, Lockstep: true,
	},
	{
		Type: DEALER, Name: "DEALER", Peers: []string{"REP", "DEALER", "ROUTER"}, New: newDealer,
		Sends: true, Receives: true, AnnouncesID: true, Conflates: true, OneConnect: true,
	},
	{
		Type: ROUTER, Name: "ROUTER", Peers: []string{"REQ", "DEALER", "ROUTER"}, New: newRawableRouter,
		Sends: true, Receives: true, PrependsID: true, AnnouncesID: true,
	},
	{
		Type: PULL, Name: "PULL", Peers: []string{"PUSH"}, New: newPull,
		Receives: true, Conflates: true,
	},
	{
		Type: PUSH, Name: "PUSH", Peers: []string{"PULL"}, New: newPush,
		Sends: true, Conflates: true,
	},
	{
		Type: XPUB, Name: "XPUB", Peers: []string{"SUB", "XSUB"}, New: newXPub,
		Sends: true, Receives: true, Lockstep: true, Publisher: true,
	},
	{
		Type: XSUB, Name: "XSUB", Peers: []string{"PUB", "XPUB"}, New: newXSub,
		Sends: true, Receives: true, NoLinger: true,
	},
	{
		Type: STREAM, Name: "STREAM", New: newStream,
		Sends: true, Receives: true, PrependsID: true, Raw: true,
	},
}
