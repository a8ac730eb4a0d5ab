package mechanism

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

func TestAHandClientIsServed(t *testing.T) {
	server, client := welcomed(t, config(), serverKeys)
	said, err := feed(server, nobody, client.initiate())
	if err != nil || len(said) != 1 || len(said[0]) != 30+len(announced()) || !server.Done() {
		t.Fatalf("said %q, %v, done %v", said, err, server.Done())
	}
	ready := said[0]
	if string(ready[:6]) != "\x05READY" || !bytes.Equal(ready[6:14], number(1)) {
		t.Fatalf("no READY: %q", ready)
	}
	if got := openBox(t, ready[14:], "CurveZMQREADY---", ready[6:14], client.serverShort, client.short.secret); !bytes.Equal(got, announced()) {
		t.Errorf("READY says %q, want %q", got, announced())
	}
	if got := zmtp.AppendMetadata(nil, server.Peer()); !bytes.Equal(got, announced()) {
		t.Errorf("the peer said %q, want %q", got, announced())
	}
	f, body, err := server.Open(nil, client.message(3, "\x01hello"))
	if err != nil || f != zmtp.FlagMore || string(body) != "hello" {
		t.Errorf("got %q with %v, %v", body, f, err)
	}
	b := sealed(t, server, zmtp.FlagCommand, "answer")
	if got := openBox(t, b[16:], "CurveZMQMESSAGES", b[8:16], client.serverShort, client.short.secret); string(got) != "\x02answer" {
		t.Errorf("MESSAGE says %q", got)
	}
}

