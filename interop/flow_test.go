package interop

import (
	"strconv"
	"strings"
	"testing"
)

// A peer that reads slowly holds the sender up; nothing is lost on the way.
func TestBackPressureLosesNothing(t *testing.T) {
	const messages = 3000
	body := strings.Repeat("b", 4096)
	t.Run("from us to them", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, pull := ourSocket(ctx, t, "PUSH"), startLibzmq(ctx, t).socket(t, "PULL")
		pull.set("RCVHWM", 10)
		us.connect(pull.bind("tcp://127.0.0.1:*"))
		sent := make(chan error, 1)
		go func() {
			for i := range messages {
				if err := us.trySend(strconv.Itoa(i), body); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		for i := range messages {
			wantFrames(t, pull.recv(), strconv.Itoa(i), body)
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
	t.Run("from them to us", func(t *testing.T) {
		ctx := bounded(t, testTime)
		us, push := ourSocket(ctx, t, "PULL", withReceiveHighWater(10)), startLibzmq(ctx, t).socket(t, "PUSH")
		push.connect(us.bind("tcp://127.0.0.1:*"))
		next := 0
		for i := range messages {
			push.send(strconv.Itoa(i), body)
			if i > 500 { // so much fits into every queue on the way
				wantFrames(t, us.recv(), strconv.Itoa(next), body)
				next++
			}
		}
		for ; next < messages; next++ {
			wantFrames(t, us.recv(), strconv.Itoa(next), body)
		}
	})
}

func TestPushSharesOutInTurnOverTheirPulls(t *testing.T) {
	ctx := bounded(t, testTime)
	us, r := ourSocket(ctx, t, "PUSH"), startLibzmq(ctx, t)
	pulls := make([]*theirs, 3)
	for i := range pulls {
		pulls[i] = r.socket(t, "PULL")
		us.connect(pulls[i].bind("tcp://127.0.0.1:*"))
	}
	for i := range 300 {
		us.send(strconv.Itoa(i))
	}
	for i := range 300 {
		wantFrames(t, pulls[i%3].recv(), strconv.Itoa(i))
	}
}
