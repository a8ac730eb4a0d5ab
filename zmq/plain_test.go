package zmq_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
	"zeromux/zmtp"
)

// TestHowPLAINSpellsAnError: as libzmq does unless it is told otherwise, and our clients
// read both.
func TestHowPLAINSpellsAnError(t *testing.T) {
	for standard, want := range map[bool]string{false: "\x5eRROR\x03400", true: "\x05ERROR\x03400"} {
		c := newContext(t)
		security := plainServer()
		security.Plain.StandardError = standard
		security.Authenticator = func(context.Context, *zmq.Applicant) error { return zmq.ErrDenied }
		endpoint := bind(t, newSocket(t, c, zmq.PULL, &zmq.Config{Security: security}), "tcp://127.0.0.1:*")

		conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		says := zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Minor: 1, Mechanism: "PLAIN"}, 0)
		says = zmtp.AppendFrame(says, zmtp.FlagCommand, []byte("\x05HELLO\x01a\x01b"))
		if _, err := conn.Write(says); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		heard, err := io.ReadAll(conn)
		if err != nil || !strings.HasSuffix(string(heard), want) {
			t.Errorf("standard %v: heard %q, %v, want %q", standard, heard, err, want)
		}

		client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("a", "b")})
		failures := refusals(client)
		connect(t, client, endpoint)
		if e, _ := next(t, failures); e.Kind != zmq.EventHandshakeFailedAuth || e.Value != 400 {
			t.Errorf("standard %v: our client is told %v %d", standard, e.Kind, e.Value)
		}
	}
}
