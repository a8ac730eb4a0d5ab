package routing

import (
	"math/rand/v2"
	"slices"
	"testing"

	"zeromux/internal/pipe"
)

// order lists a ring from the one whose turn it is, and holds it to its shape.
func order(t *testing.T, r *ring) (all []*pipe.End) {
	t.Helper()
	e := r.at
	for range r.size {
		all = append(all, e)
		if r.place(r.place(e).Next).Prev != e {
			t.Fatal("the way back is not the way there")
		}
		e = r.place(e).Next
	}
	if e != r.at || (r.size == 0) != (r.at == nil) {
		t.Fatalf("a ring of %d does not close", r.size)
	}
	return all
}

// TestRingAgreesWithAList makes the same random moves on a ring and on a list
// whose first element has the turn.
func TestRingAgreesWithAList(t *testing.T) {
	ends := newBench(t).pipes(6)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := ring{}
		var list []*pipe.End
		for range 500 {
			e := ends[random.IntN(len(ends))]
			at := slices.Index(list, e)
			switch random.IntN(3) {
			case 0:
				r.join(e)
				if at < 0 {
					list = append(list, e)
				}
			case 1:
				r.leave(e)
				if at >= 0 {
					list = slices.Delete(list, at, at+1)
				}
			default:
				if r.at != nil {
					r.step()
					list = append(list[1:], list[0])
				}
			}
			if got := order(t, &r); !slices.Equal(got, list) {
				t.Fatalf("the ring is %s, want %s", names(got), names(list))
			}
		}
		for _, e := range ends {
			r.leave(e)
			if e.SendRing.Next != nil || e.SendRing.Prev != nil {
				t.Fatal("an end that has left keeps its neighbours")
			}
		}
	}
}

func TestTheTwoPlacesOfAnEndAreApart(t *testing.T) {
	ends := newBench(t).pipes(3)
	send, recv := ring{}, ring{recv: true}
	for _, e := range ends {
		send.join(e)
	}
	recv.join(ends[2])
	recv.join(ends[0])
	send.leave(ends[0])
	if got := names(order(t, &send)); got != "1 2" {
		t.Errorf("senders are %s", got)
	}
	if got := names(order(t, &recv)); got != "2 0" {
		t.Errorf("receivers are %s", got)
	}
}

func TestRosterListsAllInTheOrderOfJoining(t *testing.T) {
	ends := newBench(t).pipes(4)
	r := NewRoster()
	list := func() (all []*pipe.End) {
		r.All(func(e *pipe.End) { all = append(all, e) })
		return all
	}
	if got := list(); got != nil {
		t.Errorf("an empty roster lists %s", names(got))
	}
	for _, e := range ends {
		r.Add(e)
		r.Add(e)
	}
	r.Remove(ends[1])
	r.Remove(ends[1])
	r.Add(ends[1])
	if got := names(list()); got != "0 2 3 1" || r.Len() != 4 {
		t.Errorf("the roster lists %s, %d in all", got, r.Len())
	}
}
