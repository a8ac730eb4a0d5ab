package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"zeromux/zmq"
)

const (
	// workersEach is how many workers there are on each transport.
	workersEach = 2
	// backEndpoint is where the ventilator listens to the sink.
	backEndpoint = "inproc://back"
	newsEndpoint = "inproc://news"
	// termination is how long the end of the live run may take.
	termination = 3 * time.Second
)

// A worker is one that counts: a process, or a goroutine when that is nil.
type worker struct {
	name      string
	transport *transport
	process   *process
}

// A transport is one of the ways from the ventilator to the sink.
type transport struct {
	scheme, tasks, results string
}

// A live is one live run and everybody who plays in it.
type live struct {
	options    options
	tree       tree
	zmq        *zmq.Context
	cancel     context.CancelCauseFunc // the first error ends it for all
	players    sync.WaitGroup
	ventilator *ventilator
	sink       *sink
	publisher  *publisher
	scribe     *process
	transports []*transport
	workers    []*worker
	result     result
}

// A result is what a live run came to.
type result struct {
	tally
	workers    []string // all that there ever were
	transports []string
	words      table
	passes     int // over the tree
	again      int // tasks sent again
	meanwhile  int // tasks done while the killed worker was away
	elapsed    time.Duration
}

// check returns what the run was to show and did not.
func (r result) check() error {
	switch {
	case r.again == 0:
		return errors.New("no task was sent again though a worker was killed")
	case r.meanwhile == 0:
		return errors.New("everything stood still while the killed worker was away")
	}
	for _, w := range r.workers {
		if r.tally.shares[w].tasks == 0 {
			return fmt.Errorf("the worker %s did nothing", w)
		}
	}
	return nil
}

// perform plays the live run. When it returns, however it went, every process,
// goroutine, socket and file of it is gone.
func perform(parent context.Context, o options, t tree, out *screen) (r result, err error) {
	folder, err := os.MkdirTemp("", "wc")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(folder)
	ctx, cancel := context.WithCancelCause(parent)
	l := &live{options: o, tree: t, zmq: zmq.NewContext(nil), cancel: cancel}
	err = l.run(ctx, folder, out)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the first to fail knows why; the others were only called off
	}
	return l.result, errors.Join(err, l.end())
}

// end calls everybody off and waits until nobody is left.
func (l *live) end() error {
	l.cancel(nil)
	var errs []error
	for _, p := range l.processes() {
		errs = append(errs, p.stop())
	}
	l.players.Wait()
	ctx, done := context.WithTimeout(context.Background(), termination)
	defer done()
	return errors.Join(append(errs, l.zmq.Term(ctx))...)
}

// processes are those that run.
func (l *live) processes() []*process {
	var all []*process
	for _, w := range l.workers {
		if w.process != nil {
			all = append(all, w.process)
		}
	}
	if l.scribe != nil {
		all = append(all, l.scribe)
	}
	return all
}

// play runs f on a goroutine; its error ends the run.
func (l *live) play(f func() error) {
	l.players.Go(func() {
		if err := f(); err != nil {
			l.cancel(err)
		}
	})
}

// run is the piece in its acts.
func (l *live) run(ctx context.Context, folder string, out *screen) error {
	if err := l.openNews(ctx, out); err != nil {
		return err
	}
	if err := l.openTasks(ctx, folder); err != nil {
		return err
	}
	if err := l.clientBeforeServer(ctx, folder, l.hire); err != nil {
		return err
	}
	return l.work(ctx)
}

// openNews binds the publisher and waits for its two subscribers: the screen,
// over inproc, and a process over tcp.
func (l *live) openNews(ctx context.Context, out *screen) (err error) {
	if l.publisher, err = newPublisher(l.zmq); err != nil {
		return err
	}
	if _, err := l.publisher.xpub.Bind(newsEndpoint); err != nil {
		return err
	}
	endpoint, err := l.publisher.xpub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	everything, err := subscribe(l.zmq, newsEndpoint, "")
	if err != nil {
		return err
	}
	l.play(func() error { return out.follow(ctx, everything) })
	if l.scribe, err = startProcess(roleScribe, endpoint); err != nil {
		return err
	}
	l.play(func() error { return l.scribe.watch(ctx) })
	if err := l.publisher.await(ctx, 2); err != nil {
		return err
	}
	return l.publisher.event(ctx, "publisher", "has two subscribers: the screen, and process %d", l.scribe.pid())
}

