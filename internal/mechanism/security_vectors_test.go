package mechanism

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"zeromux/internal/zap"
	"zeromux/internal/zmtptest"
	"zeromux/zmtp"
)

// securityVectors returns the recorded conversations about security.
func securityVectors(t *testing.T) map[string]*zmtptest.Vector {
	t.Helper()
	all, err := zmtptest.LoadVectors("testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 28 {
		t.Fatalf("%d vectors, want 28", len(all))
	}
	vectors := make(map[string]*zmtptest.Vector)
	for _, v := range all {
		vectors[v.Name] = v
	}
	return vectors
}

// framesOf returns the frames of a direction, and the mechanism in its greeting.
func framesOf(t *testing.T, v *zmtptest.Vector, d zmtptest.Direction) (frames []zmtp.Frame, mechanism string) {
	t.Helper()
	stream := bytes.Join(v.Octets(d), nil)
	g, err := zmtp.ParseGreeting(stream)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	decoder := zmtp.NewDecoder(zmtp.V31, -1)
	for stream = stream[zmtp.GreetingSize:]; len(stream) > 0; {
		f, n, err := decoder.Next(stream)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		frames = append(frames, zmtp.Frame{Flags: f.Flags, Body: bytes.Clone(f.Body)})
		stream = stream[n:]
	}
	return frames, g.Mechanism
}

// recordedHandler is the handler of a vector, as far as somebody was asked: it wants
// the request that was recorded, and gives the answer.
func recordedHandler(t *testing.T, v *zmtptest.Vector) authenticator {
	t.Helper()
	if v.Status == "" {
		return nobody
	}
	return func(q *zap.Request) (*zap.Reply, error) {
		if got := zap.AppendRequest(nil, q)[1:]; len(v.ZAP) != 1 || !slices.EqualFunc(got, v.ZAP[0], bytes.Equal) {
			t.Errorf("asked %q, libzmq %q", got, v.ZAP)
		}
		user := ""
		for _, call := range v.API {
			user += call.Metadata["User-Id"]
		}
		reply, err := zap.ParseReply([][]byte{nil, []byte("1.0"), []byte("1"), []byte(v.Status), []byte("text"), []byte(user), nil})
		return &reply, err
	}
}

// wantOutcome compares how a side ended with what its monitor heard in libzmq.
func wantOutcome(t *testing.T, m Mechanism, err error, side zmtptest.Side) {
	t.Helper()
	var denied *DeniedError
	var refused *RefusedError
	status := 0
	switch {
	case errors.As(err, &denied):
		status = denied.Status
	case errors.As(err, &refused):
		status = refused.Status
	}
	code, wantStatus := reported(side)
	if zmtp.CodeOf(err) != code || status != wantStatus {
		t.Errorf("ends with %v, code %v and status %d; libzmq reports %v and %d", err, zmtp.CodeOf(err), status, code, wantStatus)
	}
	heard := func(name string, value uint32) bool {
		return slices.Contains(side.Events, zmtptest.Event{Name: name, Value: value})
	}
	if got := m.Done(); got != heard("HANDSHAKE_SUCCEEDED", 0) && code != zmtp.CodeInvalidSequence {
		t.Errorf("done: %v, libzmq reports %v", got, side.Events)
	}
	const fault = 14 // EFAULT
	if got := errors.Is(err, zap.ErrNoHandler); got != heard("HANDSHAKE_FAILED_NO_DETAIL", fault) {
		t.Errorf("ends with %v, libzmq reports %v", err, side.Events)
	}
}

// sideOf returns a recorded side of NULL or PLAIN.
func sideOf(t *testing.T, side zmtptest.Side, mechanism string) Mechanism {
	t.Helper()
	settings := settingsOf(side)
	switch user := side.Options.Texts("PLAIN_USERNAME"); {
	case mechanism == NameNull:
		return NewNull(settings)
	case mechanism == NamePlain && len(user) > 0:
		return NewPlainClient(settings, user[0], side.Options.Texts("PLAIN_PASSWORD")[0])
	case mechanism == NamePlain:
		return NewPlainServer(settings, PlainErrorLibzmq)
	}
	t.Fatalf("no mechanism %s", mechanism)
	return nil
}

