package main

import (
	"context"
	"time"
)

// tick is how often the director looks, and the news tell a rate.
const (
	tick     = 20 * time.Millisecond
	rateTick = 100 * time.Millisecond
)

// direct kills the first worker in the middle of its work and brings it back
// later. It returns when the run has shown what it is to show.
func (l *live) direct(ctx context.Context, began time.Time) error {
	after := func(part time.Duration) bool { return time.Since(began) >= part }
	victim := l.workers[0]
	err := until(ctx, func() bool {
		return after(l.options.least/3) && l.sink.by(victim.name).tasks > 0 && l.ventilator.counts.out.Load() > 0
	})
	if err != nil {
		return err
	}
	out := l.ventilator.counts.out.Load()
	before := l.ventilator.counts.again.Load()
	pid := victim.process.pid()
	if err := victim.process.kill(); err != nil {
		return err
	}
	doneThen := l.sink.tally().tasks
	if err := l.publisher.event(ctx, "director", "kills %s (process %d) while %d tasks are out", victim.name, pid, out); err != nil {
		return err
	}
	if err := until(ctx, func() bool { return l.ventilator.counts.again.Load() > before }); err != nil {
		return err
	}
	if err := l.publisher.event(ctx, "ventilator", "sees %s go and sends again what is not confirmed", victim.name); err != nil {
		return err
	}
	err = until(ctx, func() bool { return after(l.options.least*2/3) && l.sink.tally().tasks > doneThen })
	if err != nil {
		return err
	}
	l.result.meanwhile = l.sink.tally().tasks - doneThen
	victim.name += " again"
	if err := l.start(ctx, victim); err != nil {
		return err
	}
	if err := l.awaitWorkers(ctx); err != nil {
		return err
	}
	err = l.publisher.event(ctx, "director", "restarts it: process %d; the others did %s tasks",
		victim.process.pid(), grouped(l.result.meanwhile))
	if err != nil {
		return err
	}
	return until(ctx, func() bool { return after(l.options.least) && l.sink.by(victim.name).tasks > 0 })
}

// until looks now and then whether something is so.
func until(ctx context.Context, isSo func() bool) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !isSo() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// report publishes the rates of the last second, until ctx ends.
func (l *live) report(ctx context.Context) error {
	type sample struct {
		at              time.Time
		messages, words int
	}
	ticker := time.NewTicker(rateTick)
	defer ticker.Stop()
	var samples []sample
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		tally, counts := l.sink.tally(), &l.ventilator.counts
		now := sample{
			time.Now(),
			int(counts.sent.Load()+counts.again.Load()+counts.confirmed.Load()) + tally.results,
			tally.words,
		}
		samples = append(samples, now)
		if len(samples) > int(time.Second/rateTick) {
			samples = samples[1:]
		}
		if len(samples) == 1 {
			continue
		}
		first := samples[0]
		perSecond := func(n int) int { return int(float64(n) / now.at.Sub(first.at).Seconds()) }
		octets := counts.octets.Load()
		r := rate{
			pass:     int(octets/l.tree.octets) + 1,
			percent:  int(octets % l.tree.octets * 100 / l.tree.octets),
			messages: perSecond(now.messages - first.messages),
			words:    perSecond(now.words - first.words),
			out:      int(counts.out.Load()),
		}
		if err := r.publish(ctx, l.publisher); err != nil {
			return err
		}
	}
}
