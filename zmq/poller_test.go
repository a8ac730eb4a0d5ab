package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"zeromux/zmq"
)

func newPoller(t testing.TB) *zmq.Poller {
	p := zmq.NewPoller()
	t.Cleanup(func() { closePoller(t, p) })
	return p
}

func closePoller(t testing.TB, p *zmq.Poller) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func add(t testing.TB, p *zmq.Poller, s *zmq.Socket, events zmq.PollEvents) {
	t.Helper()
	if err := p.Add(s, events, nil); err != nil {
		t.Fatal(err)
	}
}

func modify(t testing.TB, p *zmq.Poller, s *zmq.Socket, events zmq.PollEvents) {
	t.Helper()
	if err := p.Modify(s, events); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, p *zmq.Poller, s *zmq.Socket) {
	t.Helper()
	if err := p.Remove(s); err != nil {
		t.Fatal(err)
	}
}

// happening is what a poller tells of one socket or descriptor.
type happening struct {
	what   any // *zmq.Socket or int
	events zmq.PollEvents
}

// told is what a Wait that was given so much room says.
func told(t testing.TB, p *zmq.Poller, room int) []happening {
	t.Helper()
	ctx, cancel := patience()
	defer cancel()
	events := make([]zmq.PollEvent, room)
	n, err := p.Wait(ctx, events)
	if err != nil {
		t.Fatal(err)
	}
	return happenings(t, events[:n])
}

func happenings(t testing.TB, events []zmq.PollEvent) []happening {
	t.Helper()
	var list []happening
	for _, e := range events {
		if e.Socket != nil {
			list = append(list, happening{e.Socket, e.Events})
			if e.FD != -1 {
				t.Errorf("a socket has descriptor %d", e.FD)
			}
		} else {
			list = append(list, happening{e.FD, e.Events})
		}
	}
	return list
}

// wantTold waits until the poller tells of exactly this.
func wantTold(t testing.TB, p *zmq.Poller, want ...happening) {
	t.Helper()
	var got []happening
	for ctx := within(t); ctx.Err() == nil; {
		got = told(t, p, len(want)+1)
		if fmt.Sprint(got) == fmt.Sprint(want) {
			return
		}
	}
	t.Fatalf("told of %v, want %v", got, want)
}

// quiet checks that a poller has nothing to tell.
func quiet(t testing.TB, p *zmq.Poller) {
	t.Helper()
	events := make([]zmq.PollEvent, 9)
	if n, err := p.TryWait(events); n != 0 || !is(err, zmq.ErrWouldBlock) {
		t.Fatalf("told of %v, %v; want nothing", happenings(t, events[:n]), err)
	}
}

