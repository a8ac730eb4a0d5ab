package zmq

import (
	"context"
	"encoding/binary"
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
