package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"zeromux/zmq"
	"zeromux/zmtp"
)

// question are the frames of one, as RFC 27 has them.
func question(id, mechanism string, credentials ...string) []string {
	return append([]string{"1.0", id, "office", "192.0.2.7", "me", mechanism}, credentials...)
}

func handler(t *testing.T, c *zmq.Context, policy zmq.Authenticator) *zmq.ZAPHandler {
	t.Helper()
	h, err := c.NewZAPHandler(policy)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

func TestAZAPHandlerAnswersSocketsOfAnyKind(t *testing.T) {
	c := newContext(t)
	handler(t, c, func(_ context.Context, p *zmq.Applicant) error {
		if p.Domain != "office" || p.Address != "192.0.2.7" || p.RoutingID != "me" || p.Mechanism != "PLAIN" || p.Password != "word" || p.Endpoint != "" {
			return fmt.Errorf("%w: %+v", zmq.ErrDenied, p)
		}
		p.UserID, p.Metadata = "the "+p.Username, map[string]string{"rank": "1"}
		return nil
	})
	for name, row := range map[string]struct {
		typ    zmq.SocketType
		before []string // what an envelope takes
	}{
		"REQ":                           {zmq.REQ, nil},
		"DEALER":                        {zmq.DEALER, []string{""}},
		"DEALER with a longer envelope": {zmq.DEALER, []string{"x", ""}},
		"DEALER without an envelope":    {zmq.DEALER, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSocket(t, c, row.typ, nil)
			connect(t, s, zmq.ZAPEndpoint)
			for _, id := range []string{"1", "2", ""} {
				if id == "" && row.before == nil && row.typ == zmq.DEALER {
					continue // the empty frame would be taken for the end of an envelope
				}
				send(t, s, slices.Concat(row.before, question(id, "PLAIN", "Ada", "word"))...)
				want(t, s, slices.Concat(row.before, []string{"1.0", id, "200", "OK", "the Ada", "\x04rank\x00\x00\x00\x011"})...)
				send(t, s, slices.Concat(row.before, question(id, "PLAIN", "Ada", "another"))...)
				m := recv(t, s)
				if got := m.Frames[len(row.before):]; len(got) != 6 || string(got[2]) != "400" || len(got[4]) != 0 || len(got[5]) != 0 || strings.Contains(m.String(), "another") {
					t.Errorf("refused with %q", m.Frames)
				}
			}
		})
	}
}

func TestAZAPHandlerPassesOverWhatIsNoQuestion(t *testing.T) {
	c := newContext(t)
	handler(t, c, func(context.Context, *zmq.Applicant) error { return nil })
	s := newSocket(t, c, zmq.DEALER, nil)
	connect(t, s, zmq.ZAPEndpoint)
	for _, frames := range [][]string{
		{""}, {"", ""}, {"", "hello"}, {"1.0"}, {"", "1.0", "1", "", "", ""}, append([]string{""}, append([]string{"2.0"}, question("1", "NULL")[1:]...)...),
	} {
		send(t, s, frames...)
	}
	send(t, s, append([]string{""}, question("7", "NULL")...)...)
	want(t, s, "", "1.0", "7", "200", "OK", "", "")
	nothing(t, s)
}

