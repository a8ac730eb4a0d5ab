package conformance

import (
	"encoding/binary"
	"fmt"
	"testing"

	"zeromux/zmq"
)

// A proxy that is told what to do while it runs.

// A pipeline has a proxy in the middle, which a controller steers.
type pipeline struct {
	*running
	push, pull, controller *actor
}

func (s *stage) pipeline(control, controller zmq.SocketType) *pipeline {
	s.Helper()
	front, frontend := s.bindElsewhere(zmq.PULL)
	back, backend := s.bindElsewhere(zmq.PUSH)
	steered := s.bind(control)
	p := &pipeline{push: s.connectTo(frontend, zmq.PUSH), pull: s.connectTo(backend, zmq.PULL), controller: s.connect(controller)}
	if control == zmq.SUB {
		steered.subscribe("")
		p.controller.topics(1)
	}
	back.peers(1)
	p.running = s.run(&zmq.Proxy{Frontend: front.Socket, Backend: back.Socket, Control: steered.Socket})
	return p
}

// tell gives a command, and takes the empty reply that only a REP gives.
func (p *pipeline) tell(command ...string) {
	p.s.Helper()
	p.controller.send(command...)
	if p.controller.Type() == zmq.REQ {
		p.controller.want("")
	}
}

// pass checks that messages go through.
func (p *pipeline) pass(n int) {
	p.s.Helper()
	for i := range n {
		p.push.send("msg", fmt.Sprint(i))
		p.pull.want("msg", fmt.Sprint(i))
	}
}

// counts asks for the statistics: eight numbers, in the byte order of the machine.
func (p *pipeline) counts(want ...uint64) {
	p.s.Helper()
	p.controller.send("STATISTICS")
	m := p.controller.recv()
	var got []uint64
	for _, f := range m.Frames {
		if len(f) != 8 {
			p.s.Fatalf("a number has %d octets", len(f))
		}
		got = append(got, binary.NativeEndian.Uint64(f))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		p.s.Errorf("statistics %d, want %d", got, want)
	}
}

// holds checks that n messages stay where they are.
func (p *pipeline) holds(n int) {
	p.s.Helper()
	before := p.Frontend.Stats().Received
	for i := range n {
		p.push.send("msg", fmt.Sprint(i))
	}
	p.s.until("they have arrived", func() bool { return p.Frontend.Stats().Received == before+uint64(n) })
	p.pull.silent()
}

func TestProxySteerable(t *testing.T) {
	everywhere(t, func(s *stage) {
		p := s.pipeline(zmq.PAIR, zmq.PAIR)
		p.counts(0, 0, 0, 0, 0, 0, 0, 0)
		p.pass(10)
		p.counts(20, 40, 0, 0, 0, 0, 20, 40) // frames, and octets
		p.tell("PAUSE")
		p.counts(20, 40, 0, 0, 0, 0, 20, 40) // it has paused by now: commands are obeyed in order
		p.holds(10)
		p.counts(20, 40, 0, 0, 0, 0, 20, 40)
		p.tell("RESUME")
		for i := range 10 {
			p.pull.want("msg", fmt.Sprint(i))
		}
		p.counts(40, 80, 0, 0, 0, 0, 40, 80)
		p.tell("TERMINATE")
		p.ends(nil)
		p.controller.silent() // a PAIR is not answered
	})
}

// In 4.3.5 PAUSE does nothing, RESUME pauses, every command gets an empty reply, and
// a SUB ends the proxy.
func TestQuirkSteeringDoesWhatTheManualSays(t *testing.T) {
	for control, controller := range map[zmq.SocketType]zmq.SocketType{zmq.REP: zmq.REQ, zmq.PAIR: zmq.PAIR, zmq.SUB: zmq.PUB} {
		t.Run(control.String(), func(t *testing.T) {
			everywhere(t, func(s *stage) {
				p := s.pipeline(control, controller)
				p.tell("RESUME")
				p.pass(1)
				for _, unknown := range [][]string{{"pause"}, {"PAUSE\x00"}, {"PAUSE", ""}, {"", "PAUSE"}, {"KILL"}, {""}} {
					p.tell(unknown...)
				}
				p.pass(2)
				if control != zmq.SUB { // there is no hearing when it has paused
					p.tell("PAUSE")
					p.counts(6, 12, 0, 0, 0, 0, 6, 12)
					p.holds(2)
					p.tell("PAUSE")
					p.tell("RESUME")
					p.pull.want("msg", "0")
					p.pull.want("msg", "1")
				}
				p.tell("TERMINATE")
				p.ends(nil)
				if control == zmq.PAIR {
					p.controller.silent()
				}
			})
		})
	}
}