// ownReports is how a recorded side of NULL and PLAIN ended that another than libzmq's
// client would have ended otherwise.
var ownReports = map[string]string{
	"plain-error-standard-form/s2c": "libzmq's client does not know the standard spelling of ERROR, ours does",
}

func TestNullAndPlainDoWithRecordedPeersWhatLibzmqDid(t *testing.T) {
	played := 0
	for name, v := range securityVectors(t) {
		if name == "mechanism-mismatch" {
			continue // it is over with the greetings
		}
		for _, d := range []zmtptest.Direction{zmtptest.ClientToServer, zmtptest.ServerToClient} {
			theirs, mechanism := framesOf(t, v, d)
			if v.Scripted == d.Other() || mechanism == NameCurve {
				continue
			}
			played++
			t.Run(name+", "+string(d)+" as recorded", func(t *testing.T) {
				side := v.Server
				if d == zmtptest.ServerToClient {
					side = v.Client
				}
				m := sideOf(t, side, mechanism)
				handler := recordedHandler(t, v)
				said, err := feed(m, handler)
				for len(theirs) > 0 && err == nil && !m.Done() {
					var more [][]byte
					more, err = feed(m, handler, theirs[0].Body)
					said, theirs = append(said, more...), theirs[1:]
				}
				ours, _ := framesOf(t, v, d.Other())
				if len(ours) < len(said) {
					t.Fatalf("said %q, libzmq %q", said, ours)
				}
				for i, f := range ours {
					switch {
					case i < len(said) && (f.Flags != zmtp.FlagCommand || !bytes.Equal(f.Body, said[i])):
						t.Errorf("command %d: said %q, libzmq %q with %v", i, said[i], f.Body, f.Flags)
					case i >= len(said) && !m.Done():
						t.Errorf("libzmq says %q as well", f.Body)
					}
				}
				if why := ownReports[name+"/"+string(d)]; why != "" {
					wantRefused(t, err, 400)
					return
				}
				wantOutcome(t, m, err, side)
			})
		}
	}
	if played != 28 {
		t.Errorf("played %d sides, want 28", played)
	}
}

// keysOf returns the long-term keys of a vector.
func keysOf(t *testing.T, v *zmtptest.Vector) (client, server *CurveKeys) {
	t.Helper()
	s := pairFrom([32]byte(v.Secrets["server"]))
	c := pairFrom([32]byte(v.Secrets["client"]))
	return must(NewCurveClientKeys(c.public, c.secret, s.public)), must(NewCurveServerKeys(s.secret))
}

// decoded returns octets that a vector knows to be in its boxes.
func decoded(t *testing.T, v *zmtptest.Vector, name string) []byte {
	t.Helper()
	text, _ := v.Decoded[name].(string)
	octets, err := hex.DecodeString(text)
	if err != nil || text == "" {
		t.Fatalf("%s: decoded %s: %q", v.Name, name, text)
	}
	return octets
}

// decodedMessages returns what a vector knows to be in its MESSAGEs: as Seal takes it.
func decodedMessages(t *testing.T, v *zmtptest.Vector, name string) (frames []zmtp.Frame) {
	t.Helper()
	list, _ := v.Decoded[name].([]any)
	for _, each := range list {
		fields := each.(map[string]any)
		inner := fields["inner_flags"].(float64)
		body, err := hex.DecodeString(fields["body"].(string))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, zmtp.Frame{Flags: map[float64]zmtp.Flags{0: 0, 1: zmtp.FlagMore, 2: zmtp.FlagCommand}[inner], Body: body})
	}
	if len(frames) == 0 {
		t.Fatalf("%s: no messages", v.Name)
	}
	return frames
}

