package conformance

import (
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// User names and passwords. RFC 24.

func TestSecurityPlain(t *testing.T) {
	server := plainServer()
	long := strings.Repeat("x", 255)
	for name, row := range map[string]struct {
		user, password string
		want           verdict
	}{
		"the right password":      {"admin", "password", succeeded},
		"a wrong password":        {"admin", "Password", denied(400)},
		"a wrong user":            {"Admin", "password", denied(400)},
		"both are wrong":          {"user", "secret", denied(400)},
		"no password":             {"admin", "", denied(400)},
		"no user":                 {"", "password", denied(400)},
		"one for the other":       {"password", "admin", denied(400)},
		"a password that is cut":  {"admin", "passwor", denied(400)},
		"the longest that may be": {long, long, denied(400)},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				questions := s.handle(zmq.REP, to("admin", "password"))
				m := s.meet(server, plainClient(row.user, row.password))
				if row.want == succeeded {
					m.succeeds()
				} else {
					m.fails(row.want, row.want)
				}
				if q := <-questions; q[2] != "" || q[6] != row.user || q[7] != row.password {
					s.Errorf("asked %q", q)
				}
			})
		})
	}
	t.Run("the longest password is the right one", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.handle(zmq.REP, to(long, long))
			s.meet(server, plainClient(long, long)).succeeds()
		})
	})
	t.Run("a user or password that is too long", func(t *testing.T) {
		s := newStage(t, "tcp")
		for _, security := range []zmq.Security{plainClient(long+"x", ""), plainClient("", long+"x")} {
			_, err := s.ctx.NewSocket(zmq.DEALER, &zmq.Config{Security: security})
			s.wrong(err, zmq.ErrInvalid)
		}
	})
	t.Run("the server connects", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.handle(zmq.REP, to("admin", "password"))
			client, server := s.join(as(zmq.DEALER, secured(plainClient("admin", "password"))), as(zmq.DEALER, secured(server)))
			client.send("hello")
			if user, _ := server.want("hello").Property("User-Id"); user != "joe" {
				s.Errorf("the user is %q", user)
			}
		})
	})
	t.Run("two servers have nothing to say", func(t *testing.T) {
		overNetwork(t, func(s *stage) {
			s.handle(zmq.REP, saying("200"))
			s.meet(server, server, func(c *zmq.Config) { c.Reconnect.HandshakeTimeout = 50 * time.Millisecond }).fails(timedOut, hungUp)
		})
	})
	turnsOlderAway(t, server)
	t.Run("what is no client", plainStrangers)
	t.Run("what is no server", plainPretenders)
}

// plainHello and plainInitiate are what a client says in turn.
const (
	plainHello    = `command HELLO "\x05admin\x08password"`
	plainInitiate = `command INITIATE "\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"`
)

