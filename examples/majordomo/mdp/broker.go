package mdp

import (
	"context"
	"slices"
	"strings"
	"time"

	"zeromux/zmq"
)

// A Broker brings requests to services. It keeps nothing that matters: when it is
// replaced, workers register anew and clients ask again.
type Broker struct {
	beat     time.Duration
	socket   *zmq.Socket
	services map[string]*service
	workers  map[string]*worker // by routing id
}

// A service is a name that somebody has offered or asked for.
type service struct {
	name     string
	requests []pending // oldest first; there are none while a worker is free
	free     []*worker // the one that has been free for longest first
	workers  int       // free and busy
}

// A pending request waits for a worker.
type pending struct {
	client []byte
	body   [][]byte
	since  time.Time
}

// A worker is one that has said READY.
type worker struct {
	id      string
	service *service
	until   time.Time // when it counts as dead; only looked at while it is free
}

// keep is how many beats a request waits for a service that nobody offers.
const keep = 20

// NewBroker binds a broker to an endpoint for clients and workers alike; zero is
// Beat.
func NewBroker(endpoint string, beat time.Duration) (b *Broker, bound string, err error) {
	if beat == 0 {
		beat = Beat
	}
	socket, err := zmq.NewSocket(zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return nil, "", err
	}
	if bound, err = socket.Bind(endpoint); err != nil {
		return nil, "", err
	}
	b = &Broker{beat: beat, socket: socket, services: make(map[string]*service), workers: make(map[string]*worker)}
	return b, bound, nil
}

// Run is the broker until ctx ends; then its socket is closed.
func (b *Broker) Run(ctx context.Context) error {
	defer b.socket.Close()
	messages := receive(ctx, b.socket)
	beat := time.NewTicker(b.beat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			err = b.heartbeat(ctx)
		case m, ok := <-messages:
			if !ok {
				return nil
			}
			err = b.take(ctx, m.Frames)
		}
		if err != nil {
			return err
		}
	}
}

// take takes whatever arrives: the name of the sender, an empty frame, who it is,
// and what he says. Anything else is dropped.
func (b *Broker) take(ctx context.Context, frames [][]byte) error {
	if len(frames) < 4 || len(frames[1]) > 0 {
		return nil
	}
	id, rest := frames[0], frames[3:]
	switch string(frames[2]) {
	case fromClient:
		if len(rest) > 1 {
			return b.ask(ctx, id, string(rest[0]), rest[1:])
		}
	case fromWorker:
		return b.hear(ctx, string(id), string(rest[0]), rest[1:])
	}
	return nil
}

// ask takes the request of a client.
func (b *Broker) ask(ctx context.Context, client []byte, name string, body [][]byte) error {
	if strings.HasPrefix(name, "mmi.") {
		return b.answer(ctx, client, name, [][]byte{[]byte(b.manage(name, string(body[0])))})
	}
	s := b.service(name)
	kept := zmq.NewMessage(append([][]byte{client}, body...)...).Clone() // it may wait for long
	s.requests = append(s.requests, pending{client: kept.Frames[0], body: kept.Frames[1:], since: time.Now()})
	return b.dispatch(ctx, s)
}

// manage answers for the broker itself. 8/MMI "Default services".
func (b *Broker) manage(name, about string) string {
	s, known := b.services[about]
	switch {
	case name != "mmi.service":
		return "501"
	case known && s.workers > 0:
		return "200"
	}
	return "404"
}

// hear takes a command of a worker.
func (b *Broker) hear(ctx context.Context, id, command string, rest [][]byte) error {
	w, known := b.workers[id]
	switch {
	case command == ready && !known && len(rest) == 1 && !strings.HasPrefix(string(rest[0]), "mmi."):
		w = &worker{id: id, service: b.service(string(rest[0]))}
		b.workers[id] = w
		w.service.workers++
		return b.rest(ctx, w)
	case command == reply && known && len(rest) > 2 && !slices.Contains(w.service.free, w):
		if err := b.answer(ctx, rest[0], w.service.name, rest[2:]); err != nil {
			return err
		}
		return b.rest(ctx, w)
	case command == heartbeat && known:
		w.until = time.Now().Add(liveness * b.beat)
		return nil
	case known:
		b.forget(w)
	}
	if command == disconnect {
		return nil
	}
	return b.tell(ctx, id, disconnect) // it has to begin anew
}

// rest makes a worker free, and gives it what there is to do.
func (b *Broker) rest(ctx context.Context, w *worker) error {
	w.until = time.Now().Add(liveness * b.beat)
	w.service.free = append(w.service.free, w)
	return b.dispatch(ctx, w.service)
}

// dispatch brings requests and workers together.
func (b *Broker) dispatch(ctx context.Context, s *service) error {
	for len(s.requests) > 0 && len(s.free) > 0 {
		next, w := s.requests[0], s.free[0]
		s.requests, s.free = s.requests[1:], s.free[1:]
		m := command(next.body, w.id, "", fromWorker, request, string(next.client), "")
		if err := b.socket.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// heartbeat tells the workers that the broker is there, and forgets those that are
// free and silent, and requests that nobody will ever answer.
func (b *Broker) heartbeat(ctx context.Context) error {
	now := time.Now()
	for name, s := range b.services {
		for _, w := range slices.Clone(s.free) {
			if now.After(w.until) {
				b.forget(w)
			} else if err := b.tell(ctx, w.id, heartbeat); err != nil {
				return err
			}
		}
		if s.workers > 0 {
			continue
		}
		s.requests = slices.DeleteFunc(s.requests, func(p pending) bool { return now.Sub(p.since) > keep*b.beat })
		if len(s.requests) == 0 {
			delete(b.services, name)
		}
	}
	return nil
}

func (b *Broker) service(name string) *service {
	s, known := b.services[name]
	if !known {
		s = &service{name: name}
		b.services[name] = s
	}
	return s
}

func (b *Broker) forget(w *worker) {
	delete(b.workers, w.id)
	w.service.workers--
	w.service.free = slices.DeleteFunc(w.service.free, func(other *worker) bool { return other == w })
}

// answer sends a reply to a client.
func (b *Broker) answer(ctx context.Context, client []byte, name string, body [][]byte) error {
	return b.socket.Send(ctx, command(body, string(client), "", fromClient, name))
}

// tell sends a command that is nothing but a command.
func (b *Broker) tell(ctx context.Context, worker, what string) error {
	return b.socket.SendString(ctx, worker, "", fromWorker, what)
}
