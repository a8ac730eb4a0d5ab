package pattern

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"zeromux/internal/message"
)

var rewrite = flag.Bool("rewrite", false, "write what the scripts in testdata print into them")

// TestScripts holds conversations with patterns. A script is a run of lines:
// what is done stands at the margin, what comes of it is indented below. Blank
// lines and lines with # are for the reader. A script may make several sockets,
// one after another.
//
//	socket TYPE [Option[=value] ...]   makes a socket
//	set Option[=value] ...             changes its options
//	accept NAME [how ...]              a peer has connected to the socket
//	connect NAME [how ...]             the socket connects; no connection yet
//	online NAME [how ...]              the connection of a pipe is up
//	offline, detach, discard NAME      it is lost, gone, disconnected
//	NAME sends FRAMES                  a message arrives from the peer
//	NAME subscribes, cancels TOPIC     so does a subscription
//	NAME gets                          what the peer has received
//	send FRAMES, recv, recv all        what the application does
//	subscribe, unsubscribe TOPIC
//	can                                what the application could do
//	topics, last                       the number of topics, the newest routing id
//
// How a pipe is made: id=X is what the peer announces, want=X what the
// application chose, inproc a neighbour, send=N and recv=N high-water marks.
//
// Frames stand between bars, plain or as Go strings. A routing id that was made
// up is shown as #1, #2 and so on, a request id as ~1.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			runScript(t, file)
		})
	}
}

func runScript(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var s script
	for n, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "\t"):
			continue
		case line == "" || line[0] == '#':
			fmt.Fprintln(&out, line)
			continue
		}
		s.t, s.where = t, fmt.Sprintf("%s:%d", file, n+1)
		fmt.Fprintln(&out, line)
		for _, printed := range s.do(strings.Fields(line)) {
			fmt.Fprintf(&out, "\t%s\n", printed)
		}
	}
	if bytes.Equal(out.Bytes(), b) {
		return
	}
	if *rewrite {
		if err := os.WriteFile(file, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, want := strings.Split(out.String(), "\n"), strings.Split(string(b), "\n")
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s", file, i+1,
				strings.Join(got[max(i-3, 0):min(i+4, len(got))], "\n"),
				strings.Join(want[max(i-3, 0):min(i+4, len(want))], "\n"))
		}
	}
	t.Fatalf("%s: got more lines: %q", file, got[len(want):])
}

// A script is a conversation under way.
type script struct {
	*rig
	t     *testing.T
	where string
	ids   []string // generated routing ids, as they showed themselves
	nrs   []string // request ids
}

func (s *script) fatal(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf(s.where+": "+format, args...)
}

// do runs one line and returns what it prints.
func (s *script) do(words []string) (printed []string) {
	verb, args := words[0], words[1:]
	if verb == "socket" {
		row, ok := LookupName(args[0])
		if !ok {
			s.fatal("no type %s", args[0])
		}
		s.rig = newRig(s.t, row.Type, nil)
		s.pool.Poison = true
		s.ids, s.nrs = nil, nil
		s.set(args[1:])
		return nil
	}
	if s.rig == nil {
		s.fatal("no socket")
	}
	switch verb {
	case "set":
		s.set(args)
	case "accept", "connect":
		p := s.make(args)
		p.end.Connecting = verb == "connect"
		if !p.attach() || verb == "accept" && !p.online() {
			printed = append(printed, "refused")
		}
	case "online":
		p := s.peer(args[0])
		s.describe(p, args[1:])
		if !p.online() {
			printed = append(printed, "refused")
		}
	case "offline":
		s.peer(args[0]).offline()
	case "detach":
		s.peer(args[0]).detach()
	case "discard":
		s.Discard(s.peer(args[0]).end)
	case "send":
		if err := s.send(s.parse(args)...); err != nil {
			printed = append(printed, err.Error())
		}
	case "recv":
		printed = s.receive(len(args) > 0)
	case "subscribe", "unsubscribe":
		printed = s.subscription(verb, s.topic(args))
	case "can":
		printed = append(printed, s.can())
	case "topics":
		printed = append(printed, strconv.Itoa(s.Pattern.(TopicCounter).TopicsCount()))
	case "last":
		printed = append(printed, s.show(string(s.Pattern.(Identifier).LastID())))
	default:
		printed = s.peerDoes(s.peer(verb), args)
	}
	printed = append(printed, s.notes...)
	s.notes = nil
	return printed
}

// set changes options by the names of their fields.
func (s *script) set(args []string) {
	o := reflect.ValueOf(&s.opts).Elem()
	for _, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		f := o.FieldByName(name)
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(!given || value == "true")
		case reflect.Int:
			n, err := strconv.Atoi(value)
			if err != nil {
				s.fatal("%s: %v", arg, err)
			}
			f.SetInt(int64(n))
		case reflect.Slice:
			f.SetBytes([]byte(value))
		default:
			s.fatal("no option %s", name)
		}
	}
}

