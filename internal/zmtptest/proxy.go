package zmtptest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A Proxy is a SOCKS5 server that a test starts, and asks what it was told. RFC
// 1928, RFC 1929. It connects within this machine alone.
type Proxy struct {
	// At is where it listens; empty: a free port of 127.0.0.1.
	At string
	// Users are the passwords of those that it admits. Nil: it asks nobody.
	Users map[string]string
	// Names are the addresses, "host:port", of the names that it knows.
	Names map[string]string
	// Answer is what it answers to every request, if that is not zero: a refusal.
	Answer byte
	// Mute makes it accept connections and say nothing.
	Mute bool

	l       net.Listener
	running sync.WaitGroup

	mu    sync.Mutex // guards what follows
	heard []ProxyRequest
	conns []net.Conn
	over  bool
}

// A ProxyRequest is what a client told the proxy.
type ProxyRequest struct {
	From           string // where it came from
	Methods        []byte // the ways to authenticate that it offered
	User, Password string
	Kind           byte   // of the target: 1 IPv4, 3 a name, 4 IPv6
	Target         string // "host:port"
}

// Start has the proxy serve until the test is over, and returns its address.
func (p *Proxy) Start(t testing.TB) string {
	t.Helper()
	if p.At == "" {
		p.At = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", p.At)
	if err != nil {
		t.Fatal(err)
	}
	p.l = l
	p.running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if p.keep(conn) {
				p.running.Go(func() {
					defer conn.Close()
					p.serve(conn)
				})
			}
		}
	})
	t.Cleanup(p.stop)
	return l.Addr().String()
}

// Heard is what clients have told so far, one entry for each that came to the end
// of a request or was turned away.
func (p *Proxy) Heard() []ProxyRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]ProxyRequest(nil), p.heard...)
}

func (p *Proxy) stop() {
	p.l.Close()
	p.mu.Lock()
	p.over = true
	for _, c := range p.conns {
		c.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
}

// keep notes a connection, to be closed in the end.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		conn.Close()
		return false
	}
	p.conns = append(p.conns, conn)
	return true
}

// A refusal is the answer to a client that is turned away. It is given when what the
// client told is in Heard.
type refusal struct{ answer []byte }

func (r *refusal) Error() string { return fmt.Sprintf("turned away with %x", r.answer) }

// serve speaks with one client.
func (p *Proxy) serve(conn net.Conn) {
	if p.Mute {
		_, _ = io.Copy(io.Discard, conn) // until it goes
		return
	}
	r := ProxyRequest{From: conn.RemoteAddr().String()}
	reply, err := p.negotiate(conn, &r)
	p.mu.Lock()
	p.heard = append(p.heard, r)
	p.mu.Unlock()
	if err != nil {
		var no *refusal
		if errors.As(err, &no) {
			_, _ = conn.Write(no.answer) // whether it hears or not
		}
		return
	}
	target := r.Target
	if address, known := p.Names[target]; known {
		target = address
	}
	var far net.Conn
	if reply == 0 {
		if far, err = net.Dial("tcp", target); err != nil || !p.keep(far) {
			reply = 5 // refused
		}
	}
	// The address that it has taken is nobody's business.
	if _, err := conn.Write([]byte{5, reply, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil || reply != 0 {
		return
	}
	p.running.Go(func() {
		_, _ = io.Copy(far, conn) // until either goes
		far.Close()
	})
	_, _ = io.Copy(conn, far) // until either goes
}

// negotiate reads what a client wants, and returns the answer that it gets.
func (p *Proxy) negotiate(conn net.Conn, r *ProxyRequest) (reply byte, err error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, err
	}
	r.Methods = make([]byte, head[1])
	if _, err := io.ReadFull(conn, r.Methods); err != nil {
		return 0, err
	}
	if err := p.authenticate(conn, r); err != nil {
		return 0, err
	}
	request := make([]byte, 4)
	if _, err := io.ReadFull(conn, request); err != nil {
		return 0, err
	}
	r.Kind = request[3]
	var host string
	switch r.Kind {
	case 1, 4:
		ip := make(net.IP, map[byte]int{1: 4, 4: 16}[r.Kind])
		if _, err := io.ReadFull(conn, ip); err != nil {
			return 0, err
		}
		host = ip.String()
	case 3:
		if host, err = readCounted(conn); err != nil {
			return 0, err
		}
	default:
		return 0, fmt.Errorf("address of kind %d", r.Kind)
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(conn, port); err != nil {
		return 0, err
	}
	r.Target = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port))))
	return p.Answer, nil
}

// authenticate chooses a method and, if it is the one of RFC 1929, goes through it.
func (p *Proxy) authenticate(conn net.Conn, r *ProxyRequest) error {
	wanted := byte(0)
	if p.Users != nil {
		wanted = 2
	}
	offered := false
	for _, m := range r.Methods {
		offered = offered || m == wanted
	}
	if !offered {
		return &refusal{[]byte{5, 0xff}}
	}
	if _, err := conn.Write([]byte{5, wanted}); err != nil || wanted == 0 {
		return err
	}
	version := make([]byte, 1)
	_, err := io.ReadFull(conn, version)
	if err == nil {
		r.User, err = readCounted(conn)
	}
	if err == nil {
		r.Password, err = readCounted(conn)
	}
	if err != nil {
		return err
	}
	if password, known := p.Users[r.User]; !known || password != r.Password {
		return &refusal{[]byte{1, 1}}
	}
	_, err = conn.Write([]byte{1, 0})
	return err
}

// readCounted reads an octet and as many more as that says.
func readCounted(r io.Reader) (string, error) {
	n := make([]byte, 1)
	if _, err := io.ReadFull(r, n); err != nil {
		return "", err
	}
	b := make([]byte, n[0])
	_, err := io.ReadFull(r, b)
	return string(b), err
}
