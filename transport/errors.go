package transport

import (
	"fmt"
	"syscall"
)

// Kinds of bad addresses, and of peers. Each also matches the errno that libzmq sets for it,
// so that errors.Is and errors.As find a [syscall.Errno] in every error of a
// transport, whether it arose here or in the system.
var (
	// ErrInvalid says that an endpoint, an address or an option has no meaning.
	// It is EINVAL.
	ErrInvalid error = &kind{"invalid argument", syscall.EINVAL}

	// ErrNoDevice says that an address names no interface, address or host that
	// could be used here. It is ENODEV.
	ErrNoDevice error = &kind{"no such device or host", syscall.ENODEV}

	// ErrNameTooLong says that a path is longer than the system's addresses can
	// hold. It is ENAMETOOLONG.
	ErrNameTooLong error = &kind{"name too long", syscall.ENAMETOOLONG}

	// ErrTurnedAway says that a listener does not admit a peer, whose connection
	// is closed. It is EACCES.
	ErrTurnedAway error = &kind{"peer turned away", syscall.EACCES}
)

// kind is a sentinel that stands for an errno.
type kind struct {
	text  string
	errno syscall.Errno
}

func (k *kind) Error() string { return k.text }
func (k *kind) Unwrap() error { return k.errno }

// AddressError says what is wrong with an address.
type AddressError struct {
	Address string // as it was given
	Why     string // a phrase for people
	Kind    error  // one of the sentinels above, or errors.ErrUnsupported
	Cause   error  // what the system or the resolver said; may be nil
}

func (e *AddressError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("address %q: %s: %v", e.Address, e.Why, e.Cause)
	}
	return fmt.Sprintf("address %q: %s", e.Address, e.Why)
}

// Unwrap makes both the kind and the cause visible to errors.Is.
func (e *AddressError) Unwrap() []error {
	if e.Cause != nil {
		return []error{e.Kind, e.Cause}
	}
	return []error{e.Kind}
}
