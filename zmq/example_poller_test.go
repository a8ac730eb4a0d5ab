package zmq_test

import (
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// One goroutine waits for several sockets.
func ExamplePoller() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	p := zmq.NewPoller()
	defer p.Close()
	for i, name := range []string{"inproc://tasks", "inproc://control"} {
		pull := must(zctx.NewSocket(zmq.PULL, nil))
		must(pull.Bind(name))
		check(p.Add(pull, zmq.PollIn, name))
		push := must(zctx.NewSocket(zmq.PUSH, nil))
		check(push.Connect(name))
		check(push.SendString(ctx, fmt.Sprint("message ", i+1)))
	}
	ready := make([]zmq.PollEvent, 8)
	for left := 2; left > 0; {
		n := must(p.Wait(ctx, ready))
		for _, e := range ready[:n] {
			fmt.Println(e.User, "has", must(e.Socket.TryRecv()))
			left--
		}
	}
	// Output:
	// inproc://tasks has message 1
	// inproc://control has message 2
}

// Poll is for who waits once.
func ExamplePoll() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pull := must(zctx.NewSocket(zmq.PULL, nil))
	must(pull.Bind("inproc://tasks"))
	push := must(zctx.NewSocket(zmq.PUSH, nil))
	check(push.Connect("inproc://tasks"))
	items := []zmq.PollItem{{Socket: pull, Events: zmq.PollIn}, {Socket: push, Events: zmq.PollIn | zmq.PollOut}}
	fmt.Println(must(zmq.Poll(ctx, items)), items[0].Ready, items[1].Ready)
	check(push.SendString(ctx, "x"))
	fmt.Println(must(zmq.Poll(ctx, items)), items[0].Ready, items[1].Ready)
	// Output:
	// 1 none out
	// 2 in out
}

// A timer asks, a handler answers, and the reply ends the loop.
func ExampleReactor() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	rep := must(zctx.NewSocket(zmq.REP, nil))
	must(rep.Bind("inproc://service"))
	req := must(zctx.NewSocket(zmq.REQ, nil))
	check(req.Connect("inproc://service"))

	r := zmq.NewReactor()
	defer r.Close()
	must(r.After(10*time.Millisecond, func(zmq.TimerID) error { return req.SendString(ctx, "how are you?") }))
	check(r.Handle(rep, zmq.PollIn, func(e zmq.PollEvent) error {
		fmt.Println("asked:", must(e.Socket.TryRecv()))
		return e.Socket.SendString(ctx, "fine")
	}))
	check(r.Handle(req, zmq.PollIn, func(e zmq.PollEvent) error {
		fmt.Println("answered:", must(e.Socket.TryRecv()))
		return errors.Join(r.Remove(e.Socket), zmq.ErrStop)
	}))
	check(r.Run(ctx))
	// Output:
	// asked: how are you?
	// answered: fine
}

// Functions are called by who executes them, here every other second of a clock of our
// own.
func ExampleTimers() {
	clock := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	timers := zmq.Timers{Now: func() time.Time { return clock }}
	must(timers.Add(2*time.Second, func(zmq.TimerID) error {
		fmt.Println(clock.Format(time.TimeOnly))
		return nil
	}))
	for range 3 {
		d, _ := timers.Timeout()
		clock = clock.Add(d)
		must(timers.Execute())
	}
	// Output:
	// 00:00:02
	// 00:00:04
	// 00:00:06
}
