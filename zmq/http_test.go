package zmq_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"zeromux/zmq"
)

// serveHTTP answers every request that comes over a STREAM socket with its path.
// What arrives may be cut anywhere.
func serveHTTP(t *testing.T, s *zmq.Socket) {
	partial := make(map[string]string)
	for m, err := range s.Messages(context.Background()) {
		if err != nil {
			t.Error(err)
			return
		}
		id, octets := string(m.Frames[0]), string(m.Frames[1])
		if octets == "" { // a connection has come or gone
			delete(partial, id)
			continue
		}
		octets = partial[id] + octets
		for {
			head, rest, whole := strings.Cut(octets, "\r\n\r\n")
			if !whole {
				break
			}
			octets = rest
			path := strings.Fields(head)[1]
			reply := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(path), path)
			if strings.Contains(head, "HTTP/1.0") {
				reply = "HTTP/1.0 200 OK\r\n\r\n" + path // ended by the end of the connection
			}
			if err := s.SendString(context.Background(), id, reply); err != nil && !is(err, zmq.ErrHostUnreachable) {
				return
			}
			if strings.Contains(head, "HTTP/1.0") {
				_ = s.SendString(context.Background(), id, "") // the client may be gone
			}
		}
		partial[id] = octets
	}
}

func TestAStreamSocketIsAnHTTPServer(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.STREAM, lingering())
	address := strings.TrimPrefix(bind(t, s, "tcp://127.0.0.1:*"), "tcp://")
	served := make(chan struct{})
	go func() { defer close(served); serveHTTP(t, s) }()

	t.Run("a client that asks once and waits for the end", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a past deadline fails below
		if _, err := io.WriteString(conn, "GET /once HTTP/1.0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil || !strings.HasSuffix(string(got), "\r\n\r\n/once") {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("a thousand requests from twenty connections at once", func(t *testing.T) {
		transport := &http.Transport{MaxConnsPerHost: 20, MaxIdleConnsPerHost: 20}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport, Timeout: 20 * time.Second}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for k := range 50 {
					path := fmt.Sprintf("/%d/%d", i, k)
					r, err := client.Get("http://" + address + path)
					if err != nil {
						t.Error(err)
						return
					}
					body, err := io.ReadAll(r.Body)
					r.Body.Close()
					if err != nil || string(body) != path {
						t.Errorf("got %q, %v", body, err)
					}
				}
			})
		}
		wg.Wait()
	})
	t.Run("requests that arrive octet by octet", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a past deadline fails below
		for _, b := range []byte("GET /slow HTTP/1.1\r\n\r\nGET /again HTTP/1.1\r\n\r\n") {
			if _, err := conn.Write([]byte{b}); err != nil {
				t.Fatal(err)
			}
		}
		r := bufio.NewReader(conn)
		for _, want := range []string{"/slow", "/again"} {
			reply, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(reply.Body)
			reply.Body.Close()
			if err != nil || string(body) != want {
				t.Errorf("got %q, %v", body, err)
			}
		}
	})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

func TestAStreamSocketTellsWhoComesAndGoes(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.STREAM, nil)
	address := strings.TrimPrefix(bind(t, s, "tcp://127.0.0.1:*"), "tcp://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	came := recv(t, s)
	id := string(came.Frames[0])
	if len(came.Frames) != 2 || len(id) != 5 || id[0] != 0 || len(came.Frames[1]) != 0 {
		t.Fatalf("on connecting: %q", came.Frames)
	}
	if p := came.Peer(); p == nil || p.Address != "127.0.0.1" {
		t.Errorf("peer is %+v", p)
	}
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	want(t, s, id, "hello")
	conn.Close()
	want(t, s, id, "")
	if err := s.SendString(within(t), id, "x"); !is(err, zmq.ErrHostUnreachable) {
		t.Errorf("to a peer that is gone: %v", err)
	}
	if err := s.SendString(within(t), "nobody", "x"); !is(err, zmq.ErrHostUnreachable) {
		t.Errorf("to nobody: %v", err)
	}
}

func TestASilentStreamSocketTellsNothing(t *testing.T) {
	c := newContext(t)
	s := newSocket(t, c, zmq.STREAM, &zmq.Config{Stream: zmq.Stream{Silent: true}})
	address := strings.TrimPrefix(bind(t, s, "tcp://127.0.0.1:*"), "tcp://")
	for range 2 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "hello"); err != nil {
			t.Fatal(err)
		}
		if m := recv(t, s); string(m.Frames[1]) != "hello" {
			t.Errorf("got %q", m.Frames)
		}
		conn.Close()
		eventually(t, "the peer is gone", func() bool { return len(s.Peers()) == 0 })
	}
	nothing(t, s)
}

func TestAStreamSocketConnectsAndNamesThePeerAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := newContext(t)
	s := newSocket(t, c, zmq.STREAM, nil)
	if id := s.LastID(); id != "" {
		t.Errorf("before: %q", id)
	}
	connect(t, s, "tcp://"+l.Addr().String())
	id := s.LastID()
	if len(id) != 5 {
		t.Fatalf("id is %q", id)
	}
	body := bytes.Repeat([]byte("octets "), 10000)
	if err := s.SendFrames(within(t), []byte(id), body); err != nil { // before the connection exists
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want(t, s, id, "")
	got := make([]byte, len(body))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, body) {
		t.Fatalf("the peer has other octets: %v", err)
	}
	if _, err := conn.Write(body); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, 0, len(body))
	for len(back) < len(body) {
		m := recv(t, s)
		if string(m.Frames[0]) != id || len(m.Frames) != 2 || len(m.Frames[1]) > 8192 {
			t.Fatalf("%d frames, %d octets", len(m.Frames), m.Size())
		}
		back = append(back, m.Frames[1]...)
	}
	if !bytes.Equal(back, body) {
		t.Error("other octets came back")
	}
}
