package zmq_test

import (
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// What was sent to an inproc name that nobody has bound is kept for as long as
// Linger says, and no longer.
func TestLingerOfAnInprocNameThatNobodyHasBound(t *testing.T) {
	for name, test := range map[string]struct {
		after    time.Duration
		received bool
	}{
		"bound in time":  {4 * time.Second, true},
		"bound too late": {6 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := zmq.NewContext(nil)
				push := newSocket(t, c, zmq.PUSH, &zmq.Config{Linger: 5 * time.Second})
				connect(t, push, "inproc://later")
				if err := push.SendString(t.Context(), "kept"); err != nil {
					t.Fatal(err)
				}
				if err := push.Close(); err != nil {
					t.Fatal(err)
				}
				<-time.After(test.after)
				pull := newSocket(t, c, zmq.PULL, nil)
				bind(t, pull, "inproc://later")
				_, err := pull.TryRecv()
				if got := err == nil; got != test.received {
					t.Errorf("received: %v (%v), want %v", got, err, test.received)
				}
				if err := c.Term(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
