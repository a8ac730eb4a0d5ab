package conformance

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"zeromux/zmq"
)

// Who is asked about a peer, and what becomes of the peer. RFC 27.

func TestSecurityZap(t *testing.T) {
	for _, match := range matches(t) {
		t.Run(match.name, func(t *testing.T) {
			t.Run("what is asked", func(t *testing.T) { overNetwork(t, match.asks) })
			t.Run("what is answered", func(t *testing.T) { overNetwork(t, match.answered) })
			// Nobody can answer any more: libzmq 4.3.4 waits for that all the same, until
			// the time of the handshake is over.
			t.Run("a handler that closes", func(t *testing.T) {
				overNetwork(t, func(s *stage) {
					handler := s.socket(zmq.REP)
					handler.bind(zmq.ZAPEndpoint)
					m := s.meet(match.server, match.client)
					handler.recv()
					handler.close()
					m.fails(hungUp, hungUp)
				})
			})
			t.Run("a handler that says nothing", func(t *testing.T) {
				overNetwork(t, func(s *stage) {
					handler := s.socket(zmq.ROUTER)
					handler.bind(zmq.ZAPEndpoint)
					m := s.meet(match.server, match.client, func(c *zmq.Config) { c.Reconnect.HandshakeTimeout = 50 * time.Millisecond })
					m.fails(timedOut, hungUp)
				})
			})
			t.Run("how long a peer is kept", match.kept)
		})
	}
	t.Run("who may be a handler", func(t *testing.T) {
		s := newStage(t, "tcp")
		s.socket(zmq.PULL).bind(zmq.ZAPEndpoint) // which could not answer
		s.meet(asking(zmq.Security{}, "home", true), zmq.Security{}).fails(unjudged, untold)
	})
}

