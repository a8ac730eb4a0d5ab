//go:build unix

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"zeromux/iomux"
	"zeromux/zmq"
)

// onEachBackend runs a test with pollers on each back end of the system.
func onEachBackend(t *testing.T, f func(t *testing.T, newPoller func() *zmq.Poller)) {
	t.Helper()
	for _, backend := range iomux.Available() {
		t.Run(string(backend), func(t *testing.T) {
			f(t, func() *zmq.Poller {
				p, err := zmq.NewPollerOn(backend)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { closePoller(t, p) })
				return p
			})
		})
	}
}

// pipe makes a pipe, whose ends are closed with the test.
func pipe(t testing.TB) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func addConn(t testing.TB, p *zmq.Poller, c syscall.Conn, events zmq.PollEvents) (fd int) {
	t.Helper()
	fd, err := p.AddConn(c, events, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.RemoveFD(fd) }) // before it is closed; it may be removed already
	return fd
}

func write(t testing.TB, w *os.File, text string) {
	t.Helper()
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, r *os.File) {
	t.Helper()
	if _, err := r.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}

func TestAPollerMixesSocketsAndDescriptors(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		c := newContext(t)
		first, toFirst := join(t, c, "inproc://1", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		second, toSecond := join(t, c, "tcp://127.0.0.1:*", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		r, w := pipe(t)
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { udp.Close() })
		p := newPoller()
		add(t, p, first, zmq.PollIn)
		pipeFD := addConn(t, p, r, zmq.PollIn)
		add(t, p, second, zmq.PollIn)
		udpFD := addConn(t, p, udp, zmq.PollIn)
		for range 3 {
			quiet(t, p)
			all := []happening{{first, zmq.PollIn}, {pipeFD, zmq.PollIn}, {second, zmq.PollIn}, {udpFD, zmq.PollIn}}
			if _, err := udp.WriteTo([]byte("x"), udp.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			wantTold(t, p, all[3])
			send(t, toSecond, "x")
			wantTold(t, p, all[2:]...)
			write(t, w, "x")
			wantTold(t, p, all[1:]...)
			send(t, toFirst, "x")
			wantTold(t, p, all...)
			if got := told(t, p, 2); fmt.Sprint(got) != fmt.Sprint(all[:2]) {
				t.Errorf("with room for two: %v, want %v", got, all[:2])
			}
			want(t, first, "x")
			read(t, r)
			wantTold(t, p, all[2:]...)
			want(t, second, "x")
			if _, _, err := udp.ReadFrom(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestADescriptorWakesAWait(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
		r, w := pipe(t)
		p := newPoller()
		add(t, p, pull, zmq.PollIn)
		fd := addConn(t, p, r, zmq.PollIn)
		for range 200 {
			go func() { write(t, w, "x") }()
			wantTold(t, p, happening{fd, zmq.PollIn})
			read(t, r)
			go func() { send(t, push, "x") }()
			wantTold(t, p, happening{pull, zmq.PollIn})
			want(t, pull, "x")
		}
	})
}

func TestEventsOfADescriptor(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		p := newPoller()
		r, w := pipe(t)
		in, out := addConn(t, p, r, zmq.PollIn), addConn(t, p, w, zmq.PollOut)
		wantTold(t, p, happening{out, zmq.PollOut})
		if err := p.ModifyFD(out, 0); err != nil {
			t.Fatal(err)
		}
		quiet(t, p)
		write(t, w, "x")
		wantTold(t, p, happening{in, zmq.PollIn})
		if err := p.ModifyFD(in, 0); err != nil {
			t.Fatal(err)
		}
		quiet(t, p)
		if err := p.ModifyFD(out, zmq.PollOut); err != nil {
			t.Fatal(err)
		}
		wantTold(t, p, happening{out, zmq.PollOut})
		if err := p.RemoveFD(out); err != nil {
			t.Fatal(err)
		}
		quiet(t, p)
	})
}

func TestAHangUpIsToldUnasked(t *testing.T) {
	r, w := pipe(t)
	p := newPoller(t)
	fd := addConn(t, p, r, zmq.PollIn)
	quiet(t, p)
	w.Close()
	if os.Getenv("ZEROMUX_MULTIPLEXER") == "select" { // which does not tell that
		wantTold(t, p, happening{fd, zmq.PollIn})
		return
	}
	wantTold(t, p, happening{fd, zmq.PollIn | zmq.PollErr})
	if err := p.ModifyFD(fd, zmq.PollErr); err != nil {
		t.Skip(err)
	}
	wantTold(t, p, happening{fd, zmq.PollErr})
}

func TestUrgentDataIsPriority(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p := newPoller(t)
	fd, err := p.AddConn(b.(syscall.Conn), zmq.PollPri, nil)
	if err != nil {
		if !is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		t.Skip(err)
	}
	defer p.RemoveFD(fd)
	if _, err := a.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	quiet(t, p)
	raw, err := a.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var sent error
	if err := raw.Control(func(fd uintptr) { sent = syscall.Sendto(int(fd), []byte("!"), syscall.MSG_OOB, nil) }); err != nil || sent != nil {
		t.Fatal(err, sent)
	}
	wantTold(t, p, happening{fd, zmq.PollPri})
}

func TestAFileIsAlwaysReady(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		f, err := os.Create(filepath.Join(t.TempDir(), "f"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		p := newPoller()
		fd := addConn(t, p, f, zmq.PollIn|zmq.PollOut)
		wantTold(t, p, happening{fd, zmq.PollIn | zmq.PollOut})
		if err := p.ModifyFD(fd, zmq.PollIn); err != nil {
			t.Fatal(err)
		}
		wantTold(t, p, happening{fd, zmq.PollIn})
		if err := p.RemoveFD(fd); err != nil {
			t.Fatal(err)
		}
		quiet(t, p)
	})
}

func TestAPollerSaysWhatIsWrongWithADescriptor(t *testing.T) {
	r, _ := pipe(t)
	fd := int(r.Fd())
	for name, row := range map[string]struct {
		do   func(p *zmq.Poller) error
		want error
		no   syscall.Errno
	}{
		"none is added":              {func(p *zmq.Poller) error { return p.AddFD(-1, zmq.PollIn, nil) }, syscall.EBADF, syscall.EBADF},
		"a closed one is added":      {func(p *zmq.Poller) error { return p.AddFD(1<<20, zmq.PollIn, nil) }, syscall.EBADF, syscall.EBADF},
		"a closed file is added":     {func(p *zmq.Poller) error { f, _ := pipe(t); f.Close(); _, err := p.AddConn(f, 1, nil); return err }, syscall.EBADF, syscall.EBADF},
		"it is added twice":          {func(p *zmq.Poller) error { p.AddFD(fd, 0, nil); return p.AddFD(fd, zmq.PollIn, nil) }, zmq.ErrInvalid, syscall.EINVAL},
		"events are none":            {func(p *zmq.Poller) error { return p.AddFD(fd, 16, nil) }, zmq.ErrInvalid, syscall.EINVAL},
		"new events are none":        {func(p *zmq.Poller) error { p.AddFD(fd, 0, nil); return p.ModifyFD(fd, 16) }, zmq.ErrInvalid, syscall.EINVAL},
		"it is not there to modify":  {func(p *zmq.Poller) error { return p.ModifyFD(fd, 0) }, zmq.ErrInvalid, syscall.EINVAL},
		"it is not there to remove":  {func(p *zmq.Poller) error { return p.RemoveFD(fd) }, zmq.ErrInvalid, syscall.EINVAL},
		"it was removed":             {func(p *zmq.Poller) error { p.AddFD(fd, 0, nil); p.RemoveFD(fd); return p.RemoveFD(fd) }, zmq.ErrInvalid, syscall.EINVAL},
		"nothing is wanted, forever": {func(p *zmq.Poller) error { p.AddFD(fd, 0, nil); return ever(p) }, zmq.ErrEmptyPoller, syscall.EFAULT},
		"the last one was removed":   {func(p *zmq.Poller) error { p.AddFD(fd, 1, nil); p.RemoveFD(fd); return ever(p) }, zmq.ErrEmptyPoller, syscall.EFAULT},
		"the poller is closed":       {func(p *zmq.Poller) error { p.AddFD(fd, 1, nil); p.Close(); return p.AddFD(fd, 1, nil) }, zmq.ErrPollerClosed, syscall.EFAULT},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.do(newPoller(t))
			var e *zmq.PollError
			if !is(err, row.want) || zmq.Errno(err) != row.no || !errors.As(err, &e) {
				t.Errorf("%v (%d), want %v (%d)", err, zmq.Errno(err), row.want, row.no)
			}
		})
	}
}

