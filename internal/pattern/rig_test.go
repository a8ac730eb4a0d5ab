package pattern

import (
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// A rig is what a socket is to its pattern, without the locks: one pattern, the
// pipes of its peers, and note of what the pattern asks for.
type rig struct {
	t    testing.TB
	row  *Row
	env  Env
	opts Options
	pool message.Pool
	hub  pipe.Hub
	Pattern

	peers []*peer
	notes []string // what the pattern asked for since they were last looked at
	looks int      // calls of ReceiversLook
	tries int      // calls of SendersLook
	drops [Causes]int
}

// A peer is the far end of one pipe, which stands for a connection and whatever
// is behind it.
type peer struct {
	rig  *rig
	name string
	end  *pipe.End // the socket's
	far  *pipe.End
	out  *pipe.Outgoing
	peer *message.Peer
}

func newRig(t testing.TB, typ Type, set func(*Options)) *rig {
	t.Helper()
	row, ok := Lookup(typ)
	if !ok {
		t.Fatalf("there is no type %d", typ)
	}
	r := &rig{t: t, row: row}
	r.env = Env{
		Pool:          &r.pool,
		Options:       &r.opts,
		Dropped:       func(c Cause, _ *pipe.End) { r.drops[c]++; r.note("dropped " + causes[c]) },
		Expel:         func(e *pipe.End) { r.note("expels " + r.name(e)) },
		Dismiss:       func(e *pipe.End) { r.note("dismisses " + r.name(e)) },
		ReceiversLook: func() { r.looks++ },
		SendersLook:   func() { r.tries++ },
	}
	if set != nil {
		set(&r.opts)
	}
	r.Pattern = row.New(&r.env)
	if row.Publisher {
		r.hub.Arrived = func(e *pipe.End) { r.Pattern.Readable(e) }
	}
	return r
}

var causes = [Causes]string{"full", "unroutable", "filtered", "malformed"}

func (r *rig) note(s string) { r.notes = append(r.notes, s) }

func (r *rig) name(e *pipe.End) string {
	for _, p := range r.peers {
		if p.end == e {
			return p.name
		}
	}
	return "?"
}

// after does what a socket does when it has let go of its locks.
func (r *rig) after() {
	later := r.hub.Later()
	later.Now()
}

// adopt does what a socket does before it looks at a pattern.
func (r *rig) adopt() {
	r.hub.Readable(r.Pattern.Readable)
	r.hub.Writable(r.Pattern.Writable)
}

// deaf is a session that need not be told of anything.
type deaf struct{}

func (deaf) OutReady(bool) {}
func (deaf) InRoom()       {}

// pipe makes a pipe with the marks, zero for none, and does not attach it.
func (r *rig) pipe(name string, sendMark, recvMark int) *peer {
	p := &peer{rig: r, name: name, peer: &message.Peer{Endpoint: name}}
	p.end, p.far = pipe.New(pipe.Config{
		Pool:     &r.pool,
		SendMark: sendMark, SendMarkPeer: -1,
		RecvMark: recvMark, RecvMarkPeer: -1,
	})
	p.end.Join(&r.hub)
	p.end.Notices = r.row.Notices(&r.opts)
	p.far.Carry(deaf{})
	p.out = pipe.NewOutgoing(p.far)
	p.out.Subscriber = r.row.Type == SUB || r.row.Type == XSUB
	r.peers = append(r.peers, p)
	return p
}

// accept makes a pipe with a connection that is up.
func (r *rig) accept(name string) *peer {
	r.t.Helper()
	p := r.pipe(name, 0, 0)
	if !p.attach() || !p.online() {
		r.t.Fatalf("%s is refused", name)
	}
	return p
}

func (p *peer) attach() bool {
	defer p.rig.after()
	return p.rig.Attach(p.end)
}

func (p *peer) online() bool {
	defer p.rig.after()
	p.end.Peer = p.peer
	return p.rig.Online(p.end)
}

// offline breaks the connection: what the socket wrote stays, but for
// subscriptions.
func (p *peer) offline() {
	p.rig.Offline(p.end)
	p.rig.after()
	p.out.Restore()
}

// detach ends the peer for good, in the eyes of the pattern. The far end stays
// open, so that whatever is still written shows.
func (p *peer) detach() {
	p.rig.Detach(p.end)
	p.rig.after()
}

// sends brings one message of the peer.
func (p *peer) sends(frames ...string) { p.deliver(0, frames...) }

func (p *peer) subscribes(topic string) { p.deliver(zmtp.FlagCommand, "\x09SUBSCRIBE"+topic) }
func (p *peer) cancels(topic string)    { p.deliver(zmtp.FlagCommand, "\x06CANCEL"+topic) }

func (p *peer) deliver(flags zmtp.Flags, frames ...string) {
	p.rig.t.Helper()
	var b []byte
	for i, f := range frames {
		more := zmtp.FlagMore
		if i == len(frames)-1 {
			more = 0
		}
		b = append(zmtp.AppendHeader(b, flags|more, len(f)), f...)
	}
	c := p.rig.pool.Block(len(b))
	copy(c.B, b)
	p.far.Deliver([]pipe.Span{pipe.NewSpan(c, 0, len(b), 1, p.peer)}, 1)
}

// got is one message that a peer received.
type got struct {
	kind   string // "", "SUBSCRIBE" or "CANCEL"
	frames []string
}

// gets takes everything that the socket has written to the peer.
func (p *peer) gets() (all []got) {
	for p.out.Take() == pipe.OK {
		octets := 0
		var m got
		w := p.out.Walk()
		for f, ok := w.Next(); ok; f, ok = w.Next() {
			octets += zmtp.HeaderSize(len(f.Body)) + len(f.Body)
			body := string(f.Body)
			if f.Flags&zmtp.FlagCommand != 0 {
				n := 1 + int(body[0])
				m.kind, body = body[1:n], body[n:]
			}
			m.frames = append(m.frames, body)
			if f.EndsMessage() {
				all = append(all, m)
				m = got{}
			}
		}
		p.out.Wrote(octets)
	}
	return all
}

func (r *rig) send(frames ...string) error {
	m := message.Message{}
	for _, f := range frames {
		m.Frames = append(m.Frames, []byte(f))
	}
	r.hub.Writable(r.Pattern.Writable)
	err := r.Pattern.Send(&m)
	r.after()
	for i, f := range m.Frames {
		if string(f) != frames[i] {
			r.t.Errorf("Send changed frame %d to %q", i, f)
		}
		for j := range f { // whoever kept it would be found out
			f[j] = 0xEE
		}
	}
	return err
}

// recv returns the next message and the name of the peer that it came from.
func (r *rig) recv() (from string, frames []string, err error) {
	r.t.Helper()
	r.hub.Readable(r.Pattern.Readable)
	var m message.Message
	e, err := r.Pattern.Recv(&m)
	if err != nil {
		return "", nil, err
	}
	for _, f := range m.Frames {
		frames = append(frames, string(f))
	}
	if m.Kind != message.Data {
		r.t.Errorf("Recv yields %q of kind %d", frames, m.Kind)
	}
	if m.Peer != nil {
		from = m.Peer.Endpoint
	}
	if e != nil && r.name(e) != from {
		r.t.Errorf("Recv yields %q from the pipe of %s and the peer %s", frames, r.name(e), from)
	}
	return from, frames, nil
}

// wantRecv receives one message and compares it, frames joined by bars.
func (r *rig) wantRecv(want string) {
	r.t.Helper()
	_, frames, err := r.recv()
	if got := strings.Join(frames, "|"); err != nil || got != want {
		r.t.Fatalf("Recv = %.200q, %v; want %.200q", got, err, want)
	}
}

func (r *rig) wantSend(want error, frames ...string) {
	r.t.Helper()
	if err := r.send(frames...); err != want {
		r.t.Fatalf("Send(%q) = %v, want %v", frames, err, want)
	}
}

func (r *rig) wantRecvErr(want error) {
	r.t.Helper()
	if from, frames, err := r.recv(); err != want {
		r.t.Fatalf("Recv = %q from %s, %v; want %v", frames, from, err, want)
	}
}
