package conformance

import (
	"io"
	"net"
	"testing"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// A hand is one end of a connection, that of a socket of some type with some mechanism,
// which a test moves step by step.
type hand struct {
	testing.TB
	conn net.Conn
	side mechanism.Mechanism
}

// announcing is what a socket tells of itself.
func announcing(typ zmq.SocketType) mechanism.Config {
	return mechanism.Config{
		Metadata: zmtp.Metadata{{Name: zmtp.PropertySocketType, Value: []byte(typ.String())}, {Name: zmtp.PropertyIdentity}},
		ZAP:      mechanism.ZAP{Enforce: true}, // without a domain: CURVE asks nobody
	}
}

// sideOf is the mechanism of a socket with such security, but for a server of PLAIN.
func sideOf(t testing.TB, security zmq.Security, typ zmq.SocketType) mechanism.Mechanism {
	t.Helper()
	curve, secret := security.Curve, [zmq.CurveKeySize]byte{}
	copy(secret[:], curve.SecretKey.Bytes())
	switch {
	case security.Mechanism() == "NULL":
		return mechanism.NewNull(announcing(typ))
	case security.Mechanism() == "PLAIN":
		return mechanism.NewPlainClient(announcing(typ), security.Plain.Username, string(security.Plain.Password))
	case curve.Server:
		keys, err := mechanism.NewCurveServerKeys(secret)
		if err != nil {
			t.Fatal(err)
		}
		return mechanism.NewCurveServer(announcing(typ), keys)
	}
	keys, err := mechanism.NewCurveClientKeys(curve.PublicKey, secret, curve.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	return mechanism.NewCurveClient(announcing(typ), keys)
}

// take takes a connection and exchanges greetings.
func take(t testing.TB, conn net.Conn, side mechanism.Mechanism) *hand {
	t.Helper()
	h := &hand{t, conn, side}
	h.write(zmtp.AppendGreeting(nil, zmtp.Greeting{Mechanism: side.Name()}, 0))
	if _, err := io.ReadFull(conn, make([]byte, zmtp.GreetingSize)); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hand) write(octets []byte) {
	h.Helper()
	_ = h.conn.SetDeadline(time.Now().Add(patience))
	if _, err := h.conn.Write(octets); err != nil {
		h.Fatal(err)
	}
}

// say sends a command, in the frame of one.
func (h *hand) say(command []byte) {
	h.Helper()
	h.write(zmtp.AppendFrame(nil, zmtp.FlagCommand, command))
}

// hear reads the body of a frame.
func (h *hand) hear() []byte {
	h.Helper()
	b := make([]byte, 2, 9)
	_, err := io.ReadFull(h.conn, b)
	if err == nil && zmtp.Flags(b[0])&zmtp.FlagLong != 0 {
		b = b[:9]
		_, err = io.ReadFull(h.conn, b[2:])
	}
	if err != nil {
		h.Fatal(err)
	}
	header, _, err := zmtp.ParseHeader(b)
	if err != nil {
		h.Fatal(err)
	}
	body := make([]byte, header.Size)
	if _, err := io.ReadFull(h.conn, body); err != nil {
		h.Fatal(err)
	}
	return body
}

// next is the command that is the hand's to say.
func (h *hand) next() []byte {
	h.Helper()
	command, ok, err := h.side.Next()
	if !ok || err != nil {
		h.Fatalf("there is nothing to say: %v", err)
	}
	return command
}

// receive takes a command of the other side.
func (h *hand) receive() {
	h.Helper()
	if err := h.side.Handle(h.hear()); err != nil {
		h.Fatal(err)
	}
}

// advance goes as far as to where the hand has so many commands behind it, and the answers
// to them.
func (h *hand) advance(commands int) {
	h.Helper()
	if awaited, _ := h.side.Awaits(); awaited != "" {
		h.receive() // the other side begins
	}
	for range commands {
		h.say(h.next())
		if !h.side.Done() {
			h.receive()
		}
	}
}

// shake goes to the end of the handshake.
func (h *hand) shake() {
	h.Helper()
	for !h.side.Done() {
		h.advance(1)
	}
}

// seal is the frame of a message or command after the handshake.
func (h *hand) seal(f zmtp.Flags, body []byte) []byte {
	h.Helper()
	if h.side.Sealed() {
		var err error
		if body, err = h.side.Seal(nil, f, body); err != nil {
			h.Fatal(err)
		}
		f = 0
	}
	return zmtp.AppendFrame(nil, f, body)
}

// open reads what is within a frame after the handshake.
func (h *hand) open() (body []byte) {
	h.Helper()
	body = h.hear()
	if !h.side.Sealed() {
		return body
	}
	_, body, err := h.side.Open(nil, body)
	if err != nil {
		h.Fatal(err)
	}
	return body
}
