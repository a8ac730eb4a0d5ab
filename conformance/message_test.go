package conformance

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"strings"
	"testing"

	"zeromux/zmq"
)

// Messages, what is lent with them and what they know of their sender.

func TestMsgFfn(t *testing.T) {
	body := func(size int) zmq.Message { return zmq.NewStringMessage(strings.Repeat("x", size)) }
	for name, size := range map[string]int{"a small frame": 10, "a large one": 100_000} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(s *stage) {
				pull, push := s.join(as(zmq.PULL), as(zmq.PUSH))
				ctx, cancel := s.within()
				defer cancel()
				released := make(chan int, 10)
				for i := range 3 {
					if err := push.SendOwned(ctx, body(size), func() { released <- i }); err != nil {
						s.Fatal(err)
					}
					kept := pull.recv().Clone()
					if kept.Size() != size {
						s.Errorf("%d octets came", kept.Size())
					}
				}
				pull.close() // what is received is the reader's until then
				seen := make(map[int]bool)
				for range 3 {
					seen[<-released] = true
				}
				if len(seen) != 3 || len(released) != 0 {
					s.Errorf("released: %v, and %d more", seen, len(released))
				}
			})
		})
	}
	t.Run("what is not sent is not released", func(t *testing.T) {
		everywhere(t, func(s *stage) {
			push := s.bind(zmq.PUSH, func(c *zmq.Config) { c.SendTimeout = zmq.NoWait })
			ctx, cancel := s.within()
			defer cancel()
			err := push.SendOwned(ctx, body(100_000), func() { panic("released") })
			s.wrong(err, zmq.ErrTimeout)
		})
	})
}

func TestMsgFlags(t *testing.T) {
	everywhere(t, func(s *stage) {
		router, dealer := s.join(as(zmq.ROUTER), as(zmq.DEALER, named("d")))
		dealer.send("A", "", "B")
		router.want("d", "A", "", "B")
		dealer.send("")
		router.want("d", "")
		_, err := zmq.Message{}.Frames, dealer.TrySend(zmq.Message{})
		s.wrong(err, zmq.ErrInvalid)
	})
}

func TestMsgInit(t *testing.T) {
	buffer := []byte("buffer")
	m := zmq.NewMessage(buffer, nil)
	c := m.Clone()
	buffer[0] = 'x'
	for name, row := range map[string]struct {
		message zmq.Message
		frames  []string
	}{
		"the zero message":   {zmq.Message{}, nil},
		"frames of a caller": {m, []string{"xuffer", ""}},
		"a copy":             {c, []string{"buffer", ""}},
		"an empty frame":     {zmq.NewStringMessage(""), []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if !equal(row.message, row.frames) || row.message.Size() != len(strings.Join(row.frames, "")) {
				t.Errorf("%q", row.message.Frames)
			}
		})
	}
}

func TestAppMeta(t *testing.T) {
	with := func(properties map[string]string) set { return func(c *zmq.Config) { c.Metadata = properties } }
	overNetwork(t, func(s *stage) {
		theirs := map[string]string{"X-hello": "hello", "X-connection": "primary", "X-bin": "\x00\xff"}
		rep, req := s.join(as(zmq.REP, with(map[string]string{"X-hello": "world"})), as(zmq.REQ, with(theirs)))
		req.send("question")
		m := rep.recv()
		got := make(map[string]string)
		for name := range theirs {
			got[name], _ = m.Property(name)
		}
		if !maps.Equal(got, theirs) {
			s.Errorf("properties %q, want %q", got, theirs)
		}
		if value, ok := m.Property("X-unknown"); ok {
			s.Errorf("a property that nobody has set is %q", value)
		}
		rep.send("answer")
		if value, _ := req.recv().Property("X-hello"); value != "world" {
			s.Errorf("theirs is %q", value)
		}
	})
	long := strings.Repeat("x", 300)
	for name, properties := range map[string]map[string]string{
		"another prefix": {"hello": "x"}, "no name": {"": "x"}, "no value": {"X-hello": ""}, "a long name": {"X-" + long: "x"},
		"a colon": {"X-a:b": "x"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			s := newStage(t, "inproc")
			_, err := s.ctx.NewSocket(zmq.REP, &zmq.Config{Metadata: properties})
			s.wrong(err, zmq.ErrInvalid)
		})
	}
}

func TestMetadata(t *testing.T) {
	overNetwork(t, func(s *stage) {
		router := s.bind(zmq.ROUTER)
		dealer := s.connect(zmq.DEALER, named("d"))
		dealer.send("one")
		dealer.send("two") // which is read ahead with the first
		for _, body := range []string{"one", "two"} {
			m := router.want("d", body)
			want := map[string]string{"Socket-Type": "DEALER", "Routing-Id": "d", "Identity": "d", "Peer-Address": "127.0.0.1"}
			if s.scheme == "ipc" {
				want["Peer-Address"] = fmt.Sprintf("localhost:%d:%d:%d", os.Getuid(), os.Getgid(), os.Getpid())
				if runtime.GOOS != "linux" {
					delete(want, "Peer-Address") // not every system tells
				}
			}
			for name, value := range want {
				if got, ok := m.Property(name); !ok || got != value {
					s.Errorf("%s is %q, want %q", name, got, value)
				}
			}
			if got, ok := m.Property("User-Id"); ok {
				s.Errorf("without authentication the user is %q", got)
			}
			if _, ok := m.Property("No-Such-Thing"); ok {
				s.Error("a property that nobody has set is there")
			}
		}
	})
	for _, match := range matches(t) {
		t.Run("who is authenticated with "+match.name, func(t *testing.T) {
			overNetwork(t, func(s *stage) {
				s.handle(zmq.REP, saying("200"))
				router := s.bind(zmq.ROUTER, secured(match.server))
				dealer := s.connect(zmq.DEALER, secured(match.client), named("d"), func(c *zmq.Config) {
					c.Metadata = map[string]string{"X-Rank": "last"}
				})
				dealer.send("one")
				dealer.send("two") // as above
				for _, body := range []string{"one", "two"} {
					m := router.want("d", body)
					for name, want := range map[string]string{
						"User-Id": "joe", "Rank": "first", "X-Rank": "last", "Socket-Type": "DEALER", "Routing-Id": "d", "Identity": "d",
					} {
						if got, _ := m.Property(name); got != want {
							s.Errorf("%s is %q, want %q", name, got, want)
						}
					}
					if _, ok := m.Property("No-Such-Thing"); ok {
						s.Error("a property that nobody has set is there")
					}
				}
				router.send("d", "three")
				if m := dealer.want("three"); m.Peer().UserID != "" {
					s.Errorf("the client hears that the server is %q", m.Peer().UserID)
				}
			})
		})
	}
}
