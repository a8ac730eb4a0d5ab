package mechanism

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"zeromux/zmtp"
)

func TestTwoCurveSidesLearnEachOthersPropertiesAndTalk(t *testing.T) {
	dealer := properties("Socket-Type", "DEALER", "Identity", "", "X-a", "1")
	router := properties("Socket-Type", "ROUTER", "Identity", "me")
	client := NewCurveClient(Config{Metadata: dealer, CheckPeer: CheckSocketType("DEALER", "ROUTER")}, clientKeys)
	server := NewCurveServer(Config{Metadata: router, CheckPeer: CheckSocketType("ROUTER", "DEALER")}, serverKeys)
	dealer[2].Value[0], router[1].Value[0] = '?', '?' // the configuration is not kept
	if errClient, errServer := drive(client, server, nobody); errClient != nil || errServer != nil {
		t.Fatal(errClient, errServer)
	}
	dealer[2].Value[0], router[1].Value[0] = '1', 'm'
	for _, side := range []struct {
		own, other Mechanism
		peer       zmtp.Metadata
	}{{client, server, router}, {server, client, dealer}} {
		if !side.own.Done() || !side.own.Sealed() || side.own.Name() != "CURVE" {
			t.Errorf("done %v, sealed %v, name %q", side.own.Done(), side.own.Sealed(), side.own.Name())
		}
		if got, want := zmtp.AppendMetadata(nil, side.own.Peer()), zmtp.AppendMetadata(nil, side.peer); !bytes.Equal(got, want) {
			t.Errorf("peer: got %q, want %q", got, want)
		}
		for _, f := range []zmtp.Flags{0, zmtp.FlagMore, zmtp.FlagCommand, zmtp.FlagMore | zmtp.FlagCommand} {
			for _, size := range []int{0, 1, 31, 32, 33, smallPlain - 2, smallPlain - 1, smallPlain, smallPlain + 1, 70000, maxKept + 1} {
				body := bytes.Repeat([]byte{byte(size)}, size)
				b, err := side.own.Seal([]byte("before"), f|zmtp.FlagLong, body)
				if err != nil || len(b) != len("before")+33+size || string(b[:6]) != "before" {
					t.Fatalf("sealed %d octets in %d, %v", size, len(b), err)
				}
				got, out, err := side.other.Open([]byte("head"), b[6:])
				if err != nil || got != f || string(out[:4]) != "head" || !bytes.Equal(out[4:], body) {
					t.Fatalf("opened %d octets of %d with %v, want %v: %v", len(out)-4, size, got, f, err)
				}
			}
		}
	}
}

// An octet in place of the flags of a frame: only two bits mean something, and
// FlagCommand is another one.
func TestTheFlagsWithinABox(t *testing.T) {
	for inner, want := range map[byte]zmtp.Flags{
		0: 0, 1: zmtp.FlagMore, 2: zmtp.FlagCommand, 3: zmtp.FlagMore | zmtp.FlagCommand,
		0x04: 0, 0x80: 0, 0xfc: 0, 0xff: zmtp.FlagMore | zmtp.FlagCommand,
	} {
		server, client := welcomed(t, Config{}, serverKeys)
		if _, err := feed(server, nobody, client.initiate()); err != nil {
			t.Fatal(err)
		}
		f, body, err := server.Open(nil, client.message(3, string([]byte{inner})+"x"))
		if err != nil || f != want || string(body) != "x" {
			t.Errorf("%02x: got %q with %v, %v, want %v", inner, body, f, err, want)
		}
	}
}

