package mdp

import (
	"context"
	"errors"
	"time"

	"zeromux/zmq"
)

// A Worker offers a service.
type Worker struct {
	// Broker is the endpoint of the broker, and Service what the worker offers.
	Broker, Service string
	// Do makes the body of a reply of that of a request. It is not called again
	// before it has returned.
	Do func(ctx context.Context, body [][]byte) (reply [][]byte)
	// Beat is the time between heartbeats; zero is the default, Beat.
	Beat time.Duration
	// Lost is told each time that the broker is gone; nil: nobody wants to know.
	Lost func(why error)
}

// Run works until ctx ends. When the broker falls silent, or says that it does not
// know the worker, it begins anew on another socket.
func (w *Worker) Run(ctx context.Context) error {
	beat := w.Beat
	if beat == 0 {
		beat = Beat
	}
	for {
		err := w.converse(ctx, beat)
		if !errors.Is(err, errSilent) && !errors.Is(err, errAway) {
			return err
		}
		if w.Lost != nil {
			w.Lost(err)
		}
		select {
		case <-time.After(beat):
		case <-ctx.Done():
			return nil
		}
	}
}

// converse is one conversation with a broker, from READY to the end.
func (w *Worker) converse(ctx context.Context, interval time.Duration) error {
	dealer, err := zmq.NewSocket(zmq.DEALER, &zmq.Config{Linger: interval}) // for the last word
	if err != nil {
		return err
	}
	defer dealer.Close()
	if err := dealer.Connect(w.Broker); err != nil {
		return err
	}
	if err := dealer.WaitPeers(ctx, 1); err != nil { // before there is a broker, it cannot be silent
		return err
	}
	if err := dealer.SendString(ctx, "", fromWorker, ready, w.Service); err != nil {
		return err
	}
	receiving, done := context.WithCancel(ctx)
	defer done()
	messages := receive(receiving, dealer)
	beat := time.NewTicker(interval)
	defer beat.Stop()
	silence := time.NewTimer(liveness * interval)
	defer silence.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			_ = dealer.TrySend(zmq.NewStringMessage("", fromWorker, disconnect))
			return nil
		case <-silence.C: // if it hears us all the same, it should not send us anything
			_ = dealer.TrySend(zmq.NewStringMessage("", fromWorker, disconnect))
			return errSilent
		case <-beat.C:
			err = dealer.SendString(ctx, "", fromWorker, heartbeat)
		case m, ok := <-messages:
			if !ok {
				return nil
			}
			err = w.take(ctx, dealer, m.Frames)
			silence.Reset(liveness * interval) // after the work, which may take long
		}
		if err != nil {
			return err
		}
	}
}

// take takes a command of the broker.
func (w *Worker) take(ctx context.Context, dealer *zmq.Socket, frames [][]byte) error {
	if len(frames) < 3 || string(frames[1]) != fromWorker {
		return nil
	}
	switch string(frames[2]) {
	case disconnect:
		return errAway
	case request:
		if len(frames) < 6 {
			return nil
		}
		client, body := string(frames[3]), frames[5:]
		return dealer.Send(ctx, command(w.Do(ctx, body), "", fromWorker, reply, client, ""))
	}
	return nil // a heartbeat
}
