package zmq

import (
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// The loss of a connection is told to the calls that were sent over it last, and to no
// others, in whatever order they come and go.
func TestALossConcernsTheCallsThatWereSentThere(t *testing.T) {
	a, b := pipe.New(pipe.Config{Pool: new(message.Pool)})
	r := &Requester{lines: make(map[*pipe.End]*call)}
	calls := make([]*call, 6)
	for i := range calls {
		calls[i] = &call{lost: make(chan struct{}, 1)}
	}
	to := func(e *pipe.End, which ...int) {
		for _, i := range which {
			r.line(calls[i], e)
		}
	}
	leave := func(which ...int) {
		for _, i := range which {
			r.leave(calls[i])
		}
	}
	told := func(what string, want ...bool) {
		t.Helper()
		for i, c := range calls {
			select {
			case <-c.lost:
				if !want[i] {
					t.Errorf("%s: call %d is told", what, i)
				}
			default:
				if want[i] {
					t.Errorf("%s: call %d is not told", what, i)
				}
			}
		}
	}
	to(a, 0, 1, 2)
	to(b, 3, 4, 5)
	r.lost(a)
	told("one of two peers is gone", true, true, true, false, false, false)
	to(b, 1)
	leave(2, 5)
	r.lost(a)
	told("after one call went elsewhere and two have ended", true, false, false, false, false, false)
	r.lost(b)
	told("the other peer is gone", false, true, false, true, true, false)
	r.lost(b)
	to(a, 3)
	told("what was lost before does not concern who went elsewhere", false, true, false, false, true, false)
	leave(4, 0, 3, 1)
	if len(r.lines) != 0 {
		t.Errorf("%d lines are left", len(r.lines))
	}
}
