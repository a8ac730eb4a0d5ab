package filemark

import (
	"log/slog"
	"sync"
	"time"
)

// A Follower knows when to look at files again, and what became of it. What was read of
// them before counts meanwhile, and if they cannot be used. Its fields must not change
// any more once it is in use; its methods may be called by any goroutine.
type Follower struct {
	// Interval is how long what was read counts before somebody looks again; zero: each
	// looks; below zero: nobody does, but for Force.
	Interval time.Duration
	// Logger gets Unfit as a warning when files cannot be used, and Fit as a record when
	// they can again. Nil: nobody is told.
	Logger     *slog.Logger
	Unfit, Fit string

	reading sync.Mutex // held while files are read; others only try it, but for Force

	mu      sync.Mutex // guards all below; a leaf
	next    time.Time  // when to look again
	err     error      // of the last look
	told    error      // what the log knows of that
	telling bool       // somebody is telling it
}

// Follow calls read if it is time to. While somebody reads others go on with what was
// read before.
func (f *Follower) Follow(read func() error) {
	if f.begin() {
		_ = f.look(read) // what it finds is told by Err and in the log
	}
}

// FollowFor is Follow for somebody who cannot wait for longer than patience, whatever
// keeps a file or the log: then he goes on as others do, and a goroutine of its own
// waits. Of these one at most reads, and one at most tells.
func (f *Follower) FollowFor(patience time.Duration, read func() error) {
	if !f.begin() {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = f.look(read)
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-done:
	case <-late.C:
	}
}

// Force calls read at once, or as soon as nobody else does.
func (f *Follower) Force(read func() error) error {
	f.reading.Lock()
	return f.look(read)
}

// Err is what became of the last look.
func (f *Follower) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// begin takes reading and reports true if it is time to look and nobody else does.
func (f *Follower) begin() bool {
	if !f.isTime() || !f.reading.TryLock() {
		return false
	}
	if !f.isTime() { // somebody else has just read
		f.reading.Unlock()
		return false
	}
	return true
}

func (f *Follower) isTime() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Interval >= 0 && !time.Now().Before(f.next)
}

// look calls read and lets go of reading. Then it tells what became of that.
func (f *Follower) look(read func() error) error {
	err := read()
	f.mu.Lock()
	f.err, f.next = err, time.Now().Add(f.Interval)
	f.mu.Unlock()
	f.reading.Unlock()
	f.tell()
	return err
}

// tell tells the log what is news. Who comes while another does so leaves it to him: a
// log may be slow.
func (f *Follower) tell() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Logger == nil || f.telling {
		return
	}
	f.telling = true
	defer func() { f.telling = false }() // also should the log panic
	for !isSame(f.told, f.err) {
		f.told = f.err
		f.write(f.err)
	}
}

// write writes one record, and lets go of mu meanwhile.
func (f *Follower) write(err error) {
	f.mu.Unlock()
	defer f.mu.Lock()
	if err != nil {
		f.Logger.Warn(f.Unfit, "err", err)
	} else {
		f.Logger.Info(f.Fit)
	}
}

// isSame reports whether two errors, or nil, say the same.
func isSame(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}
