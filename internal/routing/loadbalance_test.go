package routing

import (
	"fmt"
	"testing"

	"zeromux/internal/pipe"
)

// give sends n messages and returns where they went.
func give(l *LoadBalance, n int) string {
	var to []*pipe.End
	for i := range n {
		to = append(to, l.Send(data(fmt.Sprint(i))))
	}
	return names(to)
}

func TestLoadBalanceSendsToEachInTurn(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	b.want("nobody", give(&l, 1), "-")
	for _, e := range b.pipes(3) {
		l.Add(e)
	}
	b.want("receivers", give(&l, 7), "0 1 2 0 1 2 0")
	b.want("of the first", fmt.Sprint(b.gets(0)), "[0 3 6]")
}

func TestLoadBalanceLeavesOutWhoIsFull(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	for _, mark := range []int{2, 1, 3} {
		l.Add(b.pipe(mark))
	}
	b.want("receivers", give(&l, 7), "0 1 2 0 2 2 -")
	if l.Next() != nil || l.Len() != 0 {
		t.Error("somebody has room")
	}
	b.gets(2)
	b.hub.Writable(l.Add)
	b.gets(0)
	b.hub.Writable(l.Add)
	b.want("after they have read", give(&l, 6), "2 0 2 0 2 -")
}

func TestLoadBalanceLeavesOutWhoIsGone(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	for _, e := range b.pipes(3) {
		l.Add(e)
	}
	b.far[1].CloseRead()
	b.want("receivers", give(&l, 3), "0 2 0")
	l.Remove(b.ends[2])
	b.want("receivers", give(&l, 2), "0 0")
	b.far[0].CloseRead()
	if l.Next() != nil {
		t.Error("the next is one that is gone")
	}
}

// TestLoadBalanceNext proves that looking moves nothing on, and that a pipe which
// was found full is announced.
func TestLoadBalanceNext(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	l.Add(b.pipe(1))
	l.Add(b.pipe(1))
	for range 3 {
		if e := l.Next(); e != b.ends[0] {
			t.Fatalf("the next is %s", names([]*pipe.End{e}))
		}
	}
	b.ends[0].Write(data("x"))
	l.Done()
	b.want("receivers", give(&l, 1), "1")
	if l.Next() != nil {
		t.Fatal("somebody has room")
	}
	b.gets(0)
	if !b.hub.HasWritable() {
		t.Fatal("a pipe that was found full is not announced")
	}
	b.hub.Writable(l.Add)
	if l.Next() != b.ends[0] {
		t.Error("the next is not the one with room")
	}
}

// TestLoadBalanceChoosesInConstantTime counts how many pipes are looked at: with
// all but one full, a message asks one pipe.
func TestLoadBalanceChoosesInConstantTime(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	for range 200 {
		l.Add(b.pipe(1))
	}
	open := b.pipe(0)
	l.Add(open)
	for range 201 {
		l.Send(data("fill"))
	}
	l.Send(data("find out who is full"))
	if l.Len() != 1 {
		t.Fatalf("%d pipes take part", l.Len())
	}
	if e := l.Send(data("x")); e != open {
		t.Error("the one with room is not found")
	}
}

func TestLoadBalanceSolo(t *testing.T) {
	b := newBench(t)
	l := NewLoadBalance()
	solo := func(want string) {
		t.Helper()
		b.want("the only pipe", names([]*pipe.End{l.Solo()}), want)
	}
	solo("-")
	l.Join(b.pipe(1))
	solo("0")
	l.Join(b.pipe(1))
	solo("-")
	l.Leave(b.ends[0])
	solo("1")
	give(&l, 2)
	solo("1") // it is full, and still the only one
	l.Join(b.pipe(1))
	solo("-")
	l.Leave(b.ends[2])
	solo("-") // not known: the one that is left has no room
	b.gets(1)
	b.hub.Writable(l.Add)
	solo("1")
	l.Leave(b.ends[1])
	solo("-")
}