// TestAQuestionThatTakesLongHoldsUpNoOther has more of them than anybody would have
// workers for.
func TestAQuestionThatTakesLongHoldsUpNoOther(t *testing.T) {
	c := newContext(t)
	asked, goOn := make(chan struct{}), make(chan struct{})
	handler(t, c, func(ctx context.Context, p *zmq.Applicant) error {
		if p.Username == "slow" {
			asked <- struct{}{}
			select {
			case <-goOn:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	const n = 200
	slow := newSocket(t, c, zmq.DEALER, nil)
	connect(t, slow, zmq.ZAPEndpoint)
	for i := range n {
		send(t, slow, append([]string{""}, question(fmt.Sprint(i), "PLAIN", "slow", "")...)...)
		<-asked
	}
	req := newSocket(t, c, zmq.REQ, nil)
	connect(t, req, zmq.ZAPEndpoint)
	send(t, req, question("1", "NULL")...)
	want(t, req, "1.0", "1", "200", "OK", "", "")
	nothing(t, slow)
	close(goOn)
	answered := make(map[string]bool)
	for range n {
		answered[string(recv(t, slow).Frames[2])] = true
	}
	if len(answered) != n {
		t.Errorf("%d questions were answered", len(answered))
	}
}

// TestAQuestionEndsWithWhoAskedIt has strangers who hang up while they are judged.
func TestAQuestionEndsWithWhoAskedIt(t *testing.T) {
	for name, ask := range map[string]func(t *testing.T, c *zmq.Context, n int) (leave func()){
		"a peer that a socket asks about hangs up": func(t *testing.T, c *zmq.Context, n int) func() {
			server := newSocket(t, c, zmq.PULL, &zmq.Config{Security: zmq.Security{ZAPDomain: "office"}})
			address := strings.TrimPrefix(bind(t, server, "tcp://127.0.0.1:*"), "tcp://")
			var all []net.Conn
			for range n {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if _, err := conn.Write(zmtp.AppendGreeting(nil, zmtp.Greeting{Mechanism: "NULL"}, 0)); err != nil {
					t.Fatal(err)
				}
				all = append(all, conn)
			}
			return func() {
				for _, conn := range all {
					_ = conn.Close()
				}
			}
		},
		"a socket that asks closes": func(t *testing.T, c *zmq.Context, n int) func() {
			s := newSocket(t, c, zmq.DEALER, nil)
			connect(t, s, zmq.ZAPEndpoint)
			for i := range n {
				send(t, s, append([]string{""}, question(fmt.Sprint(i), "NULL")...)...)
			}
			return func() { s.Close() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 5
			c := newContext(t)
			asked, over := make(chan struct{}, n), make(chan error, n)
			handler(t, c, func(ctx context.Context, _ *zmq.Applicant) error {
				asked <- struct{}{}
				<-ctx.Done()
				over <- ctx.Err()
				return ctx.Err()
			})
			leave := ask(t, c, n)
			for range n {
				<-asked
			}
			leave()
			late := within(t) // less than a handshake may take
			for range n {
				select {
				case err := <-over:
					if !errors.Is(err, context.Canceled) {
						t.Errorf("a question ended with %v", err)
					}
				case <-late.Done():
					t.Fatal("a question about nobody goes on")
				}
			}
		})
	}
}

func TestAContextHasOneZAPHandlerAtATime(t *testing.T) {
	c := newContext(t)
	policy := func(context.Context, *zmq.Applicant) error { return nil }
	first := handler(t, c, policy)
	if second, err := c.NewZAPHandler(policy); second != nil || !is(err, zmq.ErrAddressInUse) {
		t.Errorf("%v, %v, want ErrAddressInUse", second, err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	handler(t, c, policy)
	if _, err := c.NewZAPHandler(nil); !is(err, zmq.ErrInvalid) {
		t.Errorf("without a policy: %v, want ErrInvalid", err)
	}
}

func TestTheEndOfAZAPHandler(t *testing.T) {
	for name, end := range map[string]func(*zmq.Context, *zmq.ZAPHandler){
		"Close": func(_ *zmq.Context, h *zmq.ZAPHandler) { h.Close() },
		"the end of the context": func(c *zmq.Context, h *zmq.ZAPHandler) {
			term(t, c)
			h.Close()
		},
		"Shutdown, and Close": func(c *zmq.Context, h *zmq.ZAPHandler) {
			c.Shutdown()
			h.Close()
			h.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
			asked, ended := make(chan struct{}), make(chan error, 1)
			h, err := c.NewZAPHandler(func(ctx context.Context, _ *zmq.Applicant) error {
				close(asked)
				<-ctx.Done()
				ended <- ctx.Err()
				return ctx.Err()
			})
			if err != nil {
				t.Fatal(err)
			}
			s := newSocket(t, c, zmq.DEALER, nil)
			connect(t, s, zmq.ZAPEndpoint)
			send(t, s, append([]string{""}, question("1", "NULL")...)...)
			<-asked
			end(c, h)
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("what was being thought about ended with %v", err)
			}
			term(t, c)
		})
	}
	c := newContext(t)
	term(t, c)
	if h, err := c.NewZAPHandler(says(nil, "")); h != nil || !is(err, zmq.ErrTerminated) {
		t.Errorf("after the end: %v, %v, want ErrTerminated", h, err)
	}
}
