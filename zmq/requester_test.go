package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// requester makes a Requester, whose DEALER connects to endpoints.
func requester(t testing.TB, c *zmq.Context, retry zmq.Retry, endpoints ...string) (*zmq.Requester, *zmq.Socket) {
	t.Helper()
	dealer := newSocket(t, c, zmq.DEALER, &zmq.Config{Linger: zmq.NoLinger})
	for _, e := range endpoints {
		connect(t, dealer, e)
	}
	r, err := zmq.NewRequester(dealer, retry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, dealer
}

// asked is a Do under way.
type asked struct {
	t     testing.TB
	reply chan zmq.Message
	err   chan error
}

func ask(ctx context.Context, t testing.TB, r *zmq.Requester, question string) *asked {
	a := &asked{t, make(chan zmq.Message, 1), make(chan error, 1)}
	go func() {
		m, err := r.Do(ctx, zmq.NewStringMessage(question))
		a.reply <- m
		a.err <- err
	}()
	return a
}

func (a *asked) want(answer string) {
	a.t.Helper()
	if m, err := <-a.reply, <-a.err; err != nil || m.String() != answer {
		a.t.Fatalf("the answer is %q, %v, want %q", m, err, answer)
	}
}

func (a *asked) fails(want error) {
	a.t.Helper()
	if m, err := <-a.reply, <-a.err; !is(err, want) || len(m.Frames) != 0 {
		a.t.Fatalf("the answer is %q, %v, want %v", m, err, want)
	}
}

// Many goroutines ask many servers by way of a proxy, and each gets what it asked.
func TestEachCallGetsItsOwnReply(t *testing.T) {
	const askers, questions, servers, workers = 20, 50, 3, 4
	over(t, endpoints, func(t *testing.T, endpoint string) {
		for name, typ := range map[string]zmq.SocketType{"REP": zmq.REP, "ROUTER": zmq.ROUTER} {
			t.Run(name, func(t *testing.T) {
				c := newContext(t)
				front, back := newSocket(t, c, zmq.ROUTER, nil), newSocket(t, c, zmq.DEALER, nil)
				clients, services := bind(t, front, endpoint), bind(t, back, another(endpoint))
				run(t, &zmq.Proxy{Frontend: front, Backend: back})
				ctx, stop := context.WithCancel(context.Background())
				var all sync.WaitGroup
				defer all.Wait()
				defer stop()
				for range servers {
					s := newSocket(t, c, typ, nil)
					connect(t, s, services)
					all.Go(func() {
						err := s.Handle(ctx, workers, func(_ context.Context, m zmq.Message) zmq.Message {
							m.Frames = append(m.Frames, []byte("!"))
							return m
						})
						if !is(err, context.Canceled) {
							t.Error(err)
						}
					})
				}
				r, _ := requester(t, c, zmq.Retry{}, clients)
				var asking sync.WaitGroup
				for i := range askers {
					asking.Go(func() {
						for n := range questions {
							question := zmq.NewStringMessage(fmt.Sprint(i), "", fmt.Sprint(n))
							m, err := r.Do(within(t), question)
							if want := fmt.Sprintf("%d  %d !", i, n); err != nil || m.String() != want {
								t.Errorf("got %q, %v, want %q", m, err, want)
								return
							}
						}
					})
				}
				asking.Wait()
			})
		}
	})
}

// server is a ROUTER that the test plays.
func server(t testing.TB, c *zmq.Context, endpoint string) (s *zmq.Socket, bound string) {
	t.Helper()
	s = newSocket(t, c, zmq.ROUTER, &zmq.Config{Linger: zmq.NoLinger})
	return s, bind(t, s, endpoint)
}

// request receives a question, and returns how to answer it.
func request(t testing.TB, s *zmq.Socket, question string) (answer func(string)) {
	t.Helper()
	m := recv(t, s)
	if len(m.Frames) != 4 || string(m.Frames[3]) != question || len(m.Frames[2]) != 0 {
		t.Fatalf("received %q, want the question %q", m.Frames, question)
	}
	return func(reply string) {
		t.Helper()
		send(t, s, string(m.Frames[0]), string(m.Frames[1]), "", reply)
	}
}

func TestRepliesMayComeInAnyOrder(t *testing.T) {
	c := newContext(t)
	s, endpoint := server(t, c, "tcp://127.0.0.1:*")
	r, _ := requester(t, c, zmq.Retry{}, endpoint)
	var calls []*asked
	var answers []func(string)
	for i := range 10 {
		calls = append(calls, ask(within(t), t, r, fmt.Sprint(i)))
		answers = append(answers, request(t, s, fmt.Sprint(i)))
	}
	for i := range answers {
		answers[len(answers)-1-i](fmt.Sprint("answer ", len(answers)-1-i))
	}
	for i, call := range calls {
		call.want(fmt.Sprint("answer ", i))
	}
}

// Late replies, second ones and nonsense reach nobody.
func TestARequesterTakesOnlyWhatItWaitsFor(t *testing.T) {
	c := newContext(t)
	s, endpoint := server(t, c, "tcp://127.0.0.1:*")
	r, dealer := requester(t, c, zmq.Retry{}, endpoint)

	ctx, cancel := context.WithCancel(context.Background())
	call := ask(ctx, t, r, "who gives up")
	late := request(t, s, "who gives up")
	cancel()
	call.fails(context.Canceled)

	call = ask(within(t), t, r, "who waits")
	m := recv(t, s)
	id, number := string(m.Frames[0]), string(m.Frames[1])
	late("too late")
	for _, nonsense := range [][]string{
		{id, "nonsense"},
		{id, ""},
		{id, number},
		{id, number, ""},
		{id, number, "no delimiter", "x"},
		{id, number + "x", "", "x"},
		{id, number[1:], "", "x"},
		{id, "", number, "x"},
		{id, "12345678", "", "x"},
	} {
		send(t, s, nonsense...)
	}
	send(t, s, id, number, "", "the answer")
	send(t, s, id, number, "", "another answer")
	call.want("the answer")
	call = ask(within(t), t, r, "again")
	request(t, s, "again")("and again")
	call.want("and again")
	if st := dealer.Stats(); st.DroppedFiltered != 3 || st.DroppedMalformed != 8 {
		t.Errorf("%d replies count as not waited for, %d as malformed", st.DroppedFiltered, st.DroppedMalformed)
	}
}

// A request that is not answered in time goes to somebody else, and the first reply
// to any attempt counts.
func TestARequestIsRetriedElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T, c *zmq.Context) {
		slow, quick := newSocket(t, c, zmq.ROUTER, nil), newSocket(t, c, zmq.ROUTER, nil)
		dealer := newSocket(t, c, zmq.DEALER, attached(map[string]*zmq.Socket{first: slow, second: quick}))
		connect(t, dealer, "tcp://"+first)
		connect(t, dealer, "tcp://"+second)
		peers(t, dealer, 2)
		r, err := zmq.NewRequester(dealer, zmq.Retry{Attempts: 2, Timeout: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			question := fmt.Sprint(i)
			call := ask(within(t), t, r, question)
			// Whoever is asked first stays silent.
			var late, answer func(string)
			asked := make(chan func(string), 2)
			for _, s := range []*zmq.Socket{slow, quick} {
				go func() { asked <- request(t, s, question) }()
			}
			late, answer = <-asked, <-asked
			if i%2 == 0 {
				late, answer = answer, late
			}
			answer("answer")
			call.want("answer")
			late("too late")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAttemptsEnd(t *testing.T) {
	c := newContext(t)
	s, endpoint := server(t, c, "tcp://127.0.0.1:*")
	const attempts = 3
	r, dealer := requester(t, c, zmq.Retry{Attempts: attempts, Timeout: 50 * time.Millisecond}, endpoint)
	peers(t, dealer, 1)
	call := ask(within(t), t, r, "silence")
	for range attempts {
		request(t, s, "silence")
	}
	call.fails(zmq.ErrTimeout)
	nothing(t, s)

	nobody, _ := requester(t, c, zmq.Retry{Attempts: attempts, Timeout: time.Millisecond}, "tcp://"+freeAddress(t))
	ask(within(t), t, nobody, "is there anybody?").fails(zmq.ErrTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	patient, _ := requester(t, c, zmq.Retry{Attempts: zmq.Unlimited}, "tcp://"+freeAddress(t))
	ask(ctx, t, patient, "is there anybody?").fails(context.DeadlineExceeded)
}

// A request whose server dies goes to the one that comes in its place, without
// waiting for the timeout.
func TestARequestOutlivesItsServer(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := newContext(t)
		s, bound := server(t, c, endpoint)
		r, _ := requester(t, c, zmq.Retry{Attempts: 3}, bound)
		call := ask(within(t), t, r, "question")
		request(t, s, "question")
		if err := s.CloseContext(within(t)); err != nil {
			t.Fatal(err)
		}
		s, _ = server(t, c, bound)
		request(t, s, "question")("answer")
		call.want("answer")

		call = ask(within(t), t, r, "more")
		for range 3 {
			request(t, s, "more")
			if err := s.CloseContext(within(t)); err != nil {
				t.Fatal(err)
			}
			s, _ = server(t, c, bound)
		}
		call.fails(zmq.ErrHostUnreachable)
	})
}

func TestARequesterEndsWithItsSocket(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(*zmq.Context, *zmq.Socket, *zmq.Requester)
		want error
	}{
		"Close of the Requester": {func(_ *zmq.Context, _ *zmq.Socket, r *zmq.Requester) { r.Close() }, zmq.ErrClosed},
		"Close of the DEALER":    {func(_ *zmq.Context, s *zmq.Socket, _ *zmq.Requester) { s.Close() }, zmq.ErrClosed},
		"Shutdown":               {func(c *zmq.Context, _ *zmq.Socket, _ *zmq.Requester) { c.Shutdown() }, zmq.ErrTerminated},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContext(t)
			s, endpoint := server(t, c, "tcp://127.0.0.1:*")
			r, dealer := requester(t, c, zmq.Retry{Attempts: 5}, endpoint)
			call := ask(within(t), t, r, "question")
			request(t, s, "question")
			alone, other := requester(t, c, zmq.Retry{Attempts: 5}, "tcp://"+freeAddress(t))
			waits := ask(within(t), t, alone, "nobody hears it")
			row.end(c, dealer, r)
			row.end(c, other, alone)
			call.fails(row.want)
			waits.fails(row.want)
			ask(within(t), t, r, "afterwards").fails(row.want)
		})
	}
}

