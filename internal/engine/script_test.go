package engine

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/zmtptest"
)

// TestScripts plays testdata/*.txt: peers, honest and hostile, whom a socket of ours
// has accepted. A line is an act of the peer, as package zmtptest explains, or one
// of ours:
//
//	socket TYPE PEER...       the type of our socket, and those it talks to; comes first
//	option NAME VALUE         before the first act of the peer
//	we send STRING...         a message
//	we receive STRING...      the next message that has arrived; subscriptions begin with + or -
//	we receive nothing
//	we hear EVENT, EVENT...   all events since the last time
//
// Time is fake: all is quiet before an act of ours.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { runScript(t, file, string(text)) })
		})
	}
}

// A performance is a script under way.
type performance struct {
	*socket
	peer    *zmtptest.Peer
	pending []string // acts of the peer that were not played yet
	inbox   [][]string
}

func runScript(t *testing.T, file, text string) {
	p := new(performance)
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		var err error
		switch word {
		case "", "#":
			continue
		case "socket":
			words := strings.Fields(rest)
			p.socket = newSocket(t, words[0], words[1:]...)
		case "option":
			err = p.option(strings.Fields(rest))
		case "we":
			if err = p.flush(); err == nil {
				synctest.Wait()
				err = p.act(rest)
			}
		default:
			// Spoken when an act of ours or the end needs it, so that a script reads
			// on over lines of the peer.
			p.pending = append(p.pending, line)
		}
		if err != nil {
			t.Errorf("%s:%d: %s: %v", file, number, line, err)
			break
		}
	}
	if err := p.flush(); err != nil {
		t.Errorf("%s: %v", file, err)
	}
	if p.peer != nil {
		_ = p.peer.Close()
	}
	p.close(0)
}

func (p *performance) option(words []string) error {
	name, value := words[0], words[1]
	d, err := time.ParseDuration(value)
	n, numberErr := strconv.Atoi(value)
	if err != nil && numberErr != nil {
		return err
	}
	switch name {
	case "handshake":
		p.cfg.HandshakeInterval = d
	case "heartbeat":
		p.cfg.HeartbeatInterval = d
	case "timeout":
		p.cfg.HeartbeatTimeout = d
	case "max-message-size":
		p.cfg.MaxMessageSize = int64(n)
	case "max-frames":
		p.cfg.MaxFrames = n
	case "mark":
		p.pipe.RecvMark = n
	case "refuse-old":
		p.cfg.RefuseOld = n != 0
	default:
		return fmt.Errorf("no option %q", name)
	}
	return nil
}

// flush plays what the peer has to say and hear.
func (p *performance) flush() error {
	if p.peer == nil {
		ours, theirs := net.Pipe()
		Attach(p.env, p, &p.cfg, ours, "mem://", "")
		p.peer = zmtptest.NewPeer(theirs)
	}
	script, err := zmtptest.ParseScript("peer", strings.Join(p.pending, "\n"))
	p.pending = nil
	if err != nil {
		return err
	}
	return p.peer.Follow(script)
}

func (p *performance) act(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	if verb == "hear" {
		if got := kinds(p.heard()); got != rest {
			return fmt.Errorf("heard %s", got)
		}
		return nil
	}
	var want []string
	for rest != "nothing" && rest != "" {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return err
		}
		frame, err := strconv.Unquote(quoted)
		if err != nil {
			return err
		}
		want, rest = append(want, frame), strings.TrimSpace(rest[len(quoted):])
	}
	if verb == "send" {
		p.send(want...)
		return nil
	}
	if len(p.inbox) == 0 {
		p.inbox = p.recv()
	}
	var got []string
	if len(p.inbox) > 0 {
		got, p.inbox = p.inbox[0], p.inbox[1:]
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("received %.80q", got)
	}
	return nil
}
