package pipe

import (
	"testing"

	"zeromux/internal/message"
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
