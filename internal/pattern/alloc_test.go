package pattern

import (
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// A talker sends and receives as a socket does, and uses its memory again.
type talker struct {
	*rig
	out, in message.Message
}

func newTalker(t *testing.T, typ Type, frames ...string) *talker {
	r := newRig(t, typ, func(o *Options) { o.StreamSilent = true })
	// Nothing must be counted here that the pattern does not need itself.
	r.env.Dropped = func(Cause, *pipe.End) {}
	talker := &talker{rig: r}
	for _, f := range frames {
		talker.out.Frames = append(talker.out.Frames, []byte(f))
	}
	return talker
}

func (r *talker) sends() {
	r.hub.Writable(r.Pattern.Writable)
	err := r.Pattern.Send(&r.out)
	later := r.hub.Later()
	later.Now()
	if later.Many() {
		r.hub.Reuse(later)
	}
	if err != nil {
		r.t.Fatalf("%s: Send: %v", r.row.Name, err)
	}
}

func (r *talker) receives() {
	r.hub.Readable(r.Pattern.Readable)
	if _, err := r.Pattern.Recv(&r.in); err != nil {
		r.t.Fatalf("%s: Recv: %v", r.row.Name, err)
	}
}

func TestSendAndRecvAllocateNothing(t *testing.T) {
	one := func(a, b Type) func(*testing.T) func() {
		return func(t *testing.T) func() {
			from, to := newTalker(t, a, "hello", "world"), newTalker(t, b)
			join(t, from.rig, to.rig)
			return func() { from.sends(); to.receives() }
		}
	}
	cases := []struct {
		name string
		make func(*testing.T) func()
	}{
		{"PUSH to PULL", one(PUSH, PULL)},
		{"PAIR to PAIR", one(PAIR, PAIR)},
		{"DEALER to DEALER", one(DEALER, DEALER)},
		{"DEALER to ROUTER", one(DEALER, ROUTER)},
		{"XSUB to XPUB", one(XSUB, XPUB)},
		{"XPUB to XSUB", func(t *testing.T) func() {
			from, to := newTalker(t, XPUB, "hello", "world"), newTalker(t, XSUB)
			join(t, from.rig, to.rig)
			to.wantSend(nil, "\x01")
			return func() { from.sends(); to.receives() }
		}},
		{"PUSH to three PULLs and back to the first", func(t *testing.T) func() {
			from := newTalker(t, PUSH, "hello")
			var to []*talker
			for range 3 {
				to = append(to, newTalker(t, PULL))
				join(t, from.rig, to[len(to)-1].rig)
			}
			return func() {
				for _, r := range to {
					from.sends()
					r.receives()
				}
			}
		}},
		{"PUB to three SUBs and one that wants nothing", func(t *testing.T) func() {
			from := newTalker(t, PUB, "hello", "world")
			var to []*talker
			for range 4 {
				s := newTalker(t, SUB)
				join(t, from.rig, s.rig)
				if len(to) < 3 {
					s.Pattern.(Subscriber).Subscribe([]byte("he"))
					s.after()
				}
				to = append(to, s)
			}
			return func() {
				from.sends()
				for _, r := range to[:3] {
					r.receives()
				}
			}
		}},
		{"ROUTER to DEALER", func(t *testing.T) func() {
			from, to := newTalker(t, ROUTER, "", "hello"), newTalker(t, DEALER)
			join(t, from.rig, to.rig)
			from.out.Frames[0] = from.peers[0].end.ID
			return func() { from.sends(); to.receives() }
		}},
		{"REQ to REP and back", func(t *testing.T) func() {
			from, to := newTalker(t, REQ, "hello"), newTalker(t, REP, "world")
			from.opts.ReqCorrelate = true
			join(t, from.rig, to.rig)
			return func() { from.sends(); to.receives(); to.sends(); from.receives() }
		}},
		{"STREAM to STREAM", func(t *testing.T) func() {
			from, to := newTalker(t, STREAM, "", "hello"), newTalker(t, STREAM)
			join(t, from.rig, to.rig)
			from.out.Frames[0] = from.peers[0].end.ID
			return func() { from.sends(); to.receives() }
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			do := c.make(t)
			for range 100 {
				do()
			}
			if n := testing.AllocsPerRun(200, do); n > 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
