package zmq_test

import (
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

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

// Linger is for what waits for a binder. Of a socket that had its peer, or whose messages
// have found one, nothing stays for that long.
func TestAnInprocSocketThatHadItsPeerIsLetGoOf(t *testing.T) {
	const name = "inproc://joined"
	for how, of := range map[string]func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error){
		"who has connected closes": func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error) {
			bind(t, pull, name)
			connect(t, push, name)
			send(t, push, "x")
			want(t, pull, "x")
			return pull, push, push.Close()
		},
		"who has connected first closes": func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error) {
			connect(t, push, name)
			send(t, push, "x")
			bind(t, pull, name)
			want(t, pull, "x")
			return pull, push, push.Close()
		},
		"who has connected disconnects and closes": func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error) {
			bind(t, pull, name)
			connect(t, push, name)
			return pull, push, errors.Join(push.Disconnect(name), push.Close())
		},
		"who has connected closes before anybody binds": func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error) {
			connect(t, push, name)
			send(t, push, "x")
			err = push.Close()
			bind(t, pull, name)
			want(t, pull, "x")
			if _, again := pull.TryRecv(); again == nil {
				t.Error("a second message has come")
			}
			return pull, push, err
		},
		"who has bound closes": func(t *testing.T, pull, push *zmq.Socket) (stays, closed *zmq.Socket, err error) {
			bind(t, pull, name)
			connect(t, push, name)
			return push, pull, pull.Close()
		},
	} {
		t.Run(how, func(t *testing.T) {
			c := newContext(t)
			stays, closed := func() (*zmq.Socket, weak.Pointer[zmq.Socket]) {
				hour := &zmq.Config{Linger: time.Hour}
				stays, closed, err := of(t, newSocket(t, c, zmq.PULL, hour), newSocket(t, c, zmq.PUSH, hour))
				if err != nil {
					t.Fatal(err)
				}
				return stays, weak.Make(closed)
			}()
			eventually(t, "the socket is let go of", func() bool {
				runtime.GC()
				return closed.Value() == nil
			})
			if err := stays.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
