package mechanism

import (
	"bytes"
	"testing"

	"zeromux/zmtp"
)

func TestAHandServerIsTalkedTo(t *testing.T) {
	keys := fixed(clientKeys, clientShort.secret[:], vouchNonce)
	client, server := NewCurveClient(config(), keys), newHandServer()
	said, err := feed(client, nobody)
	if err != nil || len(said) != 1 || !bytes.Equal(said[0], newHandClient().hello()) {
		t.Fatalf("said %q, %v, want HELLO", said, err)
	}
	server.readHello(t, said[0])
	said, err = feed(client, nobody, server.welcome(server.short.public, server.long.secret))
	byHand := newHandClient()
	byHand.serverShort, byHand.cookie = server.short.public, server.cookie
	if err != nil || len(said) != 1 || !bytes.Equal(said[0], byHand.initiate()) {
		t.Fatalf("said %q, %v, want INITIATE", said, err)
	}
	said, err = feed(client, nobody, server.ready(1, announced(), server.short.secret))
	if err != nil || len(said) != 0 || !client.Done() || !client.Sealed() {
		t.Fatalf("said %q, %v, done %v", said, err, client.Done())
	}
	if got := zmtp.AppendMetadata(nil, client.Peer()); !bytes.Equal(got, announced()) {
		t.Errorf("the peer said %q, want %q", got, announced())
	}
	b := sealed(t, client, zmtp.FlagMore, "hello")
	if want := byHand.message(3, "\x01hello"); !bytes.Equal(b, want) {
		t.Errorf("MESSAGE: got %x, want %x", b, want)
	}
	f, body, err := client.Open(nil, server.message(2, "\x02answer"))
	if err != nil || f != zmtp.FlagCommand || string(body) != "answer" {
		t.Errorf("got %q with %v, %v", body, f, err)
	}
}

