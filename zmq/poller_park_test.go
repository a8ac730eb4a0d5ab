//go:build unix

package zmq

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"zeromux/iomux"
)

// However soon the context of a wait ends, its time does not hide that.
func TestTheEndOfAContextIsNotHiddenByADeadline(t *testing.T) {
	p := NewPoller()
	if err := p.openFiles(""); err != nil {
		t.Fatal(err)
	}
	f := p.files
	defer func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	if f.nest == nil {
		t.Skip("here a wait holds a thread, which is woken otherwise")
	}
	for range 10_000 {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		stirred := make(chan struct{})
		f.waking = func() {
			f.stir()
			close(stirred)
		}
		f.arm(&pollCall{ctx: ctx, until: time.Now().Add(time.Hour)})
		<-stirred
		if err := f.raw.Read(func(uintptr) bool { return true }); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v: who parks now is not woken", err)
		}
		f.rest()
	}
}

// pollerOver is a poller with a Mux of a back end.
func pollerOver(t *testing.T, backend iomux.Backend) *Poller {
	t.Helper()
	p := NewPoller()
	t.Cleanup(func() { _ = p.Close() })
	if err := p.openFiles(backend); err != nil {
		t.Fatal(err)
	}
	return p
}

// A look that does not wait takes a wake-up of the Mux away: the end of a context that
// comes just before it still keeps the call from falling asleep.
func TestALookTakesTheEndOfAContextFromNobody(t *testing.T) {
	for _, backend := range iomux.Available() {
		t.Run(string(backend), func(t *testing.T) {
			p := pollerOver(t, backend)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			if _, err := p.AddConn(r, PollIn, nil); err != nil {
				t.Fatal(err)
			}
			p.marks.take(nil)
			f := p.files
			told := make(chan struct{})
			tell := f.waking
			f.waking = func() {
				tell()
				close(told)
			}
			ctx, cancel := context.WithCancel(context.Background())
			f.arm(&pollCall{ctx: ctx})
			defer f.rest()
			cancel()
			<-told
			if n, err := p.look(make([]PollEvent, 1)); n > 0 || err != nil {
				t.Fatalf("%d ready, %v", n, err)
			}
			if p.marks.rest(f) {
				t.Error("the call falls asleep, and nobody wakes it")
			}
		})
	}
}

// interrupted is a Mux around whose waits, but not its looks, something happens.
type interrupted struct {
	iomux.Mux
	before, after func()
}

func (m *interrupted) Wait(ready []iomux.Event, timeout time.Duration) (int, error) {
	if timeout == 0 {
		return m.Mux.Wait(ready, timeout)
	}
	m.before()
	defer m.after()
	return m.Mux.Wait(ready, timeout)
}

// A change that comes when a wait that holds a thread has found something, but has not told
// it yet, counts: what is not asked for any more is not told.
func TestAChangeCountsForWhatAWaitHasFound(t *testing.T) {
	for _, backend := range iomux.Available() {
		t.Run(string(backend), func(t *testing.T) {
			p := pollerOver(t, backend)
			if p.files.nest != nil {
				t.Skip("here a wait holds no thread, and what it finds is told at once")
			}
			ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, fd := range ends {
				defer unix.Close(fd)
			}
			p.files.mux = &interrupted{
				Mux: p.files.mux,
				before: sync.OnceFunc(func() {
					if _, err := unix.Write(ends[1], []byte("x")); err != nil {
						t.Error(err)
					}
				}),
				after: sync.OnceFunc(func() {
					if err := p.ModifyFD(ends[0], PollOut); err != nil {
						t.Error(err)
					}
				}),
			}
			if err := p.AddFD(ends[0], PollIn, nil); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			ready := make([]PollEvent, 1)
			if n, err := p.Wait(ctx, ready); n != 1 || err != nil || ready[0].Events != PollOut {
				t.Errorf("%d told, %v, %v; want %v", n, ready[0].Events, err, PollOut)
			}
		})
	}
}

// Descriptors are waited for with the back end that is named: by the first socket's
// context, or else by the environment.
func TestAPollerWaitsWithTheBackEndThatIsNamed(t *testing.T) {
	if best := iomux.Available()[0]; best == iomux.Poll {
		t.Skip("every back end holds a thread here")
	}
	for _, row := range []struct {
		name, environment string
		contexts          []string
		holdsThread       bool
		want              error
	}{
		{"none", "", []string{""}, false, nil},
		{"by the environment", "poll", nil, true, nil},
		{"by a context", "", []string{"select"}, true, nil},
		{"by the first of those contexts that name one", "", []string{"", "poll", string(iomux.Available()[0])}, true, nil},
		{"by a context against the environment", "poll", []string{string(iomux.Available()[0])}, false, nil},
		{"one for connections alone", "runtime", []string{"stream"}, false, nil},
		{"nobody knows it", "busy", nil, false, errors.ErrUnsupported},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := NewPoller()
			defer p.Close()
			t.Setenv(multiplexerVariable, "")
			for _, multiplexer := range row.contexts {
				c := NewContext(&ContextConfig{Multiplexer: multiplexer, NotBlocky: true})
				defer func() {
					if err := c.Term(context.Background()); err != nil {
						t.Error(err)
					}
				}()
				s, err := c.NewSocket(PULL, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := p.Add(s, PollIn, nil); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv(multiplexerVariable, row.environment)
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			switch _, err := p.AddConn(r, PollIn, nil); {
			case !errors.Is(err, row.want):
				t.Errorf("got %v, want %v", err, row.want)
			case row.want == nil && (p.files.nest == nil) != row.holdsThread:
				t.Errorf("a wait holds a thread: %v", !row.holdsThread)
			}
		})
	}
}
