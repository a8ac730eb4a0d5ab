package interop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zeromux/zmq"
)

// A party is a socket in a scene of two, of either implementation.
type party interface {
	subject
	trySend(frames ...string) error
	tryRecv(timeout time.Duration) ([]string, bool)
	subscribe(topic string)
	// offer sends unless there is nobody any more to send to.
	offer(text string)
}

func (s *theirs) offer(text string) {
	s.r.t.Helper()
	_, _ = s.r.try("send", s.name, millis(quiet), toHex(text)) // EAGAIN where the peer was given up
}

func (u *ours) offer(text string) {
	ctx, cancel := context.WithTimeout(u.ctx, quiet)
	defer cancel()
	_ = u.s.SendString(ctx, text) // as above
}

// secure sets what s says by libzmq's options.
func (s *theirs) secure(c *zmq.Security) {
	s.r.t.Helper()
	switch {
	case c.Plain.Server:
		s.set("PLAIN_SERVER", 1)
	case c.Mechanism() == "PLAIN":
		s.set("PLAIN_USERNAME", c.Plain.Username)
		s.set("PLAIN_PASSWORD", string(c.Plain.Password))
	case c.Mechanism() == "CURVE":
		s.set("CURVE_SECRETKEY", string(c.Curve.SecretKey.Bytes()))
		if c.Curve.Server {
			s.set("CURVE_SERVER", 1)
			break
		}
		s.set("CURVE_PUBLICKEY", string(c.Curve.PublicKey[:]))
		s.set("CURVE_SERVERKEY", string(c.Curve.ServerKey[:]))
	}
	if c.ZAPDomain != "" {
		s.set("ZAP_DOMAIN", c.ZAPDomain)
	}
	if c.ZAPEnforceDomain {
		s.set("ZAP_ENFORCE_DOMAIN", 1)
	}
}

// What the handlers let in, where the domain does not say what they answer.
const user, password = "joe", "correct horse"

// judge is a ZAP handler in the context of a socket of ours that does as the one of
// peer.py.
func (u *ours) judge(key zmq.CurvePublicKey) {
	u.t.Helper()
	handler, err := u.s.Context().NewSocket(zmq.REP, nil)
	if err == nil {
		_, err = handler.Bind(zmq.ZAPEndpoint)
	}
	if err != nil {
		u.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := handler.Recv(context.Background())
			if err != nil {
				return
			}
			domain, credentials := m.Frames[2], m.Frames[6:]
			status := "400"
			switch text := fmt.Sprintf("%s", credentials); {
			case len(domain) == len(status):
				status = string(domain)
			case text == fmt.Sprintf("[%s %s]", user, password), text == fmt.Sprintf("[%s]", key[:]):
				status = "200"
			}
			if handler.SendString(context.Background(), "1.0", string(m.Frames[1]), status, "", user, "") != nil {
				return
			}
		}
	}()
	u.t.Cleanup(func() {
		if err := handler.Close(); err != nil {
			u.t.Error(err)
		}
		<-done
	})
}

// matrixTime is for all the scenes, on a machine that is busy with others.
const matrixTime = 5 * time.Minute

// quiet is how long nothing happens where nothing shall.
const quiet = 150 * time.Millisecond

// An ending is how a meeting of two ends, and so what is waited for.
type ending int

const (
	served    ending = iota // they talk
	kept                    // the client is turned away and not told
	uncertain               // … or perhaps by the end of the connection
	refused                 // the connection is closed
	differs                 // … by whoever is first to see that the mechanisms differ
)

// A meeting is a server and a client with what each is set to.
type meeting struct {
	name           string
	server, client zmq.Security
	lawless        bool // there is no ZAP handler
	end            ending
	// libzmq's server may as well keep the client, until the time of the handshake is over,
	// as close the connection: with the same peer it does now this and now that. Ours
	// always does the same.
	chance bool
}