// plainStrangers are clients that do not keep to the rules. The numbers are libzmq's for
// the same octets.
func plainStrangers(t *testing.T) {
	const begin = "send greeting 3.1 PLAIN\nexpect greeting 3.1 PLAIN\n"
	const welcomed = begin + "send " + plainHello + "\nexpect command WELCOME\n"
	const over = "\nexpect eof"
	for name, row := range map[string]struct {
		script string
		want   verdict
	}{
		"NULL":                              {"send greeting 3.1 NULL", breach(0x11000002)},
		"CURVE":                             {"send greeting 3.1 CURVE", breach(0x11000002)},
		"a mechanism that nobody has":       {"send greeting 3.1 PLAID", breach(0x11000002)},
		"READY in place of HELLO":           {begin + "send ready DEALER" + over, breach(0x10000001)},
		"INITIATE in place of HELLO":        {begin + "send " + plainInitiate + over, breach(0x10000001)},
		"a message in place of HELLO":       {begin + `send frame "\x00hello"` + over, breach(0x10000001)},
		"a name that is longer than all":    {begin + `send frame command "\x06HELLO"` + over, breach(0x10000011)},
		"nothing at all":                    {begin + `send frame command ""` + over, breach(0x10000011)},
		"a HELLO that says nothing":         {begin + `send command HELLO` + over, breach(0x10000013)},
		"a user who is cut":                 {begin + `send command HELLO "\x06admin"` + over, breach(0x10000013)},
		"no password":                       {begin + `send command HELLO "\x05admin"` + over, breach(0x10000013)},
		"a password that is cut":            {begin + `send command HELLO "\x05admin\x09password"` + over, breach(0x10000013)},
		"something behind the password":     {begin + `send command HELLO "\x05admin\x08passwordx"` + over, breach(0x10000013)},
		"HELLO again in place of INITIATE":  {welcomed + "send " + plainHello + over, breach(0x10000001)},
		"a message in place of INITIATE":    {welcomed + `send frame "\x00hello"` + over, breach(0x10000001)},
		"properties that are cut":           {welcomed + `send command INITIATE "\x0bSocket-Type\x00\x00\x00\x07DEALER"` + over, verdict{}},
		"a type that does not go with ours": {welcomed + `send command INITIATE "\x0bSocket-Type\x00\x00\x00\x03PUB"` + over, verdict{}},
		"all as it has to be": {
			welcomed + "send " + plainInitiate + "\n" + `expect ready DEALER Identity=""` + "\nsend frame \"hello\"", succeeded,
		},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				s.handle(zmq.REP, saying("200"))
				server := s.socket(zmq.DEALER, secured(plainServer()))
				s.hears(server, row.script, row.want)
			})
		})
	}
}

// plainPretenders say to a client what a server does not.
func plainPretenders(t *testing.T) {
	const begin = "send greeting 3.1 PLAIN\nexpect greeting 3.1 PLAIN\nexpect " + plainHello + "\n"
	const welcomed = begin + "send command WELCOME\nexpect " + plainInitiate + "\n"
	const over = "\nexpect eof"
	for name, row := range map[string]struct {
		script string
		want   verdict
	}{
		"NULL":                              {"send greeting 3.1 NULL", breach(0x11000002)},
		"another client":                    {begin + "send " + plainHello + over, breach(0x10000001)},
		"READY in place of WELCOME":         {begin + "send ready DEALER" + over, breach(0x10000001)},
		"a message in place of WELCOME":     {begin + `send frame "\x00hello"` + over, breach(0x10000001)},
		"a WELCOME that says something":     {begin + `send command WELCOME "x"` + over, breach(0x10000017)},
		"a refusal, by the RFC":             {begin + `send error "400"` + over, denied(400)},
		"a refusal, as libzmq spells it":    {begin + `send frame command "\x5eRROR\x03400"` + over, denied(400)},
		"a failure":                         {welcomed + `send error "500"` + over, denied(500)},
		"WELCOME again in place of READY":   {welcomed + "send command WELCOME" + over, breach(0x10000001)},
		"properties that are cut":           {welcomed + `send command READY "\x0bSocket-Type\x00\x00\x00\x07DEALER"` + over, breach(0x10000018)},
		"a type that does not go with ours": {welcomed + "send ready PUB" + over, breach(0x10000018)},
		"all as it has to be":               {welcomed + "send ready DEALER\nsend frame \"hello\"", succeeded},
	} {
		t.Run(name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				client := s.socket(zmq.DEALER, secured(plainClient("admin", "password")))
				s.hears(client, row.script, row.want)
			})
		})
	}
}

// hears binds ours, has a peer play a script to it, and checks the verdict: whoever is let
// in says hello, and of anybody else nothing is received.
func (s *stage) hears(ours *actor, script string, want verdict) {
	s.Helper()
	monitor := ours.monitor(1, zmq.PAIR)
	s.endpoint = ours.bind(s.endpoint)
	peer := s.older(script)
	monitor.judges(want)
	if want == succeeded {
		ours.want("hello")
		return
	}
	peer.Close()
	ours.silent()
	ours.peers(0)
}
