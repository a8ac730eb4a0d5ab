package mechanism

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmtp"
)

// peers are the types that each type may talk to. RFC 28 to 31, 41, 48, 49.
var peers = map[string][]string{
	"PAIR": {"PAIR"}, "PUSH": {"PULL"}, "PULL": {"PUSH"},
	"REQ": {"REP", "ROUTER"}, "REP": {"REQ", "DEALER"},
	"DEALER": {"REP", "DEALER", "ROUTER"}, "ROUTER": {"REQ", "DEALER", "ROUTER"},
	"PUB": {"SUB", "XSUB"}, "XPUB": {"SUB", "XSUB"}, "SUB": {"PUB", "XPUB"}, "XSUB": {"PUB", "XPUB"},
	"SERVER": {"CLIENT"}, "DISH": {"RADIO"},
}

// failures are the vectors whose handshake fails in the mechanism, by the direction
// that brings it down. What a monitor of libzmq saw stands in the vector.
var failures = map[string]error{
	"odd-error-from-peer/c2s":           new(RefusedError),
	"odd-error-from-server-400/s2c":     new(RefusedError),
	"odd-handshake-unknown-command/c2s": zmtp.ErrUnexpectedCommand,
	"odd-message-before-ready/c2s":      zmtp.ErrUnexpectedCommand,
	"odd-ready-truncated-metadata/c2s":  zmtp.ErrMetadata,
	"odd-socket-type-mismatch/s2c":      ErrIncompatible,
	"odd-type-mismatch-connecter/s2c":   ErrIncompatible,
}

// firstCommand returns the body of the first frame of a direction, if it has a
// greeting of NULL and a frame.
func firstCommand(v *zmtptest.Vector, d zmtptest.Direction) ([]byte, bool) {
	stream := bytes.Join(v.Octets(d), nil)
	g, err := zmtp.ParseGreeting(stream)
	if err != nil || g.Mechanism != "NULL" {
		return nil, false
	}
	f, _, err := zmtp.NewDecoder(zmtp.V31, -1).Next(stream[zmtp.GreetingSize:])
	return f.Body, err == nil
}

// settingsOf returns what a recorded side of libzmq would tell its mechanism.
func settingsOf(side zmtptest.Side) Config {
	m := properties("Socket-Type", side.Socket)
	id := append(side.Options.Texts("ROUTING_ID"), "")[0]
	if slices.Contains([]string{"REQ", "DEALER", "ROUTER"}, side.Socket) {
		m = append(m, properties("Identity", id)...)
	}
	for _, text := range side.Options.Texts("METADATA") {
		name, value, _ := bytes.Cut([]byte(text), []byte(":"))
		m = append(m, properties(string(name), string(value))...)
	}
	enforce, _ := side.Options.Number("ZAP_ENFORCE_DOMAIN")
	return Config{
		Metadata:  m,
		CheckPeer: CheckSocketType(side.Socket, peers[side.Socket]...),
		ZAP: ZAP{
			Domain:   append(side.Options.Texts("ZAP_DOMAIN"), "")[0],
			Enforce:  enforce != 0,
			Address:  "127.0.0.1",
			Identity: []byte(id),
		},
	}
}

// nullOf returns NULL as a recorded side of libzmq would have it.
func nullOf(side zmtptest.Side) Mechanism { return NewNull(settingsOf(side)) }

// reported returns what a monitor of the side heard of a failure.
func reported(side zmtptest.Side) (code zmtp.ErrorCode, status int) {
	for _, e := range side.Events {
		switch e.Name {
		case "HANDSHAKE_FAILED_PROTOCOL":
			code = zmtp.ErrorCode(e.Value)
		case "HANDSHAKE_FAILED_AUTH":
			status = int(e.Value)
		}
	}
	return code, status
}

func TestNullDoesWithRecordedPeersWhatLibzmqDid(t *testing.T) {
	vectors, err := zmtptest.LoadVectors("../../zmtp/testdata/vectors")
	if err != nil {
		t.Fatal(err)
	}
	announced, heard, failed := 0, 0, 0
	for _, v := range vectors {
		for _, d := range []zmtptest.Direction{zmtptest.ClientToServer, zmtptest.ServerToClient} {
			from, to := v.Client, v.Server
			if d == zmtptest.ServerToClient {
				from, to = to, from
			}
			command, ok := firstCommand(v, d)
			if !ok {
				continue
			}
			name := v.Name + "/" + string(d)
			if v.Scripted != d {
				announced++
				if ours := take(t, nullOf(from)); len(ours) != 1 || !bytes.Equal(ours[0], command) {
					t.Errorf("%s: we announce %q, libzmq %q", name, ours, command)
				}
			}
			if v.Scripted == d.Other() {
				continue // a script takes anything
			}
			heard++
			n := nullOf(to)
			take(t, n)
			err := n.Handle(command)
			want := failures[name]
			if want == nil {
				if err != nil || !n.Done() {
					t.Errorf("%s: got %v, done %v, want success", name, err, n.Done())
				}
				continue
			}
			failed++
			checkFailure(t, name, err, want, to)
		}
	}
	if failed != len(failures) {
		t.Errorf("%d handshakes failed, want %d", failed, len(failures))
	}
	if announced != 85 || heard != 82 {
		t.Errorf("compared %d announcements and %d peers, want 85 and 82", announced, heard)
	}
}

// checkFailure compares an error with the kind that is wanted, and with what libzmq
// reported to its monitor.
func checkFailure(t *testing.T, name string, err, want error, side zmtptest.Side) {
	t.Helper()
	code, status := reported(side)
	if got := zmtp.CodeOf(err); got != code {
		t.Errorf("%s: got code %v, libzmq has %v", name, got, code)
	}
	var refusal *RefusedError
	if !errors.As(want, &refusal) {
		if !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		return
	}
	if !errors.As(err, &refusal) || refusal.Status != status {
		t.Errorf("%s: got %v, want a refusal with status %d", name, err, status)
	}
}