// clientBeforeServer lets a client ask first, does something else, and has a
// server answer then.
func (l *live) clientBeforeServer(ctx context.Context, folder string, meanwhile func(context.Context) error) error {
	endpoint := "inproc://question"
	if l.hasIPC() {
		endpoint = "ipc://" + filepath.Join(folder, "q")
	}
	answers := make(chan answer, 1)
	l.play(func() error {
		a, err := ask(ctx, l.zmq, endpoint)
		answers <- a
		return err
	})
	if err := l.publisher.event(ctx, "client", "asks what is counted; the server does not exist yet"); err != nil {
		return err
	}
	if err := meanwhile(ctx); err != nil {
		return err
	}
	if err := l.publisher.event(ctx, "server", "starts"); err != nil {
		return err
	}
	if err := serve(ctx, l.zmq, endpoint, l.tree); err != nil {
		return err
	}
	select {
	case a := <-answers:
		return l.publisher.event(ctx, "client", "is answered after %.2f s: %s", a.after.Seconds(), a.text)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openTasks binds the ventilator and the sink to every transport there is.
func (l *live) openTasks(ctx context.Context, folder string) (err error) {
	if l.ventilator, err = newVentilator(l.zmq); err != nil {
		return err
	}
	if l.sink, err = newSink(l.zmq); err != nil {
		return err
	}
	for _, scheme := range transportsWanted {
		t, err := l.bind(scheme, folder)
		if scheme == "ipc" && errors.Is(err, zmq.ErrUnsupported) {
			if err := l.publisher.event(ctx, "ipc", "does not exist on this system; tcp and inproc do it alone"); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		l.transports = append(l.transports, t)
		l.result.transports = append(l.result.transports, scheme)
	}
	return nil
}

var transportsWanted = []string{"tcp", "ipc", "inproc"}

// hasIPC tells whether the system has that transport.
func (l *live) hasIPC() bool { return slices.Contains(l.result.transports, "ipc") }

// bind opens one transport for tasks and results.
func (l *live) bind(scheme, folder string) (*transport, error) {
	t := &transport{scheme: scheme}
	switch scheme {
	case "tcp":
		t.tasks, t.results = "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"
	case "ipc":
		t.tasks, t.results = "ipc://"+filepath.Join(folder, "t"), "ipc://"+filepath.Join(folder, "r")
	case "inproc":
		t.tasks, t.results = "inproc://tasks", "inproc://results"
	}
	var err error
	if t.tasks, err = l.ventilator.push.Bind(t.tasks); err != nil {
		return nil, err
	}
	t.results, err = l.sink.pull.Bind(t.results)
	return t, err
}

// hire starts the workers and waits until all are there.
func (l *live) hire(ctx context.Context) error {
	for _, t := range l.transports {
		who := "goroutines"
		for i := range workersEach {
			w := &worker{name: fmt.Sprintf("%s-%d", t.scheme, i+1), transport: t}
			if err := l.start(ctx, w); err != nil {
				return err
			}
			l.workers = append(l.workers, w)
			switch {
			case w.process == nil:
			case i == 0:
				who = fmt.Sprintf("processes %d", w.process.pid())
			default:
				who += fmt.Sprintf(", %d", w.process.pid())
			}
		}
		from, to := strings.TrimPrefix(t.tasks, t.scheme+"://"), strings.TrimPrefix(t.results, t.scheme+"://")
		if t.scheme == "ipc" {
			to = "…/" + filepath.Base(to) // the folder is the same
		}
		if err := l.publisher.event(ctx, t.scheme, "%s > %s > %s", from, who, to); err != nil {
			return err
		}
	}
	if miscounting := l.options.miscount; miscounting != "" && !slices.Contains(l.result.workers, miscounting) {
		return fmt.Errorf("no worker is called %q; these are there: %s", miscounting, strings.Join(l.result.workers, ", "))
	}
	return l.awaitWorkers(ctx)
}

// start starts a worker.
func (l *live) start(ctx context.Context, w *worker) (err error) {
	l.result.workers = append(l.result.workers, w.name)
	if w.transport.scheme == "inproc" {
		l.play(func() error {
			return work(ctx, l.zmq, w.name, w.transport.tasks, w.transport.results, l.options.miscount == w.name)
		})
		return nil
	}
	args := []string{roleWorker, w.name, w.transport.tasks, w.transport.results}
	if l.options.miscount == w.name {
		args = append(args, miscounts)
	}
	if w.process, err = startProcess(args...); err != nil {
		return err
	}
	p := w.process
	l.play(func() error { return p.watch(ctx) })
	return nil
}

// awaitWorkers waits until each worker is connected to both sides.
func (l *live) awaitWorkers(ctx context.Context) error {
	if err := l.ventilator.push.WaitPeers(ctx, len(l.workers)); err != nil {
		return err
	}
	return l.sink.pull.WaitPeers(ctx, len(l.workers))
}

// work is the run itself: everything counts, the director does his mischief,
// and the ventilator decides when it is over.
func (l *live) work(ctx context.Context) error {
	watch, err := l.ventilator.watch(ctx, l.zmq)
	if err != nil {
		return err
	}
	enough, over := make(chan struct{}), make(chan struct{})
	began := time.Now()
	l.play(watch)
	l.play(func() error { return l.sink.run(ctx) })
	l.play(func() error { return l.report(ctx) })
	l.play(func() error {
		defer close(over)
		return l.ventilator.run(ctx, l.tree, enough)
	})
	if err := l.direct(ctx, began); err != nil {
		return err
	}
	close(enough)
	select {
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	l.result.elapsed = time.Since(began)
	l.result.passes = l.ventilator.passes
	l.result.again = int(l.ventilator.counts.again.Load())
	l.result.tally = l.sink.tally()
	l.result.words = l.sink.words // nothing is added any more: every task is done
	return l.closeNews(ctx)
}

// closeNews ends the news, and asks the scribe how many there were.
func (l *live) closeNews(ctx context.Context) error {
	l.scribe.expected.Store(true)
	if err := l.publisher.end(ctx); err != nil {
		return err
	}
	select {
	case <-l.scribe.ended:
		return scribed(l.scribe.printed.String(), int(l.publisher.events.Load()))
	case <-ctx.Done():
		return ctx.Err()
	}
}
