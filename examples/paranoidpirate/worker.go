package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// A worker works for whatever queue is at an endpoint.
type worker struct {
	name  string
	queue string
	beat  time.Duration
	hangs bool // it does not close its socket in the end
}

// errSilent says that the queue is not heard any more.
var errSilent = errors.New("the queue is silent")

// run serves the queue until ctx ends, and tries again when it falls silent, less
// and less often.
func (w *worker) run(ctx context.Context) error {
	const most = 32 // beats
	for pause := w.beat; ; pause = min(2*pause, most*w.beat) {
		heard, err := w.serve(ctx)
		if !errors.Is(err, errSilent) {
			return err
		}
		if heard {
			pause = w.beat
		}
		fmt.Printf("%s: %v, trying again\n", w.name, err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// serve is one conversation with the queue, over a socket of its own. It reports
// whether it has heard anything at all.
func (w *worker) serve(ctx context.Context) (heard bool, err error) {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{Linger: zmq.NoLinger})
	if err != nil {
		return false, err
	}
	if !w.hangs {
		defer dealer.Close()
	}
	if err := dealer.Connect(w.queue); err != nil {
		return false, err
	}
	if err := dealer.SendString(ctx, commandReady); err != nil {
		return false, err
	}
	receiving, done := context.WithCancel(ctx)
	defer done()
	messages := receive(receiving, dealer)
	beat := time.NewTicker(w.beat)
	defer beat.Stop()
	silence := time.NewTimer(liveness * w.beat)
	defer silence.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return heard, nil
		case <-silence.C:
			return heard, errSilent
		case <-beat.C:
			err = dealer.SendString(ctx, commandHeartbeat)
		case m, ok := <-messages:
			if !ok {
				return heard, nil
			}
			heard = true
			if len(m.Frames) > 1 { // the envelope of a client, and the request
				m.Frames[len(m.Frames)-1] = fmt.Appendf(nil, "%s did %s", w.name, m.Bytes())
				err = dealer.Send(ctx, m)
			}
			silence.Reset(liveness * w.beat) // after the work, which may take long
		}
		if err != nil {
			return heard, err
		}
	}
}