// meetings are all of a mechanism, but for the pattern and the transport.
func meetings(t *testing.T, joe identity) (all []meeting) {
	server, stranger := newIdentity(t), newIdentity(t)
	plainServer := zmq.Security{Plain: zmq.Plain{Server: true}}
	plainClient := zmq.Security{Plain: zmq.Plain{Username: user, Password: password}}
	curveServer := zmq.Security{Curve: zmq.Curve{Server: true, SecretKey: server.secret}}
	curveClient := func(who identity, server zmq.CurvePublicKey) zmq.Security {
		return zmq.Security{Curve: zmq.Curve{PublicKey: who.public, SecretKey: who.secret, ServerKey: server}}
	}
	asking := func(s zmq.Security, domain string, enforced bool) zmq.Security {
		s.ZAPDomain, s.ZAPEnforceDomain = domain, enforced
		return s
	}
	for _, side := range []struct{ server, client, other zmq.Security }{
		{plainServer, plainClient, curveClient(joe, server.public)},
		{curveServer, curveClient(joe, server.public), plainClient},
	} {
		mechanism := side.server.Mechanism()
		absent, chance := refused, true // PLAIN lets nobody in unjudged
		if mechanism == "CURVE" {
			absent, chance = served, false
		}
		for _, m := range []meeting{
			{"allowed", asking(side.server, "check", false), side.client, false, served, false},
			{"denied with 300", asking(side.server, "300", false), side.client, false, kept, true},
			{"denied with 400", asking(side.server, "400", false), side.client, false, refused, false},
			{"denied with 500", asking(side.server, "500", false), side.client, false, refused, false},
			{"no handler", side.server, side.client, true, absent, chance},
			{"no handler for a domain", asking(side.server, "check", false), side.client, true, absent, chance},
			{"no handler for a domain that is enforced", asking(side.server, "check", true), side.client, true, refused, true},
			{"a client with another mechanism", asking(side.server, "check", false), side.other, false, differs, false},
			{"a client without security", asking(side.server, "check", false), zmq.Security{}, false, differs, false},
		} {
			m.name = mechanism + ", " + m.name
			all = append(all, m)
		}
	}
	return append(all,
		meeting{"PLAIN, a wrong password", asking(plainServer, "check", false), zmq.Security{Plain: zmq.Plain{Username: user, Password: "battery"}}, false, refused, false},
		meeting{"CURVE, a client's key that is not welcome", asking(curveServer, "check", false), curveClient(stranger, server.public), false, refused, false},
		meeting{"CURVE, the key of another server", asking(curveServer, "check", false), curveClient(joe, stranger.public), false, refused, false},
	)
}

// identity is a pair of keys.
type identity struct {
	public zmq.CurvePublicKey
	secret zmq.CurveSecretKey
}

func newIdentity(t *testing.T) identity {
	t.Helper()
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return identity{public, secret}
}

// An outcome is what came of a meeting.
type outcome struct {
	arrived        bool // what one side said to the other
	server, client []string
}

func (o outcome) String() string {
	return fmt.Sprintf("arrived %v\n\tserver\n\t\t%s\n\tclient\n\t\t%s", o.arrived, strings.Join(o.server, "\n\t\t"), strings.Join(o.client, "\n\t\t"))
}

// secured are the patterns, what binds first.
var secured = [][2]string{{"REP", "REQ"}, {"PUB", "SUB"}, {"PULL", "PUSH"}, {"ROUTER", "DEALER"}}

// Whoever of server and client is ours, and whatever the ZAP handler says: the same
// messages arrive, both monitors tell the same, and the client tries again when libzmq's
// does. libzmq with libzmq sets the measure.
func TestSecurityComesToTheSameWhoeverIsOurs(t *testing.T) {
	joe := newIdentity(t)
	type scene struct {
		meeting
		types     [2]string
		transport string
	}
	judged, lawless := make(chan scene, 1000), make(chan scene, 1000) // by what the other process is
	for _, m := range meetings(t, joe) {
		for _, types := range secured {
			for _, transport := range bothTransports {
				to := judged
				if m.lawless {
					to = lawless
				}
				to <- scene{m, types, transport}
			}
		}
	}
	close(judged)
	close(lawless)
	var played atomic.Int64
	var workers sync.WaitGroup
	for _, scenes := range []chan scene{judged, judged, judged, lawless, lawless, lawless} {
		r := startLibzmq(bounded(t, matrixTime), t)
		if scenes == judged {
			r.do("zap", user, toHex(password), toHex(string(joe.public[:])))
		}
		workers.Go(func() {
			for s := range scenes {
				t.Run(fmt.Sprintf("%s/%s and %s/%s", s.name, s.types[0], s.types[1], s.transport), func(t *testing.T) {
					s.compare(t, r, joe.public, s.types, s.transport)
				})
				played.Add(1)
			}
			r.t = t
		})
	}
	workers.Wait()
	t.Logf("%d scenes, each played three times", played.Load())
}

// compare plays a meeting to libzmq alone, and with each of the sides ours.
func (m *meeting) compare(t *testing.T, r *remote, key zmq.CurvePublicKey, types [2]string, transport string) {
	ctx := bounded(t, testTime)
	options := []settings{{}, {"RECONNECT_IVL": 60_000}}
	if m.lawless {
		options[0]["HANDSHAKE_IVL"] = 2000 // so long are clients kept that nobody can judge
	}
	their := func(i int, security *zmq.Security) party {
		s := r.socket(t, types[i])
		for name, n := range options[i] {
			s.set(name, n)
		}
		s.secure(security)
		s.monitor()
		return s
	}
	our := func(i int, security *zmq.Security) party {
		u := ourSocket(ctx, t, types[i], options[i].ours, func(c *zmq.Config) { c.Security = *security })
		if i == 0 && !m.lawless {
			u.judge(key)
		}
		return watchOurs(u)
	}
	want := m.play(t, m.measured(), their(0, &m.server), their(1, &m.client), types, transport)
	for who, got := range map[string]outcome{
		"our server and their client": m.play(t, m.end, our(0, &m.server), their(1, &m.client), types, transport),
		"their server and our client": m.play(t, m.measured(), their(0, &m.server), our(1, &m.client), types, transport),
	} {
		if got.arrived != want.arrived || !slices.Equal(got.server, want.server) || !slices.Equal(got.client, want.client) {
			t.Errorf("%s: %v\nlibzmq alone: %v", who, got, want)
		}
	}
}

