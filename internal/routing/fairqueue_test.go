package routing

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// take receives n messages and returns their bodies.
func take(f *FairQueue, n int) string {
	var all []string
	for range n {
		var m message.Message
		if e := f.Recv(&m); e == nil {
			all = append(all, "-")
		} else {
			all = append(all, string(m.Frames[0]))
		}
	}
	return strings.Join(all, " ")
}

func TestFairQueueTakesOneFromEachInTurn(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	for i := range b.pipes(3) {
		f.Add(b.ends[i])
	}
	b.deliver(0, "a1", "a2", "a3", "a4")
	b.deliver(1, "b1")
	b.deliver(2, "c1", "c2")
	b.want("messages", take(&f, 8), "a1 b1 c1 a2 c2 a3 a4 -")
	if f.Len() != 0 {
		t.Errorf("%d pipes take part and none has anything", f.Len())
	}
}

// TestFairQueueIsExact compares the shares of pipes that always have something.
func TestFairQueueIsExact(t *testing.T) {
	const pipes, rounds = 100, 50
	b := newBench(t)
	b.pool.Poison = false // it takes most of the time
	f := NewFairQueue()
	for i, e := range b.pipes(pipes) {
		f.Add(e)
		for range rounds {
			b.deliver(i, fmt.Sprint(i))
		}
	}
	var m message.Message
	for round := range rounds {
		for i := range pipes {
			if e := f.Recv(&m); e != b.ends[i] {
				t.Fatalf("round %d: the message is of %s, want %d", round, m.Frames, i)
			}
		}
	}
}

func TestFairQueueLetsAPipeComeBackLast(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	for _, e := range b.pipes(3) {
		f.Add(e)
	}
	b.deliver(1, "b1", "b2", "b3")
	b.deliver(2, "c1", "c2")
	b.want("messages", take(&f, 1), "b1")
	b.deliver(0, "a1")
	b.hub.Readable(f.Add)
	b.want("messages", take(&f, 6), "c1 b2 a1 c2 b3 -")
}

func TestFairQueueReadsADepartedPeerToItsEnd(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	f.Add(b.pipe(0))
	b.deliver(0, "1", "2")
	b.far[0].CloseWrite()
	b.want("messages", take(&f, 3), "1 2 -")
	b.hub.Readable(f.Add)
	if f.Ready() || f.Len() != 0 {
		t.Error("something is ready after the end")
	}
}

func TestFairQueueLeavesOutWhatIsRemoved(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	for _, e := range b.pipes(2) {
		f.Add(e)
	}
	b.deliver(0, "a1")
	b.deliver(1, "b1", "b2")
	f.Remove(b.ends[0])
	b.want("messages", take(&f, 3), "b1 b2 -")
}

func TestFairQueueThrowsSubscriptionsAway(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	f.Add(b.pipe(0))
	b.span(0, zmtp.FlagCommand, "\x09SUBSCRIBEx")
	b.deliver(0, "1")
	b.span(0, zmtp.FlagCommand, "\x06CANCELx")
	b.want("messages", take(&f, 2), "1 -")
}

// TestFairQueueReady proves that looking takes nothing, and that a pipe which
// was found empty is announced.
func TestFairQueueReady(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	f.Add(b.pipe(0))
	if f.Ready() {
		t.Fatal("an empty pipe is ready")
	}
	b.deliver(0, "1", "2")
	if !b.hub.HasReadable() {
		t.Fatal("a pipe that was found empty is not announced")
	}
	b.hub.Readable(f.Add)
	for _, want := range []string{"1", "2"} {
		for range 2 { // asking changes nothing
			if !f.Ready() {
				t.Fatalf("%s is not ready", want)
			}
		}
		b.want("message", take(&f, 1), want)
	}
	if f.Ready() {
		t.Error("nothing is left and something is ready")
	}
}

func TestFairQueueTurns(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	if f.Turn() != nil {
		t.Fatal("it is somebody's turn in an empty queue")
	}
	var turns []*pipe.End
	for _, e := range b.pipes(3) {
		f.Add(e)
	}
	for range 4 {
		turns = append(turns, f.Turn())
		f.Done()
	}
	b.want("turns", names(turns), "0 1 2 0")
}

func TestAllOfAFairQueueAreThoseWithMessages(t *testing.T) {
	b := newBench(t)
	f := NewFairQueue()
	for i := range b.pipes(4) {
		f.Add(b.ends[i])
	}
	b.deliver(1, "b1", "b2", "b3")
	b.deliver(3, "d1", "d2", "d3")
	take(&f, 4)
	got := ""
	f.All(func(e *pipe.End) { got += fmt.Sprintf("%s:%d ", e.ID, e.Waiting()) })
	b.want("pipes, from the one whose turn it is", got, "1:1 3:1 ")
}
