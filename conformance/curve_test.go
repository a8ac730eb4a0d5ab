package conformance

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/mechanism"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// Keys of both sides, and what only who has them can say. RFC 26.

func TestSecurityCurve(t *testing.T) {
	server, client, other := newIdentity(t), newIdentity(t), newIdentity(t)
	mismatch := breach(0x11000002)
	for name, row := range map[string]struct {
		client       zmq.Security
		ours, theirs verdict
	}{
		"the right keys":                        {curveClient(client, server.public), succeeded, succeeded},
		"a client's key that is not welcome":    {curveClient(other, server.public), denied(400), denied(400)},
		"the key of another server":             {curveClient(client, other.public), breach(0x11000001), hungUp},
		"the client's own key for the server's": {curveClient(client, client.public), breach(0x11000001), hungUp},
		"a client without security":             {zmq.Security{}, mismatch, untold},
		"a client with PLAIN":                   {plainClient("admin", "password"), mismatch, untold},
		"a server with PLAIN":                   {plainServer(), mismatch, untold},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				s.handle(zmq.REP, to(string(client.public[:])))
				if m := s.meet(curveServer(server), row.client); row.ours == succeeded {
					m.succeeds()
				} else {
					m.fails(row.ours, row.theirs)
				}
			})
		})
	}
	t.Run("the server connects", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.handle(zmq.REP, to(string(client.public[:])))
			a, b := s.join(as(zmq.DEALER, secured(curveClient(client, server.public))), as(zmq.DEALER, secured(curveServer(server))))
			a.send("hello")
			if user, _ := b.want("hello").Property("User-Id"); user != "joe" {
				s.Errorf("the user is %q", user)
			}
		})
	})
	turnsOlderAway(t, curveServer(server))
	t.Run("keys that are none", func(t *testing.T) { refusesKeys(t, server, client, other) })
	t.Run("what is no client", func(t *testing.T) { curveStrangers(t, server, client) })
	t.Run("what is no server", func(t *testing.T) { curvePretenders(t, server, client) })
}

// A fault is what the other end of a connection says at some time in place of what it
// should, and what a monitor is told of that.
type fault struct {
	after int // commands that were as they should be, and their answers
	say   func(honest []byte) []byte
	want  verdict
}

// at changes one octet.
func at(i int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		b[i] ^= 1
		return b
	}
}

// less leaves out the last octet, and more has one that is not wanted.
func less(b []byte) []byte { return b[:len(b)-1] }

func more(b []byte) []byte { return append(bytes.Clone(b), 0) }

// under gives a command another name.
func under(name string) func([]byte) []byte {
	return func(b []byte) []byte { return zmtp.AppendCommand(nil, name, b[1+b[0]:]) }
}

// text is said whatever it should have been.
func text(s string) func([]byte) []byte { return func([]byte) []byte { return []byte(s) } }

// The numbers are libzmq's for the same octets.
var (
	unexpected = breach(0x10000001)
	unreadable = breach(0x10000011)
	unopened   = breach(0x11000001)
)

