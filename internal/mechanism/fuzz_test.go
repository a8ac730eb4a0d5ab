package mechanism

import (
	"bytes"
	"errors"
	"testing"

	"zeromux/zmtp"
)

// FuzzNull feeds a side of NULL with a sequence of commands: an octet of length
// before each; a length of zero stands for a call of Next.
func FuzzNull(f *testing.F) {
	sequence := func(commands ...[]byte) []byte {
		var b []byte
		for _, c := range commands {
			b = append(append(b, byte(len(c))), c...)
		}
		return b
	}
	next := []byte{}
	pull := ready("Socket-Type", "PULL")
	f.Add(sequence(next, pull))
	f.Add(sequence(pull, next))
	f.Add(sequence(pull, pull, next))
	f.Add(sequence(next, ready("Socket-Type", "REP")))
	f.Add(sequence(next, ready("socket-type", "REP", "Identity", "\x00x", "X-a", "")))
	f.Add(sequence(next, zmtp.AppendError(nil, "400")))
	f.Add(sequence(zmtp.AppendError(nil, "400"), next, pull))
	f.Add(sequence(next, []byte("\x05READY\x0bSocket-Type\x00\x00\x00\x09PULL")))
	f.Add(sequence(next, []byte("\x05ERROR\x09no")))
	f.Add(sequence([]byte("hi"), next))

	f.Fuzz(func(t *testing.T, data []byte) {
		n := NewNull(Config{
			Metadata:  properties("Socket-Type", "PUSH"),
			CheckPeer: CheckSocketType("PUSH", "PULL"),
		})
		var sent int
		var heard []byte // the one command that was taken
		var failed error
		for len(data) > 0 {
			size := min(int(data[0]), len(data)-1)
			command := data[1 : 1+size]
			data = data[1+size:]
			if size == 0 {
				if _, ok, err := n.Next(); ok {
					sent++
				} else if err != failed {
					t.Fatalf("Next: got %v, want %v", err, failed)
				}
				continue
			}
			err := n.Handle(bytes.Clone(command))
			var breach *zmtp.ProtocolError
			var refusal *RefusedError
			switch {
			case failed != nil:
				if err != failed {
					t.Fatalf("after an error: got %v, want %v", err, failed)
				}
			case err == nil && heard != nil:
				t.Fatalf("took %q after %q", command, heard)
			case err == nil:
				heard = command
			case !errors.As(err, &breach) && !errors.As(err, &refusal):
				t.Fatalf("got %T, want a breach or a refusal", err)
			}
			failed = err
		}
		if sent > 1 {
			t.Fatalf("%d READYs were sent", sent)
		}
		isReady := bytes.HasPrefix(heard, []byte("\x05READY"))
		if want := sent == 1 && isReady && failed == nil; n.Done() != want {
			t.Fatalf("done: got %v, want %v", n.Done(), want)
		}
		if n.Done() != (n.Peer() != nil) {
			t.Fatalf("done %v with peer %v", n.Done(), n.Peer())
		}
		if !n.Done() {
			return
		}
		if again := append([]byte("\x05READY"), appendLoose(n.Peer())...); !bytes.Equal(again, heard) {
			t.Fatalf("peer written again: %q, was %q", again, heard)
		}
	})
}

// appendLoose is zmtp.AppendMetadata for names that a peer may send though nobody
// should: empty ones.
func appendLoose(m zmtp.Metadata) []byte {
	var b []byte
	for _, p := range m {
		if p.Name != "" {
			b = zmtp.AppendProperty(b, p.Name, p.Value)
			continue
		}
		b = append(b, 0)
		b = append(b, zmtp.AppendProperty(nil, "x", p.Value)[2:]...)
	}
	return b
}