// asks checks a question, frame by frame, and that an answer reaches the messages.
func (m *match) asks(s *stage) {
	for _, typ := range []zmq.SocketType{zmq.REP, zmq.ROUTER} {
		s.Run("by a "+typ.String(), func(t *testing.T) {
			s := newStage(t, s.scheme)
			questions := s.handle(typ, to(m.credentials...))
			server := s.bind(zmq.DEALER, secured(m.server), named("me"))
			client := s.connect(zmq.DEALER, secured(m.client), named("you"))
			client.send("hello")
			message := server.want("hello")
			address, _ := message.Property("Peer-Address")
			if address == "" {
				s.Error("nobody knows where the peer is")
			}
			q, want := <-questions, append([]string{"1.0", "1", "home", address, "me", m.name}, m.credentials...)
			if !slices.Equal(q, want) {
				s.Errorf("asked %q, want %q", q, want)
			}
			for name, want := range map[string]string{"User-Id": "joe", "Rank": "first"} {
				if got, _ := message.Property(name); got != want {
					s.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			server.send("hello")
			if user, ok := client.want("hello").Property("User-Id"); ok {
				s.Errorf("the client hears that the server is %q", user)
			}
		})
	}
}

// answered checks what becomes of every answer.
func (m *match) answered(s *stage) {
	with := func(at int, frame string) answer {
		return func(q []string) []string {
			frames := saying("200")(q)
			frames[at] = frame
			return frames
		}
	}
	zap := func(n uint64) verdict { return breach(0x20000000 + n) }
	for name, row := range map[string]struct {
		answer       answer
		ours, theirs verdict
	}{
		"yes":                        {saying("200"), succeeded, succeeded},
		"not now":                    {saying("300"), denied(300), untold},
		"no":                         {saying("400"), denied(400), denied(400)},
		"a failure":                  {saying("500"), denied(500), denied(500)},
		"another version":            {with(0, "9.9"), zap(3), hungUp},
		"no version":                 {with(0, ""), zap(3), hungUp},
		"another question's":         {with(1, "2"), zap(2), hungUp},
		"a status that is no number": {with(2, "yes"), zap(4), hungUp},
		"a status that there is not": {with(2, "600"), zap(4), hungUp},
		"a status that is close":     {with(2, "201"), zap(4), hungUp},
		"a status that is too short": {with(2, "20"), zap(4), hungUp},
		"a status that is too long":  {with(2, "2000"), zap(4), hungUp},
		"no status":                  {with(2, ""), zap(4), hungUp},
		"metadata that are cut":      {with(5, "\x04Rank\x00\x00\x00\x06first"), zap(5), hungUp},
		"a type that is illegal":     {with(5, "\x0bSocket-Type\x00\x00\x00\x03PUB"), zap(5), hungUp},
		"a frame more":               {func(q []string) []string { return append(saying("200")(q), "") }, zap(1), hungUp},
		"a frame less":               {func(q []string) []string { return saying("200")(q)[:5] }, zap(1), hungUp},
		"a frame alone":              {func([]string) []string { return []string{"1.0"} }, zap(1), hungUp},
	} {
		s.Run(name, func(t *testing.T) {
			s := newStage(t, s.scheme)
			s.handle(zmq.REP, row.answer)
			if meeting := s.meet(m.server, m.client); row.ours == succeeded {
				meeting.succeeds()
			} else {
				meeting.fails(row.ours, row.theirs)
			}
		})
	}
	s.Run("no empty frame before it", func(t *testing.T) {
		s := newStage(t, s.scheme)
		handler := s.socket(zmq.ROUTER)
		handler.bind(zmq.ZAPEndpoint)
		meeting := s.meet(m.server, m.client)
		id := string(handler.recv().Frames[0])
		handler.send(id, "x", "1.0", "1", "200", "", "", "")
		meeting.fails(zap(0), hungUp)
	})
}

// kept checks how long a server keeps a client that it does not let in, and when the
// client tries again.
func (m *match) kept(t *testing.T) {
	const patient, again = patience / 2, time.Minute
	for name, row := range map[string]struct {
		answer       answer
		ours, theirs verdict
		took         time.Duration
	}{
		"no":                  {saying("400"), denied(400), denied(400), 0},
		"another version":     {func([]string) []string { return []string{"2.0", "1", "200", "", "", ""} }, breach(0x20000003), hungUp, 0},
		"not now":             {saying("300"), denied(300), hungUp, patient},
		"nothing is answered": {func([]string) []string { return nil }, timedOut, hungUp, patient},
	} {
		if m.name == "NULL" && name == "not now" {
			continue // it depends on who is faster: a client that says more is not kept
		}
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(s *stage, dial set, accept func() net.Conn) {
				s.handle(zmq.ROUTER, row.answer)
				server := s.socket(zmq.DEALER, secured(m.server), func(c *zmq.Config) { c.Reconnect.HandshakeTimeout = patient })
				client := s.socket(zmq.DEALER, secured(m.client), dial, func(c *zmq.Config) { c.Reconnect = zmq.Reconnect{Interval: again, Max: again} })
				ours, theirs := server.monitor(1, zmq.PAIR), client.monitor(1, zmq.PAIR)
				start := time.Now()
				client.connect("tcp://127.0.0.1:1")
				if err := server.Attach(accept()); err != nil {
					s.Fatal(err)
				}
				ours.judges(row.ours)
				theirs.judges(row.theirs)
				if took := time.Since(start); took != row.took {
					s.Errorf("it takes %v, want %v", took, row.took)
				}
				if row.theirs != hungUp {
					<-time.After(time.Hour) // of the bubble
					theirs.await(zmq.EventDisconnected)
					theirs.silent()
					return
				}
				_ = accept().Close()
				if took := time.Since(start); took != row.took+again {
					s.Errorf("the client comes again after %v, want %v", took, row.took+again)
				}
			})
		})
	}
}

