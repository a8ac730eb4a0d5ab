package interop

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// How connections are opened, and whom a listener admits, with libzmq on the other
// side.

// TestTheirProxyClientAndOursSayTheSame connects both by way of the same SOCKS5
// server, which compares what they say.
func TestTheirProxyClientAndOursSayTheSame(t *testing.T) {
	for name, row := range map[string]struct {
		user, password string
		users          map[string]string
		target         string // "": the address itself
	}{
		"nobody":            {},
		"user and password": {user: "me", password: "secret", users: map[string]string{"me": "secret"}},
		"a name":            {target: "server.test"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "PULL")
			endpoint := us.bind("tcp://127.0.0.1:*")
			address := strings.TrimPrefix(endpoint, "tcp://")
			p := &zmtptest.Proxy{Users: row.users}
			if row.target != "" {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					t.Fatal(err)
				}
				target := row.target + ":" + port
				p.Names = map[string]string{target: address}
				endpoint = "tcp://" + target
			}
			at := p.Start(t)

			push := startLibzmq(ctx, t).socket(t, "PUSH")
			push.set("SOCKS_PROXY", at)
			if row.user != "" {
				push.set("99", row.user) // ZMQ_SOCKS_USERNAME, which Debian's header lacks
				push.set("100", row.password)
			}
			push.connect(endpoint)
			push.send("from them")
			wantFrames(t, us.recv(), "from them")

			ours := ourSocket(ctx, t, "PUSH", func(c *zmq.Config) {
				c.TCP.Proxy = zmq.SOCKSProxy{Address: at, User: row.user, Password: zmq.Secret(row.password)}
			})
			ours.connect(endpoint)
			ours.send("from us")
			wantFrames(t, us.recv(), "from us")

			heard := p.Heard()
			if len(heard) != 2 {
				t.Fatalf("the proxy was asked %d times", len(heard))
			}
			for i := range heard {
				heard[i].From, heard[i].Methods = "", nil // libzmq 4.3.4 with a user offers to tell it and nothing else
			}
			if !reflect.DeepEqual(heard[0], heard[1]) {
				t.Errorf("they say %+v\nwe say   %+v", heard[0], heard[1])
			}
		})
	}
}

func TestByWayOfAProxyToTheirSocket(t *testing.T) {
	ctx := bounded(t, testTime)
	router := startLibzmq(ctx, t).socket(t, "ROUTER")
	endpoint := router.bind("tcp://127.0.0.1:*")
	us := ourSocket(ctx, t, "DEALER", withRoutingID("us"), func(c *zmq.Config) {
		c.TCP.Proxy.Address = new(zmtptest.Proxy).Start(t)
	})
	us.connect(endpoint)
	us.send("hello")
	wantFrames(t, router.recv(), "us", "hello")
	router.send("us", "and back")
	wantFrames(t, us.recv(), "and back")
}

// TestOurFiltersTurnThemAway admits their process only once it is in the list.
func TestOurFiltersTurnThemAway(t *testing.T) {
	refuse := map[string]option{
		"tcp": func(c *zmq.Config) { c.TCP.AcceptFrom = []netip.Prefix{netip.MustParsePrefix("127.9.0.0/16")} },
		"ipc": func(c *zmq.Config) { c.IPC.AcceptPIDs = []int32{int32(os.Getpid())} },
	}
	for _, transport := range bothTransports {
		t.Run(transport, func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "PULL", refuse[transport])
			r := startLibzmq(ctx, t)
			push := r.socket(t, "PUSH")
			push.monitor()
			push.connect(us.bind(wildcard(t, transport)))
			us.wait(zmq.EventAcceptFailed)
			push.event("CONNECT_RETRIED") // they see a connection that ends, and come again
			if err := us.s.Configure(func(c *zmq.Config) {
				c.TCP.AcceptFrom = nil
				c.IPC.AcceptPIDs = append(c.IPC.AcceptPIDs, int32(r.cmd.Process.Pid))
			}); err != nil {
				t.Fatal(err)
			}
			other := r.socket(t, "PUSH")
			other.connect(us.bind(wildcard(t, transport)))
			other.send("let in")
			wantFrames(t, us.recv(), "let in")
		})
	}
}

// TestTheyConnectToADescriptorOfOurs serves one that this test has opened.
func TestTheyConnectToADescriptorOfOurs(t *testing.T) {
	ctx := bounded(t, testTime)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	us := ourSocket(ctx, t, "REP")
	endpoint, err := us.s.BindFile("tcp://*:*", file)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	file.Close()
	req := startLibzmq(ctx, t).socket(t, "REQ")
	req.connect(endpoint)
	echo(t, req, us, nil, nil)
}

// TestARawRouterIsLikeTheirs has the same conversation with both.
func TestARawRouterIsLikeTheirs(t *testing.T) {
	ctx := bounded(t, testTime)
	theirRouter := startLibzmq(ctx, t).socket(t, "ROUTER")
	theirRouter.set("ROUTER_RAW", 1)
	for name, router := range map[string]end{
		"theirs": theirRouter,
		"ours":   ourSocket(ctx, t, "ROUTER", func(c *zmq.Config) { c.Router.Raw, c.Linger = true, patience }),
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(router.bind("tcp://127.0.0.1:*"), "tcp://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			hello := router.recv()
			if len(hello) != 2 || len(hello[0]) != 5 || hello[0][0] != 0 || hello[1] != "" {
				t.Fatalf("on connecting: %q", hello)
			}
			if _, err := fmt.Fprint(conn, "question"); err != nil {
				t.Fatal(err)
			}
			wantFrames(t, router.recv(), hello[0], "question")
			router.send(hello[0], "answer")
			got := make([]byte, 6)
			if _, err := conn.Read(got); err != nil || !bytes.Equal(got, []byte("answer")) {
				t.Errorf("the peer gets %q, %v", got, err)
			}
			router.send("nobody", "this goes nowhere")
			conn.Close()
			wantFrames(t, router.recv(), hello[0], "")
		})
	}
}

// TestSmallBatchesLoseNothing reads and writes a few octets at a time.
func TestSmallBatchesLoseNothing(t *testing.T) {
	for _, most := range []int{1, 7, 8192} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			ctx := bounded(t, testTime)
			us := ourSocket(ctx, t, "PAIR", func(c *zmq.Config) { c.Network.ReadMost, c.Network.WriteMost = most, most })
			pair := startLibzmq(ctx, t).socket(t, "PAIR")
			pair.connect(us.bind("tcp://127.0.0.1:*"))
			frames := []string{"", strings.Repeat("a", 255), strings.Repeat("b", 256), strings.Repeat("c", 20_000)}
			us.send(frames...)
			wantFrames(t, pair.recv(), frames...)
			pair.send(frames...)
			wantFrames(t, us.recv(), frames...)
		})
	}
}
