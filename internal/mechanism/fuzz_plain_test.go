package mechanism

import (
	"bytes"
	"errors"
	"testing"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// tape is the input of a target, cut into what a target asks for. What is not there
// any more is zero.
type tape []byte

func (p *tape) octet() byte {
	if len(*p) == 0 {
		return 0
	}
	b := (*p)[0]
	*p = (*p)[1:]
	return b
}

// piece is up to 255 octets, with an octet of size before.
func (p *tape) piece() []byte {
	size := min(int(p.octet()), len(*p))
	b := (*p)[:size:size]
	*p = (*p)[size:]
	return b
}

// pieces makes a tape of pieces.
func pieces(all ...string) (b []byte) {
	for _, piece := range all {
		b = append(append(b, byte(len(piece))), piece...)
	}
	return b
}

// statuses are what an authenticator may say in a target. 200 is said by most octets.
func statusOf(octet byte) int {
	switch octet {
	case 3, 4, 5:
		return int(octet) * 100
	case 9:
		return 900
	}
	return zap.StatusOK
}

// judge checks what holds for every side at all times.
type judge struct {
	t      *testing.T
	m      Mechanism
	failed error
	said   []string // names, in order
}

// noted takes the outcome of a call. It says whether the call went well.
func (j *judge) noted(err error) bool {
	j.t.Helper()
	if j.failed != nil {
		if err != j.failed {
			j.t.Fatalf("after %v: got %v", j.failed, err)
		}
		return false
	}
	if err == nil {
		return true
	}
	var breachOf *zmtp.ProtocolError
	var refused *RefusedError
	var denied *DeniedError
	if !errors.As(err, &breachOf) && !errors.As(err, &refused) && !errors.As(err, &denied) {
		j.t.Fatalf("got %T: %v", err, err)
	}
	if breachOf != nil && len(breachOf.Octets) > maxErrorOctets {
		j.t.Fatalf("an error with %d octets", len(breachOf.Octets))
	}
	j.failed = err
	return false
}

// listen calls Next until there is nothing more.
func (j *judge) listen() (last []byte) {
	j.t.Helper()
	for {
		command, ok, err := j.m.Next()
		if !ok {
			j.noted(err)
			return last
		}
		if j.failed != nil && !errors.As(j.failed, new(*DeniedError)) {
			j.t.Fatalf("said %q after %v", command, j.failed)
		}
		name := "ERROR" // in libzmq's spelling
		if !bytes.HasPrefix(command, fusedError) {
			parsed, _, err := zmtp.ParseCommand(command)
			if err != nil {
				j.t.Fatalf("said %q", command)
			}
			name = string(parsed)
		}
		last = bytes.Clone(command)
		if j.said = append(j.said, name); len(j.said) > 3 {
			j.t.Fatalf("said %q", j.said)
		}
	}
}

// end checks how things stand when all is said.
func (j *judge) end(done bool) {
	j.t.Helper()
	m := j.m
	if m.Done() != done || (m.Peer() != nil) != done || !done && m.UserID() != "" {
		j.t.Fatalf("done %v, peer %v, user %q, want done %v; failed: %v", m.Done(), m.Peer(), m.UserID(), done, j.failed)
	}
	if j.failed == nil {
		return
	}
	wantStuck(j.t, m, j.failed)
}

func FuzzPlainClient(f *testing.F) {
	welcome, ready := "\x07WELCOME", string(ready("Socket-Type", "PAIR"))
	f.Add(pieces(welcome, ready))
	f.Add(pieces(welcome, welcome))
	f.Add(pieces(ready))
	f.Add(pieces(welcome+"x", ready))
	f.Add(pieces(welcome, "\x05READY\x0bSocket-Type\x00\x00\x00\x09PAIR"))
	f.Add(pieces("\x5eRROR\x03400"))
	f.Add(pieces(welcome, "\x05ERROR\x03500"))
	f.Add(pieces("\x5eRROR\x09no", "\x05ERROR"))
	f.Add(pieces("", "\x05", "hi", "\x00abc"))

	f.Fuzz(func(t *testing.T, data []byte) {
		in := tape(data)
		j := &judge{t: t, m: NewPlainClient(config(), "admin", "secret")}
		var heard []string
		for first := true; first || len(in) > 0; first = false {
			j.listen()
			command := in.piece()
			if j.noted(j.m.Handle(bytes.Clone(command))) {
				heard = append(heard, string(command))
			}
		}
		j.listen()
		// What was taken: WELCOME, and then a READY that reads as it was written.
		done := false
		switch {
		case len(heard) == 0:
		case heard[0] != welcome || len(heard) > 2:
			t.Fatalf("took %q", heard)
		case len(heard) == 2:
			done = j.failed == nil
			if done && "\x05READY"+string(appendLoose(j.m.Peer())) != heard[1] {
				t.Fatalf("took %q for %v", heard[1], j.m.Peer())
			}
		}
		j.end(done)
	})
}

func FuzzPlainServer(f *testing.F) {
	hello, initiate := string(plainHello), string(plainInitiate)
	for _, answer := range []string{"\x00", "\x03", "\x04", "\x05", "\x09", "\x01"} {
		f.Add([]byte(answer), pieces(hello, initiate))
	}
	f.Add([]byte{0, 1}, pieces(hello, initiate))
	f.Add([]byte{}, pieces(hello, hello))
	f.Add([]byte{}, pieces(initiate))
	f.Add([]byte{}, pieces(hello+"x"))
	f.Add([]byte{}, pieces("\x05HELLO\x00\x00", "\x08INITIATE"))
	f.Add([]byte{}, pieces("\x05HELLO\xffa", "\x05hello\x00\x00", "", "\x05", "\x00abc"))

	f.Fuzz(func(t *testing.T, answer, data []byte) {
		in, says := tape(data), tape(answer)
		j := &judge{t: t, m: plainServerOf(config())}
		var heard []string
		letIn := false
		for len(in) > 0 {
			j.listen()
			if q := j.m.Question(); q != nil {
				if again := appendHello(nil, string(q.Credentials[0]), string(q.Credentials[1])); string(again) != heard[0] {
					t.Fatalf("asked about %q after %q", q.Credentials, heard)
				}
				status := statusOf(says.octet())
				reply := &zap.Reply{Status: status, UserID: "joe", Metadata: says}
				_, bad := zmtp.ParseMetadata(says)
				if j.noted(j.m.Answer(reply, nil)) != (bad == nil && status != 900) {
					t.Fatalf("answer %+v came to %v", reply, j.failed)
				}
				letIn = status == zap.StatusOK && j.failed == nil
				if j.listen(); !letIn && j.failed == nil {
					t.Fatalf("%d lets the peer in", status)
				}
			}
			command := in.piece()
			if j.noted(j.m.Handle(bytes.Clone(command))) {
				heard = append(heard, string(command))
			}
		}
		j.listen()
		done := len(heard) == 2 && letIn && j.failed == nil
		if done && (heard[1] != "\x08INITIATE"+string(appendLoose(ownOf(j.m.Peer(), says))) || j.m.UserID() != "joe") {
			t.Fatalf("took %q for %v, user %q", heard[1], j.m.Peer(), j.m.UserID())
		}
		if j.m.Question() == nil {
			j.end(done)
		}
	})
}

// ownOf returns what a peer itself said, behind what an authenticator gave it.
func ownOf(m zmtp.Metadata, granted []byte) zmtp.Metadata {
	given, _ := zmtp.ParseMetadata(granted)
	return m[len(given):]
}