func TestPollEventsHaveNames(t *testing.T) {
	for e, want := range map[zmq.PollEvents]string{
		0: "none", zmq.PollIn: "in", zmq.PollOut | zmq.PollIn: "in|out", zmq.PollErr | zmq.PollPri | 32: "err|pri|0x20",
	} {
		if got := e.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAPollerSaysWhatIsWrong(t *testing.T) {
	c := newContext(t)
	in := func() *zmq.Socket { return newSocket(t, c, zmq.PULL, nil) }
	closed := in()
	closed.Close()
	dead := zmq.NewContext(nil)
	terminated := newSocket(t, dead, zmq.PULL, nil)
	dead.Shutdown()
	defer term(t, dead)
	endless, room := context.Background(), make([]zmq.PollEvent, 1)
	past, cancel := context.WithCancel(endless)
	cancel()
	const strange = zmq.PollEvents(16)
	for name, row := range map[string]struct {
		do   func(p *zmq.Poller) error
		want error
		no   syscall.Errno
	}{
		"no socket is added":                 {func(p *zmq.Poller) error { return p.Add(nil, zmq.PollIn, nil) }, zmq.ErrInvalid, syscall.EINVAL},
		"a socket is added twice":            {func(p *zmq.Poller) error { s := in(); add(t, p, s, 0); return p.Add(s, zmq.PollIn, nil) }, zmq.ErrInvalid, syscall.EINVAL},
		"a socket is added for other events": {func(p *zmq.Poller) error { return p.Add(in(), strange, nil) }, zmq.ErrInvalid, syscall.EINVAL},
		"a closed socket is added":           {func(p *zmq.Poller) error { return p.Add(closed, zmq.PollIn, nil) }, zmq.ErrClosed, syscall.ENOTSOCK},
		"a terminated socket is added":       {func(p *zmq.Poller) error { return p.Add(terminated, zmq.PollIn, nil) }, zmq.ErrTerminated, eterm},
		"who is not there is modified":       {func(p *zmq.Poller) error { return p.Modify(in(), zmq.PollIn) }, zmq.ErrInvalid, syscall.EINVAL},
		"nobody is modified":                 {func(p *zmq.Poller) error { return p.Modify(nil, zmq.PollIn) }, zmq.ErrInvalid, syscall.EINVAL},
		"one is modified to other events":    {func(p *zmq.Poller) error { s := in(); add(t, p, s, 0); return p.Modify(s, strange) }, zmq.ErrInvalid, syscall.EINVAL},
		"who is not there is removed":        {func(p *zmq.Poller) error { return p.Remove(in()) }, zmq.ErrInvalid, syscall.EINVAL},
		"one is removed twice":               {func(p *zmq.Poller) error { s := in(); add(t, p, s, 0); remove(t, p, s); return p.Remove(s) }, zmq.ErrInvalid, syscall.EINVAL},
		"who was removed is modified":        {func(p *zmq.Poller) error { s := in(); add(t, p, s, 0); remove(t, p, s); return p.Modify(s, 0) }, zmq.ErrInvalid, syscall.EINVAL},
		"there is no room":                   {func(p *zmq.Poller) error { add(t, p, in(), zmq.PollIn); _, err := p.Wait(endless, nil); return err }, zmq.ErrInvalid, syscall.EINVAL},
		"there is no room to try":            {func(p *zmq.Poller) error { _, err := p.TryWait(nil); return err }, zmq.ErrInvalid, syscall.EINVAL},
		"it is empty, for ever":              {func(p *zmq.Poller) error { _, err := p.Wait(endless, room); return err }, zmq.ErrEmptyPoller, syscall.EFAULT},
		"nothing is wanted of anybody":       {func(p *zmq.Poller) error { add(t, p, in(), 0); _, err := p.Wait(endless, room); return err }, zmq.ErrEmptyPoller, syscall.EFAULT},
		"the context of the call is over":    {func(p *zmq.Poller) error { _, err := p.Wait(past, room); return err }, context.Canceled, syscall.EINTR},
		"nothing is ready":                   {func(p *zmq.Poller) error { _, err := p.TryWait(room); return err }, zmq.ErrWouldBlock, syscall.EAGAIN},
		"it is closed, and added to":         {func(p *zmq.Poller) error { closePoller(t, p); return p.Add(in(), 0, nil) }, zmq.ErrPollerClosed, syscall.EFAULT},
		"it is closed, and modified":         {func(p *zmq.Poller) error { closePoller(t, p); return p.Modify(in(), 0) }, zmq.ErrPollerClosed, syscall.EFAULT},
		"it is closed, and removed from":     {func(p *zmq.Poller) error { closePoller(t, p); return p.Remove(in()) }, zmq.ErrPollerClosed, syscall.EFAULT},
		"it is closed, and waited for":       {func(p *zmq.Poller) error { closePoller(t, p); _, err := p.Wait(endless, room); return err }, net.ErrClosed, syscall.EFAULT},
		"it is closed, and tried":            {func(p *zmq.Poller) error { closePoller(t, p); _, err := p.TryWait(room); return err }, zmq.ErrPollerClosed, syscall.EFAULT},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.do(newPoller(t))
			if !is(err, row.want) || zmq.Errno(err) != row.no {
				t.Errorf("%v (%d), want %v (%d)", err, zmq.Errno(err), row.want, row.no)
			}
			var e *zmq.PollError
			if !errors.As(err, &e) {
				t.Errorf("%#v is no *PollError", err)
			}
		})
	}
}

