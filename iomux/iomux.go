// Package iomux waits for many descriptors at once. One interface, Mux, stands over
// the system calls that exist for it:
//
//	call     systems            descriptors    what one Wait costs
//	select   unix               below 1024     three sets copied in and out, all numbers scanned twice
//	poll     unix               any number     the set copied in and out, all of it scanned twice
//	epoll    Linux              any number     what is ready, and nothing for the rest
//	kqueue   macOS and the BSDs any number     what is ready, and nothing for the rest
//
// All are level-triggered: a descriptor is handed out by each Wait for as long as it
// is ready, so nothing is lost when an application reads less than there was.
//
// The kqueue back end compiles for macOS, FreeBSD, NetBSD, OpenBSD and DragonFly. It
// has run on none of them: treat it as untried.
//
// The package imports nothing of this module and knows nothing of ZeroMQ.
package iomux

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Mux tells which of its descriptors are ready. Each method may be called from any
// goroutine at any time, also while another is in Wait; a change counts at once, for
// the Wait under way too. After Close each but Close returns ErrClosed.
//
// An error of Add, Modify or Remove is about that descriptor alone: the registrations
// are as they were before, and the Mux goes on.
//
// Remove a descriptor before it is closed. What becomes of one that is not, until
// Remove forgets it: poll and select tell of it once as Invalid (select may call it ready
// before, if it was waiting for it); kqueue falls silent, and so does epoll once nothing
// else has the file open (see ErrOrphan). In all of them the number stays taken, and
// should it be given out again, poll and select take the new file for the old.
type Mux interface {
	// Add registers fd. Events of it carry token, which means nothing to the Mux.
	// Without interest nothing is reported, not even a hang-up, until Modify.
	// The Mux does not own fd, neither closes it nor changes its flags.
	//
	// It returns ErrExists for one that is registered, EBADF for one that is not open,
	// EINVAL for an interest that is none, and ErrRefused for what the back end cannot
	// do: select has no descriptors from FD_SETSIZE up, epoll no regular files and
	// directories, kqueue no Priority, and neither select nor kqueue Failure alone.
	Add(fd int, token uint64, interest Interest) error

	// Modify changes token and interest of fd. It returns ErrUnknown for one that is
	// not registered, and otherwise what Add returns.
	Modify(fd int, token uint64, interest Interest) error

	// Remove ends the registration. Once it has returned no Wait begins to hand out
	// events of it, also when the same number is added again. One that was closed
	// meanwhile is removed without error; for one that was never added, or removed
	// already, it returns ErrUnknown.
	Remove(fd int) error

	// Wait fills ready with descriptors that are, and returns how many. It waits until
	// there is one, until Wake, or until timeout has passed: forever if that is
	// negative, not at all if it is zero. It never returns early for lack of precision:
	// epoll and poll round up to a millisecond, select to a microsecond.
	//
	// A descriptor stands in ready at most once. Fewer than len(ready) means that no
	// other was ready; when more are, they take turns. Wait without an event and
	// without error means that it was woken or that the time is over.
	//
	// A Wait that may not return at once occupies a thread of the system. One goroutine
	// waits at a time, for two would be told of the same descriptor: a Wait beside
	// another returns ErrWaiting. It allocates nothing when the slice is no longer than
	// before.
	Wait(ready []Event, timeout time.Duration) (int, error)

	// Wake makes the Wait under way return, or else the next one. Many before one Wait
	// are as good as one. It does not block.
	Wake() error

	// Close ends the Mux: a Wait under way returns ErrClosed, and only then are the Mux's
	// own descriptors given back. Those that were registered stay open. Calls after the
	// first do nothing.
	Close() error
}

// Nester is a Mux that may have a descriptor of its own, which is readable whenever
// Wait would return at once. A duplicate of it, made a non-blocking os.File, is waited
// for by Go's own poller at the price of a parked goroutine instead of a thread; then
// Wait with a timeout of zero says what is ready. File makes such a duplicate. Go's
// poller tells of changes only: before it parks again, a goroutine must have seen a Wait
// that returned nothing, or one that returned fewer events than there was room for, none
// of which is ready any more.
//
// All that New returns are Nesters. The Mux owns the descriptor and closes it with Close,
// which does not wake who waits for a duplicate: close that first.
type Nester interface {
	// Nest returns the descriptor; ok is false where there is none (poll, select).
	Nest() (fd int, ok bool)
}

// Interest is what to wait for, a set of bits. Zero waits for nothing.
type Interest uint8

const (
	Read     Interest = 1 << iota // there is something to read, or no more will come
	Write                         // there is room to write, or a write would fail
	Priority                      // there is urgent data (POLLPRI)
	Failure                       // a hang-up or an error, which the others bring along

	everything = Read | Write | Priority | Failure
)

// Event says what a descriptor is ready for. What select can tell, which knows neither
// hang-ups nor errors, is enough to act on: after either, Readable and Writable are set
// as far as there is interest, and read or write meets what happened.
type Event struct {
	Token uint64 // as given to Add or Modify
	FD    int    // the descriptor

	Readable bool // a read returns at once: octets, end of stream or an error
	Writable bool // a write returns at once
	Priority bool // there is urgent data
	Last     bool // what can be read is all that will ever come; told by epoll and kqueue
	Hangup   bool // the other side is gone (with kqueue: or sends no more); not told by select
	Error    bool // the descriptor has an error, or nobody reads the other end; not told by select
	Invalid  bool // closed before it was removed: told once, by poll and select alone
}

// Errors that an application may want to tell apart. They come wrapped with the call,
// the back end and the descriptor; what the system says comes as its errno.
var (
	// ErrClosed: the Mux is closed.
	ErrClosed = errors.New("the multiplexer is closed")
	// ErrExists: the descriptor is registered already; Modify changes it.
	ErrExists = errors.New("it is registered already")
	// ErrUnknown: the descriptor is not registered.
	ErrUnknown = errors.New("it is not registered")
	// ErrRefused: the back end cannot wait for this descriptor, or not for this interest.
	ErrRefused = errors.New("the back end cannot take it")
	// ErrWaiting: another goroutine is in Wait.
	ErrWaiting = errors.New("another goroutine is waiting")
	// ErrOrphan: a descriptor was closed before it was removed and its file lives on under
	// another number, is ready, and epoll can no longer be told to forget it. Wait returns
	// it when there is nothing else to tell; only a new Mux helps.
	ErrOrphan = errors.New("a removed descriptor was closed before and its file is still open elsewhere")
)

// Backend names the system call that a Mux stands on.
type Backend string

const (
	Epoll  Backend = "epoll"  // Linux
	Kqueue Backend = "kqueue" // macOS and the BSDs; untried
	Poll   Backend = "poll"   // unix
	Select Backend = "select" // unix; descriptors below FD_SETSIZE, which is 1024 on most systems
)

// Available lists the back ends of this system, the best first. It is empty where there
// are none (Windows, Plan 9, WebAssembly).
func Available() []Backend { return slices.Clone(backends) }

// New makes a Mux on the named back end; the empty name means the best there is. It
// returns errors.ErrUnsupported for one that this system does not have. The caller has
// to Close it.
func New(name Backend) (Mux, error) {
	if name == "" && len(backends) > 0 {
		name = backends[0]
	}
	if !slices.Contains(backends, name) {
		return nil, fmt.Errorf("iomux: back end %q on %s: %w", string(name), runtime.GOOS, errors.ErrUnsupported)
	}
	m, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("iomux: %s: %w", name, err)
	}
	return m, nil
}
