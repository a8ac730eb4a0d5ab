//go:build linux

package echo_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"zeromux/examples/echo/internal/sys"
)

func TestEveryServerSendsBackWhatItGets(t *testing.T) {
	each(t, func(t *testing.T, line string) {
		s := serve(t, line)
		for i := range 3 { // one after the other
			c := s.dial()
			c.echoes("x")
			c.echoes(fmt.Sprintf("hello from connection %d", i))
			c.echoes(strings.Repeat("a\x00", 20_000))
			c.Close()
		}
		s.end(syscall.SIGTERM)
		s.quiet()
	})
}

func TestConnectionsAreServedSideBySide(t *testing.T) {
	eachOfMany(t, func(t *testing.T, line string) {
		s := serve(t, line)
		var all []client
		for range 20 {
			all = append(all, s.dial())
		}
		for round := range 3 {
			for i, c := range all {
				c.say(fmt.Sprintf("round %d, connection %d", round, i))
			}
			for i, c := range all {
				c.hears(fmt.Sprintf("round %d, connection %d", round, i))
			}
			all[round].Close() // others go on
			all = append(all[:round], all[round+1:]...)
		}
	})
}

func TestTheBlockingServerServesOneConnectionAfterTheOther(t *testing.T) {
	s := serve(t, "blocking")
	first, second := s.dial(), s.dial()
	second.say("is anybody there?")
	for range 100 {
		first.echoes("me first")
	}
	second.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := second.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the second connection is served beside the first: %d octets, %v", n, err)
	}
	second.SetReadDeadline(time.Now().Add(patience))
	first.Close()
	second.hears("is anybody there?")
}

func TestManyConnections(t *testing.T) {
	const many = 1100 // more than select can have
	needs(t, many+100)
	for _, line := range []string{"busy", "poll", "epoll", "iomux", "iomux -backend poll"} {
		t.Run(line, func(t *testing.T) {
			s := serve(t, line)
			var all []client
			for range many {
				all = append(all, s.dial())
			}
			for _, i := range []int{0, many / 2, many - 1} {
				all[i].echoes(fmt.Sprint("connection ", i))
			}
		})
	}
}

func TestSelectTurnsAwayWhatItCannotWaitFor(t *testing.T) {
	const many = 1024
	needs(t, many+100)
	for _, line := range []string{"select", "iomux -backend select"} {
		t.Run(line, func(t *testing.T) {
			s := serve(t, line)
			var all []client
			for range many {
				all = append(all, s.dial())
			}
			// The server needs some of its 1024 descriptors itself.
			all[many-1].over()
			all[0].echoes("the first goes on")
			all[many-50].echoes("one of the last goes on")

			if err := all[1].CloseWrite(); err != nil {
				t.Fatal(err)
			}
			all[1].over() // now its number is free
			s.dial().echoes("there is room for one more")

			s.end(syscall.SIGTERM)
			for _, want := range []string{"a connection is turned away: ", "1024", "FD_SETSIZE"} {
				if !strings.Contains(s.stderr.String(), want) {
					t.Errorf("the complaint %q lacks %q", &s.stderr, want)
				}
			}
		})
	}
}

func TestWhoHasNoDescriptorLeftTurnsConnectionsAway(t *testing.T) {
	eachOfMany(t, func(t *testing.T, line string) {
		s := begin(t, "/bin/sh", "-c", "ulimit -n 20; exec "+programs+"/"+line)
		var all []client
		for range 30 {
			all = append(all, s.dial())
		}
		all[29].over()
		all[0].echoes("the first goes on")

		if err := all[1].CloseWrite(); err != nil {
			t.Fatal(err)
		}
		all[1].over()
		s.dial().echoes("there is room for one more")

		s.end(syscall.SIGTERM)
		if want := "a connection is turned away: too many open files\n"; !strings.Contains(s.stderr.String(), want) {
			t.Errorf("the complaint %q lacks %q", &s.stderr, want)
		}
	})
}

func TestTheCallsOfAServerAreCounted(t *testing.T) {
	const messages = 50
	each(t, func(t *testing.T, line string) {
		s := serve(t, line+" -count")
		c := s.dial()
		for range messages {
			c.echoes("one message")
		}
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.over()

		first := s.tally()
		last, err := sys.ParseTally(strings.TrimSpace(s.end(syscall.SIGTERM)))
		if err != nil {
			t.Fatal(err)
		}
		s.quiet()

		if got := last.Calls["write"]; got != messages {
			t.Errorf("%d writes, want %d", got, messages)
		}
		if got := last.Calls["read"]; got != messages+1 && line != "busy" {
			t.Errorf("%d reads, want one for each of %d messages and one for the end", got, messages)
		}
		for _, name := range []string{"select", "poll", "epoll_wait", "Wait"} {
			if got := last.Calls[name]; got > 0 && (got < messages || got > messages+20) {
				t.Errorf("%d calls of %s, want about one for each of %d messages", got, name, messages)
			}
		}
		if line == "busy" && last.Calls["read"] <= messages {
			t.Errorf("%d reads are none in vain", last.Calls["read"])
		}
		if first.All() == 0 || first.All() > last.All() || first.Micros == 0 || first.Switches > last.Switches {
			t.Errorf("first %v, in the end %v", first, last)
		}
	})
}

func TestNoServerIgnoresAnArgument(t *testing.T) {
	taken := serve(t, "epoll")
	_, port, _ := strings.Cut(taken.address, ":")
	each(t, func(t *testing.T, line string) {
		for args, want := range map[string]string{
			"65536":       "unexpected arguments",
			"http":        "unexpected arguments",
			"-1":          "flag provided but not defined",
			"1024 stray":  "unexpected arguments",
			port:          "bind to port " + port + ": address already in use",
			"-count=what": "invalid boolean value",
		} {
			output, err := run(line + " " + args)
			if err == nil || !strings.Contains(output, want) {
				t.Errorf("with %s: %v, %s", args, err, output)
			}
		}
	})
	if output, err := run("iomux -backend nonsense"); err == nil || !strings.Contains(output, `back end "nonsense"`) {
		t.Errorf("%v, %s", err, output)
	}
}

func TestCompareShowsEveryServerUnderEveryLoad(t *testing.T) {
	output, err := run("compare -rounds 1 -window 20ms -idle 20 -patience 300ms")
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, want := range []string{
		"\n1 connection:\n", "\n10 connections:\n", "\n1 connection beside 20 idle ones:\n", "\n10 connections beside 20 idle ones:\n",
		" (serves 1 of 10) | ", "| blocking | none: serves 0 of 10 |", "\n| busy | ", "\n| select | ", "\n| poll | ", "\n| epoll | ", "\n| iomux | ",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log("\n" + output)
	}
}

func TestTheTableOfLessonsHasEveryServer(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		name := folder.Name()
		if _, err := os.Stat(name + "/main.go"); err == nil && !strings.Contains(string(readme), "["+name+"](echo/"+name+"/main.go)") {
			t.Errorf("examples/README.md does not list %s", name)
		}
	}
}
