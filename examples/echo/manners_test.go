//go:build linux

package echo_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/examples/echo/internal/sys"
)

// run runs a command line that ends by itself.
func run(line string) (output string, err error) {
	args := strings.Fields(line)
	text, err := exec.Command(filepath.Join(programs, args[0]), args[1:]...).CombinedOutput()
	return string(text), err
}

func TestAConnectionThatEndsBadlyEndsAlone(t *testing.T) {
	for name, misbehave := range map[string]func(t *testing.T, s *server){
		"a reset without a word": func(t *testing.T, s *server) {
			s.dial().reset()
		},
		"a reset before it is accepted": func(t *testing.T, s *server) {
			s.signal(syscall.SIGSTOP)
			s.dial().reset()
			s.signal(syscall.SIGCONT)
		},
		"a reset between messages": func(t *testing.T, s *server) {
			c := s.dial()
			c.echoes("hello")
			c.reset()
		},
		"a reset with the answer unread": func(t *testing.T, s *server) {
			c := s.dial()
			c.say("hello")
			c.reset()
		},
		"a close with the answer unread": func(t *testing.T, s *server) {
			c := s.dial()
			c.say("hello")
			c.Close()
		},
		"a reset while the server has more to write": func(t *testing.T, s *server) {
			c := s.dial()
			c.fill(rand.NewChaCha8([32]byte{}))
			c.reset()
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, line string) {
				s := serve(t, line)
				var beside client
				if line != "blocking" {
					beside = s.dial()
					beside.echoes("hello")
				}
				for range 3 {
					misbehave(t, s)
					if line != "blocking" {
						beside.echoes("is all well?")
					}
				}
				s.dial().echoes("and the next, please")
				if line != "blocking" {
					beside.echoes("good-bye")
				}
				s.end(syscall.SIGTERM)
				s.quiet()
			})
		})
	}
}

// fill sends octets, without reading, until the server takes no more for a while, and
// returns how many it took.
func (c client) fill(octets io.Reader) (n int) {
	c.t.Helper()
	defer c.SetWriteDeadline(time.Now().Add(patience))
	piece := make([]byte, 64<<10)
	for {
		if _, err := io.ReadFull(octets, piece); err != nil {
			c.t.Fatal(err)
		}
		c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		took, err := c.Write(piece)
		n += took
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		}
		if err != nil {
			c.t.Fatal(err)
		}
		if n > 256<<20 {
			c.t.Fatal("the server takes all that there is, and nobody reads its answers")
		}
	}
}

func TestOneThatDoesNotReadIsMadeToWait(t *testing.T) {
	each(t, func(t *testing.T, line string) {
		s := serve(t, line+" -count")
		slow := s.dial()
		sent := slow.fill(rand.NewChaCha8([32]byte{}))
		if line != "blocking" {
			beside := s.dial()
			beside.echoes(strings.Repeat("others are served meanwhile ", 5000))
			beside.echoesAlone(s)
		}

		want, got := make([]byte, sent), make([]byte, sent)
		if _, err := io.ReadFull(rand.NewChaCha8([32]byte{}), want); err != nil {
			t.Fatal(err)
		}
		if n, err := io.ReadFull(slow, got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d octets come back of %d, %v, or others than were sent", n, sent, err)
		}
		slow.echoesAlone(s) // it is read from again
	})
}

// echoesAlone sends messages and checks that the server had nothing else to do
// meanwhile, if it is one that sleeps.
func (c client) echoesAlone(s *server) {
	c.t.Helper()
	const messages = 50
	before := s.tally()
	for range messages {
		c.echoes("hello")
	}
	used := s.tally().Since(before)
	if used.Calls["accept"] > 10 { // it asks without waiting
		return
	}
	for name, n := range used.Calls {
		if n > messages+10 {
			c.t.Errorf("%d calls of %s for %d messages: it is told of what it has no use for", n, name, messages)
		}
	}
}

// tally asks a server for its count.
func (s *server) tally() sys.Tally {
	s.t.Helper()
	s.signal(syscall.SIGUSR1)
	line, err := s.output.ReadString('\n')
	if err != nil {
		s.t.Fatal(err)
	}
	tally, err := sys.ParseTally(strings.TrimSpace(line))
	if err != nil {
		s.t.Fatal(err)
	}
	return tally
}

func TestAHalfCloseLeavesTheWayBackOpen(t *testing.T) {
	each(t, func(t *testing.T, line string) {
		s := serve(t, line)
		c := s.dial()
		message := make([]byte, 4<<20)
		if _, err := io.ReadFull(rand.NewChaCha8([32]byte{1}), message); err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		go func() {
			_, err := c.Write(message)
			written <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		if err := errors.Join(err, <-written); err != nil || !bytes.Equal(got, message) {
			t.Errorf("%d octets come back of %d, %v, or others than were sent", len(got), len(message), err)
		}
		s.dial().echoes("and the next, please")
	})
}

func TestASignalEndsAServer(t *testing.T) {
	for name, at := range map[string]struct {
		signal syscall.Signal
		doing  func(s *server) []client
	}{
		"at once":         {syscall.SIGTERM, func(*server) []client { return nil }},
		"by an interrupt": {syscall.SIGINT, func(*server) []client { return nil }},
		"with connections": {syscall.SIGTERM, func(s *server) []client {
			first := s.dial()
			first.echoes("hello")
			return []client{first, s.dial(), s.dial()}
		}},
		"with an answer that nobody reads": {syscall.SIGTERM, func(s *server) []client {
			c := s.dial()
			c.fill(rand.NewChaCha8([32]byte{}))
			return []client{c}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, line string) {
				s := serve(t, line)
				open := at.doing(s)
				if said := s.end(at.signal); said != "" {
					t.Errorf("it says %q", said)
				}
				s.quiet()
				for _, c := range open {
					if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
						t.Error(err)
					}
				}
				_, port, _ := strings.Cut(s.address, ":")
				serve(t, line+" "+port).dial().echoes("the port is free again")
			})
		})
	}
}