// wantOpened opens a MESSAGE and compares.
func wantOpened(t *testing.T, m Mechanism, message []byte, want zmtp.Frame) {
	t.Helper()
	f, body, err := m.Open(nil, message)
	if err != nil || f != want.Flags || !bytes.Equal(body, want.Body) {
		t.Errorf("opened %q with %v, %v, want %q with %v", body, f, err, want.Body, want.Flags)
	}
}

// said are the MESSAGEs of the scripted clients, as Seal takes them, and the nonces
// before which the script left some out.
var scriptedMessages = map[string]struct {
	frames []zmtp.Frame
	before map[int]uint64
}{
	"curve-scripted-client": {
		[]zmtp.Frame{{Flags: zmtp.FlagMore, Body: []byte("part1")}, {Body: []byte("part2")}, {Flags: zmtp.FlagCommand, Body: []byte("\x04PING\x00\x00ctx")}},
		map[int]uint64{2: 8},
	},
	"curve-scripted-client-replay": {
		[]zmtp.Frame{{Flags: zmtp.FlagMore, Body: []byte("part1")}, {Body: []byte("part2")}, {Body: []byte("replayed nonce")}},
		map[int]uint64{2: 3},
	},
	"curve-scripted-client-replay-nomonitor": {
		[]zmtp.Frame{{Flags: zmtp.FlagMore, Body: []byte("part1")}, {Body: []byte("part2")}, {Body: []byte("replayed nonce")}},
		map[int]uint64{2: 3},
	},
	"curve-message-as-command": {
		[]zmtp.Frame{{Body: []byte("in a command frame")}, {Body: []byte("plain frame")}, {Body: []byte("bits")}},
		nil,
	},
}

// Everything that the scripted clients sent is what ours sends, octet by octet, and
// everything that libzmq's servers answered opens.
func TestOurClientSaysWhatTheScriptedClientsSaid(t *testing.T) {
	vectors := securityVectors(t)
	for name, script := range scriptedMessages {
		t.Run(name, func(t *testing.T) {
			v := vectors[name]
			ours, _ := framesOf(t, v, zmtptest.ClientToServer)
			theirs, _ := framesOf(t, v, zmtptest.ServerToClient)
			keys, _ := keysOf(t, v)
			settings := Config{
				Metadata:  properties("Socket-Type", "DEALER", "Identity", "cid"),
				CheckPeer: CheckSocketType("DEALER", "ROUTER"),
			}
			client := NewCurveClient(settings, fixed(keys, v.Secrets["client_ephemeral"], vouchNonce))
			said, err := feed(client, nobody, theirs[0].Body)
			if err != nil || len(said) != 2 || !bytes.Equal(said[0], ours[0].Body) || !bytes.Equal(said[1], ours[1].Body) {
				t.Fatalf("HELLO and INITIATE: said %x, %v, want %x and %x", said, err, ours[0].Body, ours[1].Body)
			}
			short := pairFrom([32]byte(v.Secrets["client_ephemeral"]))
			hand := &handClient{long: pairFrom([32]byte(v.Secrets["client"])), short: short, server: pairFrom([32]byte(v.Secrets["server"])).public}
			hand.readWelcome(t, theirs[0].Body)
			if err := client.Handle(theirs[1].Body); err != nil || !client.Done() {
				t.Fatalf("READY: %v", err)
			}
			if v.Decoded != nil {
				if !bytes.Equal(hand.serverShort[:], decoded(t, v, "server_ephemeral_public")) || !bytes.Equal(hand.cookie, decoded(t, v, "cookie")) {
					t.Errorf("WELCOME says %x and %x", hand.serverShort, hand.cookie)
				}
				if got := zmtp.AppendMetadata(nil, client.Peer()); !bytes.Equal(got, decoded(t, v, "ready_metadata")) {
					t.Errorf("READY says %q", got)
				}
				for i, want := range decodedMessages(t, v, "server_messages") {
					wantOpened(t, client, theirs[2+i].Body, want)
				}
			}
			// A server with the key of the conversation opens what the client sent.
			server := &curveServer{sealedTraffic: sealedTraffic{key: client.(*curveClient).key, inward: prefixClient, heard: 2}}
			server.begin()
			for i, want := range script.frames {
				if last, ok := script.before[i]; ok {
					client.(*curveClient).sent = last
				}
				recorded := ours[2+i]
				if got := sealed(t, client, want.Flags, string(want.Body)); !bytes.Equal(got, recorded.Body) {
					t.Errorf("MESSAGE %d: said %x, want %x", i, got, recorded.Body)
				}
				if i == 2 && script.before[2] == 3 {
					_, _, err := server.Open(nil, recorded.Body)
					wantBreach(t, err, ErrSequence, zmtp.CodeInvalidSequence)
					if len(v.Server.Events) > 0 {
						server.done = true
						wantOutcome(t, server, err, v.Server)
					}
					continue
				}
				wantOpened(t, server, recorded.Body, want)
			}
		})
	}
}