func TestSecurityNoZapHandler(t *testing.T) {
	for _, match := range matches(t) {
		for name, row := range map[string]struct {
			domain   string
			enforced bool
			want     map[string]verdict
		}{
			"no domain":               {"", false, map[string]verdict{"NULL": succeeded, "PLAIN": unjudged, "CURVE": succeeded}},
			"no domain, and enforced": {"", true, map[string]verdict{"NULL": succeeded, "CURVE": succeeded}},
			"a domain":                {"home", false, map[string]verdict{"NULL": succeeded, "PLAIN": unjudged, "CURVE": succeeded}},
			"a domain, and enforced":  {"home", true, map[string]verdict{"NULL": unjudged, "PLAIN": unjudged, "CURVE": unjudged}},
		} {
			t.Run(match.name+", "+name, func(t *testing.T) {
				overNetwork(t, func(s *stage) {
					server := asking(match.server, row.domain, row.enforced)
					want, ok := row.want[match.name]
					switch {
					case !ok: // libzmq ends the process
						_, err := s.ctx.NewSocket(zmq.DEALER, &zmq.Config{Security: server})
						s.wrong(err, zmq.ErrInvalid)
					case want == succeeded:
						s.meet(server, match.client).succeeds()
					default:
						s.meet(server, match.client).fails(want, untold)
					}
				})
			})
		}
	}
}

// What RFC 13 and RFC 15 have a PAIR or DEALER say, and a message behind it.
var older = map[string]string{
	"a peer of 1.0": "\x01\x00\x06\x00hello",
	"a peer of 2.0": "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00\x00\x05hello",
}

func TestSecurityNull(t *testing.T) {
	for name, row := range map[string]struct {
		domain string
		asked  bool
		want   verdict
	}{
		"no domain, so that nobody is asked":  {"", false, succeeded},
		"a domain whose handler says yes":     {"home", true, succeeded},
		"a domain whose handler says no":      {"office", true, denied(400)},
		"a domain that the handler knows not": {"Home", true, denied(400)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, enforced := range []bool{false, true} {
				overNetwork(t, func(s *stage) {
					questions := s.handle(zmq.REP, func(q []string) []string {
						if q[2] == "home" {
							return saying("200")(q)
						}
						return saying("400")(q)
					})
					if m := s.meet(asking(zmq.Security{}, row.domain, enforced), zmq.Security{}); row.want == succeeded {
						m.succeeds()
					} else {
						m.fails(row.want, row.want)
					}
					if n := len(questions); n > 0 != row.asked {
						s.Errorf("%d questions", n)
					}
				})
			}
		})
	}
	for name, octets := range older {
		t.Run(name+" is served where there is no domain", func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				server := s.bind(zmq.DEALER)
				if _, err := io.WriteString(s.dial(), octets); err != nil {
					s.Fatal(err)
				}
				server.want("hello")
			})
		})
	}
	turnsOlderAway(t, asking(zmq.Security{}, "home", false))
	t.Run("within the process nobody is asked", func(t *testing.T) {
		for _, match := range matches(t) {
			over(t, func(s *stage) {
				questions := s.handle(zmq.REP, saying("400"))
				server, client := s.join(as(zmq.DEALER, secured(match.server)), as(zmq.DEALER, secured(match.client)))
				client.send("hello")
				if _, ok := server.want("hello").Property("User-Id"); ok || len(questions) > 0 {
					s.Error("there is a question, or an answer")
				}
			}, "inproc")
		}
	})
}

// turnsOlderAway checks that peers which know of no security get nothing through to a
// server, and nobody is asked about them.
func turnsOlderAway(t *testing.T, security zmq.Security) {
	for name, octets := range older {
		t.Run(name+" is turned away", func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				questions := s.handle(zmq.REP, saying("200"))
				server := s.socket(zmq.DEALER, secured(security))
				monitor := server.monitor(1, zmq.PAIR)
				s.endpoint = server.bind(s.endpoint)
				conn := s.dial()
				if _, err := io.WriteString(conn, octets); err != nil {
					s.Fatal(err)
				}
				monitor.judges(verdict{})
				server.silent()
				if len(questions) > 0 {
					s.Error("somebody was asked about it")
				}
			})
		})
	}
}
