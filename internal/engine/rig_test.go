package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/transport"
	"zeromux/zmtp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A socket is a Host: as much of a socket as the engine sees. It keeps every pipe,
// and what it is told.
type socket struct {
	testing.TB
	env  *Env
	cfg  Config
	pipe pipe.Config
	hub  pipe.Hub
	// topics are subscribed to at every peer that comes.
	topics []string
	// turnAway makes Online refuse a peer, and noPipe makes Open fail.
	turnAway func(*message.Peer) bool
	noPipe   bool
	onDetach func() // called by Detach
	moves    bool   // each session is alone when a driver is chosen, and never again
	speaks   dialect

	mu       sync.Mutex // guards what follows
	ends     []*pipe.End
	peers    []*message.Peer
	met      map[*pipe.End]bool // whose peer has ever been there
	detached map[*pipe.End]bool
	sessions map[*Session]bool
	asked    map[*Session]bool // whether they are alone
	events   []Event
	calls    []string
}

// newSocket makes a socket of a type that talks to any of peers.
func newSocket(tb testing.TB, socketType string, peers ...string) *socket {
	s := &socket{
		TB: tb,
		env: &Env{
			Pool: new(message.Pool), Wheel: NewWheel(SystemClock()), Multiplexer: os.Getenv("ZEROMUX_MULTIPLEXER"),
		},
		met:      make(map[*pipe.End]bool),
		detached: make(map[*pipe.End]bool),
		sessions: make(map[*Session]bool),
		asked:    make(map[*Session]bool),
	}
	s.env.Pool.Poison = true
	s.speaks = dialects[0]
	s.cfg = Config{
		SocketType: socketType, Peers: peers, MaxMessageSize: -1,
		Publisher:         socketType == "PUB" || socketType == "XPUB",
		AnnouncesID:       socketType == "DEALER" || socketType == "ROUTER",
		ReconnectInterval: 100 * time.Millisecond, HandshakeInterval: 30 * time.Second,
	}
	for i, name := range []string{"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"} {
		if name == socketType {
			s.cfg.SocketNumber = byte(i)
		}
	}
	return s
}

func (s *socket) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *socket) Started(session *Session) bool {
	s.note("started")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[session] = true
	return true
}

func (s *socket) Alone(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moves {
		asked := s.asked[session]
		s.asked[session] = true
		return !asked
	}
	for app := range s.met {
		if app != session.app {
			return false
		}
	}
	return true
}

func (s *socket) Open(session *Session) (app, end *pipe.End, ok bool) {
	s.note("open")
	if s.noPipe {
		return nil, nil, false
	}
	c := s.pipe
	c.Pool, c.SendMarkPeer, c.RecvMarkPeer = s.env.Pool, -1, -1
	app, end = pipe.New(c)
	app.Join(&s.hub)
	end.Carry(session)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append(s.ends, app)
	return app, end, true
}

func (s *socket) Online(app *pipe.End, peer *message.Peer) bool {
	s.note("online")
	if s.turnAway != nil && s.turnAway(peer) {
		return false
	}
	s.mu.Lock()
	s.peers = append(s.peers, peer)
	s.met[app] = true
	s.mu.Unlock()
	for _, topic := range s.topics {
		s.write(app, &message.Message{Kind: message.Subscribe, Frames: [][]byte{[]byte(topic)}})
	}
	return true
}

func (s *socket) Offline(*pipe.End) { s.note("offline") }

func (s *socket) Detach(app *pipe.End) {
	s.note("detach")
	if s.onDetach != nil {
		s.onDetach()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detached[app] = true
}

func (s *socket) Ended(session *Session) {
	s.note("ended")
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
}

func (s *socket) Event(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
}

// heard returns the events so far, and forgets them.
func (s *socket) heard() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events
	s.events = nil
	return events
}

// end returns the pipe that was made last.
func (s *socket) end() *pipe.End {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) == 0 {
		s.Fatal("there is no pipe")
	}
	return s.ends[len(s.ends)-1]
}

// write writes m and tells the session, as a socket does.
func (s *socket) write(app *pipe.End, m *message.Message) pipe.Status {
	s.mu.Lock()
	st := app.Write(m)
	later := s.hub.Later()
	s.mu.Unlock()
	later.Now()
	return st
}

// send sends a message over the newest pipe.
func (s *socket) send(frames ...string) pipe.Status {
	s.Helper()
	m := new(message.Message)
	for _, f := range frames {
		m.Frames = append(m.Frames, []byte(f))
	}
	return s.write(s.end(), m)
}

// recv returns what has arrived over the newest pipe. Subscriptions begin with + or
// -, as one frame.
func (s *socket) recv() (all [][]string) {
	s.Helper()
	e := s.end()
	var m message.Message
	for e.Read(&m) == pipe.OK {
		all = append(all, textOf(&m))
	}
	return all
}

