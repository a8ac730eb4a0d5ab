package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"zeromux/zmtp"
)

// A crowd is many plain TCP connections to one peer, all from this process: next
// to no memory, and nothing of either library.
type crowd struct {
	conns []net.Conn
}

// atOnce is how many of them come at a time, well within the peer's backlog of 100.
const atOnce = 32

// gather opens n connections and lets each arrive. Those that came are in the
// crowd also when there is an error.
func gather(ctx context.Context, address string, n int, arrive func(net.Conn) error) (*crowd, error) {
	var (
		c      = &crowd{}
		mu     sync.Mutex // guards c.conns, failed, left
		failed error
		left   = n
		wait   sync.WaitGroup
		dialer net.Dialer
	)
	next := func() bool {
		mu.Lock()
		defer mu.Unlock()
		left--
		return left >= 0 && failed == nil
	}
	for range min(n, atOnce) {
		wait.Go(func() {
			for next() {
				conn, err := dialer.DialContext(ctx, "tcp", address)
				if err == nil {
					if deadline, ok := ctx.Deadline(); ok {
						_ = conn.SetDeadline(deadline)
					}
					err = arrive(conn)
				}
				mu.Lock()
				if conn != nil {
					c.conns = append(c.conns, conn)
				}
				failed = errors.Join(failed, err)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return c, failed
}

// closed counts those that the peer has closed.
func (c *crowd) closed() (n int) {
	b := make([]byte, 256)
	for _, conn := range c.conns {
		_ = conn.SetReadDeadline(time.Now().Add(time.Microsecond)) // what has come is read at once
		for {
			if _, err := conn.Read(b); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					n++
				}
				break
			}
		}
	}
	return n
}

// leave closes all connections, by a reset: a port that waits for late packets
// would be in the way of the next run.
func (c *crowd) leave() {
	for _, conn := range c.conns {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

// sayNothing waits for the first octet of the peer's greeting, which shows that it
// has taken the connection, and sends nothing.
func sayNothing(conn net.Conn) error {
	_, err := conn.Read(make([]byte, 1))
	return err
}

// What a DEALER says until it is ready, and a PING, whose answer shows that the
// handshake is behind the peer, too. libzmq 4.3.4 hangs up on a PING that comes
// before it has said READY itself. RFC 37 "Formal Grammar".
var (
	opening = zmtp.AppendFrame(
		zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Minor: 1, Mechanism: "NULL"}, 0),
		zmtp.FlagCommand,
		zmtp.AppendReady(nil, zmtp.Metadata{
			{Name: zmtp.PropertySocketType, Value: []byte("DEALER")},
			{Name: zmtp.PropertyIdentity},
		}))
	ping = zmtp.AppendFrame(nil, zmtp.FlagCommand, zmtp.AppendPing(nil, 0, nil))
)

// shakeHands is arriving as a DEALER that has nothing to say.
func shakeHands(conn net.Conn) error {
	_, err := (&plainDealer{conn: conn}).shakeHands()
	return err
}

// A plainDealer is one end of a connection, spoken by hand.
type plainDealer struct {
	conn  net.Conn
	frame zmtp.Decoder
	rest  []byte // read, and not decoded yet
}

func (d *plainDealer) shakeHands() (*plainDealer, error) {
	if _, err := d.conn.Write(opening); err != nil {
		return nil, err
	}
	if err := d.greeting(); err != nil {
		return nil, err
	}
	if err := d.expect(zmtp.CommandReady); err != nil {
		return nil, err
	}
	if _, err := d.conn.Write(ping); err != nil {
		return nil, err
	}
	return d, d.expect(zmtp.CommandPong)
}

// greeting reads the one of the peer.
func (d *plainDealer) greeting() error {
	for len(d.rest) < zmtp.GreetingSize {
		if err := d.read(); err != nil {
			return fmt.Errorf("greeting: %w", err)
		}
	}
	_, err := zmtp.ParseGreeting(d.rest)
	d.rest = d.rest[zmtp.GreetingSize:]
	return err
}

// expect reads a command, which has to be the one that is named.
func (d *plainDealer) expect(command string) error {
	f, err := d.next()
	if err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	name, _, err := zmtp.ParseCommand(f.Body)
	if err != nil || f.Flags != zmtp.FlagCommand || string(name) != command {
		return fmt.Errorf("got %q with flags %d, want the command %s", f.Body, f.Flags, command)
	}
	return nil
}

// ask sends a message of one frame and reads the reply.
func (d *plainDealer) ask(body []byte) error {
	if _, err := d.conn.Write(zmtp.AppendFrame(nil, 0, body)); err != nil {
		return err
	}
	f, err := d.next()
	if err != nil {
		return err
	}
	if f.Flags != 0 || string(f.Body) != string(body) {
		return fmt.Errorf("the reply is %q with flags %d, want %q", f.Body, f.Flags, body)
	}
	return nil
}

// next decodes one frame, which is valid until the next call.
func (d *plainDealer) next() (zmtp.Frame, error) {
	for {
		f, n, err := d.frame.Next(d.rest)
		d.rest = d.rest[n:]
		if err == nil || !errors.Is(err, zmtp.ErrShort) {
			return f, err
		}
		if err := d.read(); err != nil {
			return zmtp.Frame{}, err
		}
	}
}

func (d *plainDealer) read() error {
	b := make([]byte, 256)
	n, err := d.conn.Read(b)
	d.rest = append(d.rest, b[:n]...)
	return err
}