// curveStrangers are clients that do not keep to the rules.
func curveStrangers(t *testing.T, server, client identity) {
	hello, initiate := breach(0x10000013), breach(0x10000014)
	for name, row := range map[string]fault{
		"a HELLO that is cut":                {0, less, hello},
		"a HELLO that is too long":           {0, more, hello},
		"the HELLO of PLAIN":                 {0, text("\x05HELLO\x05admin\x08password"), hello},
		"another version":                    {0, at(7), hello},
		"another name":                       {0, under("HALLO"), unexpected},
		"INITIATE in place of HELLO":         {0, text("\x08INITIATE" + strings.Repeat("\x00", 300)), unexpected},
		"READY in clear":                     {0, text("\x05READY"), unexpected},
		"a message in clear":                 {0, text("\x00hello"), unexpected},
		"nothing":                            {0, text(""), unreadable},
		"a name that is longer than all":     {0, text("\x06HELLO"), unreadable},
		"another short-term key":             {0, at(80), unopened},
		"a short-term key of zeros":          {0, func(b []byte) []byte { return slices.Replace(bytes.Clone(b), 80, 112, make([]byte, 32)...) }, unopened},
		"another nonce":                      {0, at(119), unopened},
		"a box that was changed":             {0, at(199), unopened},
		"HELLO again":                        {1, text("\x05HELLO\x01\x00" + strings.Repeat("\x00", 192)), unexpected},
		"an INITIATE of another name":        {1, under("INITIATO"), unexpected},
		"READY in place of INITIATE":         {1, text("\x05READY"), unexpected},
		"an INITIATE whose name is cut":      {1, text("\x08INITIAT"), unreadable},
		"an INITIATE that is too short":      {1, func(b []byte) []byte { return b[:256] }, initiate},
		"its name alone":                     {1, text("\x08INITIATE"), initiate},
		"an INITIATE that is cut":            {1, less, unopened},
		"an INITIATE with an octet more":     {1, more, unopened},
		"another cookie":                     {1, at(9), unopened},
		"a cookie that was changed":          {1, at(104), unopened},
		"a nonce that is not the box's":      {1, at(105), unopened},
		"an INITIATE with a box that is bad": {1, at(150), unopened},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				s.endures(row, curveServer(server), sideOf(s, curveClient(client, server.public), zmq.DEALER))
			})
		})
	}
	t.Run("a type that does not go with ours", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			honest := func(b []byte) []byte { return b }
			s.endures(fault{1, honest, verdict{}}, curveServer(server), sideOf(s, curveClient(client, server.public), zmq.PUB))
		})
	})
	sealed(t, func(s *stage) (*actor, *monitor, *hand) {
		return s.held(curveServer(server), sideOf(s, curveClient(client, server.public), zmq.DEALER), 2)
	})
}

// curvePretenders say to a client what the server that it means does not.
func curvePretenders(t *testing.T, server, client identity) {
	ready := breach(0x10000016)
	for name, row := range map[string]fault{
		"a WELCOME that is cut":         {0, less, unopened},
		"a WELCOME that is too long":    {0, more, unopened},
		"the WELCOME of PLAIN":          {0, text("\x07WELCOME"), unopened},
		"another nonce":                 {0, at(8), unopened},
		"a box that was changed":        {0, at(167), unopened},
		"another name":                  {0, under("WILLKOM"), unexpected},
		"READY in place of WELCOME":     {0, text("\x05READY"), unexpected},
		"a message in clear":            {0, text("\x00hello"), unexpected},
		"a refusal before WELCOME":      {0, text("\x05ERROR\x03400"), denied(400)},
		"a refusal":                     {1, text("\x05ERROR\x03400"), denied(400)},
		"a failure":                     {1, text("\x05ERROR\x03500"), denied(500)},
		"a READY that is too short":     {1, func(b []byte) []byte { return b[:29] }, ready},
		"READY in clear":                {1, text("\x05READY"), ready},
		"a READY that is cut":           {1, less, unopened},
		"a READY that was changed":      {1, at(30), unopened},
		"a nonce that is not the box's": {1, at(13), unopened},
		"WELCOME again":                 {1, text("\x07WELCOME" + strings.Repeat("\x00", 160)), unexpected},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				s.endures(row, curveClient(client, server.public), sideOf(s, curveServer(server), zmq.DEALER))
			})
		})
	}
	t.Run("a type that does not go with ours", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			honest := func(b []byte) []byte { return b }
			s.endures(fault{1, honest, breach(0x10000018)}, curveClient(client, server.public), sideOf(s, curveServer(server), zmq.PUB))
		})
	})
	t.Run("another server", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			other := newIdentity(s)
			a := s.socket(zmq.DEALER, secured(curveClient(client, server.public)))
			monitor := a.monitor(1, zmq.PAIR)
			s.endpoint = a.bind(s.endpoint)
			h := take(s, s.dial(), sideOf(s, curveServer(other), zmq.DEALER))
			if err := h.side.Handle(h.hear()); zmtp.CodeOf(err) != zmtp.CodeCryptographic {
				s.Errorf("it can open a HELLO for the other: %v", err)
			}
			h.say(slices.Concat([]byte("\x07WELCOME"), make([]byte, 160)))
			monitor.judges(unopened)
		})
	})
	sealed(t, func(s *stage) (*actor, *monitor, *hand) {
		return s.held(curveClient(client, server.public), sideOf(s, curveServer(server), zmq.DEALER), 2)
	})
}