// ever waits without end.
func ever(p *zmq.Poller) error {
	_, err := p.Wait(context.Background(), make([]zmq.PollEvent, 1))
	return err
}

func TestWhatEndsAWaitForDescriptors(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		for name, row := range map[string]struct {
			end  func(t *testing.T, p *zmq.Poller, cancel func(), c *zmq.Context)
			want error
		}{
			"its context":     {func(_ *testing.T, _ *zmq.Poller, cancel func(), _ *zmq.Context) { cancel() }, context.Canceled},
			"closing":         {func(t *testing.T, p *zmq.Poller, _ func(), _ *zmq.Context) { closePoller(t, p) }, zmq.ErrPollerClosed},
			"the end of zmq":  {func(_ *testing.T, _ *zmq.Poller, _ func(), c *zmq.Context) { c.Shutdown() }, zmq.ErrTerminated},
			"a time that was": {func(*testing.T, *zmq.Poller, func(), *zmq.Context) {}, context.DeadlineExceeded},
		} {
			t.Run(name, func(t *testing.T) {
				for range 20 {
					c := newContext(t)
					p := newPoller()
					r, _ := pipe(t)
					addConn(t, p, r, zmq.PollIn)
					add(t, p, newSocket(t, c, zmq.PULL, nil), zmq.PollIn)
					ctx, cancel := context.WithCancel(context.Background())
					if row.want == context.DeadlineExceeded {
						ctx, cancel = context.WithTimeout(ctx, time.Millisecond)
					}
					const waits = 2
					failed := make(chan error)
					for range waits {
						go func() {
							_, err := p.Wait(ctx, make([]zmq.PollEvent, 1))
							failed <- err
						}()
					}
					row.end(t, p, cancel, c)
					for range waits {
						if err := <-failed; !is(err, row.want) {
							t.Errorf("%v, want %v", err, row.want)
						}
					}
					cancel()
				}
			})
		}
	})
}

