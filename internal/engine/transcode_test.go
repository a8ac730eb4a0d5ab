package engine

import (
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// What a connection to an older peer needs while nothing waits does not depend on
// what it has carried.
func TestARecoderLetsALargeMessageGo(t *testing.T) {
	for _, test := range []struct {
		name           string
		messages, size int
	}{
		{"a large message", 1, 1 << 20},
		{"a message of the size of a chunk", 1, message.LargeChunk},
		{"ordinary messages", 500, 1000},
		{"very many short ones", 50_000, 1},
		{"a question at a time", 1, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			pool := new(message.Pool)
			app, carried := pipe.New(pipe.Config{Pool: pool, SendMarkPeer: -1})
			app.Join(new(pipe.Hub))
			carried.Carry(new(Session))
			r := &recoder{out: pipe.NewOutgoing(carried), pool: pool, frame: frameV1}
			m := &message.Message{Frames: [][]byte{make([]byte, test.size)}}
			for range 2 { // the second time as the first
				for range test.messages {
					if st := app.Write(m); st != pipe.OK {
						t.Fatalf("not written: %v", st)
					}
				}
				octets := 0
				for {
					b, st := r.next(nil)
					if st != pipe.OK {
						break
					}
					octets += len(b[0])
					r.written(len(b[0]))
				}
				if octets < test.messages*test.size {
					t.Errorf("%d octets went out", octets)
				}
				if !r.between() || !app.Drained() {
					t.Error("something still waits")
				}
			}
			if r.chunk != nil || r.b != nil {
				t.Errorf("%d octets are kept", cap(r.b))
			}
			if kept := cap(r.ends) * 16; kept > message.LargeChunk {
				t.Errorf("%d octets are kept of where messages end", kept)
			}
		})
	}
}
