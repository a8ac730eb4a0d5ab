package interop

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// libzmq has no tls+tcp. What is proven here is that ours is TLS: the other side is
// OpenSSL, by its own programs and by Python, which carries the octets of a peer of
// ZMTP that the test plays.

// A carrier is a process that carries octets between its standard streams and a
// connection of TLS.
type carrier struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out io.Reader

	mu   sync.Mutex // guards what follows
	said []string
	over bool
	more chan struct{} // closed, and made anew, with each change
}

// carrier is a net.Conn, as far as a peer that a test plays needs one.
func (c *carrier) Read(b []byte) (int, error)       { return c.out.Read(b) }
func (c *carrier) Write(b []byte) (int, error)      { return c.in.Write(b) }
func (c *carrier) CloseWrite() error                { return c.in.Close() }
func (c *carrier) Close() error                     { return c.in.Close() }
func (c *carrier) LocalAddr() net.Addr              { return nil }
func (c *carrier) RemoteAddr() net.Addr             { return nil }
func (c *carrier) SetDeadline(time.Time) error      { return nil }
func (c *carrier) SetReadDeadline(time.Time) error  { return nil }
func (c *carrier) SetWriteDeadline(time.Time) error { return nil }

// startCarrier starts a process, which ends with the test at the latest.
func startCarrier(ctx context.Context, t *testing.T, name string, args ...string) *carrier {
	t.Helper()
	c := &carrier{t: t, cmd: exec.CommandContext(ctx, name, args...), more: make(chan struct{})}
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	words, err := c.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var listening sync.WaitGroup
	listening.Go(func() {
		for lines := bufio.NewScanner(words); lines.Scan(); {
			c.note(func() { c.said = append(c.said, lines.Text()) })
		}
		c.note(func() { c.over = true })
	})
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		listening.Wait()
		_ = c.cmd.Wait()
		if t.Failed() {
			t.Logf("%s has said %q", filepath.Base(name), c.said)
		}
	})
	return c
}

func (c *carrier) note(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
	close(c.more)
	c.more = make(chan struct{})
}

// says waits for a line that begins so, and returns the rest of it.
func (c *carrier) says(begin string) string {
	c.t.Helper()
	late := time.After(patience)
	for {
		c.mu.Lock()
		said, over, more := c.said, c.over, c.more
		c.mu.Unlock()
		for _, line := range said {
			if rest, ok := strings.CutPrefix(line, begin); ok {
				return strings.TrimSpace(rest)
			}
		}
		if over {
			c.t.Fatalf("it ends without %q: %q", begin, said)
		}
		select {
		case <-more:
		case <-late:
			c.t.Fatalf("it never says %q, but %q", begin, said)
		}
	}
}

// identities are the files and configurations of two sides that know each other.
type identities struct {
	authority *zmtptest.Authority
	ours      zmq.TLS
	caFile    string
	certFile  string // of the other side
	keyFile   string
}

func newIdentities(t *testing.T) *identities {
	a := zmtptest.NewAuthority(t, "test authority")
	i := &identities{authority: a, caFile: a.File(t)}
	i.ours = zmq.TLS{CAFile: i.caFile, ClientCAFile: i.caFile}
	i.ours.CertFile, i.ours.KeyFile = zmtptest.Files(t, a.Issue(t, "ours.test", "127.0.0.1"))
	i.certFile, i.keyFile = zmtptest.Files(t, a.Issue(t, "theirs.test", "127.0.0.1"))
	return i
}

// An implementation of TLS starts carriers.
type implementation struct {
	connect func(ctx context.Context, t *testing.T, i *identities, version, port string) *carrier
	listen  func(ctx context.Context, t *testing.T, i *identities, version string) (c *carrier, port string)
}

// pythonTLS is Python's, told what to do by changes of that object.
func pythonTLS(changes ...func(map[string]any)) implementation {
	start := func(ctx context.Context, t *testing.T, i *identities, version string, orders map[string]any) *carrier {
		t.Helper()
		if exec.CommandContext(ctx, "python3", "-c", "import ssl").Run() != nil {
			absent(t, "no Python with ssl here (Debian: apt-get install python3)")
		}
		orders["version"], orders["ca"], orders["cert"], orders["key"] = version, i.caFile, i.certFile, i.keyFile
		for _, change := range changes {
			change(orders)
		}
		text, err := json.Marshal(orders)
		if err != nil {
			t.Fatal(err)
		}
		return startCarrier(ctx, t, "python3", filepath.Join("testdata", "tls_peer.py"), string(text))
	}
	return implementation{
		connect: func(ctx context.Context, t *testing.T, i *identities, version, port string) *carrier {
			t.Helper()
			number, err := strconv.Atoi(port)
			if err != nil {
				t.Fatal(err)
			}
			return start(ctx, t, i, version, map[string]any{"port": number, "name": "ours.test"})
		},
		listen: func(ctx context.Context, t *testing.T, i *identities, version string) (*carrier, string) {
			t.Helper()
			c := start(ctx, t, i, version, map[string]any{"listen": true})
			return c, c.says("port")
		},
	}
}

