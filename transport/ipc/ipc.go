// Package ipc is the ipc transport: Unix-domain sockets, named by a path, by
// "@name" in Linux's abstract namespace, or by "*", a path of our own choice.
// It imports package transport alone.
package ipc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"zeromux/transport"
)

// Transport is the ipc transport. The zero value is ready for use.
// libzmq: "ipc://".
type Transport struct{}

// maxAddress is the longest path, in octets, that the system's address of a
// Unix-domain socket holds beside its final NUL: 107 on Linux.
const maxAddress = len(syscall.RawSockaddrUnix{}.Path) - 1

// CheckConnect implements transport.Transport. A "*" is an ordinary character
// in an address to connect to.
func (Transport) CheckConnect(address string, o *transport.Options) error {
	if err := checkAddress(address); err != nil {
		return err
	}
	return CheckOptions(o)
}

// checkAddress refuses what cannot be the address of a Unix-domain socket.
func checkAddress(address string) error {
	bad := func(kind error, why string) error {
		return &transport.AddressError{Address: address, Why: why, Kind: kind}
	}
	switch {
	case address == "":
		return bad(transport.ErrInvalid, "there is no path")
	case address == "@":
		return bad(transport.ErrInvalid, `there is no name after "@"`)
	case strings.IndexByte(address, 0) >= 0:
		return bad(transport.ErrInvalid, "there is a NUL in the path")
	case len(address) > maxAddress:
		return bad(transport.ErrNameTooLong, fmt.Sprintf("a path has at most %d octets", maxAddress))
	case isAbstract(address) && runtime.GOOS != "linux" && runtime.GOOS != "android":
		return bad(errors.ErrUnsupported, "abstract names are of Linux alone")
	}
	return nil
}

// isAbstract says whether address is a name rather than a path.
func isAbstract(address string) bool { return strings.HasPrefix(address, "@") }

// CheckOptions refuses what this system cannot do, and what no system can. Errors
// wrap ErrInvalid or errors.ErrUnsupported.
func CheckOptions(o *transport.Options) error {
	switch {
	case o == nil:
	case o.SendBuffer < 0 || o.RecvBuffer < 0:
		return fmt.Errorf("ipc: negative buffer size: %w", transport.ErrInvalid)
	case filters(o) && !hasCredentials:
		return fmt.Errorf("ipc: options AcceptPIDs, AcceptUIDs and AcceptGIDs: %w on %s", errors.ErrUnsupported, runtime.GOOS)
	}
	return nil
}

// Dial implements transport.Transport. The connection is a *net.UnixConn unless
// a Dialer opened it. A listener whose queue is full makes Dial fail at once
// on Linux.
func (t Transport) Dial(ctx context.Context, address string, o *transport.Options) (net.Conn, error) {
	if err := t.CheckConnect(address, o); err != nil {
		return nil, err
	}
	if o == nil {
		o = &transport.Options{}
	}
	if o.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.ConnectTimeout)
		defer cancel()
	}
	dial := new(net.Dialer).DialContext
	if o.Dialer != nil {
		dial = o.CallDialer
	}
	conn, err := dial(ctx, "unix", address)
	if err != nil {
		return nil, transport.Portable(err)
	}
	if err := setBuffers(conn, o); err != nil {
		conn.Close()
		return nil, transport.Portable(err)
	}
	return conn, nil
}

// Listen implements transport.Transport. A socket, a link or an empty file at
// the path is removed first, as libzmq does: so the address of a process that
// died, or of one that still lives, can be taken over. libzmq removes files
// that are not empty and devices as well; here the address is in use. An
// address that begins with "*" stands for the file "socket" in a new directory.
func (Transport) Listen(ctx context.Context, address string, o *transport.Options) (transport.Listener, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := CheckOptions(o); err != nil {
		return nil, err
	}
	var dir wildcardDir
	if strings.HasPrefix(address, "*") {
		var err error
		if dir, err = makeWildcardDir(); err != nil {
			return nil, transport.Portable(err)
		}
		address = dir.socket()
	}
	l, err := listen(address, dir, o)
	if err != nil {
		_ = dir.remove() // the error of binding is the one that counts
		return nil, transport.Portable(err)
	}
	return l, nil
}