// The codes are those that a monitor of libzmq 4.3.4 reported for the same octets,
// where not said otherwise.
func TestAClientRefusesWhatIsNoWelcome(t *testing.T) {
	server := newHandServer()
	good := func() []byte { return server.welcome(server.short.public, server.long.secret) }
	for name, c := range map[string]struct {
		command func() []byte
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":                          {func() []byte { return nil }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name of which there is nothing": {func() []byte { return []byte("\x07") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that is cut":               {func() []byte { return []byte("\x50ERROR") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"an empty name":                    {func() []byte { return []byte("\x00ab") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that nobody knows":         {func() []byte { return []byte("\x05HOWDY") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"MESSAGE":                          {func() []byte { return server.message(1, "\x00") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"READY": {func() []byte { // libzmq tries to open it
			return server.ready(1, announced(), server.short.secret)
		}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"its name alone":          {func() []byte { return []byte("\x07WELCOME") }, zmtp.ErrCommand, zmtp.CodeCryptographic},
		"an octet too few":        {func() []byte { return good()[:167] }, zmtp.ErrCommand, zmtp.CodeCryptographic},
		"an octet too many":       {func() []byte { return append(good(), 0) }, zmtp.ErrCommand, zmtp.CodeCryptographic},
		"a box of another server": {func() []byte { return server.welcome(server.short.public, foreign.secret) }, ErrBox, zmtp.CodeCryptographic},
		"an S' of zeros": {func() []byte { // libzmq ends the process
			return server.welcome([32]byte{}, server.long.secret)
		}, ErrPoint, zmtp.CodeCryptographic},
		"an ERROR without a reason":    {func() []byte { return []byte("\x05ERROR") }, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"an ERROR whose reason is cut": {func() []byte { return []byte("\x05ERROR\x09400") }, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"the ERROR of PLAIN in libzmq": {func() []byte { return []byte("\x5eRROR\x03400") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a WELCOME that was not for us": {func() []byte {
			s := *server
			s.client = foreign.public
			return s.welcome(s.short.public, s.long.secret)
		}, ErrBox, zmtp.CodeCryptographic},
	} {
		t.Run(name, func(t *testing.T) {
			client := NewCurveClient(config(), clientKeys)
			said, err := feed(client, nobody)
			if err != nil {
				t.Fatal(err)
			}
			server.readHello(t, said[0])
			_, err = feed(client, nobody, c.command())
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, client, err)
			wantWiped(t, client)
		})
	}
}

func TestAClientRefusesWhatIsNoReady(t *testing.T) {
	for name, c := range map[string]struct {
		command func(s *handServer) []byte
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":        {func(*handServer) []byte { return nil }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"MESSAGE":        {func(s *handServer) []byte { return s.message(1, "\x00") }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"WELCOME again":  {func(s *handServer) []byte { return s.welcome(s.short.public, s.long.secret) }, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand}, // libzmq says INITIATE again
		"its name alone": {func(*handServer) []byte { return []byte("\x05READY") }, zmtp.ErrCommand, zmtp.CodeMalformedReady},
		"29 octets":      {func(s *handServer) []byte { return s.ready(1, nil, s.short.secret)[:29] }, zmtp.ErrCommand, zmtp.CodeMalformedReady},
		"the READY of NULL": {func(*handServer) []byte {
			return ready("Socket-Type", "PAIR", "Identity", "and so on")
		}, ErrBox, zmtp.CodeCryptographic},
		"a box of another key":       {func(s *handServer) []byte { return s.ready(1, announced(), foreign.secret) }, ErrBox, zmtp.CodeCryptographic},
		"a box of the long-term key": {func(s *handServer) []byte { return s.ready(1, announced(), s.long.secret) }, ErrBox, zmtp.CodeCryptographic},
		"a property that is cut":     {func(s *handServer) []byte { return s.ready(1, announced()[:19], s.short.secret) }, zmtp.ErrMetadata, zmtp.CodeInvalidMetadata},
		"an illegal socket type":     {func(s *handServer) []byte { return s.ready(1, ready("Socket-Type", "PUSH")[6:], s.short.secret) }, ErrIncompatible, zmtp.CodeInvalidMetadata},
		"an ERROR that is cut":       {func(*handServer) []byte { return []byte("\x05ERROR\x02x") }, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"more properties than we take": {func(s *handServer) []byte {
			return s.ready(1, make([]byte, 5*(zmtp.MaxProperties+1)), s.short.secret)
		}, zmtp.ErrTooManyProperties, zmtp.CodeInvalidMetadata},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := greeted(t, config())
			_, err := feed(client, nobody, c.command(server))
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, client, err)
			wantWiped(t, client)
		})
	}
}

func TestAnErrorInPlaceOfWelcomeOrReadyIsARefusal(t *testing.T) {
	for reason, status := range map[string]int{"300": 300, "400": 400, "500": 500, "nope": 0, "": 0} {
		first := NewCurveClient(Config{}, clientKeys)
		if _, err := feed(first, nobody); err != nil {
			t.Fatal(err)
		}
		second, _ := greeted(t, Config{})
		for _, client := range []Mechanism{first, second} {
			_, err := feed(client, nobody, append(zmtp.AppendError(nil, reason), "more"...))
			wantRefused(t, err, status)
			wantStuck(t, client, err)
			wantWiped(t, client)
		}
	}
}

func TestAClientSaysHelloBeforeItListens(t *testing.T) {
	client := NewCurveClient(Config{}, clientKeys)
	wantBreach(t, client.Handle(zmtp.AppendError(nil, "400")), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand)
}

func TestAReadyMayHaveAnyNonce(t *testing.T) {
	for _, nonce := range []uint64{0, 9, 1<<64 - 2} {
		client, server := greeted(t, Config{})
		if _, err := feed(client, nobody, server.ready(nonce, nil, server.short.secret)); err != nil || !client.Done() {
			t.Fatalf("%d: %v", nonce, err)
		}
		if _, _, err := client.Open(nil, server.message(nonce+1, "\x00")); err != nil {
			t.Errorf("after READY with %d: %v", nonce, err)
		}
		client, server = greeted(t, Config{})
		if _, err := feed(client, nobody, server.ready(nonce, nil, server.short.secret)); err != nil {
			t.Fatal(err)
		}
		_, _, err := client.Open(nil, server.message(nonce, "\x00"))
		wantBreach(t, err, ErrSequence, zmtp.CodeInvalidSequence)
	}
}

func TestTheNameOfWhatASideWaitsForIsKnown(t *testing.T) {
	for name, want := range map[string][]string{
		NameNull:  {"READY", ""},
		NamePlain: {"WELCOME", "READY", ""},
		NameCurve: {"WELCOME", "READY", ""},
	} {
		client, server := mechanisms[name].client(Config{}), mechanisms[name].server(Config{})
		for _, awaited := range want {
			said, err := feed(client, nobody)
			if err != nil || awaits(client) != awaited {
				t.Fatalf("%s: a client that said %.10q waits for %q, want %q", name, said, awaits(client), awaited)
			}
			back, err := feed(server, says(200), said...)
			if err != nil {
				t.Fatal(err)
			}
			for _, command := range back {
				if err := client.Handle(command); err != nil {
					t.Fatal(err)
				}
			}
		}
		if awaits(server) != "" {
			t.Errorf("%s: a server that is done waits for %q", name, awaits(server))
		}
	}
	server, _ := welcomed(t, Config{}, serverKeys)
	if awaits(server) != "INITIATE" || awaits(NewCurveServer(Config{}, serverKeys)) != "HELLO" || awaits(NewPlainServer(Config{}, 0)) != "HELLO" {
		t.Error("a server waits for something else")
	}
	for name, test := range map[string]struct {
		side Mechanism
		want int
	}{
		"NULL": {NewNull(Config{}), -1}, "PLAIN": {NewPlainServer(Config{}, 0), 518}, "CURVE": {NewCurveServer(Config{}, serverKeys), 200},
		"CURVE, INITIATE": {server, -1},
	} {
		if _, longest := test.side.Awaits(); longest != test.want {
			t.Errorf("%s: a server takes %d octets, want %d", name, longest, test.want)
		}
	}
}
