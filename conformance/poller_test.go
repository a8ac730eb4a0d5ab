package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"zeromux/zmq"
)

// Sockets and descriptors that are waited for together.

// A watcher is a poller that fails its test by itself.
type watcher struct {
	*zmq.Poller
	s *stage
}

func (s *stage) poller() *watcher {
	p := &watcher{zmq.NewPoller(), s}
	s.Cleanup(func() {
		if err := p.Close(); err != nil {
			s.Error(err)
		}
	})
	return p
}

func (p *watcher) add(a *actor, events zmq.PollEvents, user any) {
	p.s.Helper()
	if err := p.Add(a.Socket, events, user); err != nil {
		p.s.Fatal(err)
	}
}

// addConn waits for a descriptor, which it takes out before the test closes it.
func (p *watcher) addConn(c syscall.Conn, events zmq.PollEvents, user any) (fd int) {
	p.s.Helper()
	fd, err := p.AddConn(c, events, user)
	if errors.Is(err, errors.ErrUnsupported) {
		p.s.Skip(err)
	}
	if err != nil {
		p.s.Fatal(err)
	}
	return fd
}

// wants checks what is ready, once something is: the names under which it was added
// and the events, in the order of registration.
func (p *watcher) wants(want ...string) {
	p.s.Helper()
	var got []string
	p.s.until(fmt.Sprintf("the poller tells of %q", want), func() bool {
		ctx, cancel := p.s.within()
		defer cancel()
		room := make([]zmq.PollEvent, p.Len()+1)
		n, err := p.Wait(ctx, room)
		if err != nil {
			p.s.Fatalf("%v, want %q", err, want)
		}
		got = nil
		for _, e := range room[:n] {
			if (e.Socket == nil) == (e.FD < 0) {
				p.s.Errorf("%+v is not one thing", e)
			}
			got = append(got, fmt.Sprintf("%v %v", e.User, e.Events))
		}
		return fmt.Sprint(got) == fmt.Sprint(want)
	})
}

// quiet checks that nothing is ready.
func (p *watcher) quiet() {
	p.s.Helper()
	var room [1]zmq.PollEvent
	if _, err := p.TryWait(room[:]); !errors.Is(err, zmq.ErrWouldBlock) || room[0].Socket != nil {
		p.s.Fatalf("%v with %+v, want nothing", err, room[0])
	}
}

