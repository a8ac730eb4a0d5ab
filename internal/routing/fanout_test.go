package routing

import (
	"fmt"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

func TestFanOutWritesTheSameToAll(t *testing.T) {
	large := strings.Repeat("x", message.LargeFrame)
	cases := []struct {
		name   string
		frames []string
	}{
		{"one small frame", []string{"hello"}},
		{"an empty frame", []string{""}},
		{"several frames", []string{"topic", "", "body"}},
		{"a large frame", []string{large}},
		{"small and large frames", []string{"topic", large, "between", large + "y", ""}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			f := FanOut{Pool: &b.pool}
			b.pipes(3)
			for range 2 { // the encoding is used again
				f.Begin(data(c.frames...))
				for _, e := range b.ends {
					if st := f.Write(e); st != pipe.OK {
						t.Fatalf("Write = %d", st)
					}
				}
				f.End()
			}
			whole := strings.Join(c.frames, "|")
			for i := range b.ends {
				if got := b.gets(i); len(got) != 2 || got[0] != whole || got[1] != whole {
					t.Errorf("pipe %d gets %.80q", i, got)
				}
			}
		})
	}
}

func TestFanOutLeavesOutWhoHasNoRoomOrIsGone(t *testing.T) {
	b := newBench(t)
	f := FanOut{Pool: &b.pool}
	b.pipe(1)
	b.pipe(0)
	b.pipe(0)
	b.far[2].CloseRead()
	for _, want := range []string{"[0 0 3]", "[1 0 3]"} {
		f.Begin(data("x"))
		var got []pipe.Status
		for _, e := range b.ends {
			got = append(got, f.Write(e))
		}
		f.End()
		b.want("statuses", fmt.Sprint(got), want)
	}
}

func TestFanOutOfNothingTakesNoMemory(t *testing.T) {
	b := newBench(t)
	f := FanOut{Pool: &b.pool}
	m := data("x")
	if n := testing.AllocsPerRun(100, func() { f.Begin(m); f.End() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestFanOutSharesLargeBodies proves that a large body is in memory once, however
// many get it, and is let go when the last has read it.
func TestFanOutSharesLargeBodies(t *testing.T) {
	b := newBench(t)
	f := FanOut{Pool: &b.pool}
	b.pipes(3)
	large := strings.Repeat("x", message.LargeFrame)
	f.Begin(data("topic", large))
	for _, e := range b.ends {
		f.Write(e)
	}
	f.End()
	var bodies []*byte
	for _, o := range b.out {
		o.Take()
		w := o.Walk()
		w.Next()
		body, _ := w.Next()
		if string(body.Body) != large {
			t.Fatal("the body has changed")
		}
		bodies = append(bodies, &body.Body[0])
	}
	if bodies[0] != bodies[1] || bodies[1] != bodies[2] {
		t.Error("the body was copied")
	}
	for i := range b.out {
		if *bodies[2] != 'x' {
			t.Fatalf("the body is gone after %d of 3 have let it go", i)
		}
		b.out[i].Drop()
	}
	if *bodies[2] == 'x' {
		t.Error("nobody holds the body and it is not recycled")
	}
}

// TestFanOutOfOwnedMemory proves that memory which the application lent is
// shared by all and given back once, after the last.
func TestFanOutOfOwnedMemory(t *testing.T) {
	b := newBench(t)
	f := FanOut{Pool: &b.pool}
	b.pipes(2)
	released := 0
	m := data("topic", strings.Repeat("x", message.LargeFrame))
	m.Owned = message.NewOwner(func() { released++ })
	f.Begin(m)
	for _, e := range b.ends {
		f.Write(e)
	}
	f.End()
	m.Owned.Release()
	for i := range b.ends {
		if released != 0 {
			t.Fatalf("released after %d of 2", i)
		}
		if got := b.gets(i); len(got) != 1 || len(got[0]) != len("topic|")+message.LargeFrame {
			t.Errorf("pipe %d gets %.80q", i, got)
		}
	}
	if released != 1 {
		t.Errorf("released %d times", released)
	}
}
