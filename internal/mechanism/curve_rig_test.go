package mechanism

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"testing"

	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"

	"zeromux/zmtp"
)

// pair is a pair of keys, as NaCl has them.
type pair struct{ public, secret [32]byte }

// pairOf makes a pair that is always the same for a text.
func pairOf(text string) pair { return pairFrom(sha256.Sum256([]byte(text))) }

func pairFrom(secret [32]byte) pair {
	p := pair{secret: secret}
	public, err := curve25519.X25519(secret[:], curve25519.Basepoint)
	if err != nil {
		panic(err)
	}
	p.public = [32]byte(public)
	return p
}

var (
	clientLong, clientShort = pairOf("client"), pairOf("short-term client")
	serverLong, serverShort = pairOf("server"), pairOf("short-term server")
	foreign, stranger       = pairOf("somebody else"), pairOf("a third") // of whom nothing goes together

	clientKeys = must(NewCurveClientKeys(clientLong.public, clientLong.secret, serverLong.public))
	serverKeys = must(NewCurveServerKeys(serverLong.secret))
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// fixed returns keys with a source of the given octets in place of random ones, one
// piece a draw.
func fixed(keys *CurveKeys, pieces ...[]byte) *CurveKeys {
	copied := *keys
	copied.Random = func(b []byte) {
		if len(pieces) == 0 || len(pieces[0]) != len(b) {
			panic("drawn what was not foreseen")
		}
		copy(b, pieces[0])
		pieces = pieces[1:]
	}
	return &copied
}

// What follows makes and opens boxes with NaCl's own functions for a public and a
// secret key, which the code under test does not use.

// closeBox closes a box with a nonce of two parts.
func closeBox(plain []byte, prefix string, rest []byte, to, from [32]byte) []byte {
	n := [24]byte(append([]byte(prefix), rest...))
	return box.SealAfterPrecomputation(nil, plain, &n, sharedOf(to, from))
}

func openBox(t testing.TB, sealed []byte, prefix string, rest []byte, from, to [32]byte) []byte {
	t.Helper()
	n := [24]byte(append([]byte(prefix), rest...))
	plain, ok := box.OpenAfterPrecomputation(nil, sealed, &n, sharedOf(from, to))
	if !ok {
		t.Fatalf("a box with %q does not open", prefix)
	}
	return plain
}

// shared keeps what was computed of two keys: tests use the same ones a lot.
var shared sync.Map

// sharedOf returns what NaCl makes of a public and a secret key.
func sharedOf(public, secret [32]byte) *[32]byte {
	keys := [2][32]byte{public, secret}
	if k, ok := shared.Load(keys); ok {
		return k.(*[32]byte)
	}
	k := new([32]byte)
	box.Precompute(k, &public, &secret)
	shared.Store(keys, k)
	return k
}

// number is a short nonce.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func join(parts ...[]byte) (b []byte) {
	for _, part := range parts {
		b = append(b, part...)
	}
	return b
}

// handClient is a client of CURVE that a test plays by hand.
type handClient struct {
	long, short pair
	server      [32]byte // S
	serverShort [32]byte // S', once WELCOME came
	cookie      []byte
}

func newHandClient() *handClient {
	return &handClient{long: clientLong, short: clientShort, server: serverLong.public}
}

// handHello is what a HELLO is made of.
type handHello struct {
	version string
	padding []byte
	claimed [32]byte // C'
	nonce   uint64
	plain   []byte
	key     [32]byte // secret
}

// hello makes a HELLO, with what a test wants otherwise.
func (c *handClient) hello(change ...func(*handHello)) []byte {
	h := handHello{version: "\x01\x00", padding: make([]byte, 72), claimed: c.short.public, nonce: 1, plain: make([]byte, 64), key: c.short.secret}
	for _, f := range change {
		f(&h)
	}
	return join([]byte("\x05HELLO"+h.version), h.padding, h.claimed[:], number(h.nonce),
		closeBox(h.plain, "CurveZMQHELLO---", number(h.nonce), c.server, h.key))
}

// readWelcome takes S' and the cookie.
func (c *handClient) readWelcome(t testing.TB, command []byte) {
	t.Helper()
	if len(command) != 168 || string(command[:8]) != "\x07WELCOME" {
		t.Fatalf("no WELCOME: %q", command)
	}
	plain := openBox(t, command[24:], "WELCOME-", command[8:24], c.server, c.short.secret)
	c.serverShort, c.cookie = [32]byte(plain[:32]), plain[32:]
}

// handInitiate is what an INITIATE is made of.
type handInitiate struct {
	cookie           []byte
	nonce            uint64
	claimed          [32]byte // C
	vouched, meant   [32]byte // C' and S
	vouchKey, boxKey [32]byte // secret
	metadata         []byte
}

