package zmq

import (
	"context"
	"encoding/binary"

	"zeromux/internal/pipe"
)

// The commands of a steerable proxy.
const (
	cmdPause      = "PAUSE"
	cmdResume     = "RESUME"
	cmdTerminate  = "TERMINATE"
	cmdStatistics = "STATISTICS"
)

// obey follows the commands that come to Control until one of them ends the proxy.
func (p *Proxy) obey(ctx context.Context) error {
	for {
		m, err := p.Control.recvPatiently(ctx)
		if err != nil {
			return err
		}
		command := ""
		if len(m.Frames) == 1 {
			command = string(m.Frames[0])
		}
		reply := NewMessage(nil)
		replies := p.Control.Type() == REP
		switch command {
		case cmdPause:
			p.Pause()
		case cmdResume:
			p.Resume()
		case cmdStatistics:
			reply, replies = p.Stats().message(), p.Control.row.Sends
		}
		if replies {
			if err := p.Control.sendPatiently(ctx, reply); err != nil {
				return err
			}
		}
		if command == cmdTerminate {
			return errStopped
		}
	}
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

// recvPatiently is Recv whatever timeout the socket has.
func (s *Socket) recvPatiently(ctx context.Context) (m Message, err error) {
	w := waiting{socket: s, ctx: ctx, op: opRecv, patient: true}
	err = s.recvWaiting(&w, func(from *pipe.End, own int) { m = s.slab.give(&s.in, from, own) })
	return m, err
}

// sendPatiently is Send whatever timeout the socket has. A REP that was asked by
// nobody says nothing.
func (s *Socket) sendPatiently(ctx context.Context, m Message) error {
	w := waiting{socket: s, ctx: ctx, op: opSend, patient: true}
	return s.sendWaiting(&w, m.Frames, nil)
}
