package pipe

import (
	"testing"

	"zeromux/internal/message"
	"zeromux/zmtp"
)

// A reader may give one message away and only borrow the next, though both lie
// in the same block.
func TestHoldAfterKeep(t *testing.T) {
	var pool message.Pool
	pool.Poison = true
	var hub Hub
	a, b := New(Config{Pool: &pool})
	a.Join(&hub)
	b.Join(&hub)
	for _, s := range []string{"given away", "borrowed", "next"} {
		a.Write(&message.Message{Frames: [][]byte{[]byte(s)}})
	}
	var first, second message.Message
	b.Read(&first)
	b.Keep()
	b.Read(&second)
	held := b.Hold(nil)
	var third message.Message
	b.Read(&third)
	b.CloseRead()
	a.CloseWrite()
	if string(first.Frames[0]) != "given away" || string(second.Frames[0]) != "borrowed" {
		t.Errorf("the messages are %q and %q", first.Frames[0], second.Frames[0])
	}
	for _, c := range held {
		c.Release()
	}
}

// What lies in a block that was given away with an earlier message is not lent.
func TestLendAfterKeep(t *testing.T) {
	near, far := New(Config{Pool: new(message.Pool)})
	near.Join(new(Hub))
	large := make([]byte, message.LargeFrame)
	block := zmtp.AppendFrame(zmtp.AppendFrame(nil, 0, []byte("given away")), 0, large)
	far.Deliver([]Span{NewSpan(&message.Chunk{B: block}, 0, len(block), 2, nil)}, 2)
	var m message.Message
	near.Read(&m)
	near.Keep()
	if st := near.Read(&m); st != OK || len(m.Frames[0]) != len(large) {
		t.Fatalf("%v, %d frames", st, len(m.Frames))
	}
	if c, _ := near.Lend(m.Frames[0]); c != nil {
		t.Error("it is lent")
	}
	near.CloseRead()
	far.CloseRead()
}

// A neighbour may introduce himself when messages of his are being read already.
func TestAPeerThatComesLateIsTold(t *testing.T) {
	r := newRig(t, Config{})
	for range 4 {
		r.write(r.near, r.data(5))
	}
	var m message.Message
	if r.far.Read(&m); m.Peer != nil {
		t.Fatal("somebody is told before he came")
	}
	if _, _, ok := r.far.ReadShort(); ok {
		t.Error("a message is read the short way though nobody knows who sent it")
	}
	late := &message.Peer{Address: "late"}
	r.far.Peer = late
	if r.far.Read(&m); m.Peer != late {
		t.Errorf("the second message is from %v", m.Peer)
	}
	if _, peer, ok := r.far.ReadShort(); !ok || peer != late {
		t.Errorf("the third message is from %v, read the short way: %v", peer, ok)
	}
	r.far.CloseRead()
	r.near.CloseRead()
	r.done()
}

// The far end of a pipe is given to a socket while the near one is in use.
func TestJoinWhileTheOtherEndWrites(t *testing.T) {
	for range 50 {
		var pool message.Pool
		near, far := New(Config{Pool: &pool, SendMark: 4, SendMarkPeer: -1})
		near.Join(new(Hub))
		begun, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for i := range 200 {
				if near.WriteBody(make([]byte, 300)) == Closed {
					return
				}
				if i == 4 {
					close(begun)
				}
			}
		}()
		<-begun
		far.Join(new(Hub))
		<-done
		far.CloseRead()
		near.CloseRead()
	}
}
