package transport

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// posixNames maps Winsock's numbers to the ones that package syscall made up
// for the POSIX names, which are the ones that portable code compares with.
var posixNames = map[syscall.Errno]syscall.Errno{
	windows.WSAEACCES:          syscall.EACCES,
	windows.WSAEADDRINUSE:      syscall.EADDRINUSE,
	windows.WSAEADDRNOTAVAIL:   syscall.EADDRNOTAVAIL,
	windows.WSAEAFNOSUPPORT:    syscall.EAFNOSUPPORT,
	windows.WSAECONNABORTED:    syscall.ECONNABORTED,
	windows.WSAECONNREFUSED:    syscall.ECONNREFUSED,
	windows.WSAECONNRESET:      syscall.ECONNRESET,
	windows.WSAEHOSTUNREACH:    syscall.EHOSTUNREACH,
	windows.WSAEINVAL:          syscall.EINVAL,
	windows.WSAEMFILE:          syscall.EMFILE,
	windows.WSAENETDOWN:        syscall.ENETDOWN,
	windows.WSAENETUNREACH:     syscall.ENETUNREACH,
	windows.WSAENOBUFS:         syscall.ENOBUFS,
	windows.WSAETIMEDOUT:       syscall.ETIMEDOUT,
	windows.WSAEPROTONOSUPPORT: syscall.EPROTONOSUPPORT,
}

// Portable returns err such that errors.Is finds the POSIX name of the system's
// error in it (syscall.EADDRINUSE and so on).
func Portable(err error) error {
	var code syscall.Errno
	if !errors.As(err, &code) {
		return err
	}
	posix, known := posixNames[code]
	if !known {
		return err
	}
	return &portable{err, posix}
}

// portable is a system's error with a second name.
type portable struct {
	err   error
	posix syscall.Errno
}

func (p *portable) Error() string   { return p.err.Error() }
func (p *portable) Unwrap() []error { return []error{p.posix, p.err} }