// vouchNonce is that of the recorded clients.
var vouchNonce = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// initiate makes an INITIATE, with what a test wants otherwise.
func (c *handClient) initiate(change ...func(*handInitiate)) []byte {
	i := handInitiate{
		cookie: c.cookie, nonce: 2, claimed: c.long.public, vouched: c.short.public, meant: c.server,
		vouchKey: c.long.secret, boxKey: c.short.secret, metadata: announced(),
	}
	for _, f := range change {
		f(&i)
	}
	vouch := closeBox(join(i.vouched[:], i.meant[:]), "VOUCH---", vouchNonce, c.serverShort, i.vouchKey)
	plain := join(i.claimed[:], vouchNonce, vouch, i.metadata)
	return join([]byte("\x08INITIATE"), i.cookie, number(i.nonce), closeBox(plain, "CurveZMQINITIATE", number(i.nonce), c.serverShort, i.boxKey))
}

// message makes a MESSAGE with a plaintext that begins with the flags.
func (c *handClient) message(nonce uint64, plain string) []byte {
	return join([]byte("\x07MESSAGE"), number(nonce), closeBox([]byte(plain), "CurveZMQMESSAGEC", number(nonce), c.serverShort, c.short.secret))
}

// handServer is a server of CURVE that a test plays by hand.
type handServer struct {
	long, short pair
	client      [32]byte // C', once HELLO came
	cookie      []byte
}

func newHandServer() *handServer {
	return &handServer{long: serverLong, short: serverShort, cookie: make([]byte, 96)}
}

// readHello takes C'.
func (s *handServer) readHello(t testing.TB, command []byte) {
	t.Helper()
	if len(command) != 200 || string(command[:8]) != "\x05HELLO\x01\x00" {
		t.Fatalf("no HELLO: %q", command)
	}
	s.client = [32]byte(command[80:112])
	if plain := openBox(t, command[120:], "CurveZMQHELLO---", command[112:120], s.client, s.long.secret); string(plain) != string(make([]byte, 64)) {
		t.Fatalf("HELLO says %q", plain)
	}
}

// welcome makes a WELCOME, signed by whom a test wants, with an S' that it wants.
func (s *handServer) welcome(short [32]byte, by [32]byte) []byte {
	nonce := make([]byte, 16)
	return join([]byte("\x07WELCOME"), nonce, closeBox(join(short[:], s.cookie), "WELCOME-", nonce, s.client, by))
}

// ready makes a READY.
func (s *handServer) ready(nonce uint64, metadata []byte, by [32]byte) []byte {
	return join([]byte("\x05READY"), number(nonce), closeBox(metadata, "CurveZMQREADY---", number(nonce), s.client, by))
}

// message makes a MESSAGE with a plaintext that begins with the flags.
func (s *handServer) message(nonce uint64, plain string) []byte {
	return join([]byte("\x07MESSAGE"), number(nonce), closeBox([]byte(plain), "CurveZMQMESSAGES", number(nonce), s.client, s.short.secret))
}

// cookieOf makes a cookie as a server does.
func cookieOf(nonce []byte, key, client, short [32]byte) []byte {
	n := [24]byte(append([]byte("COOKIE--"), nonce...))
	return secretbox.Seal(nonce, join(client[:], short[:]), &n, &key)
}

// welcomed returns a server that has said WELCOME, and the client that it said it to.
func welcomed(t testing.TB, c Config, keys *CurveKeys, change ...func(*handHello)) (Mechanism, *handClient) {
	t.Helper()
	server, client := NewCurveServer(c, keys), newHandClient()
	said, err := feed(server, nobody, client.hello(change...))
	if err != nil || len(said) != 1 {
		t.Fatalf("said %q, %v, want WELCOME", said, err)
	}
	client.readWelcome(t, said[0])
	return server, client
}

// greeted returns a client that has said INITIATE, and the server that it said it to.
func greeted(t testing.TB, c Config) (Mechanism, *handServer) {
	t.Helper()
	client, server := NewCurveClient(c, clientKeys), newHandServer()
	said, err := feed(client, nobody)
	if err != nil || len(said) != 1 {
		t.Fatalf("said %q, %v, want HELLO", said, err)
	}
	server.readHello(t, said[0])
	said, err = feed(client, nobody, server.welcome(server.short.public, server.long.secret))
	if err != nil || len(said) != 1 || len(said[0]) < 257 {
		t.Fatalf("said %q, %v, want INITIATE", said, err)
	}
	return client, server
}

// connected returns two sides of CURVE after their handshake.
func connected(t testing.TB) (client, server Mechanism) {
	t.Helper()
	client, server = NewCurveClient(Config{}, clientKeys), NewCurveServer(Config{}, serverKeys)
	if errClient, errServer := drive(client, server, nobody); errClient != nil || errServer != nil || !client.Done() || !server.Done() {
		t.Fatalf("no handshake: %v, %v", errClient, errServer)
	}
	return client, server
}

// sealed is what Seal makes of a frame.
func sealed(t testing.TB, m Mechanism, f zmtp.Flags, body string) []byte {
	t.Helper()
	b, err := m.Seal(nil, f, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