func TestADescriptorThatIsAddedCountsForAWaitUnderWay(t *testing.T) {
	pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	for range 100 {
		p := newPoller(t)
		add(t, p, pull, zmq.PollIn)
		r, w := pipe(t)
		write(t, w, "x")
		told := make(chan int)
		go func() {
			events := make([]zmq.PollEvent, 2)
			n, err := p.Wait(within(t), events)
			if n != 1 || err != nil {
				t.Error(n, err)
			}
			told <- events[0].FD
		}()
		fd := addConn(t, p, r, zmq.PollIn)
		if got := <-told; got != fd {
			t.Errorf("descriptor %d, want %d", got, fd)
		}
		// A poller that has lost its descriptors goes on with its sockets.
		if err := p.RemoveFD(fd); err != nil {
			t.Fatal(err)
		}
		go func() { send(t, push, "x") }()
		wantTold(t, p, happening{pull, zmq.PollIn})
		want(t, pull, "x")
		closePoller(t, p)
		r.Close()
		w.Close()
	}
}

func TestPollTellsOfEachDescriptor(t *testing.T) {
	pull, push := join(t, newContext(t), "inproc://a", side{zmq.PULL, nil}, side{zmq.PUSH, nil})
	r, w := pipe(t)
	in, out := int(r.Fd()), int(w.Fd())
	items := []zmq.PollItem{
		{FD: in, Events: zmq.PollIn},
		{FD: out, Events: zmq.PollOut},
		{Socket: pull, Events: zmq.PollIn},
		{FD: in},
		{FD: out, Events: zmq.PollOut},
	}
	for _, want := range [][]zmq.PollEvents{
		{0, zmq.PollOut, 0, 0, zmq.PollOut},
		{zmq.PollIn, zmq.PollOut, zmq.PollIn, 0, zmq.PollOut},
	} {
		n, err := zmq.Poll(within(t), items)
		if err != nil {
			t.Fatal(err)
		}
		for i := range items {
			if items[i].Ready != want[i] {
				t.Errorf("item %d: %v, want %v", i, items[i].Ready, want[i])
			}
			if want[i] != 0 {
				n--
			}
		}
		if n != 0 {
			t.Errorf("%d too many", n)
		}
		write(t, w, "x")
		send(t, push, "x")
	}
}