// The codes are those that a monitor of libzmq 4.3.4 reported for the same octets.
func TestOpenRefusesWhatIsNoMessage(t *testing.T) {
	server, client := welcomed(t, Config{}, serverKeys)
	if _, err := feed(server, nobody, client.initiate()); err != nil {
		t.Fatal(err)
	}
	good := client.message(9, "\x00body")
	foreigner := *client
	foreigner.short = foreign
	for name, c := range map[string]struct {
		body []byte
		rule error
		code zmtp.ErrorCode
	}{
		"nothing":                          {nil, zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name of which there is nothing": {[]byte("\x07"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name that is cut":               {[]byte("\x07MESSAG"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name longer than all":           {append([]byte("\x50MESSAGE"), make([]byte, 40)...), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"an empty name":                    {make([]byte, 40), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a message in clear":               {[]byte("\x00hello"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"message in lower case":            {append([]byte("\x07message"), good[8:]...), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"HELLO":                            {append([]byte("\x05HELLO"), make([]byte, 40)...), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"PING in clear":                    {zmtp.AppendPing(nil, 1, nil), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"its name alone":                   {[]byte("\x07MESSAGE"), zmtp.ErrCommand, zmtp.CodeMalformedMessage},
		"a box without flags":              {client.message(9, ""), zmtp.ErrCommand, zmtp.CodeMalformedMessage},
		"the nonce of INITIATE":            {client.message(2, "\x00"), ErrSequence, zmtp.CodeInvalidSequence},
		"a nonce before that":              {client.message(0, "\x00"), ErrSequence, zmtp.CodeInvalidSequence},
		"a box of another key":             {foreigner.message(9, "\x00"), ErrBox, zmtp.CodeCryptographic},
		"a box of the other direction":     {sealed(t, server, 0, "echo"), ErrBox, zmtp.CodeCryptographic},
		"a nonce that is not the box's":    {slices.Replace(slices.Clone(good), 8, 16, number(10)...), ErrBox, zmtp.CodeCryptographic},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := copyOfServer(server)
			if c.rule == ErrBox && bytes.HasPrefix(c.body[8:], number(2)) {
				fresh.heard = 0
			}
			if name == "a box of the other direction" {
				fresh.heard = 0 // our own numbers are lower
			}
			f, out, err := fresh.Open([]byte("before"), c.body)
			wantBreach(t, err, c.rule, c.code)
			if f != 0 || string(out) != "before" {
				t.Errorf("got %q with %v", out, f)
			}
			if _, _, again := fresh.Open(nil, good); again != err {
				t.Errorf("a good one after it: got %v, want %v", again, err)
			}
			if string(sealed(t, fresh, 0, "x")[:8]) != messageHead {
				t.Error("the other direction is hurt")
			}
		})
	}
	if _, body, err := server.Open(nil, good); err != nil || string(body) != "body" {
		t.Errorf("the good one: %q, %v", body, err)
	}
}

// copyOfServer returns a server in the same state as one that is done.
func copyOfServer(m Mechanism) *curveServer {
	copied := *m.(*curveServer)
	return &copied
}

func TestAMessageOpensAtNoOtherLengthAndWithNoBitChanged(t *testing.T) {
	client, server := connected(t)
	good := sealed(t, client, zmtp.FlagMore, "a body that is longer than what the first block takes")
	for n := range good {
		if _, _, err := copyOfServer(server).Open(nil, good[:n:n]); err == nil {
			t.Fatalf("%d octets of %d open", n, len(good))
		}
	}
	if _, _, err := copyOfServer(server).Open(nil, append(slices.Clone(good), 0)); err == nil {
		t.Fatal("an octet more opens")
	}
	for bit := range 8 * len(good) {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, _, err := copyOfServer(server).Open(nil, bad); err == nil {
			t.Fatalf("with bit %d changed it opens", bit)
		}
	}
	if _, _, err := server.Open(nil, good); err != nil {
		t.Fatal(err)
	}
}

func TestHandshakeCommandsAreTakenAtNoOtherLengthAndWithNoBitChanged(t *testing.T) {
	keys := fixed(serverKeys, serverShort.secret[:], foreign.secret[:], make([]byte, 16), make([]byte, 16))
	again := func() *CurveKeys {
		return fixed(serverKeys, serverShort.secret[:], foreign.secret[:], make([]byte, 16), make([]byte, 16))
	}
	server, client := welcomed(t, Config{}, keys)
	_ = server
	hello, initiate := client.hello(), client.initiate()
	wrong := func(command []byte, f func(bad []byte)) {
		for n := range command {
			f(command[:n:n])
		}
		f(append(slices.Clone(command), 0))
		for at := range command {
			bad := slices.Clone(command)
			bad[at] ^= 1 << ((at + 1) % 8) // not the highest bit of C', which X25519 ignores
			f(bad)
		}
	}
	wrong(hello, func(bad []byte) {
		if NewCurveServer(Config{}, again()).Handle(bad) == nil {
			t.Fatalf("HELLO is taken as %x", bad)
		}
	})
	wrong(initiate, func(bad []byte) {
		server, _ := welcomed(t, Config{}, again())
		if server.Handle(bad) == nil {
			t.Fatalf("INITIATE is taken as %x", bad)
		}
	})

	draws := func() *CurveKeys { return fixed(clientKeys, clientShort.secret[:], vouchNonce) }
	hand := newHandServer()
	hand.client = clientShort.public
	welcome := hand.welcome(hand.short.public, hand.long.secret)
	start := func() Mechanism {
		m := NewCurveClient(Config{}, draws())
		if _, err := feed(m, nobody); err != nil {
			t.Fatal(err)
		}
		return m
	}
	wrong(welcome, func(bad []byte) {
		if start().Handle(bad) == nil {
			t.Fatalf("WELCOME is taken as %x", bad)
		}
	})
	waits := start().(*curveClient)
	if _, err := feed(waits, nobody, welcome); err != nil {
		t.Fatal(err)
	}
	wrong(hand.ready(1, announced(), hand.short.secret), func(bad []byte) {
		m := *waits
		if m.Handle(bad) == nil {
			t.Fatalf("READY is taken as %x", bad)
		}
	})
}

func TestNoncesCountUpAndGapsAreFine(t *testing.T) {
	client, server := connected(t)
	for i, want := range []uint64{3, 4, 5} {
		b := sealed(t, client, 0, "")
		if got := binary.BigEndian.Uint64(b[8:]); got != want {
			t.Errorf("message %d of the client has nonce %d, want %d", i, got, want)
		}
	}
	for _, want := range []uint64{2, 3} {
		if got := binary.BigEndian.Uint64(sealed(t, server, 0, "")[8:]); got != want {
			t.Errorf("a message of the server has nonce %d, want %d", got, want)
		}
	}
	if _, _, err := server.Open(nil, sealed(t, client, 0, "the fourth")); err != nil {
		t.Error(err)
	}
}

func TestAReplayedOrReorderedMessageIsRefused(t *testing.T) {
	for name, order := range map[string][]int{
		"twice the same":              {0, 0},
		"twice the same, later":       {0, 1, 2, 1},
		"two in the wrong order":      {1, 0},
		"after a gap, one of the gap": {0, 3, 2},
	} {
		client, server := connected(t)
		var sent [][]byte
		for i := range 4 {
			sent = append(sent, sealed(t, client, 0, fmt.Sprint(i)))
		}
		for i, which := range order {
			_, _, err := server.Open(nil, sent[which])
			if i < len(order)-1 {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			wantBreach(t, err, ErrSequence, zmtp.CodeInvalidSequence)
		}
	}
}

func TestTheMessagesOfOneConnectionMeanNothingOnAnother(t *testing.T) {
	client, _ := connected(t)
	_, server := connected(t)
	_, _, err := server.Open(nil, sealed(t, client, 0, "hello"))
	wantBreach(t, err, ErrBox, zmtp.CodeCryptographic)
}

func TestASideStopsBeforeItsNoncesAreSpent(t *testing.T) {
	client, server := connected(t)
	sender := client.(*curveClient)
	sender.sent = 1<<64 - 3
	b := sealed(t, client, 0, "the last")
	if got := binary.BigEndian.Uint64(b[8:]); got != 1<<64-2 {
		t.Errorf("the last nonce is %d", got)
	}
	for range 2 {
		if out, err := client.Seal([]byte("before"), 0, []byte("one more")); err != ErrNonces || string(out) != "before" {
			t.Errorf("got %q, %v, want %v", out, err, ErrNonces)
		}
	}
	if _, body, err := server.Open(nil, b); err != nil || string(body) != "the last" {
		t.Errorf("got %q, %v", body, err)
	}
	// A peer may use the very last; nothing can follow it.
	server, hand := welcomed(t, Config{}, serverKeys)
	if _, err := feed(server, nobody, hand.initiate()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := server.Open(nil, hand.message(1<<64-1, "\x00")); err != nil {
		t.Fatal(err)
	}
	_, _, err := server.Open(nil, hand.message(1<<64-1, "\x00"))
	wantBreach(t, err, ErrSequence, zmtp.CodeInvalidSequence)
}

func TestNothingIsSealedOrOpenedBeforeTheHandshakeIsDone(t *testing.T) {
	client, _ := greeted(t, Config{})
	server, hand := welcomed(t, Config{}, serverKeys)
	if err := server.Handle(hand.initiate()); err != nil {
		t.Fatal(err)
	}
	for _, side := range []Mechanism{client, server} {
		if b, err := side.Seal(nil, 0, []byte("x")); err == nil {
			t.Errorf("sealed %x", b)
		}
		if _, b, err := side.Open(nil, hand.message(3, "\x00x")); err == nil {
			t.Errorf("opened %x", b)
		}
	}
}

func TestSealAndOpenMayBeCalledAtOnce(t *testing.T) {
	client, server := connected(t)
	var wg sync.WaitGroup
	for _, way := range []struct{ from, to Mechanism }{{client, server}, {server, client}} {
		pass := make(chan []byte, 4)
		wg.Go(func() {
			defer close(pass)
			for i := range 500 {
				b, err := way.from.Seal(nil, 0, []byte(strings.Repeat("x", i*3)))
				if err != nil {
					t.Error(err)
				}
				pass <- b
			}
		})
		wg.Go(func() {
			size := 0
			for b := range pass {
				if _, body, err := way.to.Open(nil, b); err != nil || len(body) != size {
					t.Errorf("got %d octets, %v, want %d", len(body), err, size)
				}
				size += 3
			}
		})
	}
	wg.Wait()
}

func TestOneSetOfKeysServesManyConnectionsAtOnce(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			client, server := NewCurveClient(Config{}, clientKeys), NewCurveServer(Config{}, serverKeys)
			if errClient, errServer := drive(client, server, nobody); errClient != nil || errServer != nil {
				t.Error(errClient, errServer)
			}
		})
	}
	wg.Wait()
}