func textOf(m *message.Message) (frames []string) {
	for _, f := range m.Frames {
		frames = append(frames, string(f))
	}
	switch m.Kind {
	case message.Subscribe:
		frames[0] = "+" + frames[0]
	case message.Cancel:
		frames[0] = "-" + frames[0]
	}
	return frames
}

// close ends everything and waits for it.
func (s *socket) close(linger time.Duration) {
	s.mu.Lock()
	sessions := make([]*Session, 0, len(s.sessions))
	for session := range s.sessions {
		sessions = append(sessions, session)
	}
	ends := s.ends
	s.mu.Unlock()
	for _, e := range ends {
		e.CloseWrite()
		e.CloseRead()
	}
	for _, session := range sessions {
		session.Close(linger)
	}
	s.env.Wait()
	s.env.Wheel.Close()
}

// A network is a Transport in memory. The other end of each connection that is
// dialled is for the test, and a listener accepts what the test sends it.
type network struct {
	dialled chan net.Conn
	accept  chan any // a net.Conn, or an error of Accept

	mu     sync.Mutex
	refuse int // so many attempts are refused
	times  []time.Time
	wrap   func(net.Conn) net.Conn // what our side gets
}

func newNetwork() *network {
	return &network{dialled: make(chan net.Conn, 1000), accept: make(chan any)}
}

func (n *network) CheckConnect(string, *transport.Options) error { return nil }

var errConnRefused = &net.OpError{Op: "dial", Net: "mem", Err: syscall.ECONNREFUSED}

func (n *network) Dial(ctx context.Context, _ string, _ *transport.Options) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.times = append(n.times, time.Now())
	if n.refuse > 0 {
		n.refuse--
		return nil, errConnRefused
	}
	ours, theirs := net.Pipe()
	n.dialled <- theirs
	if n.wrap != nil {
		return n.wrap(ours), nil
	}
	return ours, nil
}

// attempts returns when connections were dialled.
func (n *network) attempts() []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]time.Time(nil), n.times...)
}

func (n *network) Listen(context.Context, string, *transport.Options) (transport.Listener, error) {
	return &memListener{accept: n.accept, closed: make(chan struct{})}, nil
}

type memListener struct {
	accept chan any
	closed chan struct{}
	once   sync.Once
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case what := <-l.accept:
		if err, ok := what.(error); ok {
			return nil, err
		}
		return what.(net.Conn), nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *memListener) Address() string { return "mem" }

// A dialect is what an older or newer peer speaks.
type dialect struct {
	name    string
	version zmtp.Version
	sealed  bool // frames travel in others
}

var dialects = []dialect{
	{"3.1", zmtp.V31, false},
	{"3.0", zmtp.V30, false},
	{"2.0", zmtp.V20, false},
	{"1.0", zmtp.V10Versioned, false},
	{"1.0 unversioned", zmtp.V10, false},
	{"3.1 sealed", zmtp.V31, true},
	{"3.0 sealed", zmtp.V30, true},
}

// socket makes a socket that speaks with peers of the dialect.
func (d dialect) socket(tb testing.TB, socketType string, peers ...string) *socket {
	s := newSocket(tb, socketType, peers...)
	s.speaks = d
	if d.sealed {
		s.cfg.Mechanism = guard("SEAL", false, true)
	}
	return s
}

// opening is all that a peer of a type says before its first message, which may be
// said at once.
func (d dialect) opening(socketType string, id string) []byte {
	number := byte(0)
	for i, name := range []string{"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"} {
		if name == socketType {
			number = byte(i)
		}
	}
	switch d.version {
	case zmtp.V10:
		return zmtp.AppendFrameV1(nil, 0, []byte(id))
	case zmtp.V10Versioned:
		b := append(zmtp.AppendSignature(nil, 0), 0, number)
		return zmtp.AppendFrameV1(b, 0, []byte(id))
	case zmtp.V20:
		b := append(zmtp.AppendSignature(nil, 0), 1, number)
		return zmtp.AppendFrame(b, 0, []byte(id))
	}
	g := zmtp.Greeting{Major: 3, Mechanism: "NULL"}
	if d.sealed {
		g.Mechanism = "SEAL"
	}
	if d.version == zmtp.V31 {
		g.Minor = 1
	}
	b := zmtp.AppendGreeting(nil, g, 0)
	m := zmtp.Metadata{{Name: zmtp.PropertySocketType, Value: []byte(socketType)}}
	if id != "" {
		m = append(m, zmtp.Property{Name: zmtp.PropertyIdentity, Value: []byte(id)})
	}
	return zmtp.AppendFrame(b, zmtp.FlagCommand, zmtp.AppendReady(nil, m))
}

