package main

import (
	"context"
	"errors"
	"io/fs"
	"log"
	"time"

	"zeromux/examples/majordomo/mdp"
)

// 9/TSP "Status Frames".
const (
	statusOK      = "200"
	statusPending = "300"
	statusUnknown = "400"
	statusError   = "500"
)

// A titanic is three services and a client.
type titanic struct {
	store  store
	broker string
	added  chan struct{} // has something in it when a request was added
}

func newTitanic(folder, broker string) *titanic {
	return &titanic{store: store{folder: folder}, broker: broker, added: make(chan struct{}, 1)}
}

// roles are what runs at the same time.
func (t *titanic) roles() []func(context.Context) error {
	offer := func(service string, do func(body [][]byte) [][]byte) func(context.Context) error {
		w := &mdp.Worker{
			Broker: t.broker, Service: service, Beat: beat,
			Do: func(_ context.Context, body [][]byte) [][]byte { return do(body) },
		}
		return w.Run
	}
	return []func(context.Context) error{
		offer("titanic.request", t.request),
		offer("titanic.reply", t.reply),
		offer("titanic.close", t.close),
		t.dispatch,
	}
}

// request keeps a request. The client hears its id when it is safe.
func (t *titanic) request(body [][]byte) [][]byte {
	if len(body) < 2 {
		return words(statusError)
	}
	id := newID()
	if err := t.store.add(id, record{Service: string(body[0]), Request: body[1:]}); err != nil {
		log.Print(err)
		return words(statusError)
	}
	select {
	case t.added <- struct{}{}:
	default:
	}
	return words(statusOK, id)
}

func (t *titanic) reply(body [][]byte) [][]byte {
	r, err := t.store.get(string(body[0]))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return words(statusUnknown)
	case err != nil:
		log.Print(err)
		return words(statusError)
	case !r.Done:
		return words(statusPending)
	}
	return append(words(statusOK), r.Reply...)
}

func (t *titanic) close(body [][]byte) [][]byte {
	if err := t.store.remove(string(body[0])); err != nil {
		log.Print(err)
		return words(statusError)
	}
	return words(statusOK)
}

// dispatch brings the requests on disk to their services: at once, and again and again
// until there is a reply.
func (t *titanic) dispatch(ctx context.Context) error {
	c := &mdp.Client{Broker: t.broker, Patience: 10 * beat, Attempts: 1}
	defer c.Close()
	again := time.NewTicker(beat)
	defer again.Stop()
	for {
		ids, err := t.store.all()
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := t.try(ctx, c, id); err != nil && !errors.Is(err, mdp.ErrGone) && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.added:
		case <-again.C:
		}
	}
}

// try does a request if it is not done and its service is there.
func (t *titanic) try(ctx context.Context, c *mdp.Client, id string) error {
	r, err := t.store.get(id)
	if err != nil || r.Done {
		return err
	}
	if there, err := c.Exists(ctx, r.Service); err != nil || !there {
		return err
	}
	reply, err := c.Ask(ctx, r.Service, r.Request...)
	if err != nil {
		return err
	}
	return t.store.finish(id, reply)
}

func words(words ...string) (frames [][]byte) {
	for _, word := range words {
		frames = append(frames, []byte(word))
	}
	return frames
}