// openssl is its programs.
var openssl = implementation{
	connect: func(ctx context.Context, t *testing.T, i *identities, version, port string) *carrier {
		t.Helper()
		return startOpenSSL(ctx, t, i, version, "s_client", "-connect", "127.0.0.1:"+port, "-verify_hostname", "ours.test")
	},
	listen: func(ctx context.Context, t *testing.T, i *identities, version string) (*carrier, string) {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close() // it is free again, and whoever connects tries until somebody is there
		return startOpenSSL(ctx, t, i, version, "s_server", "-accept", "127.0.0.1:"+port, "-Verify", "1", "-naccept", "1"), port
	},
}

func startOpenSSL(ctx context.Context, t *testing.T, i *identities, version string, args ...string) *carrier {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		absent(t, "no openssl here (Debian: apt-get install openssl)")
	}
	args = append(args, "-quiet", "-verify_return_error", "-CAfile", i.caFile, "-cert", i.certFile, "-key", i.keyFile)
	return startCarrier(ctx, t, "openssl", append(args, "-tls"+strings.ReplaceAll(version, ".", "_"))...)
}

func securely(i *identities) option {
	return func(c *zmq.Config) {
		c.TLS = i.ours
		c.Reconnect.Interval = 10 * time.Millisecond
	}
}

// conversation has a peer that the test plays talk with our socket, there and back.
func conversation(t *testing.T, u *ours, c *carrier, name string) {
	t.Helper()
	var playing sync.WaitGroup
	defer playing.Wait()
	playing.Go(func() {
		zmtptest.NewPeer(c).Play(t, `
			send greeting
			expect greeting
			send ready PAIR
			expect ready PAIR
			send frame "from there"
			expect frame "from here"
			send frame more size 100000
			send frame "behind it"
			expect frame size 300000`)
	})
	m, err := u.s.Recv(u.ctx)
	if err != nil {
		t.Fatal(err)
	}
	chain, state := m.Peer().Certificates(), m.Peer().TLS
	if m.String() != "from there" || len(chain) != 2 || chain[0].Subject.CommonName != name || state.CipherSuite == 0 {
		t.Errorf("%v has come, from %v by %+v", m, chain, state)
	}
	u.send("from here")
	if got := u.recv(); len(got) != 2 || got[0] != strings.Repeat("x", 100000) || got[1] != "behind it" {
		t.Errorf("%s has come", brief(got))
	}
	u.send(strings.Repeat("x", 300000))
}

// ended waits for the end of our connection, and returns why.
func (u *ours) ended() error {
	u.t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-u.events:
			if e.Kind == zmq.EventDisconnected {
				return e.Err
			}
		case <-late:
			u.t.Fatal("the connection does not end")
		}
	}
}

