package zmq_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"zeromux/zmq"
)

// An oddError has a text unless it is nil, as an error of a typed nil pointer is.
type oddError struct{ text string }

func (e *oddError) Error() string { return e.text }

// A strangeError does not want to be compared.
type strangeError struct{}

func (strangeError) Error() string { return "strange" }
func (strangeError) Is(error) bool { panic("do not compare me") }

// shutters are the two ways in which a policy is asked: by the socket, or by the handler
// of its context.
func shutters(t *testing.T, f func(t *testing.T, own bool)) {
	t.Run("by the socket", func(t *testing.T) { f(t, true) })
	t.Run("by the handler", func(t *testing.T) { f(t, false) })
}

// guarded is a server of PLAIN whose peers policy decides about.
func guarded(t *testing.T, c *zmq.Context, own bool, policy zmq.Authenticator, limit time.Duration) (*zmq.Socket, *zmq.ZAPHandler) {
	t.Helper()
	security := plainServer()
	var handler *zmq.ZAPHandler
	if own {
		security.Authenticator = policy
	} else {
		var err error
		if handler, err = c.NewZAPHandler(policy); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { handler.Close() })
	}
	return newSocket(t, c, zmq.PULL, &zmq.Config{Security: security, Reconnect: zmq.Reconnect{HandshakeTimeout: limit}}), handler
}

// approach has a client come to a server, and tells how it fails.
func approach(t *testing.T, c *zmq.Context, server *zmq.Socket) (failures <-chan zmq.Event) {
	t.Helper()
	client := newSocket(t, c, zmq.PUSH, &zmq.Config{Security: plainClient("joe", "secret"), Reconnect: zmq.Reconnect{Interval: zmq.Never}})
	failures = refusals(client)
	connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
	return failures
}

// Whatever a policy does instead of answering, it has failed, and nothing else has.
func TestAPolicyThatBreaksDownHasFailed(t *testing.T) {
	for name, policy := range map[string]zmq.Authenticator{
		"an error behind a nil pointer":   func(context.Context, *zmq.Applicant) error { return (*oddError)(nil) },
		"an error that panics":            func(context.Context, *zmq.Applicant) error { return strangeError{} },
		"one of several errors":           zmq.AnyOf(func(context.Context, *zmq.Applicant) error { return (*oddError)(nil) }),
		"a panic":                         func(context.Context, *zmq.Applicant) error { panic("broken") },
		"the end of its goroutine":        func(context.Context, *zmq.Applicant) error { runtime.Goexit(); return nil },
		"a policy that was not opened":    (*zmq.PasswordFile)(nil).Authenticate,
		"a set of addresses that is none": (*zmq.AddressSet)(nil).Allow,
	} {
		t.Run(name, func(t *testing.T) {
			shutters(t, func(t *testing.T, own bool) {
				c := newContext(t)
				server, _ := guarded(t, c, own, policy, 0)
				failures := refusals(server)
				theirs := approach(t, c, server)
				if _, failed := next(t, failures); failed.Status != 500 || !errors.Is(failed, zmq.ErrAuthenticatorFailed) {
					t.Errorf("the server hears %v", failed)
				}
				if _, failed := next(t, theirs); failed.Status != 500 {
					t.Errorf("the client hears %v", failed)
				}
			})
		})
	}
}

// A policy that takes no notice of its context holds nothing up: neither the end of the
// handshake nor, for longer than it is told to wait, that of the context.
func TestAPolicyThatDoesNotReturnIsLeftToItself(t *testing.T) {
	shutters(t, func(t *testing.T, own bool) {
		c := zmq.NewContext(&zmq.ContextConfig{NotBlocky: true})
		asked, open := make(chan bool, 1), make(chan bool)
		policy := func(context.Context, *zmq.Applicant) error {
			asked <- true
			<-open
			return nil
		}
		server, _ := guarded(t, c, own, policy, 100*time.Millisecond)
		failures := refusals(server)
		approach(t, c, server)
		<-asked
		if _, failed := next(t, failures); failed.Status != 0 {
			t.Errorf("the server hears %v", failed)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := c.Term(ctx); !errors.Is(err, context.DeadlineExceeded) || !containsText(err, "an Authenticator has not returned") {
			t.Errorf("term: %v", err)
		}
		close(open)
		if err := c.Term(within(t)); err != nil {
			t.Errorf("term, once the policy has returned: %v", err)
		}
	})
}

// A policy may call the socket, and end it. It may even end what waits for it.
func TestAPolicyMayCallItsSocket(t *testing.T) {
	type place struct {
		c       *zmq.Context
		server  *zmq.Socket
		handler *zmq.ZAPHandler
	}
	for name, call := range map[string]func(ctx context.Context, p place) error{
		"to look": func(_ context.Context, p place) error {
			_, _, _ = p.server.Peers(), p.server.Stats(), p.server.Effective()
			return nil
		},
		"to change it": func(_ context.Context, p place) error {
			return p.server.Configure(func(c *zmq.Config) { c.HighWater.Recv = 7 })
		},
		"to unbind": func(_ context.Context, p place) error { return p.server.Unbind(p.server.LastEndpoint()) },
		"to close":  func(_ context.Context, p place) error { return p.server.Close() },
		"to close in time": func(ctx context.Context, p place) error {
			_ = p.server.CloseContext(ctx) // which ends ctx
			return nil
		},
		"to close the handler": func(_ context.Context, p place) error {
			if p.handler == nil {
				return nil
			}
			return p.handler.Close()
		},
		"to end the context": func(ctx context.Context, p place) error {
			if err := p.c.Term(ctx); err == nil || ctx.Err() == nil {
				return errors.New("the context has ended before its policy")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			shutters(t, func(t *testing.T, own bool) {
				var p place
				p.c = newContext(t)
				ready, result := make(chan bool), make(chan error, 1)
				p.server, p.handler = guarded(t, p.c, own, func(ctx context.Context, _ *zmq.Applicant) error {
					<-ready
					err := call(ctx, p)
					result <- err
					return err
				}, 300*time.Millisecond)
				approach(t, p.c, p.server)
				close(ready)
				select {
				case err := <-result:
					if err != nil {
						t.Error(err)
					}
				case <-within(t).Done():
					t.Fatal("the call does not return")
				}
			})
		})
	}
}