// encode returns a message as such a peer writes it.
func (d dialect) encode(frames ...string) (b []byte) {
	for i, f := range frames {
		flags := zmtp.FlagMore
		if i == len(frames)-1 {
			flags = 0
		}
		if d.version.UsesV1Framing() {
			b = zmtp.AppendFrameV1(b, flags, []byte(f))
		} else {
			b = append(b, d.frame(flags, []byte(f))...)
		}
	}
	return b
}

// frame returns a frame of 2.0 and later as such a peer writes it.
func (d dialect) frame(flags zmtp.Flags, body []byte) []byte {
	if d.sealed {
		flags, body = 0, appendSealed(nil, sealed.Add(1), flags, body)
	}
	return zmtp.AppendFrame(nil, flags, body)
}

var errNotOurs = errors.New("not what our side says")

// decode reads a stream of ours, to a peer that speaks so: the whole messages
// behind the opening, and how many octets stand behind the last one. Commands come
// as messages of one frame that begins with !.
func (d dialect) decode(stream []byte) (all [][]string, rest int, err error) {
	skip := 1 // identity or READY
	at := d.version.GreetingSize()
	decoder := zmtp.NewDecoder(d.version, -1)
	if d.version.HasHandshake() {
		decoder = zmtp.NewDecoder(zmtp.V31, -1)
	}
	if len(stream) < at {
		return nil, len(stream), nil
	}
	if at > 0 && !bytes.HasPrefix(stream, []byte{0xff}) {
		return nil, 0, errNotOurs
	}
	var m []string
	whole := at
	for at < len(stream) {
		f, n, err := decoder.Next(stream[at:])
		at += n
		if errors.Is(err, zmtp.ErrShort) {
			break
		}
		if err != nil {
			return all, 0, err
		}
		if d.sealed && skip == 0 {
			var ok bool
			if f.Flags != 0 {
				return all, 0, errors.New("a sealed frame with flags")
			}
			if f.Flags, _, f.Body, ok = openSealed(f.Body); !ok {
				return all, 0, errNotOurs
			}
		}
		switch {
		case skip > 0:
			skip--
		case f.Flags&zmtp.FlagCommand != 0:
			if len(m) > 0 {
				return all, 0, errors.New("a command within a message")
			}
			all = append(all, []string{"!" + string(f.Body)})
		default:
			m = append(m, string(f.Body))
			if f.Flags&zmtp.FlagMore != 0 {
				continue
			}
			all = append(all, m)
			m = nil
		}
		whole = at
	}
	return all, len(stream) - whole, nil
}

// say writes octets on a goroutine of its own, so that a peer which reads only later
// holds nobody up. The channel is closed when all is written or cannot be.
func say(c net.Conn, b []byte) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Write(b) // a test that needs it to arrive looks at the other side
	}()
	return done
}

// readAll reads until n octets or the end have come; n below zero reads to the end.
func readAll(c net.Conn, n int) []byte {
	var b bytes.Buffer
	if n < 0 {
		_, _ = io.Copy(&b, c)
	} else {
		_, _ = io.CopyN(&b, c, int64(n))
	}
	return b.Bytes()
}

// A listener to one side of a connection: it reads all that comes, for ever.
type listener struct {
	net.Conn
	mu     sync.Mutex // guards what follows
	octets []byte
	err    error
	over   time.Time
	done   chan struct{}
}

func listen(c net.Conn) *listener {
	l := &listener{Conn: c, done: make(chan struct{})}
	go func() {
		defer close(l.done)
		b := make([]byte, 4096)
		for {
			n, err := c.Read(b)
			l.mu.Lock()
			l.octets = append(l.octets, b[:n]...)
			if err != nil {
				l.err, l.over = err, time.Now()
				l.mu.Unlock()
				return
			}
			l.mu.Unlock()
		}
	}()
	return l
}

// heard returns what has come, and whether that was all.
func (l *listener) heard() (octets []byte, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]byte(nil), l.octets...), l.err != nil
}

// accepted gives a socket a connection that a peer has opened, and shakes hands in
// a bubble. What our side says is heard by the listener.
func (s *socket) accepted(d dialect, socketType string) *listener {
	ours, theirs := net.Pipe()
	Attach(s.env, s, &s.cfg, ours, "mem://", "")
	l := listen(theirs)
	<-say(theirs, d.opening(socketType, ""))
	synctest.Wait()
	return l
}

// said decodes what a listener has heard.
func (l *listener) said(t testing.TB, d dialect) (all [][]string) {
	t.Helper()
	octets, _ := l.heard()
	all, rest, err := d.decode(octets)
	if err != nil || rest > 0 {
		t.Fatalf("our side said %q, then %d octets of nothing whole: %v", all, rest, err)
	}
	return all
}

// pass lets time go by, in a bubble where that costs none.
func pass(d time.Duration) { <-time.After(d) }