func portOf(t *testing.T, endpoint string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(endpoint, "tls+tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// TestOurTLSWithOpenSSLs talks over it, by each version and from both sides, and ends it
// as TLS wants it to be ended.
func TestOurTLSWithOpenSSLs(t *testing.T) {
	i := newIdentities(t)
	for name, other := range map[string]implementation{"Python": pythonTLS(), "openssl": openssl} {
		for _, version := range []string{"1.2", "1.3"} {
			t.Run(fmt.Sprintf("%s connects by %s", name, version), func(t *testing.T) {
				ctx := bounded(t, testTime)
				u := ourSocket(ctx, t, "PAIR", securely(i))
				c := other.connect(ctx, t, i, version, portOf(t, u.bind("tls+tcp://127.0.0.1:*")))
				conversation(t, u, c, "theirs.test")
				finish(t, u, c, name)
			})
			t.Run(fmt.Sprintf("%s listens by %s", name, version), func(t *testing.T) {
				ctx := bounded(t, testTime)
				c, port := other.listen(ctx, t, i, version)
				u := ourSocket(ctx, t, "PAIR", securely(i))
				u.connect("tls+tcp://127.0.0.1:" + port)
				conversation(t, u, c, "theirs.test")
				finish(t, u, c, name)
			})
		}
	}
}

// finish closes our socket, of which the other side is told.
func finish(t *testing.T, u *ours, c *carrier, name string) {
	t.Helper()
	u.close()
	if rest, err := io.ReadAll(c.out); len(rest) > 0 || err != nil {
		t.Errorf("%d octets came behind the last, and %v", len(rest), err)
	}
	if name == "Python" { // the other does not say so
		c.says("told")
	}
}

// TestTheirEndsOfTLS are told from each other: one that we are told of, and answer, and
// one that we are not.
func TestTheirEndsOfTLS(t *testing.T) {
	i := newIdentities(t)
	for name, cut := range map[string]bool{"told": false, "cut": true} {
		for _, version := range []string{"1.2", "1.3"} {
			t.Run(name+" by "+version, func(t *testing.T) {
				ctx := bounded(t, testTime)
				u := ourSocket(ctx, t, "PAIR", securely(i))
				other := pythonTLS(func(orders map[string]any) { orders["cut"] = cut })
				c := other.connect(ctx, t, i, version, portOf(t, u.bind("tls+tcp://127.0.0.1:*")))
				conversation(t, u, c, "theirs.test")
				_ = c.CloseWrite()
				if err := u.ended(); errors.Is(err, io.ErrUnexpectedEOF) != cut {
					t.Errorf("it ended with %v", err)
				}
				if !cut {
					c.says("answered")
				}
			})
		}
	}
}

// TestOpenSSLRefusesUsInWords, and we it.
func TestOpenSSLRefusesUsInWords(t *testing.T) {
	i := newIdentities(t)
	stranger := zmtptest.NewAuthority(t, "another authority")
	strangeCert, strangeKey := zmtptest.Files(t, stranger.Issue(t, "stranger.test", "127.0.0.1"))
	strangeCA := stranger.File(t)
	without := func(orders map[string]any) { delete(orders, "cert"); delete(orders, "key") }
	by := func(cert, key string) func(map[string]any) {
		return func(orders map[string]any) { orders["cert"], orders["key"] = cert, key }
	}
	for _, test := range []struct {
		name   string
		change func(map[string]any)
		there  string // what Python says of the refusal
		here   string // what we are told, if Python listens; "": it does not
		bound  string // the same if it connects; "": it does not
	}{
		{"it trusts somebody else", func(orders map[string]any) { orders["ca"] = strangeCA }, "CERTIFICATE", "remote error: tls: unknown certificate authority", "remote error: tls: unknown certificate authority"},
		{"it has a certificate of somebody else", by(strangeCert, strangeKey), "CERTIFICATE", "signed by unknown authority", "signed by unknown authority"},
		{"it has none", without, "", "", "client didn't provide a certificate"},
		{"it wants another name", func(orders map[string]any) { orders["name"] = "else.test" }, "CERTIFICATE_VERIFY_FAILED", "", "remote error: tls: bad certificate"},
	} {
		for _, version := range []string{"1.2", "1.3"} {
			if test.bound != "" {
				t.Run(test.name+", and connects by "+version, func(t *testing.T) {
					ctx := bounded(t, testTime)
					u := ourSocket(ctx, t, "PAIR", securely(i))
					c := pythonTLS(test.change).connect(ctx, t, i, version, portOf(t, u.bind("tls+tcp://127.0.0.1:*")))
					refusedByTLS(t, u, test.bound)
					if said := c.says("failed"); !strings.Contains(said, test.there) && !strings.Contains(said, "UNKNOWN_CA") {
						t.Errorf("it says %s", said)
					}
				})
			}
			if test.here != "" {
				t.Run(test.name+", and listens by "+version, func(t *testing.T) {
					ctx := bounded(t, testTime)
					c, port := pythonTLS(test.change).listen(ctx, t, i, version)
					u := ourSocket(ctx, t, "PAIR", securely(i))
					u.connect("tls+tcp://127.0.0.1:" + port)
					refusedByTLS(t, u, test.here)
					if said := c.says("failed"); !strings.Contains(said, test.there) && !strings.Contains(said, "UNKNOWN_CA") {
						t.Errorf("it says %s", said)
					}
				})
			}
		}
	}
}

// refusedByTLS waits for the end of a handshake that TLS has ended with such words.
func refusedByTLS(t *testing.T, u *ours, words string) {
	t.Helper()
	var failed *zmq.HandshakeError
	if err := u.ended(); !errors.As(err, &failed) || failed.Phase != zmq.PhaseTLS || !strings.Contains(err.Error(), words) {
		t.Errorf("we are told %v, want %q", err, words)
	}
}

// TestATicketOfOpenSSL is one that we gave out: the second connection is the first one's
// session, and says who it is.
func TestATicketOfOpenSSL(t *testing.T) {
	i := newIdentities(t)
	ctx := bounded(t, testTime)
	u := ourSocket(ctx, t, "PAIR", securely(i))
	port := portOf(t, u.bind("tls+tcp://127.0.0.1:*"))
	session := filepath.Join(t.TempDir(), "session")
	for again, flag := range []string{"-sess_out", "-sess_in"} {
		c := startOpenSSL(ctx, t, i, "1.2", "s_client", "-connect", "127.0.0.1:"+port, flag, session)
		var playing sync.WaitGroup
		playing.Go(func() {
			zmtptest.NewPeer(c).Play(t, "send greeting\nexpect greeting\nsend ready PAIR\nexpect ready PAIR\nsend frame \"hello\"")
		})
		m, err := u.s.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		playing.Wait()
		if p := m.Peer(); p.TLS.DidResume != (again == 1) || len(p.Certificates()) != 2 || p.TLS.Version != tls.VersionTLS12 {
			t.Errorf("connection %d has %+v", again, p.TLS)
		}
		_ = c.cmd.Process.Kill() // it would wait for us
		if err := u.ended(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("it ended with %v", err)
		}
	}
}
