package zmq_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"zeromux/zmq"
)

// TestAContextWithoutIOThreadsHasInprocAlone tries everything that wants a
// connection.
func TestAContextWithoutIOThreadsHasInprocAlone(t *testing.T) {
	c := zmq.NewContext(&zmq.ContextConfig{IOThreads: zmq.NoIOThreads, NotBlocky: true})
	defer term(t, c)
	a, b := join(t, c, "inproc://x", side{zmq.PAIR, nil}, side{zmq.PAIR, nil})
	send(t, a, "hello")
	want(t, b, "hello")

	s := newSocket(t, c, zmq.PULL, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	calls := map[string]func() error{
		"Serve":     func() error { _, err := s.Serve(l); return err },
		"Attach":    func() error { return s.Attach(ours) },
		"ConnectAs": func() error { return newSocket(t, c, zmq.ROUTER, nil).ConnectAs("tcp://127.0.0.1:1", "me") },
		"BindFile":  func() error { _, err := s.BindFile("tcp://*", os.Stdin); return err },
	}
	for name, endpoint := range network(t) {
		calls["Bind "+name] = func() error { _, err := s.Bind(endpoint); return err }
	}
	for name, endpoint := range unbound(t) {
		if name != "inproc" {
			calls["Connect "+name] = func() error { return s.Connect(endpoint) }
		}
	}
	for name, call := range calls {
		err := call()
		if !is(err, zmq.ErrNoIOThreads) || zmq.Errno(err) != syscall.Errno(156384766) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := s.LastEndpoint(); got != "" {
		t.Errorf("the last endpoint is %q", got)
	}
}

func TestAffinityForLoopsThatThereAreNot(t *testing.T) {
	for name, row := range map[string]struct {
		threads  int
		affinity uint64
		fits     bool
	}{
		"any":                        {1, 0, true},
		"the only one":               {1, 1, true},
		"the second of one":          {1, 2, false},
		"the default is one":         {0, 2, false},
		"the second of two":          {2, 2, true},
		"the first that there is":    {2, 1<<63 | 2, true},
		"the last of sixty-four":     {64, 1 << 63, true},
		"one of many":                {100, 1 << 63, true},
		"the last, but one is short": {63, 1 << 63, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := zmq.NewContext(&zmq.ContextConfig{IOThreads: row.threads, NotBlocky: true})
			defer term(t, c)
			s, err := c.NewSocket(zmq.PAIR, &zmq.Config{Network: zmq.Network{Affinity: row.affinity}})
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Bind("tcp://127.0.0.1:*"); (err == nil) != row.fits || !row.fits && !is(err, zmq.ErrNoIOThreads) {
				t.Errorf("got %v", err)
			}
			if _, err := s.Bind("inproc://x"); err != nil {
				t.Errorf("inproc, which needs none: %v", err)
			}
		})
	}
}

// TestAffinityIsKeptWithoutHarm talks over connections in chosen loops.
func TestAffinityIsKeptWithoutHarm(t *testing.T) {
	over(t, network, func(t *testing.T, endpoint string) {
		c := zmq.NewContext(&zmq.ContextConfig{IOThreads: 2, NotBlocky: true})
		defer term(t, c)
		config := &zmq.Config{Network: zmq.Network{Affinity: 2}}
		if _, err := c.NewSocket(zmq.PAIR, config); errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		a, b := join(t, c, endpoint, side{zmq.PAIR, config}, side{zmq.PAIR, config})
		for range 100 {
			send(t, a, "there")
			want(t, b, "there")
			send(t, b, "and back")
			want(t, a, "and back")
		}
	})
}

func TestAffinityNeedsAMultiplexerWithLoops(t *testing.T) {
	for _, multiplexer := range []string{"stream", "runtime"} {
		c := zmq.NewContext(&zmq.ContextConfig{Multiplexer: multiplexer, NotBlocky: true})
		defer term(t, c)
		_, err := c.NewSocket(zmq.PAIR, &zmq.Config{Network: zmq.Network{Affinity: 1}})
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", multiplexer, err)
		}
	}
}

func TestAContextTellsItsConfiguration(t *testing.T) {
	c := zmq.NewContext(nil)
	defer term(t, c)
	got := c.Config()
	if got.MaxSockets != 1023 || got.IOThreads != 1 || got.IPv6 || got.NotBlocky {
		t.Errorf("got %+v", got)
	}
	for name, config := range map[string]zmq.ContextConfig{
		"ContextConfig.MaxSockets is -1, must be 0 to 2147483647": {MaxSockets: -1},
		"ContextConfig.IOThreads is -2, must be -1 to 1024":       {IOThreads: -2},
		"ContextConfig.IOThreads is 1025, must be -1 to 1024":     {IOThreads: 1025},
	} {
		c := zmq.NewContext(&config)
		defer term(t, c)
		if _, err := c.NewSocket(zmq.PAIR, nil); !is(err, zmq.ErrInvalid) || !containsText(err, name) {
			t.Errorf("got %v, want %q", err, name)
		}
	}
}