func TestAPollerReportsInTheOrderOfRegistrationAndAgainUntilNothingIsLeft(t *testing.T) {
	c := newContext(t)
	p := newPoller(t)
	var pulls, pushes []*zmq.Socket
	for i := range 3 {
		pull, push := join(t, c, fmt.Sprint("inproc://", i), side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		pulls, pushes = append(pulls, pull), append(pushes, push)
		if err := p.Add(pull, zmq.PollIn, i); err != nil {
			t.Fatal(err)
		}
	}
	if p.Len() != 3 {
		t.Errorf("%d are in it, want 3", p.Len())
	}
	quiet(t, p)
	for _, i := range []int{2, 0, 1} {
		send(t, pushes[i], "x")
	}
	events := make([]zmq.PollEvent, 5)
	n, err := p.Wait(within(t), events)
	if n != 3 || err != nil {
		t.Fatal(n, err)
	}
	for i, e := range events[:n] {
		if e.User != i || e.Socket != pulls[i] || e.Events != zmq.PollIn {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	if got := told(t, p, 2); len(got) != 2 || got[0].what != pulls[0] || got[1].what != pulls[1] {
		t.Errorf("with room for two: %v", got)
	}
	for i, pull := range pulls {
		want(t, pull, "x")
		if i < 2 {
			wantTold(t, p, []happening{{pulls[0], 1}, {pulls[1], 1}, {pulls[2], 1}}[i+1:]...)
		}
	}
	quiet(t, p)
	remove(t, p, pulls[0])
	add(t, p, pulls[0], zmq.PollIn)
	send(t, pushes[0], "x")
	send(t, pushes[1], "x")
	wantTold(t, p, happening{pulls[1], zmq.PollIn}, happening{pulls[0], zmq.PollIn})
}

func TestEventsThatASocketCannotHaveNeverCome(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	p := newPoller(t)
	add(t, p, pull, zmq.PollOut|zmq.PollErr|zmq.PollPri)
	add(t, p, push, zmq.PollIn|zmq.PollErr)
	send(t, push, "x")
	quiet(t, p)
	modify(t, p, pull, zmq.PollIn|zmq.PollOut|zmq.PollErr|zmq.PollPri)
	wantTold(t, p, happening{pull, zmq.PollIn})
	modify(t, p, pull, 0)
	quiet(t, p)
}

func TestAPollerKnowsWhoseTurnItIs(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		rep, req := join(t, newContext(t), endpoint, side{zmq.REP, nil}, side{zmq.REQ, nil})
		p := newPoller(t)
		both := zmq.PollIn | zmq.PollOut
		add(t, p, rep, both)
		add(t, p, req, both)
		for range 3 {
			wantTold(t, p, happening{req, zmq.PollOut})
			send(t, req, "question")
			wantTold(t, p, happening{rep, zmq.PollIn})
			want(t, rep, "question")
			wantTold(t, p, happening{rep, zmq.PollOut})
			send(t, rep, "answer")
			wantTold(t, p, happening{req, zmq.PollIn})
			want(t, req, "answer")
		}
	})
}

// A turn that somebody else ends wakes who waits.
func TestAPollerHearsWhenItBecomesTheTurnOfASocket(t *testing.T) {
	rep, req := join(t, newContext(t), "inproc://a", side{zmq.REP, nil}, side{zmq.REQ, nil})
	for range 200 {
		requests, replies := newPoller(t), newPoller(t)
		add(t, requests, req, zmq.PollIn)
		add(t, replies, rep, zmq.PollOut)
		quiet(t, requests)
		quiet(t, replies)
		done := make(chan bool)
		go func() {
			send(t, req, "question")
			want(t, rep, "question")
			close(done)
		}()
		wantTold(t, replies, happening{rep, zmq.PollOut})
		<-done
		go func() { send(t, rep, "answer") }()
		wantTold(t, requests, happening{req, zmq.PollIn})
		want(t, req, "answer")
		closePoller(t, requests)
		closePoller(t, replies)
	}
}

func TestAPollerKnowsTheHighWaterMark(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		pull, push := join(t, newContext(t), endpoint, side{zmq.PULL, marks(10, 10)}, side{zmq.PUSH, marks(10, 10)})
		p := newPoller(t)
		add(t, p, push, zmq.PollOut)
		wantTold(t, p, happening{push, zmq.PollOut})
		sent, large := 0, zmq.NewMessage(make([]byte, 100<<10)) // of which the system's buffers do not take many
		for {
			err := push.TrySend(large)
			if is(err, zmq.ErrWouldBlock) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			sent++
		}
		if strings.HasPrefix(endpoint, "inproc:") { // of a connection the system may have taken some meanwhile
			quiet(t, p)
		}
		done := make(chan bool)
		go func() {
			for range sent {
				recv(t, pull)
			}
			close(done)
		}()
		wantTold(t, p, happening{push, zmq.PollOut})
		<-done
	})
}

func TestASocketWithoutAPeerBecomesReadyWhenOneComes(t *testing.T) {
	over(t, unbound, func(t *testing.T, endpoint string) {
		c := newContext(t)
		p := newPoller(t)
		push := newSocket(t, c, zmq.PUSH, nil)
		add(t, p, push, zmq.PollOut)
		quiet(t, p)
		told := make(chan bool)
		go func() {
			wantTold(t, p, happening{push, zmq.PollOut})
			close(told)
		}()
		pull := newSocket(t, c, zmq.PULL, nil)
		bind(t, push, endpoint)
		connect(t, pull, endpoint)
		<-told
	})
}

