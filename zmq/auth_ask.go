package zmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/internal/zap"
)

// authenticatorGrace is how long an Authenticator is waited for whose context has ended:
// what it says then is worth knowing, but it holds nothing up.
const authenticatorGrace = time.Second

// errAuthenticatorLeft is why Term has not waited to the end.
var errAuthenticatorLeft = errors.New("an Authenticator has not returned")

// consult asks policy a question of RFC 27 about a peer that came to endpoint, on a
// goroutine of its own: a policy that does not return when ctx ends, or never, is left
// to itself. Term waits for it. The error is ctx's own.
func (c *Context) consult(ctx context.Context, policy Authenticator, endpoint string, q *zap.Request) (*zap.Reply, error) {
	p, err := applicantOf(q) // who left the policy to itself wipes q
	if err == nil {
		p.Endpoint = endpoint
	}
	answer := make(chan *zap.Reply, 1)
	c.consulted.Go(func() {
		reply := failedReply(&PanicError{}) // of a policy that ends its goroutine
		defer func() { answer <- reply }()
		reply = judge(ctx, policy, p, err)
	})
	select {
	case reply := <-answer:
		return reply, nil
	case <-ctx.Done():
	}
	grace := time.NewTimer(authenticatorGrace)
	defer grace.Stop()
	select {
	case reply := <-answer:
		return reply, nil
	case <-grace.C:
		return nil, ctx.Err()
	}
}

// failedReply is that of a policy which did not come to an end as it should.
func failedReply(how *PanicError) *zap.Reply {
	return &zap.Reply{Status: statusFailed, Text: fmt.Errorf("%w: %w", ErrAuthenticatorFailed, how).Error()}
}

// joinConsulted has Term wait for one more, until consulted.Done, unless the context has
// ended.
func (c *Context) joinConsulted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dead {
		c.consulted.Add(1)
	}
	return !c.dead
}

// awaitConsulted waits until every policy that was asked has returned: until ctx ends,
// and a moment longer, since their own contexts may have ended just now.
func (c *Context) awaitConsulted(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.consulted.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	grace := time.NewTimer(authenticatorGrace)
	defer grace.Stop()
	select {
	case <-done:
		return nil
	case <-grace.C:
		return fmt.Errorf("zmq: term: %w: %w", errAuthenticatorLeft, ctx.Err())
	}
}