// Descriptors and sockets come and go while two goroutines wait.
func TestAPollerMayBeChangedWhileItWaits(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		c := newContext(t)
		p := newPoller()
		ctx, cancel := context.WithCancel(within(t))
		var wg, changing sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for events := make([]zmq.PollEvent, 4); ; {
					n, err := p.Wait(ctx, events)
					if is(err, context.Canceled) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					for _, e := range events[:n] {
						if e.Socket != nil {
							if _, err := e.Socket.TryRecv(); err != nil && !is(err, zmq.ErrWouldBlock) {
								t.Error(err)
							}
						}
					}
				}
			})
		}
		for i := range 3 {
			pull, push := join(t, c, fmt.Sprint("inproc://", i), side{zmq.PULL, nil}, side{zmq.PUSH, nil})
			r, w := pipe(t)
			write(t, w, "x")
			changing.Go(func() {
				for range 200 {
					add(t, p, pull, 0)
					send(t, push, "x")
					modify(t, p, pull, zmq.PollIn)
					fd, err := p.AddConn(r, zmq.PollIn, nil)
					if err != nil {
						t.Error(err)
						return
					}
					modify(t, p, pull, zmq.PollOut)
					quietly(p.ModifyFD(fd, 0), p.ModifyFD(fd, zmq.PollIn), p.RemoveFD(fd))(t)
					remove(t, p, pull)
				}
			})
		}
		changing.Wait()
		cancel()
		wg.Wait()
		if p.Len() != 0 {
			t.Errorf("%d are left", p.Len())
		}
	})
}

// quietly checks that there was no error.
func quietly(errs ...error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
}

func TestAReactorHandlesDescriptors(t *testing.T) {
	reader, writer := pipe(t)
	r := newReactor(t)
	n := 0
	fd, err := r.HandleConn(reader, zmq.PollIn, func(e zmq.PollEvent) error {
		read(t, reader)
		if n++; n == 3 {
			return r.RemoveFD(e.FD)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, writer, "abcd")
	if err := r.ModifyFD(fd, zmq.PollIn); err != nil {
		t.Fatal(err)
	}
	if err := r.HandleFD(int(writer.Fd()), zmq.PollOut, func(zmq.PollEvent) error {
		if n == 3 {
			return zmq.ErrStop
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(within(t)); err != nil || n != 3 {
		t.Errorf("%d octets, %v", n, err)
	}
}

// A timer comes due while a descriptor is waited for, and the next Run waits for both
// again.
func TestAReactorWaitsForDescriptorsAndTimers(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		reader, writer := pipe(t)
		r := zmq.ReactorOn(newPoller())
		octets := 0
		if _, err := r.HandleConn(reader, zmq.PollIn, func(zmq.PollEvent) error {
			read(t, reader)
			octets++
			_, err := r.After(10*time.Millisecond, stop)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			id(t)(r.After(10*time.Millisecond, func(zmq.TimerID) error { write(t, writer, "x"); return nil }))
			if err := r.Run(within(t)); err != nil || octets != i+1 {
				t.Fatalf("%d octets, %v", octets, err)
			}
		}
	})
}

// ending is a context that ends when somebody wants to be told of its end.
type ending struct {
	context.Context
	end func()
}

func (c ending) Done() <-chan struct{} {
	c.end()
	return c.Context.Done()
}

// What a wait has found and not told, since its context had ended, is not told by the
// next one, when it is not true any more.
func TestWhatWasReadyOnceIsNotTold(t *testing.T) {
	onEachBackend(t, func(t *testing.T, newPoller func() *zmq.Poller) {
		p := newPoller()
		r, w := pipe(t)
		addConn(t, p, r, zmq.PollIn)
		ctx, cancel := context.WithCancel(context.Background())
		end := sync.OnceFunc(func() {
			write(t, w, "x")
			cancel()
		})
		if _, err := p.Wait(ending{ctx, end}, make([]zmq.PollEvent, 1)); !is(err, context.Canceled) {
			t.Fatal(err)
		}
		read(t, r)
		quiet(t, p)
	})
}

func TestNoConnectionIsAnError(t *testing.T) {
	p := zmq.NewPoller()
	defer closePoller(t, p)
	if _, err := p.AddConn(nil, zmq.PollIn, nil); !is(err, zmq.ErrInvalid) {
		t.Errorf("%v, want ErrInvalid", err)
	}
}

// The same of descriptors as TestRegistrationsThatComeAndGoLeaveNothing of sockets.
func TestDescriptorsThatComeAndGoLeaveNothing(t *testing.T) {
	p := newPoller(t)
	r, _ := pipe(t)
	for range 100 {
		fd := addConn(t, p, r, zmq.PollIn)
		if err := p.RemoveFD(fd); err != nil {
			t.Fatal(err)
		}
	}
	if n := zmq.Marked(p); n != 0 {
		t.Errorf("there is word of %d registrations", n)
	}
}