// libzmq's client is served by ours as by the scripted server, octet by octet.
func TestOurServerSaysWhatTheScriptedServerSaid(t *testing.T) {
	v := securityVectors(t)["curve-scripted-server"]
	theirs, _ := framesOf(t, v, zmtptest.ClientToServer)
	ours, _ := framesOf(t, v, zmtptest.ServerToClient)
	_, keys := keysOf(t, v)
	count := func(from byte) (b []byte) {
		for i := range byte(16) {
			b = append(b, from+i)
		}
		return b
	}
	server := NewCurveServer(
		Config{Metadata: properties("Socket-Type", "ROUTER", "Identity", ""), CheckPeer: CheckSocketType("ROUTER", "DEALER")},
		fixed(keys, v.Secrets["server_ephemeral"], decoded(t, v, "cookie_key"), count(16), count(32)))
	asked := false
	said, err := feed(server, func(q *zap.Request) (*zap.Reply, error) {
		asked = true
		if got := q.Credentials; len(got) != 1 || !bytes.Equal(got[0], decoded(t, v, "initiate_client_key")) {
			t.Errorf("asked about %x", got)
		}
		return nobody(q)
	}, theirs[0].Body, theirs[1].Body)
	if err != nil || !asked || len(said) != 2 || !bytes.Equal(said[0], ours[0].Body) || !bytes.Equal(said[1], ours[1].Body) {
		t.Fatalf("WELCOME and READY: said %x, %v, want %x and %x", said, err, ours[0].Body, ours[1].Body)
	}
	if got := zmtp.AppendMetadata(nil, server.Peer()); !bytes.Equal(got, decoded(t, v, "initiate_metadata")) {
		t.Errorf("INITIATE says %q", got)
	}
	for i, want := range decodedMessages(t, v, "client_messages") {
		wantOpened(t, server, theirs[2+i].Body, want)
	}
	if got := sealed(t, server, 0, "back"); !bytes.Equal(got, ours[2].Body) {
		t.Errorf("MESSAGE: said %x, want %x", got, ours[2].Body)
	}

	// The same by hand, down to the vouch.
	initiate, short := theirs[1].Body, [32]byte(v.Secrets["server_ephemeral"])
	client := [32]byte(decoded(t, v, "client_ephemeral_public"))
	plain := openBox(t, initiate[113:], "CurveZMQINITIATE", initiate[105:113], client, short)
	if nonce := decoded(t, v, "vouch_nonce"); !bytes.Equal(plain[32:48], nonce) {
		t.Errorf("the nonce of the vouch: %x", plain[32:48])
	}
	if got := openBox(t, plain[48:128], "VOUCH---", plain[32:48], [32]byte(plain), short); !bytes.Equal(got, decoded(t, v, "vouch_plain")) {
		t.Errorf("the vouch says %x", got)
	}
}

