package zmq

import (
	"errors"
	"slices"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// This file is the socket as those see it who work for it or beside it: the
// sessions of package engine and the neighbours of package inproc.

// host is the socket in the eyes of its sessions.
type host struct{ *Socket }

// Started implements engine.Host.
func (h host) Started(session *engine.Session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.sessions[session] = nil
	return true
}

// Alone implements engine.Host.
func (h host) Alone(session *engine.Session) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	others := len(h.online)
	if app := h.sessions[session]; app != nil {
		if _, there := h.online[app]; there {
			others--
		}
	}
	return others == 0
}

// Open implements engine.Host.
func (h host) Open(session *engine.Session) (app, end *pipe.End, ok bool) {
	c := h.pipeConfig(session.Config().Conflate)
	c.SendMarkPeer, c.RecvMarkPeer = -1, -1
	app, end = pipe.New(c)
	app.Join(&h.hub)
	app.Connecting, app.WantID, app.Link = session.Connecting(), session.WantID(), session
	app.Notices = session.Config().Notices
	end.Carry(session)
	session.Hold(app, end)
	if !h.row.Receives && !h.row.Publisher {
		app.CloseRead() // whatever the peer sends, nobody will ever read it
	}
	ok = h.enter(app, func() bool {
		if _, leaving := h.leaving[session]; h.closed || leaving {
			return false
		}
		h.sessions[session] = app
		return true
	}, "", func() { h.sessions[session] = nil })
	return app, end, ok
}

// enter takes a pipe in: register finds a place for it or reports false, and the
// pattern gets it before s.mu, which is held all the time, is released. So whoever
// closes or disconnects finds the pipe with the pattern, or not at all. A pipe that
// the pattern does not want is forgotten. hello, if there is one, is the first message
// that is written to it.
func (s *Socket) enter(app *pipe.End, register func() bool, hello string, forget func()) (ok bool) {
	s.mu.Lock()
	if !register() {
		s.mu.Unlock()
		return false
	}
	s.setMarks(app) // they may have changed since the pipe was made
	s.sendMu.Lock()
	s.recvMu.Lock()
	if s.dead == nil {
		if hello != "" {
			app.Write(&message.Message{Frames: [][]byte{[]byte(hello)}})
		}
		ok = s.pattern.Attach(app)
		s.publishSolo()
	}
	later := s.hub.Later()
	s.recvMu.Unlock()
	s.sendMu.Unlock()
	if !ok {
		forget()
	}
	s.mu.Unlock()
	s.tell(later)
	s.look()
	return ok
}

// lose tells the pattern, by a call of gone, that a connection is lost. The socket
// receives words, which stand for that, behind all that it brought, if there was a peer
// and the endpoint has any; and not before the pattern knows, so that whoever has
// received them finds the peer's name free.
func (s *Socket) lose(app *pipe.End, words []byte, gone func(*pipe.End)) {
	s.mu.Lock()
	_, there := s.online[app]
	s.mu.Unlock()
	says := there && len(words) > 0
	s.both(func() {
		if says {
			app.Append(words)
		}
		gone(app)
	})
	if says {
		app.Announce()
	}
}

// look makes everybody who waits try again.
func (s *Socket) look() {
	s.hub.WakeSenders()
	s.hub.WakeReceivers()
}

// pipeConfig is how the socket wants the pipes of an endpoint that conflates or
// does not.
func (s *Socket) pipeConfig(conflate bool) pipe.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	send, recv := s.config.HighWater.marks()
	return pipe.Config{Pool: s.ctx.env.Pool, SendMark: send, RecvMark: recv, Conflate: conflate}
}

// Online implements engine.Host. A session that was given up meanwhile only sends what
// is left.
func (h host) Online(app *pipe.End, peer *message.Peer) bool {
	session := app.Link.(*engine.Session)
	if session.Reconnects() > 0 {
		h.reconnects.Add(1)
	}
	return h.up(app, peer, func() bool {
		_, leaving := h.leaving[session]
		return !leaving && h.sessions[session] == app
	})
}

// up says that a peer is there. A socket that was closed meanwhile takes every
// peer, to send what is left. The peer counts if stays says so, under s.mu.
func (s *Socket) up(app *pipe.End, peer *message.Peer, stays func() bool) bool {
	served := true
	alive := s.both(func() {
		app.Peer = peer
		served = s.pattern.Online(app)
	})
	s.look()
	if alive && served {
		s.mu.Lock()
		if stays() {
			s.online[app] = peer
		}
		s.mu.Unlock()
		s.peersChanged()
	}
	return served
}

// down says that a peer is not there any more. The pattern has heard so before.
func (s *Socket) down(app *pipe.End) {
	s.mu.Lock()
	delete(s.online, app)
	list := s.losses
	s.mu.Unlock()
	s.peersChanged()
	for _, call := range list {
		call(app)
	}
}

// onLoss has every loss of a connection told, by its pipe, under no lock.
func (s *Socket) onLoss(call func(*pipe.End)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses = append(slices.Clone(s.losses), call) // whoever calls reads the old list
}