func TestWhatIsNoRequester(t *testing.T) {
	c := newContext(t)
	dealer := newSocket(t, c, zmq.DEALER, nil)
	_, taken := requester(t, c, zmq.Retry{})
	for name, row := range map[string]struct {
		s     *zmq.Socket
		retry zmq.Retry
	}{
		"one that has one":        {taken, zmq.Retry{}},
		"one that conflates":      {newSocket(t, c, zmq.DEALER, &zmq.Config{Conflate: true}), zmq.Retry{}},
		"nothing":                 {nil, zmq.Retry{}},
		"a strict REQ":            {newSocket(t, c, zmq.REQ, nil), zmq.Retry{}},
		"less than endless tries": {dealer, zmq.Retry{Attempts: -2}},
		"a timeout below zero":    {dealer, zmq.Retry{Timeout: -1}},
	} {
		if _, err := zmq.NewRequester(row.s, row.retry); !is(err, zmq.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, _ := requester(t, c, zmq.Retry{})
	if _, err := r.Do(within(t), zmq.Message{}); !is(err, zmq.ErrInvalid) {
		t.Errorf("a request without frames: %v", err)
	}
}

func TestReplyIsTheCallersForGood(t *testing.T) {
	c := newContext(t)
	rep := newSocket(t, c, zmq.REP, nil)
	endpoint := bind(t, rep, "tcp://127.0.0.1:*")
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- rep.Handle(ctx, 1, func(_ context.Context, m zmq.Message) zmq.Message { return m })
	}()
	r, _ := requester(t, c, zmq.Retry{}, endpoint)
	var kept []zmq.Message
	for i := range 200 {
		m, err := r.Do(within(t), zmq.NewMessage(pattern(i, sizes[i%len(sizes)])))
		if err != nil {
			t.Fatal(err)
		}
		if m.Peer() == nil || m.Peer().Type != "REP" {
			t.Errorf("it comes from %+v", m.Peer())
		}
		kept = append(kept, m)
	}
	for i, m := range kept {
		if len(m.Frames) != 1 || string(m.Frames[0]) != string(pattern(i, sizes[i%len(sizes)])) {
			t.Errorf("reply %d has changed", i)
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Who was asked one thing cannot tell by its number what another was asked.
func TestAPeerCannotAnswerWhatAnotherWasAsked(t *testing.T) {
	c := newContext(t)
	honest, forger := newSocket(t, c, zmq.ROUTER, nil), newSocket(t, c, zmq.ROUTER, nil)
	r, dealer := requester(t, c, zmq.Retry{}, bind(t, honest, "inproc://honest"), bind(t, forger, "inproc://forger"))
	first, second := ask(within(t), t, r, "?"), ask(within(t), t, r, "?")
	seen, other := recv(t, forger), recv(t, honest)
	number := binary.BigEndian.Uint64(seen.Frames[1])
	for near := number - 3; near != number+4; near++ {
		if near != number {
			send(t, forger, string(seen.Frames[0]), string(binary.BigEndian.AppendUint64(nil, near)), "", "forged")
		}
	}
	eventually(t, "the forged replies are dropped", func() bool { return dealer.Stats().DroppedFiltered == 6 })
	for s, m := range map[*zmq.Socket]zmq.Message{forger: seen, honest: other} {
		send(t, s, string(m.Frames[0]), string(m.Frames[1]), "", "true")
	}
	first.want("true")
	second.want("true")
}