// Of a conversation between two libzmq only HELLO can be opened; the rest must have
// the sizes and the numbers that ours has.
func TestCurveIsSpelledAsLibzmqSpellsIt(t *testing.T) {
	played := 0
	for name, v := range securityVectors(t) {
		c2s, mechanism := framesOfEnding(t, v, zmtptest.ClientToServer)
		if mechanism != NameCurve {
			continue
		}
		s2c, _ := framesOfEnding(t, v, zmtptest.ServerToClient)
		played++
		t.Run(name, func(t *testing.T) {
			clientKeys, serverKeys := keysOf(t, v)
			server := NewCurveServer(settingsOf(v.Server), serverKeys)
			_, err := feed(server, nobody, c2s[0].Body)
			if name == "curve-wrong-server-key" {
				wantBreach(t, err, ErrBox, zmtp.CodeCryptographic)
				wantOutcome(t, server, err, v.Server)
				return
			}
			if err != nil {
				t.Fatalf("HELLO: %v", err)
			}
			_, err = feed(server, nobody, c2s[1].Body) // which has the cookie of another connection
			wantBreach(t, err, ErrCookie, zmtp.CodeCryptographic)
			if v.Scripted != "" {
				return
			}

			client := NewCurveClient(settingsOf(v.Client), clientKeys)
			server = NewCurveServer(settingsOf(v.Server), serverKeys)
			own := map[Mechanism][][]byte{}
			errClient, errServer := drive(record{client, own}, record{server, own}, recordedHandler(t, v))
			wantOutcome(t, client, errClient, v.Client)
			wantOutcome(t, server, errServer, v.Server)
			for _, call := range v.API {
				if call.Op == "send" {
					side := map[string]Mechanism{"client": client, "server": server}[call.Side]
					if call.Side == "client" && v.Client.Socket == "REQ" || call.Side == "server" && v.Server.Socket == "REP" {
						call.Frames = append([][]byte{nil}, call.Frames...)
					}
					for i, frame := range call.Frames {
						var f zmtp.Flags
						if i < len(call.Frames)-1 {
							f = zmtp.FlagMore
						}
						own[side] = append(own[side], sealed(t, side, f, string(frame)))
					}
				}
			}
			if topics := v.Client.Options.Texts("SUBSCRIBE"); len(topics) == 1 {
				own[client] = append(own[client], sealed(t, client, zmtp.FlagCommand, string(zmtp.AppendSubscribe(nil, []byte(topics[0])))))
			}
			wantAlike(t, "the client", own[client], c2s)
			wantAlike(t, "the server", own[server], s2c)
		})
	}
	if played != 12 {
		t.Errorf("played %d vectors, want 12", played)
	}
}

// framesOfEnding is framesOf for a direction that may be cut in the greeting.
func framesOfEnding(t *testing.T, v *zmtptest.Vector, d zmtptest.Direction) ([]zmtp.Frame, string) {
	t.Helper()
	if v.Name == "mechanism-mismatch" {
		return nil, ""
	}
	return framesOf(t, v, d)
}

// record keeps what a side says.
type record struct {
	Mechanism
	said map[Mechanism][][]byte
}

func (r record) Next() ([]byte, bool, error) {
	command, ok, err := r.Mechanism.Next()
	if ok {
		r.said[r.Mechanism] = append(r.said[r.Mechanism], bytes.Clone(command))
	}
	return command, ok, err
}

// wantAlike compares commands in all but what is drawn or sealed.
func wantAlike(t *testing.T, who string, got [][]byte, want []zmtp.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s says %d commands, libzmq %d", who, len(got), len(want))
	}
	for i, command := range got {
		if a, b := outline(t, command), outline(t, want[i].Body); a != b {
			t.Errorf("%s, command %d: %s, libzmq %s", who, i, a, b)
		}
	}
}

// outline tells what is plain in a command of CURVE.
func outline(t *testing.T, command []byte) string {
	t.Helper()
	name, data, err := zmtp.ParseCommand(command)
	if err != nil {
		t.Fatal(err)
	}
	plain := data // ERROR
	switch string(name) {
	case "HELLO":
		plain = slices.Concat(command[6:80], command[112:120])
	case "WELCOME":
		plain = nil
	case "INITIATE":
		plain = command[105:113]
	case "READY", "MESSAGE":
		plain = data[:8]
	}
	return fmt.Sprintf("%s of %d octets with %x", name, len(command), plain)
}