// listen binds address, which is no wildcard; dir is what the listener removes.
func listen(address string, dir wildcardDir, o *transport.Options) (*listener, error) {
	if err := checkAddress(address); err != nil {
		return nil, err
	}
	if !isAbstract(address) {
		unlink(address)
	}
	unix, err := net.ListenUnix("unix", &net.UnixAddr{Name: address, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// By its own rule the net package would remove whatever is there by then.
	unix.SetUnlinkOnClose(false)
	l := &listener{unix: unix, address: address}
	if o != nil {
		l.options = *o
	}
	if !isAbstract(address) {
		l.file = remember(address)
	}
	l.close = sync.OnceValue(func() error {
		// The file goes first: while the socket is open its inode cannot be
		// given to another file, and so l.file is told from it for certain.
		gone := errors.Join(l.file.remove(), dir.remove())
		return errors.Join(gone, unix.Close())
	})
	if err := setBacklog(unix, o.ListenBacklog()); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// ListenFile implements transport.FileListener.
func (Transport) ListenFile(f *os.File, o *transport.Options) (transport.Listener, error) {
	if err := CheckOptions(o); err != nil {
		return nil, err
	}
	given, err := transport.ListenerOf(f)
	if err != nil {
		return nil, err
	}
	unix, ok := given.(*net.UnixListener)
	if !ok {
		given.Close()
		return nil, fmt.Errorf("%w: a socket of %s, not of ipc", transport.ErrInvalid, given.Addr().Network())
	}
	unix.SetUnlinkOnClose(false)
	l := &listener{unix: unix, address: unix.Addr().String(), close: sync.OnceValue(unix.Close)}
	if o != nil {
		l.options = *o
	}
	return l, nil
}

// listener is a bound ipc address.
type listener struct {
	unix    *net.UnixListener
	address string
	file    boundFile         // what was bound; zero for an abstract name
	options transport.Options // a copy: what accepted connections are given
	close   func() error
}

func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.unix.AcceptUnix()
	if err != nil {
		return nil, transport.Portable(err)
	}
	if err := admit(conn, &l.options); err != nil {
		conn.Close()
		return nil, err
	}
	if err := setBuffers(conn, &l.options); err != nil {
		conn.Close()
		return nil, transport.Portable(err)
	}
	return conn, nil
}

func (l *listener) Close() error    { return l.close() }
func (l *listener) Address() string { return l.address }

// SyscallConn implements syscall.Conn.
func (l *listener) SyscallConn() (syscall.RawConn, error) { return l.unix.SyscallConn() }

// setBuffers asks for the sizes of a connection's buffers.
func setBuffers(conn net.Conn, o *transport.Options) error {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return nil
	}
	if o.SendBuffer > 0 {
		if err := unix.SetWriteBuffer(o.SendBuffer); err != nil {
			return err
		}
	}
	if o.RecvBuffer > 0 {
		return unix.SetReadBuffer(o.RecvBuffer)
	}
	return nil
}

// PeerAddress implements transport.PeerNamer: "localhost:UID:GID:PID", or ""
// where the system does not tell.
func (Transport) PeerAddress(c net.Conn) string {
	cred, err := PeerCredentials(c)
	if err != nil {
		return ""
	}
	return cred.String()
}

// Credentials say which process is at the other end, as it was when it
// connected or began to listen.
type Credentials struct {
	UID, GID uint32 // effective user and group
	PID      int32  // process
}

// String writes c as libzmq writes the Peer-Address of an ipc connection.
func (c Credentials) String() string {
	return fmt.Sprintf("localhost:%d:%d:%d", c.UID, c.GID, c.PID)
}