func (s *script) peer(name string) *peer {
	for _, p := range s.peers {
		if p.name == name {
			return p
		}
	}
	s.fatal("no peer %s", name)
	return nil
}

func (s *script) make(args []string) *peer {
	marks := map[string]int{}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		if n, err := strconv.Atoi(value); err == nil {
			marks[name] = n
		}
	}
	p := s.pipe(args[0], marks["send"], marks["recv"])
	s.describe(p, args[1:])
	return p
}

// describe makes the peer that a connection turns out to have.
func (s *script) describe(p *peer, args []string) {
	p.peer = &message.Peer{Endpoint: p.name, Inproc: p.peer.Inproc, RoutingID: p.peer.RoutingID}
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "id":
			p.peer.RoutingID = []byte(s.parse([]string{value})[0])
		case "want":
			p.end.WantID = []byte(value)
		case "inproc":
			p.peer.Inproc = true
		case "send", "recv":
		default:
			s.fatal("no %s", name)
		}
	}
}

func (s *script) receive(all bool) (printed []string) {
	for {
		from, frames, err := s.recv()
		switch {
		case all && errors.Is(err, ErrWouldBlock) && len(printed) > 0:
			return printed
		case err != nil:
			return append(printed, err.Error())
		}
		if from == "" {
			from = "-"
		}
		printed = append(printed, from+": "+s.shown(frames))
		if !all {
			return printed
		}
	}
}

func (s *script) subscription(verb, topic string) []string {
	sub, ok := s.Pattern.(Subscriber)
	if !ok {
		return []string{"no such call"}
	}
	do := sub.Subscribe
	if verb == "unsubscribe" {
		do = sub.Unsubscribe
	}
	err := do([]byte(topic))
	s.after()
	if err != nil {
		return []string{err.Error()}
	}
	return nil
}

func (s *script) can() string {
	s.adopt()
	send, recv := s.CanSend(), s.CanRecv()
	switch {
	case send && recv:
		return "send recv"
	case send:
		return "send"
	case recv:
		return "recv"
	}
	return "nothing"
}

func (s *script) peerDoes(p *peer, args []string) (printed []string) {
	switch args[0] {
	case "sends":
		p.sends(s.parse(args[1:])...)
	case "subscribes":
		p.subscribes(s.topic(args[1:]))
	case "cancels":
		p.cancels(s.topic(args[1:]))
	case "gets":
		for _, m := range p.gets() {
			printed = append(printed, strings.TrimPrefix(m.kind+" "+s.shown(m.frames), " "))
		}
		if printed == nil {
			printed = []string{"nothing"}
		}
	default:
		s.fatal("%s does what?", p.name)
	}
	return printed
}

func (s *script) topic(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return s.parse(args)[0]
}

// parse reads frames between bars.
func (s *script) parse(words []string) (frames []string) {
	for _, f := range strings.Split(strings.Join(words, " "), "|") {
		f = strings.TrimSpace(f)
		switch {
		case strings.HasPrefix(f, `"`):
			text, err := strconv.Unquote(f)
			if err != nil {
				s.fatal("%s: %v", f, err)
			}
			f = text
		case strings.HasPrefix(f, "#"):
			f = s.recall(s.ids, f)
		case strings.HasPrefix(f, "~"):
			f = s.recall(s.nrs, f)
		}
		frames = append(frames, f)
	}
	return frames
}

func (s *script) recall(list []string, name string) string {
	n, err := strconv.Atoi(name[1:])
	if err != nil || n < 1 || n > len(list) {
		s.fatal("%s has not been seen", name)
	}
	return list[n-1]
}

// shown is the reverse of parse.
func (s *script) shown(frames []string) string {
	var all []string
	for _, f := range frames {
		all = append(all, s.show(f))
	}
	return strings.Join(all, " | ")
}

func (s *script) show(f string) string {
	switch {
	case s.row.PrependsID && len(f) == 5 && f[0] == 0:
		return "#" + number(&s.ids, f)
	case s.row.Type == REQ && s.opts.ReqCorrelate && len(f) == 4:
		return "~" + number(&s.nrs, f)
	}
	if f == "" || strings.ContainsAny(f, `|"#~`) || strings.TrimSpace(f) != f || strconv.Quote(f) != `"`+f+`"` {
		return strconv.Quote(f)
	}
	return f
}

// number returns the place of f in list, at the end if it is new there.
func number(list *[]string, f string) string {
	for i, known := range *list {
		if known == f {
			return strconv.Itoa(i + 1)
		}
	}
	*list = append(*list, f)
	return strconv.Itoa(len(*list))
}