// held has a hand at the other end of a connection to a socket, after so many commands.
func (s *stage) held(security zmq.Security, side mechanism.Mechanism, commands int) (*actor, *monitor, *hand) {
	s.Helper()
	a := s.socket(zmq.DEALER, secured(security))
	m := a.monitor(1, zmq.PAIR)
	s.endpoint = a.bind(s.endpoint)
	h := take(s, s.dial(), side)
	h.advance(commands)
	return a, m, h
}

// endures checks that a socket breaks off a handshake with a fault, and what it tells of
// it.
func (s *stage) endures(f fault, security zmq.Security, side mechanism.Mechanism) {
	s.Helper()
	a, m, h := s.held(security, side, f.after)
	h.say(f.say(h.next()))
	m.judges(f.want)
	_ = h.conn.Close()
	a.silent()
	a.peers(0)
}

// sealed checks what a socket makes of messages after the handshake.
func sealed(t *testing.T, begin func(*stage) (*actor, *monitor, *hand)) {
	for name, row := range map[string]struct {
		frames func(h *hand) []byte
		want   verdict
	}{
		"a message twice": {func(h *hand) []byte {
			b := h.seal(0, []byte("again"))
			return append(b, b...)
		}, breach(0x10000002)},
		"two messages that have changed places": {func(h *hand) []byte {
			first, second := h.seal(0, []byte("first")), h.seal(0, []byte("again"))
			return append(second, first...)
		}, breach(0x10000002)},
		"a message that was changed": {func(h *hand) []byte {
			b := append(h.seal(0, []byte("again")), h.seal(0, []byte("changed"))...)
			b[len(b)-1] ^= 1
			return b
		}, unopened},
		"a message in clear": {func(h *hand) []byte {
			return zmtp.AppendFrame(h.seal(0, []byte("again")), 0, []byte("\x00hello"))
		}, unexpected},
		"a PING in clear": {func(h *hand) []byte {
			return zmtp.AppendFrame(h.seal(0, []byte("again")), zmtp.FlagCommand, zmtp.AppendPing(nil, 1, nil))
		}, unexpected},
		"a MESSAGE that is too short": {func(h *hand) []byte {
			return zmtp.AppendFrame(h.seal(0, []byte("again")), 0, []byte("\x07MESSAGE"+strings.Repeat("\x00", 24)))
		}, breach(0x10000012)},
		"a name that is longer than all": {func(h *hand) []byte {
			return zmtp.AppendFrame(h.seal(0, []byte("again")), 0, []byte("\x07MESSAG"))
		}, unreadable},
	} {
		t.Run("after the handshake: "+name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				a, m, h := begin(s)
				m.judges(succeeded)
				h.write(row.frames(h))
				a.want("again")
				m.judges(row.want)
				a.silent()
				a.peers(0)
			})
		})
	}
	t.Run("after the handshake: what is as it should be", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			a, _, h := begin(s)
			for _, size := range []int{0, 1, 300, 100_000} {
				body := strings.Repeat("x", size)
				h.write(append(h.seal(zmtp.FlagMore, []byte("head")), h.seal(0, []byte(body))...))
				a.want("head", body)
				a.send("head", body)
				if head, got := h.open(), h.open(); string(head) != "head" || string(got) != body {
					s.Errorf("%d octets: %q and %d octets", size, head, len(got))
				}
			}
		})
	})
}