func TestPoller(t *testing.T) {
	t.Run("what is wrong", func(t *testing.T) {
		s := newStage(t, "inproc")
		p, a := s.poller(), s.socket(zmq.PAIR)
		here, closed := s.socket(zmq.PAIR), s.socket(zmq.PAIR)
		closed.close()
		p.add(here, 0, nil)
		ended := zmq.NewPoller()
		if err := errors.Join(ended.Close(), ended.Close()); err != nil {
			t.Error(err)
		}
		var room [1]zmq.PollEvent
		wait := func(p *zmq.Poller, room []zmq.PollEvent) error {
			_, err := p.Wait(context.Background(), room)
			return err
		}
		for name, row := range map[string]struct{ err, want error }{
			"no socket":                              {p.Add(nil, zmq.PollIn, nil), zmq.ErrInvalid},
			"a closed socket":                        {p.Add(closed.Socket, zmq.PollIn, nil), zmq.ErrClosed},
			"a socket that is there":                 {p.Add(here.Socket, zmq.PollIn, nil), zmq.ErrInvalid},
			"events that are none":                   {p.Add(a.Socket, 16, nil), zmq.ErrInvalid},
			"other events of what is not there":      {p.Modify(a.Socket, zmq.PollIn), zmq.ErrInvalid},
			"other events that are none":             {p.Modify(here.Socket, 0x8001), zmq.ErrInvalid},
			"removing what is not there":             {p.Remove(a.Socket), zmq.ErrInvalid},
			"removing no socket":                     {p.Remove(nil), zmq.ErrInvalid},
			"other events of an unknown descriptor":  {p.ModifyFD(0, zmq.PollIn), zmq.ErrInvalid},
			"removing an unknown descriptor":         {p.RemoveFD(0), zmq.ErrInvalid},
			"no room for an event":                   {wait(p.Poller, nil), zmq.ErrInvalid},
			"waiting for ever for no event":          {wait(p.Poller, room[:]), zmq.ErrEmptyPoller},
			"waiting for ever with nothing in it":    {wait(zmq.NewPoller(), room[:]), zmq.ErrEmptyPoller},
			"adding to a poller that is closed":      {ended.Add(a.Socket, zmq.PollIn, nil), zmq.ErrPollerClosed},
			"removing from a poller that is closed":  {ended.Remove(a.Socket), zmq.ErrPollerClosed},
			"waiting with a poller that is closed":   {wait(ended, room[:]), zmq.ErrPollerClosed},
			"a descriptor and a poller that is over": {ended.AddFD(0, zmq.PollIn, nil), zmq.ErrPollerClosed},
		} {
			if !errors.Is(row.err, row.want) {
				t.Errorf("%s: %v, want %v", name, row.err, row.want)
			}
		}
		if n := p.Len(); n != 1 || ended.Len() != 0 {
			t.Errorf("there are %d sockets, want 1", n)
		}
	})
	t.Run("nothing comes in time", func(t *testing.T) {
		s := newStage(t, "inproc")
		const timeout = 20 * time.Millisecond
		for name, p := range map[string]*watcher{"an empty poller": s.poller(), "no events": s.poller(), "a silent socket": s.poller()} {
			switch name {
			case "no events":
				p.add(s.socket(zmq.PUB), 0, nil)
			case "a silent socket":
				p.add(s.socket(zmq.PULL), zmq.PollIn, nil)
			}
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), timeout)
			room := []zmq.PollEvent{{}}
			if _, err := p.Wait(ctx, room); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) < timeout || room[0] != (zmq.PollEvent{}) {
				t.Errorf("%s: %v after %v, and %+v", name, err, time.Since(start), room)
			}
			cancel()
			p.quiet()
		}
	})
	t.Run("in and out", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			bound, connected := s.join(as(zmq.PAIR), as(zmq.PAIR))
			p := s.poller()
			p.add(bound, zmq.PollIn, "bound")
			p.add(connected, 0, "connected")
			p.quiet()
			if err := p.Modify(connected.Socket, zmq.PollIn|zmq.PollOut); err != nil {
				s.Fatal(err)
			}
			p.wants("connected out")
			connected.send("hello")
			p.wants("bound in", "connected out")
			p.wants("bound in", "connected out") // until it is received
			bound.send("hello")
			p.wants("bound in", "connected in|out")
			bound.want("hello")
			connected.want("hello")
			p.wants("connected out")
			if err := p.Modify(connected.Socket, 0); err != nil {
				s.Fatal(err)
			}
			connected.send("again")
			p.wants("bound in")
			if err := p.Remove(bound.Socket); err != nil {
				s.Fatal(err)
			}
			p.quiet()
			bound.close()
			if n := p.Len(); n != 1 {
				s.Errorf("there are %d sockets, want 1", n)
			}
		})
	})
	t.Run("a poller that goes first, and a socket", func(t *testing.T) {
		s := newStage(t, "inproc")
		p, a := s.poller(), s.socket(zmq.PUB)
		p.add(a, zmq.PollOut, "a")
		a.close()
		var room [1]zmq.PollEvent
		_, err := p.TryWait(room[:])
		s.wrong(err, zmq.ErrClosed)
		if err := p.Remove(a.Socket); err != nil {
			t.Error(err)
		}
		p.quiet()
	})
	t.Run("descriptors", func(t *testing.T) {
		s := newStage(t, "inproc")
		p := s.poller()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		in := p.addConn(r, zmq.PollIn, "pipe")
		pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
		p.add(pull, zmq.PollIn, "pull")
		s.wrong(p.AddFD(in, zmq.PollIn, nil), zmq.ErrInvalid)
		s.wrong(p.AddFD(-1, zmq.PollIn, nil), syscall.EBADF)
		p.quiet()
		push.send("x")
		p.wants("pull in")
		if _, err := w.WriteString("x"); err != nil {
			t.Fatal(err)
		}
		p.wants("pipe in", "pull in")
		if err := p.ModifyFD(in, 0); err != nil {
			t.Fatal(err)
		}
		p.wants("pull in")
		if err := errors.Join(p.ModifyFD(in, zmq.PollIn), w.Close()); err != nil {
			t.Fatal(err)
		}
		gone := "pipe in|err" // the other end is gone, which nobody asked about
		if os.Getenv("ZEROMUX_MULTIPLEXER") == "select" {
			gone = "pipe in" // select does not tell that
		}
		p.wants(gone, "pull in")
		if err := p.RemoveFD(in); err != nil {
			t.Fatal(err)
		}
		p.wants("pull in")
		s.wrong(p.RemoveFD(in), zmq.ErrInvalid)
	})
}
