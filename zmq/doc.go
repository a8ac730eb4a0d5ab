// Package zmq is ZeroMQ: sockets that carry whole messages between threads,
// processes and machines, by patterns. It is written in Go from the wire up and
// speaks with libzmq and every other implementation of ZMTP 3.1, 3.0, 2.0 and
// 1.0.
//
// # A first program
//
// A server that answers whoever asks:
//
//	rep, err := zmq.NewSocket(zmq.REP, nil) // nil: libzmq's defaults
//	if err != nil {
//		return err
//	}
//	defer rep.CloseContext(ctx) // sends what is still queued, as long as ctx allows
//	addr, err := rep.Bind("tcp://127.0.0.1:*")
//	if err != nil {
//		return err
//	}
//	log.Println("listening on", addr) // what was really bound
//	for m, err := range rep.Messages(ctx) {
//		if err != nil {
//			return err
//		}
//		if err := rep.SendString(ctx, "World, "+m.String()); err != nil {
//			return err
//		}
//	}
//
// Its client is a REQ socket that calls [Socket.Connect] with that address, then
// [Socket.SendString] and [Socket.Recv]. It may be started first.
//
// # Sockets
//
// A socket is no connection. It may be bound and connected to any number of
// endpoints, of all transports at once: "tcp://host:port", "tls+tcp://host:port",
// "ipc:///path" and "inproc://name". Connections are made, lost and made again behind
// it, and messages queue up meanwhile. What happens to a message depends on the type
// of the socket:
//
//	type    talks to            a message goes to        messages come from   no room, or no peer
//	PAIR    PAIR                its one peer             its one peer         waits
//	PUSH    PULL                the next peer            -                    waits
//	PULL    PUSH                -                        each peer in turn    -
//	PUB     SUB, XSUB           all who subscribe        -                    drops for that peer
//	SUB     PUB, XPUB           -                        each peer in turn    -
//	XPUB    SUB, XSUB           all who subscribe        subscriptions        drops for that peer
//	XSUB    PUB, XPUB           all: subscriptions       each peer in turn    drops for that peer
//	REQ     REP, ROUTER         the next peer            the peer asked       waits
//	REP     REQ, DEALER         the peer that asked      each peer in turn    drops
//	DEALER  REP, DEALER, ROUTER the next peer            each peer in turn    waits
//	ROUTER  REQ, DEALER, ROUTER the one that the first   each, its name as    drops, or says so:
//	                            frame names              the first frame      Router.Mandatory
//	STREAM  plain TCP           the one that the first   each, its name as    says so
//	                            frame names              the first frame
//
// A [Message] is a list of frames that travel and arrive together, whole or not
// at all. [Config] has the options; the zero Config is libzmq's default in
// everything, and [Socket.Configure] changes a live socket.
//
// # Endpoints
//
// An endpoint reads "scheme://address". To bind "tcp://*:5555" takes every address of
// the machine, "tcp://eth0:5555" those of an interface, and "*" for a port is any that
// is free: [Socket.Bind] returns what was bound. To connect, a host may be a name, an
// IPv4 address or, with [Network].IPv6, an IPv6 address in brackets, which may have a
// zone ("[fe80::1%eth0]"); "source:port;host:port" also names the end here.
//
// Addresses of tls+tcp are those of tcp, and all that is said of tcp goes for it too;
// libzmq has no such transport. [TLS] says who the socket is and whom it trusts. Both
// sides speak TLS before the first octet of ZMTP, under the same
// [Reconnect].HandshakeTimeout, and [PeerInfo.Certificates] tells who the peer is.
//
// An ipc address is a path, or, on Linux, "@" and a name that is none; "*" is a path
// of its own each time. An inproc address is any name.
//
// # Goroutines
//
// Every method of every socket may be called from any goroutine at any time,
// also while another call waits in it, and whole messages stay whole. A call
// that may wait takes a context; when it is cancelled, nothing was sent and
// nothing was taken. [Socket.TrySend] and [Socket.TryRecv] do not wait.
//
// [Socket.Close] ends calls that wait with [ErrClosed]. A [Context] owns sockets
// and inproc names; [Context.Term] ends all of them and waits until what they
// had to send is out. Most programs use the one of [DefaultContext], and call
// [Term] before they end.
//
// # Many sockets at once
//
// A goroutine for each socket is the plain way. A [Poller] waits for any number of
// sockets, and of descriptors beside them, in one goroutine; what it costs follows
// what happens, not how many there are. [Poll] is the same for one wait. A [Reactor]
// is a loop around a Poller and [Timers], which calls a function for whatever
// happens.
//
// # Errors
//
// The few errors that a program acts on are sentinels, found by errors.Is through
// every wrap: [ErrTimeout], [ErrState], [ErrHostUnreachable] and so on.
// An [OpError] says which call failed on which endpoint, and [Errno] gives the
// number that libzmq would have set.
//
// A peer that breaks the protocol loses its own connection and nothing else.
// No call returns an error for that; [Socket.Events] tells why.
//
// # Memory and limits
//
// Send copies: the caller may reuse its slices at once. [Socket.SendOwned] does
// not copy large frames and says when the memory is free again. What
// [Socket.Recv] returns is the caller's for good, but keeps the block of 64 KiB
// alive that it arrived in; [Message.Clone] makes a message of its own.
// [Socket.RecvInto] uses the same memory again and again and allocates nothing.
//
// A pipe to a peer holds as many messages as [HighWater] says, 1000 by default.
// The size of a message, the number of its frames and the number of a peer's
// subscriptions have no limit by default; whoever listens to strangers sets
// [Limits]. Whatever they announce, memory is asked for only as their octets
// really arrive.
package zmq