// The codes are those that a monitor of libzmq 4.3.4 reported for the same octets,
// where not said otherwise.
func TestAServerRefusesWhatIsNoHello(t *testing.T) {
	client := newHandClient()
	hello := client.hello()
	for name, c := range map[string]struct {
		command []byte
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":                           {nil, zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name of which there is nothing":  {[]byte("\x05"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name that is cut":                {[]byte("\x06HELLO"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a message":                         {[]byte("hi"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"an empty name":                     {[]byte("\x00abc"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"hello in lower case":               {append([]byte("\x05hello"), hello[6:]...), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"INITIATE":                          {append([]byte("\x08INITIATE"), make([]byte, 250)...), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"READY":                             {ready(), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"ERROR":                             {zmtp.AppendError(nil, "400"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"MESSAGE":                           {client.message(1, "\x00"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"the HELLO of PLAIN":                {appendHello(nil, "admin", "secret"), zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"its name alone":                    {[]byte("\x05HELLO"), zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"an octet too few":                  {hello[:199], zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"an octet too many":                 {append(slices.Clone(hello), 0), zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"version 1.1":                       {client.hello(func(h *handHello) { h.version = "\x01\x01" }), zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"version 2.0":                       {client.hello(func(h *handHello) { h.version = "\x02\x00" }), zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"padding that is not zero":          {client.hello(func(h *handHello) { h.padding[71] = 1 }), zmtp.ErrCommand, zmtp.CodeMalformedHello}, // libzmq lets it pass, the RFC does not
		"another C' than that of the box":   {client.hello(func(h *handHello) { h.claimed = foreign.public }), ErrBox, zmtp.CodeCryptographic},
		"a C' of zeros":                     {client.hello(func(h *handHello) { h.claimed = [32]byte{} }), ErrPoint, zmtp.CodeCryptographic},
		"a C' of order two":                 {client.hello(func(h *handHello) { h.claimed = [32]byte{1} }), ErrPoint, zmtp.CodeCryptographic},
		"a box that says something":         {client.hello(func(h *handHello) { h.plain[63] = 1 }), ErrBox, zmtp.CodeCryptographic}, // as with the padding
		"a box for another server":          {(&handClient{short: clientShort, server: foreign.public}).hello(), ErrBox, zmtp.CodeCryptographic},
		"a nonce that is not the box's own": {slices.Replace(slices.Clone(hello), 112, 120, number(2)...), ErrBox, zmtp.CodeCryptographic},
	} {
		t.Run(name, func(t *testing.T) {
			server := NewCurveServer(config(), serverKeys)
			_, err := feed(server, nobody, c.command)
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, server, err)
			wantWiped(t, server)
		})
	}
}

func TestAServerRefusesWhatIsNoInitiate(t *testing.T) {
	type change = func(*handInitiate)
	for name, c := range map[string]struct {
		change  change
		command []byte // in place of a changed one
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":                          {nil, []byte{}, zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name of which there is nothing": {nil, []byte("\x08"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name that is cut":               {nil, []byte("\x0aINITIATE"), zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"HELLO again":                      {nil, newHandClient().hello(func(h *handHello) { h.nonce = 2 }), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"ERROR":                            {nil, zmtp.AppendError(nil, "400"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"its name alone":                   {nil, []byte("\x08INITIATE"), zmtp.ErrCommand, zmtp.CodeMalformedInitiate},
		"256 octets":                       {nil, append([]byte("\x08INITIATE"), make([]byte, 247)...), zmtp.ErrCommand, zmtp.CodeMalformedInitiate},
		"257 octets of nothing":            {nil, append([]byte("\x08INITIATE"), make([]byte, 248)...), ErrCookie, zmtp.CodeCryptographic},
		"a cookie with another nonce":      {change: func(i *handInitiate) { i.cookie[0] ^= 1 }, rule: ErrCookie, code: zmtp.CodeCryptographic},
		"a cookie that was changed":        {change: func(i *handInitiate) { i.cookie[95] ^= 0x80 }, rule: ErrCookie, code: zmtp.CodeCryptographic},
		"a cookie made by somebody else": {change: func(i *handInitiate) {
			i.cookie = cookieOf(make([]byte, 16), foreign.secret, clientShort.public, serverShort.secret)
		}, rule: ErrCookie, code: zmtp.CodeCryptographic},
		"the nonce of HELLO again":      {change: func(i *handInitiate) { i.nonce = 1 }, rule: ErrSequence, code: zmtp.CodeInvalidSequence}, // libzmq looks at those of MESSAGE only
		"a nonce before that":           {change: func(i *handInitiate) { i.nonce = 0 }, rule: ErrSequence, code: zmtp.CodeInvalidSequence},
		"a box of another key":          {change: func(i *handInitiate) { i.boxKey = foreign.secret }, rule: ErrBox, code: zmtp.CodeCryptographic},
		"a vouch of another key":        {change: func(i *handInitiate) { i.vouchKey = foreign.secret }, rule: ErrBox, code: zmtp.CodeCryptographic},
		"another C than who vouches":    {change: func(i *handInitiate) { i.claimed = foreign.public }, rule: ErrBox, code: zmtp.CodeCryptographic},
		"a C of zeros":                  {change: func(i *handInitiate) { i.claimed = [32]byte{} }, rule: ErrPoint, code: zmtp.CodeCryptographic},
		"a vouch for another C'":        {change: func(i *handInitiate) { i.vouched = foreign.public }, rule: ErrVouch, code: zmtp.CodeKeyExchange},
		"a vouch for another S":         {change: func(i *handInitiate) { i.meant = foreign.public }, rule: ErrVouch, code: zmtp.CodeKeyExchange}, // libzmq lets it pass
		"a property that is cut":        {change: func(i *handInitiate) { i.metadata = i.metadata[:len(i.metadata)-1] }, rule: zmtp.ErrMetadata},
		"a socket type that is illegal": {change: func(i *handInitiate) { i.metadata = ready("Socket-Type", "PUSH")[6:] }, rule: ErrIncompatible},
		"too many properties":           {change: func(i *handInitiate) { i.metadata = make([]byte, 5*(zmtp.MaxProperties+1)) }, rule: zmtp.ErrTooManyProperties},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := welcomed(t, config(), serverKeys)
			command := c.command
			if c.change != nil {
				command = client.initiate(c.change)
			}
			asked := false
			_, err := feed(server, func(q *zap.Request) (*zap.Reply, error) { asked = true; return nobody(q) }, command)
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, server, err)
			wantWiped(t, server)
			if asked {
				t.Error("somebody was asked about it")
			}
			// The cookie is spent, whatever became of it.
			if err := server.Handle(client.initiate()); err == nil || server.Done() {
				t.Errorf("a second attempt: %v, done %v", err, server.Done())
			}
		})
	}
}

// A vouch for C' and S cannot be taken over by a server that has got it honestly:
// the box is for S' of that connection.
func TestAServerCannotPassOnAVouch(t *testing.T) {
	evil, client := welcomed(t, Config{}, serverKeys)
	_ = evil
	server, pretender := welcomed(t, Config{}, serverKeys)
	vouch := closeBox(join(client.short.public[:], client.server[:]), "VOUCH---", vouchNonce, client.serverShort, client.long.secret)
	plain := join(client.long.public[:], vouchNonce, vouch)
	command := join([]byte("\x08INITIATE"), pretender.cookie, number(2),
		closeBox(plain, "CurveZMQINITIATE", number(2), pretender.serverShort, pretender.short.secret))
	_, err := feed(server, nobody, command)
	wantBreach(t, err, ErrBox, zmtp.CodeCryptographic)
}

func TestTheCookieOfAnotherConnectionIsRefused(t *testing.T) {
	_, other := welcomed(t, Config{}, serverKeys)
	server, client := welcomed(t, Config{}, serverKeys)
	_, err := feed(server, nobody, client.initiate(func(i *handInitiate) { i.cookie = other.cookie }))
	wantBreach(t, err, ErrCookie, zmtp.CodeCryptographic)

	// All of what belongs to the other connection does not do either.
	server, _ = welcomed(t, Config{}, serverKeys)
	_, err = feed(server, nobody, other.initiate())
	wantBreach(t, err, ErrCookie, zmtp.CodeCryptographic)
}

func TestACookieWithAnotherShortTermKeyIsRefused(t *testing.T) {
	key := foreign.secret
	keys := fixed(serverKeys, serverShort.secret[:], key[:], make([]byte, 16), make([]byte, 16))
	server, client := welcomed(t, Config{}, keys)
	_, err := feed(server, nobody, client.initiate(func(i *handInitiate) {
		i.cookie = cookieOf(make([]byte, 16), key, clientShort.public, foreign.secret)
	}))
	wantBreach(t, err, ErrCookie, zmtp.CodeCryptographic)
}

func TestACookieGrowsOld(t *testing.T) {
	for after, good := range map[time.Duration]bool{0: true, time.Minute: true, time.Minute + 1: false, time.Hour: false} {
		now := time.Unix(1000, 0)
		keys := *serverKeys
		keys.Now = func() time.Time { return now }
		server, client := welcomed(t, Config{}, &keys)
		now = now.Add(after)
		_, err := feed(server, nobody, client.initiate())
		if good {
			if err != nil || !server.Done() {
				t.Errorf("after %v: got %v, done %v", after, err, server.Done())
			}
			continue
		}
		wantBreach(t, err, ErrCookie, zmtp.CodeCryptographic)
	}
}

func TestAServerDrawsEverythingAnewForEachConnection(t *testing.T) {
	first, a := welcomed(t, Config{}, serverKeys)
	second, b := welcomed(t, Config{}, serverKeys)
	_, _ = first, second
	if a.serverShort == b.serverShort || bytes.Equal(a.cookie[:16], b.cookie[:16]) || bytes.Equal(a.cookie, b.cookie) {
		t.Error("two connections have something in common")
	}
}

func TestAServerHearsNothingWhileItIsNotTheClientsTurn(t *testing.T) {
	server := NewCurveServer(Config{}, serverKeys)
	client := newHandClient()
	if err := server.Handle(client.hello()); err != nil {
		t.Fatal(err)
	}
	wantBreach(t, server.Handle(client.hello()), zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified)

	// As libzmq has it while a ZAP handler makes up its mind.
	server, client = welcomed(t, Config{}, serverKeys)
	if err := server.Handle(client.initiate()); err != nil || server.Question() == nil {
		t.Fatalf("got %v, asks %v", err, server.Question())
	}
	err := server.Handle(client.message(3, "\x00early"))
	wantBreach(t, err, zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified)
	wantStuck(t, server, err)
	wantWiped(t, server)
}

func TestLargePropertiesAreTaken(t *testing.T) {
	large := properties("Socket-Type", "PAIR", "X-large", strings.Repeat("x", 1<<20))
	server, client := welcomed(t, config(), serverKeys)
	if _, err := feed(server, nobody, client.initiate(func(i *handInitiate) { i.metadata = zmtp.AppendMetadata(nil, large) })); err != nil {
		t.Fatal(err)
	}
	if value, _ := server.Peer().Get("X-large"); len(value) != 1<<20 {
		t.Errorf("got %d octets", len(value))
	}
}

func TestAHelloMayBeginWithAnyNonce(t *testing.T) {
	for _, nonce := range []uint64{0, 7, 1<<64 - 3} {
		server, client := welcomed(t, Config{}, serverKeys, func(h *handHello) { h.nonce = nonce })
		if _, err := feed(server, nobody, client.initiate(func(i *handInitiate) { i.nonce = nonce + 1 })); err != nil {
			t.Fatal(err)
		}
		if _, _, err := server.Open(nil, client.message(nonce+2, "\x00")); err != nil {
			t.Errorf("beginning with %d: %v", nonce, err)
		}
	}
}

// What a server that has welcomed a client keeps of it.
func TestAServerKeepsNothingOfAClientThatItHasNotHeardTwice(t *testing.T) {
	m, client := welcomed(t, Config{}, serverKeys)
	s := m.(*curveServer)
	if s.welcome != nil || s.key != (boxKey{}) || s.hasKey || s.peer != nil {
		t.Errorf("it keeps %d octets of WELCOME, a key %v, properties %v", len(s.welcome), s.hasKey, s.peer)
	}
	if _, err := feed(m, nobody, client.initiate()); err != nil {
		t.Fatal(err)
	}
	if s.pledge != nil || s.ready != nil {
		t.Error("what was kept for INITIATE is still there")
	}
}

// wantWiped checks that a side of CURVE has no keys of the connection any more, and
// neither seals nor opens.
func wantWiped(t *testing.T, m Mechanism) {
	t.Helper()
	var traffic *sealedTraffic
	switch m := m.(type) {
	case *curveServer:
		traffic = &m.sealedTraffic
		if m.pledge != nil {
			t.Error("there is a pledge left")
		}
	case *curveClient:
		traffic = &m.sealedTraffic
		if m.hello != (boxKey{}) || m.shortTerm != nil {
			t.Error("there are keys of the handshake left")
		}
	}
	if traffic.key != (boxKey{}) {
		t.Error("the key of the connection is left")
	}
	if b, err := m.Seal([]byte("x"), 0, []byte("body")); err == nil || string(b) != "x" {
		t.Errorf("sealed without a key: %q, %v", b, err)
	}
	if _, b, err := m.Open([]byte("x"), make([]byte, 40)); err == nil || string(b) != "x" {
		t.Errorf("opened without a key: %q, %v", b, err)
	}
}

func TestCloseWipesKeysInEveryState(t *testing.T) {
	client, server := NewCurveClient(Config{}, clientKeys), NewCurveServer(Config{}, serverKeys)
	states := []func(){
		func() {},
		func() { feed(client, nobody) },
		func() { server, _ = welcomed(t, Config{}, serverKeys) },
		func() { client, _ = greeted(t, Config{}) },
		func() { client, server = connected(t) },
	}
	for _, reach := range states {
		reach()
		user := server.UserID()
		client.Close()
		server.Close()
		wantWiped(t, client)
		wantWiped(t, server)
		if server.UserID() != user {
			t.Error("Close forgets who the peer was")
		}
		client, server = NewCurveClient(Config{}, clientKeys), NewCurveServer(Config{}, serverKeys)
	}
}

func TestKeysAreCheckedWhereTheyAreGiven(t *testing.T) {
	var none [32]byte
	for name, c := range map[string]struct {
		public, secret, server [32]byte
		want                   error
	}{
		"a pair":                      {clientLong.public, clientLong.secret, serverLong.public, nil},
		"a secret key alone":          {none, clientLong.secret, serverLong.public, nil},
		"no secret key":               {clientLong.public, none, serverLong.public, ErrCurveSecret},
		"the public key of another":   {foreign.public, clientLong.secret, serverLong.public, ErrCurvePair},
		"public and secret exchanged": {clientLong.secret, clientLong.public, serverLong.public, ErrCurvePair},
		"no server":                   {clientLong.public, clientLong.secret, none, ErrCurveServer},
		"a server of order two":       {clientLong.public, clientLong.secret, [32]byte{1}, ErrCurveServer},
	} {
		keys, err := NewCurveClientKeys(c.public, c.secret, c.server)
		if !errors.Is(err, c.want) || (err == nil) != (keys != nil) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if keys != nil && keys.Public() != clientLong.public {
			t.Errorf("%s: got public key %x", name, keys.Public())
		}
	}
	if _, err := NewCurveServerKeys(none); err != ErrCurveSecret {
		t.Errorf("a server without a key: %v", err)
	}
	if serverKeys.Public() != serverLong.public {
		t.Errorf("the server's public key: %x", serverKeys.Public())
	}
	defer func() {
		if recover() == nil {
			t.Error("a client takes the keys of a server")
		}
	}()
	NewCurveClient(Config{}, serverKeys)
}
