package engine

import (
	"context"
	"errors"
	"net"
	"os"
	"time"

	"zeromux/transport"
)

// acceptPause is how long a listener waits after an error of accept that
// passes, such as a lack of descriptors.
const acceptPause = 10 * time.Millisecond

// A Listener accepts connections for a bound endpoint and makes a session of
// each. Handshakes run on goroutines of their own, so that a peer which says
// nothing keeps nobody out.
type Listener struct {
	*origin
	t     transport.Transport // names the peers; nil for some of those that the application brought
	ln    transport.Listener
	local string // what is bound, as the system calls it
	// descriptor is ln's, as events name it.
	descriptor int

	stop context.CancelFunc
	done chan struct{} // closed when accepting has ended
}

// Listen binds address by t. The endpoint of the listener is prefix and what was
// really bound.
func Listen(env *Env, host Host, cfg *Config, t transport.Transport, address, prefix string) (*Listener, error) {
	ln, err := t.Listen(context.Background(), address, &cfg.Transport)
	if err != nil {
		endpoint := prefix + address
		if attempted(err) {
			report(env, host, Event{Kind: EventClosed, Endpoint: endpoint, Value: -1, Err: err})
		}
		report(env, host, Event{Kind: EventBindFailed, Endpoint: endpoint, Value: errno(err), Err: err})
		return nil, err
	}
	return serve(&origin{env: env, host: host, cfg: cfg, endpoint: prefix + ln.Address()}, t, ln), nil
}

// ListenFile is Listen with a socket that somebody else has opened.
func ListenFile(env *Env, host Host, cfg *Config, t transport.FileListener, f *os.File, prefix string) (*Listener, error) {
	ln, err := t.ListenFile(f, &cfg.Transport)
	if err != nil {
		report(env, host, Event{Kind: EventBindFailed, Endpoint: prefix, Value: errno(err), Err: err})
		return nil, err
	}
	own, _ := t.(transport.Transport)
	return serve(&origin{env: env, host: host, cfg: cfg, endpoint: prefix + ln.Address()}, own, ln), nil
}

// Serve accepts the connections of a listener that the application brought. t is asked
// where a peer is; nil: that is its address.
func Serve(env *Env, host Host, cfg *Config, t transport.Transport, ln net.Listener, endpoint string) *Listener {
	return serve(&origin{env: env, host: host, cfg: cfg, endpoint: endpoint}, t, foreign{ln})
}

// foreign is a listener of the application.
type foreign struct{ net.Listener }

func (f foreign) Address() string { return f.Addr().String() }

func serve(o *origin, t transport.Transport, ln transport.Listener) *Listener {
	ctx, stop := context.WithCancel(context.Background())
	l := &Listener{
		origin: o, t: t, ln: ln, local: ln.Address(), descriptor: descriptor(ln), stop: stop, done: make(chan struct{}),
	}
	l.event(Event{Kind: EventListening, Value: l.descriptor})
	o.env.running.add()
	go l.accept(ctx)
	return l
}

// Endpoint is what was really bound, with its scheme.
func (l *Listener) Endpoint() string { return l.endpoint }

// Close ends accepting. The address is free when it returns. Connections that
// were accepted live on.
func (l *Listener) Close() error {
	l.stop()
	err := l.ln.Close()
	<-l.done
	if err != nil {
		l.event(Event{Kind: EventCloseFailed, Value: errno(err), Err: err})
	} else {
		l.event(Event{Kind: EventClosed, Value: l.descriptor})
	}
	return err
}

// event reports e with what the listener tells.
func (l *Listener) event(e Event) {
	e.Endpoint, e.Local = l.endpoint, l.local
	report(l.env, l.host, e)
}

// accept is the accepting goroutine.
func (l *Listener) accept(ctx context.Context) {
	defer l.env.running.done()
	defer close(l.done)
	for {
		nc, err := l.ln.Accept()
		switch {
		case err == nil:
			l.Accepted(nc)
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		case errors.Is(err, transport.ErrTurnedAway): // a stranger holds nobody up
			l.event(Event{Kind: EventAcceptFailed, Value: errno(err), Err: err})
		default:
			l.event(Event{Kind: EventAcceptFailed, Value: errno(err), Err: err})
			over := make(chan struct{})
			t := l.env.Wheel.After(acceptPause, func() { close(over) })
			select {
			case <-over:
			case <-ctx.Done():
			}
			t.Stop()
		}
	}
}

// Accepted makes a session of one accepted connection.
func (l *Listener) Accepted(nc net.Conn) {
	address := addressOf(nc.RemoteAddr())
	if l.t != nil {
		address = peerAddress(l.t, nc)
	}
	attach(l.origin, nc, address)
}

// Attach makes a session of a connection that is open already; it has no other.
// Peer-Address is address.
func Attach(env *Env, host Host, cfg *Config, nc net.Conn, endpoint, address string) *Session {
	return attach(&origin{env: env, host: host, cfg: cfg, endpoint: endpoint}, nc, address)
}

func attach(o *origin, nc net.Conn, address string) *Session {
	s := newSession(o)
	if !o.host.Started(s) {
		_ = nc.Close() // nobody is there to say more
		s.finish()
		return s
	}
	s.descriptor = descriptor(nc)
	s.event(Event{Kind: EventAccepted, Value: s.descriptor}, nc)
	go func() {
		if s.establish(nc, address) != nil {
			s.finish()
		}
	}()
	return s
}