// measured is the end of a meeting with libzmq's server, as far as it is certain.
func (m *meeting) measured() ending {
	if m.chance && !m.lawless {
		return uncertain
	}
	return m.end
}

// play has the two meet, and tells what came of it.
func (m *meeting) play(t *testing.T, end ending, server, client party, types [2]string, transport string) (o outcome) {
	t.Helper()
	hear := func(told *[]string, from party, kind string) { *told = append(*told, from.until(kind)...) }
	from, to := client, server
	if types[0] == "PUB" {
		from, to = server, client
		client.subscribe("")
	}
	client.connect(server.bind(wildcard(t, transport)))
	if types[0] != "PUB" {
		from.offer("hello")
	}
	switch end {
	case served:
		hear(&o.client, client, "HANDSHAKE_SUCCEEDED")
		hear(&o.server, server, "HANDSHAKE_SUCCEEDED")
		o.arrived = arrives(t, from, to, types[0])
	case kept, uncertain:
		hear(&o.server, server, "HANDSHAKE_FAILED_AUTH")
		from.offer("hello")
		_, o.arrived = to.tryRecv(quiet)
	default:
		hear(&o.server, server, "DISCONNECTED")
		hear(&o.client, client, "DISCONNECTED")
		from.offer("hello")
		if _, o.arrived = to.tryRecv(quiet); strings.HasPrefix(o.client[len(o.client)-2], "HANDSHAKE_FAILED_NO_DETAIL") {
			hear(&o.client, client, "CONNECT_RETRIED") // when there is another reason it is none that goes away
		}
	}
	client.shut()
	hear(&o.client, client, "MONITOR_STOPPED")
	if end != refused && end != differs {
		hear(&o.server, server, "DISCONNECTED")
	}
	server.shut()
	hear(&o.server, server, "MONITOR_STOPPED")
	o.server, o.client = plain(o.server), plain(o.client)
	switch {
	case end == differs:
		o.unite(t)
	case end == kept && slices.ContainsFunc(o.client, isEnd):
		t.Errorf("the client is not kept: %v", o)
	case m.chance && !m.lawless:
		o.client = slices.DeleteFunc(o.client, isEnd)
	case m.chance: // kept, a client is turned away once more at the end
		i := slices.IndexFunc(o.server, isEnd)
		o.server = append(o.server[:i+1], slices.DeleteFunc(o.server[i+1:], func(told string) bool {
			return strings.HasPrefix(told, "HANDSHAKE_FAILED_NO_DETAIL ")
		})...)
	}
	return o
}

// isEnd reports whether an event is one of those that a client tells of a connection that
// is closed without a word.
func isEnd(told string) bool {
	kind, _, _ := strings.Cut(told, " ")
	return slices.Contains([]string{"HANDSHAKE_FAILED_NO_DETAIL", "DISCONNECTED", "CONNECT_RETRIED"}, kind)
}

// arrives reports whether what from says comes to to, and an answer comes back where
// there is one.
func arrives(t *testing.T, from, to party, kind string) bool {
	t.Helper()
	frames, ok := []string(nil), false
	if kind == "PUB" {
		for late := time.Now().Add(patience); !ok && time.Now().Before(late); { // until it has heard of the subscription
			from.offer("hello")
			frames, ok = to.tryRecv(quiet / 5)
		}
	} else {
		frames, ok = to.tryRecv(patience)
	}
	if !ok || frames[len(frames)-1] != "hello" {
		t.Errorf("%s has received %s", kind, brief(frames))
	}
	if ok && (kind == "REP" || kind == "ROUTER") {
		if err := to.trySend(frames...); err != nil {
			t.Error(err)
		}
		if answer, _ := from.tryRecv(patience); !slices.Equal(answer, []string{"hello"}) {
			t.Errorf("the answer is %s", brief(answer))
		}
	}
	return ok
}

// unite writes the two things that may happen to an end whose mechanism differs from that
// of its peer as one: it sees that and does not try again, or the other end was faster,
// and all it sees is that the connection is closed, which may have been an accident.
func (o *outcome) unite(t *testing.T) {
	t.Helper()
	saw := 0
	for _, told := range []*[]string{&o.server, &o.client} {
		for i, text := range *told {
			switch {
			case strings.HasPrefix(text, fmt.Sprint("HANDSHAKE_FAILED_PROTOCOL ", 0x11000002)):
				saw++
			case strings.HasPrefix(text, "HANDSHAKE_FAILED_NO_DETAIL 32 "), // by its end, or
				strings.HasPrefix(text, "HANDSHAKE_FAILED_NO_DETAIL 104 "): // by a reset, if not all was read
			default:
				continue
			}
			_, endpoint, _ := strings.Cut(text, "://")
			(*told)[i] = "mechanisms differ at " + endpoint
		}
		*told = slices.DeleteFunc(*told, func(text string) bool { return strings.HasPrefix(text, "CONNECT_RETRIED ") })
	}
	if saw == 0 {
		t.Errorf("neither end sees that mechanisms differ: %v", o)
	}
}
