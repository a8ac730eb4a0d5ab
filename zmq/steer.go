package zmq

import (
	"context"
	"encoding/binary"
	"errors"

	"zeromux/internal/pipe"
)

// The commands of a steerable proxy.
const (
	cmdPause      = "PAUSE"
	cmdResume     = "RESUME"
	cmdTerminate  = "TERMINATE"
	cmdStatistics = "STATISTICS"
)

// A helm follows the commands that come to the Control of a proxy.
//
// It never waits for who has asked: a PAIR that does not take its statistics, or has
// left, holds up no further command. Statistics that a PAIR has no room for are owed to
// it, and are those of the moment in which they are sent.
type helm struct {
	*Proxy
	poller *Poller // of Control

	asker *pipe.End // who is owed statistics
	owed  int       // and how often
}

// obey follows commands until one of them ends the proxy.
func (p *Proxy) obey(ctx context.Context) error {
	h := helm{Proxy: p, poller: NewPoller()}
	defer func() { _ = h.poller.Close() }() // it has no descriptors
	err := h.poller.Add(p.Control, PollIn, nil)
	for err == nil {
		if err = h.follow(); err == nil {
			err = h.await(ctx)
		}
	}
	if dead := p.Control.death(); dead != nil && !errors.Is(err, errStopped) {
		return p.Control.fail(opProxy, "", dead)
	}
	return err
}

// await waits for a command, or for room for what is owed.
func (h *helm) await(ctx context.Context) error {
	events := PollIn
	if h.owed > 0 {
		events |= PollOut
	}
	if err := h.poller.Modify(h.Control, events); err != nil {
		return err
	}
	_, err := h.poller.Wait(ctx, make([]PollEvent, 1))
	return err
}

// follow does what there is to be done.
func (h *helm) follow() error {
	for {
		if err := h.pay(); err != nil {
			return err
		}
		m, from, err := h.Control.tryRecv()
		switch {
		case errors.Is(err, ErrWouldBlock):
			return nil
		case err != nil:
			return err
		}
		if err := h.command(m, from); err != nil {
			return err
		}
	}
}

// command does what a message says.
func (h *helm) command(m Message, from *pipe.End) error {
	word := ""
	if len(m.Frames) == 1 {
		word = string(m.Frames[0])
	}
	typ, reply := h.Control.Type(), NewMessage(nil)
	switch {
	case word == cmdPause:
		h.Pause()
	case word == cmdResume:
		h.Resume()
	case word == cmdStatistics && typ == REP:
		reply = h.Stats().message()
	case word == cmdStatistics && typ == PAIR:
		if h.asker != from {
			h.asker, h.owed = from, 0
		}
		h.owed++
	}
	if typ == REP { // which drops what nobody waits for
		if err := h.Control.TrySend(reply); err != nil {
			return err
		}
	}
	if word == cmdTerminate {
		return errStopped
	}
	return nil
}

// pay sends what is owed as far as there is room, and forgets it when the asker is gone.
func (h *helm) pay() error {
	s := h.Control
	for h.owed > 0 {
		reply := h.Stats().message()
		s.lockSend()
		gone := s.soloist.Solo() != h.asker
		var err error
		if !gone {
			err = s.offer(reply.Frames, nil)
		}
		s.unlockSend()
		switch {
		case gone:
			h.asker, h.owed = nil, 0
		case errors.Is(err, ErrWouldBlock):
			return nil
		case err != nil:
			return err
		default:
			h.owed--
		}
	}
	h.asker = nil
	return nil
}

// message is the reply to STATISTICS.
func (st ProxyStats) message() Message {
	var frames [][]byte
	for _, c := range []ProxyCount{st.Frontend, st.Backend} {
		for _, n := range []uint64{c.ReceivedFrames, c.ReceivedOctets, c.SentFrames, c.SentOctets} {
			frames = append(frames, binary.NativeEndian.AppendUint64(nil, n))
		}
	}
	return NewMessage(frames...)
}