func TestAnOptionMayMakeASocketReady(t *testing.T) {
	c := newContext(t)
	router := newSocket(t, c, zmq.ROUTER, &zmq.Config{Router: zmq.Router{Mandatory: true}})
	p := newPoller(t)
	add(t, p, router, zmq.PollOut)
	quiet(t, p)
	done := make(chan error)
	go func() { done <- router.Configure(func(c *zmq.Config) { c.Router.Mandatory = false }) }()
	wantTold(t, p, happening{router, zmq.PollOut})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAPublisherHearsOfSubscriptionsInAPoller(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		xpub, sub := join(t, newContext(t), endpoint, side{zmq.XPUB, nil}, side{zmq.SUB, nil})
		p := newPoller(t)
		add(t, p, xpub, zmq.PollIn)
		add(t, p, sub, zmq.PollIn)
		quiet(t, p)
		if err := sub.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		wantTold(t, p, happening{xpub, zmq.PollIn})
		want(t, xpub, "\x01a")
		send(t, xpub, "b")
		send(t, xpub, "abc")
		wantTold(t, p, happening{sub, zmq.PollIn})
		want(t, sub, "abc")
		quiet(t, p)
	})
}

func TestOneSocketMayBeInSeveralPollers(t *testing.T) {
	over(t, endpoints, func(t *testing.T, endpoint string) {
		pull, push := join(t, newContext(t), endpoint, side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		const pollers = 3
		told := make(chan bool)
		var all []*zmq.Poller
		for range pollers {
			p := newPoller(t)
			all = append(all, p)
			add(t, p, pull, zmq.PollIn)
			go func() {
				wantTold(t, p, happening{pull, zmq.PollIn})
				told <- true
			}()
		}
		send(t, push, "x")
		for range pollers {
			<-told
		}
		want(t, pull, "x")
		for _, p := range all {
			quiet(t, p)
		}
	})
}

func TestTryWaitDoesNotWaitForAWaitUnderWay(t *testing.T) {
	pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	p := newPoller(t)
	add(t, p, pull, zmq.PollIn)
	done := make(chan bool)
	for range 2 {
		go func() {
			wantTold(t, p, happening{pull, zmq.PollIn})
			done <- true
		}()
	}
	for range 200 {
		quiet(t, p)
	}
	send(t, push, "x")
	<-done
	<-done
}

func TestAChangeCountsForAWaitUnderWay(t *testing.T) {
	c := newContext(t)
	pull, push := join(t, c, "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	send(t, push, "x")
	for name, change := range map[string]func(p *zmq.Poller) error{
		"added":    func(p *zmq.Poller) error { return p.Add(pull, zmq.PollIn, nil) },
		"modified": func(p *zmq.Poller) error { return p.Modify(pull, zmq.PollIn) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				p := newPoller(t)
				if name == "modified" {
					add(t, p, pull, 0)
				}
				told := make(chan bool)
				go func() {
					wantTold(t, p, happening{pull, zmq.PollIn})
					close(told)
				}()
				if err := change(p); err != nil {
					t.Fatal(err)
				}
				<-told
				closePoller(t, p)
			}
		})
	}
}

func TestWaitingBesideAThousandIdleSocketsAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	step := besideIdle(t, 1000)
	ctx := context.Background()
	step(ctx)
	if n := testing.AllocsPerRun(1000, func() { step(ctx) }); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

// Nor does a server that polls: it writes its replies itself, as one does that waits
// in Recv.
func TestAReplierThatPollsAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	over(t, endpoints, func(t *testing.T, endpoint string) {
		rep, req := join(t, newContext(t), endpoint, side{zmq.REP, nil}, side{zmq.REQ, nil})
		p := newPoller(t)
		add(t, p, rep, zmq.PollIn)
		ctx := context.Background()
		events := make([]zmq.PollEvent, 1)
		body := make([]byte, 64)
		var m zmq.Message
		step := func() {
			if err := req.SendBytes(ctx, body); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Wait(ctx, events); err != nil {
				t.Fatal(err)
			}
			if err := rep.RecvInto(ctx, &m); err != nil {
				t.Fatal(err)
			}
			if err := rep.SendBytes(ctx, m.Frames[0]); err != nil {
				t.Fatal(err)
			}
			if err := req.RecvInto(ctx, &m); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if n := testing.AllocsPerRun(500, step); n != 0 {
			t.Errorf("%v allocations a round trip", n)
		}
	})
}

// A registration that is taken back leaves nothing, though nobody has waited meanwhile
// and its socket comes late, and word of the others is kept.
func TestRegistrationsThatComeAndGoLeaveNothing(t *testing.T) {
	c := newContext(t)
	p := newPoller(t)
	var ready [3]*zmq.Socket
	for i := range ready {
		ready[i] = newSocket(t, c, zmq.PUB, nil)
		add(t, p, ready[i], zmq.PollOut)
	}
	for range 100 {
		zmq.RemoveAndTell(t, p, ready[1])
		add(t, p, ready[1], zmq.PollOut)
	}
	if n := zmq.Marked(p); n != len(ready) {
		t.Errorf("there is word of %d registrations, want %d", n, len(ready))
	}
	remove(t, p, ready[1])
	wantTold(t, p, happening{ready[0], zmq.PollOut}, happening{ready[2], zmq.PollOut})
}