// peersChanged wakes whoever waits for peers, and finds out whether there is only
// one.
func (s *Socket) peersChanged() {
	s.mu.Lock()
	s.tellChange()
	var few []*engine.Session
	if len(s.online) <= 2 {
		for app := range s.online {
			if session, ok := app.Link.(*engine.Session); ok {
				few = append(few, session)
			}
		}
	}
	alone := len(s.online) == 1 && len(few) == 1
	if alone {
		s.direct.Store(few[0])
	} else {
		s.direct.Store(nil)
	}
	s.mu.Unlock()
	if alone {
		return
	}
	for _, session := range few {
		session.Share()
	}
}

// tellChange wakes whoever waits for peers, or for what they match. s.mu is held.
func (s *Socket) tellChange() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Offline implements engine.Host.
func (h host) Offline(app *pipe.End) {
	h.lose(app, app.Link.(*engine.Session).Config().Hiccup, h.pattern.Offline)
	h.down(app)
}

// Detach implements engine.Host.
func (h host) Detach(app *pipe.End) {
	var words []byte
	if !app.Connecting { // else it was offline before
		words = app.Link.(*engine.Session).Config().Disconnect
	}
	h.detach(app, words)
}

// detach takes a pipe from the pattern, for which the socket receives words.
func (s *Socket) detach(app *pipe.End, words []byte) {
	s.lose(app, words, s.pattern.Detach)
	s.down(app)
	s.look()
	s.retire(app)
	s.prune(app)
}

// Ended implements engine.Host.
func (h host) Ended(session *engine.Session) {
	h.mu.Lock()
	app := h.sessions[session]
	delete(h.sessions, session)
	delete(h.leaving, session)
	h.mu.Unlock()
	if app != nil {
		h.prune(app)
	}
	h.finish()
}

// Event implements engine.Host.
func (h host) Event(e engine.Event) {
	var failed *engine.HandshakeError
	if e.Kind == engine.EventDisconnected && errors.As(e.Err, &failed) {
		h.handshakeFailures.Add(1)
	}
	h.monitors.emit(e)
}

// arrived acts on what has come in at once, for the types that cannot wait until
// the application receives.
func (s *Socket) arrived(app *pipe.End) {
	s.both(func() { s.pattern.Readable(app) })
}

// expel ends what is behind app for good.
func (s *Socket) expel(app *pipe.End) {
	switch link := app.Link.(type) {
	case *engine.Session:
		s.down(app) // its connection is not lost
		link.Expel(engine.ErrViolation)
	case *inproc.Link:
		s.part(app, link)
	}
}

// dismiss ends what is behind app for good, once what is unsent has gone out.
func (s *Socket) dismiss(app *pipe.End) {
	switch link := app.Link.(type) {
	case *engine.Session:
		s.mu.Lock()
		linger := s.config.linger(s.row, !s.ctx.config.NotBlocky)
		s.mu.Unlock()
		s.leave(link, app, true, linger)
	case *inproc.Link:
		s.part(app, link)
	}
}

// part ends an inproc pipe from this side.
func (s *Socket) part(app *pipe.End, link *inproc.Link) {
	s.detach(app, nil)
	s.mu.Lock()
	delete(s.links, app)
	s.mu.Unlock()
	s.both(func() { s.discard(app) })
	link.Close(app)
}

// discard throws away what was not received from app, and takes nothing more from
// there. Both locks are held.
func (s *Socket) discard(app *pipe.End) {
	s.pattern.Discard(app)
	s.back.discard(s, app)
	app.CloseRead()
}

// neighbour is the socket in the eyes of others of its process: one of its inproc
// endpoints.
type neighbour struct {
	*Socket
	own *Config // as it was when the name was bound or connected to
}

// Peer implements inproc.Side.
func (n neighbour) Peer() *message.Peer {
	return &message.Peer{SocketType: n.row.Name, RoutingID: []byte(n.own.RoutingID), Inproc: true}
}

// Pipe implements inproc.Side.
func (n neighbour) Pipe() pipe.Config { return n.pipeConfig(n.own.Conflate && n.row.Conflates) }

// Attach implements inproc.Side.
func (n neighbour) Attach(e *pipe.End, l *inproc.Link) bool {
	e.Join(&n.hub)
	e.Link = l
	return n.enter(e, func() bool {
		if n.closed {
			return false
		}
		n.links[e] = &linked{link: l, endpoint: "inproc://" + l.Name(), connects: e.Connecting}
		return true
	}, n.own.Presence.Hello, func() { delete(n.links, e) })
}

// Online implements inproc.Side.
func (n neighbour) Online(e *pipe.End, peer *message.Peer) bool {
	return n.up(e, peer, func() bool { return n.links[e] != nil }) // else given up meanwhile
}

// Detach implements inproc.Side.
func (n neighbour) Detach(e *pipe.End, _ *inproc.Link) {
	n.detach(e, []byte(n.own.Presence.Disconnect))
	n.mu.Lock()
	delete(n.links, e)
	n.mu.Unlock()
}
