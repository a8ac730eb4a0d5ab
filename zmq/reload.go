package zmq

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// defaultReloadInterval is ReloadConfig's.
const defaultReloadInterval = time.Second

// ReloadConfig says how a policy follows its files. The zero value is the default.
type ReloadConfig struct {
	// Interval is how long what was read counts before a peer makes the policy look
	// at the files again. Zero is the default, 1 s; Never leaves it to Reload, and what
	// is below that is refused.
	Interval time.Duration
	// Logger gets a warning when files cannot be used, and a record when they can
	// again. Nil is the default: silence, but for Err.
	Logger *slog.Logger
}

// check refuses what is out of range.
func (c *ReloadConfig) check() error {
	if c != nil && c.Interval < Never {
		return fmt.Errorf("%w: ReloadConfig.Interval is %v, must be %v or more", ErrInvalid, c.Interval, Never)
	}
	return nil
}

// A follower knows when to look at files again, and what became of it.
type follower struct {
	what   string // for the log
	config ReloadConfig

	reading sync.Mutex // held while files are read; others only try it, but for force

	mu   sync.Mutex // guards all below; a leaf
	next time.Time  // when to look again
	err  error      // of the last look
}

func newFollower(what string, config *ReloadConfig) *follower {
	f := &follower{what: what}
	if config != nil {
		f.config = *config
	}
	standard(&f.config.Interval, defaultReloadInterval)
	return f
}

// follow calls read if it is time to. While somebody reads others go on with what was
// read before.
func (f *follower) follow(read func() error) {
	if !f.isTime() || !f.reading.TryLock() {
		return
	}
	if !f.isTime() { // somebody else has just read
		f.reading.Unlock()
		return
	}
	_ = f.look(read) // what it finds is told by Err and in the log
}

// force calls read at once.
func (f *follower) force(read func() error) error {
	f.reading.Lock()
	return f.look(read)
}

// look calls read and lets go of reading. Then it tells what became of that, if it is
// news.
func (f *follower) look(read func() error) error {
	err := read()
	f.mu.Lock()
	before := f.err
	f.err, f.next = err, time.Now().Add(f.config.Interval)
	f.mu.Unlock()
	f.reading.Unlock()
	switch log := f.config.Logger; {
	case log == nil:
	case err != nil && (before == nil || before.Error() != err.Error()):
		log.Warn(f.what+" cannot be used as it is, what was read before counts", "err", err)
	case err == nil && before != nil:
		log.Info(f.what + " can be used again")
	}
	return err
}

func (f *follower) isTime() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config.Interval > 0 && !time.Now().Before(f.next)
}

// last is what became of the last look.
func (f *follower) last() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
