package engine

import (
	"bytes"
	"net"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// prefixes are valid beginnings of a connection, behind which a peer turns hostile.
func prefixes() (all [][]byte) {
	all = append(all, nil)
	for _, d := range dialects[:5] {
		opening := d.opening("DEALER", "id")
		all = append(all, opening, opening[:min(len(opening), 11)], slices.Concat(opening, d.encode("one", "two"), d.encode(numbered(1, 300))))
	}
	v31 := dialects[0].opening("DEALER", "")
	all = append(all,
		v31[:zmtp.GreetingSize],
		v31[:zmtp.GreetingSize+5],
		slices.Concat(v31, ping(3), dialects[0].encode("x")),
		slices.Concat(v31, zmtp.AppendFrame(nil, zmtp.FlagMore, []byte("part"))),
		slices.Concat(v31, []byte{2, 0, 0, 0, 0, 0, 1, 0, 0}, []byte("a large frame that is not all there")),
		slices.Concat(v31, []byte{6, 0, 0, 0, 0, 0, 1, 0, 0}, []byte("\x09SUBSCRIBE")),
		slices.Concat(dialects[0].opening("SUB", ""), []byte("\x04\x0a\x09SUBSCRIBE")),
	)
	for _, d := range dialects[5:] {
		opening := d.opening("DEALER", "id")
		all = append(all, opening, opening[:zmtp.GreetingSize], slices.Concat(opening, d.encode("one", "two"), d.encode(numbered(1, 300))),
			slices.Concat(opening, d.encode(numbered(1, 40<<10))[:35<<10]))
	}
	return all
}

// FuzzConnection is a whole connection of a hostile peer: arbitrary octets behind a
// valid beginning. Nothing panics or stays behind, the octets that came are all that
// they cost, and another peer of the socket notices nothing.
func FuzzConnection(f *testing.F) {
	all := prefixes()
	for i := range all {
		f.Add(byte(i), byte(i), []byte("\x00\x01a\x02\x00\x00\x00\x00\x00\x00\x00\x01b\x04\x05\x04PING"))
		f.Add(byte(i), byte(i*7), []byte("\x02\x00\x00\x7f\xff\xff\xff\xff\xff"))
	}
	f.Fuzz(func(t *testing.T, which, form byte, octets []byte) {
		synctest.Test(t, func(t *testing.T) { beHostile(t, all[int(which)%len(all)], form, octets) })
	})
}

func beHostile(t *testing.T, prefix []byte, form byte, octets []byte) {
	types := []string{"DEALER", "XPUB", "PULL", "ROUTER"}
	s := newSocket(t, types[form%4], "DEALER", "SUB", "PUSH", "ROUTER")
	if form&4 != 0 {
		s.pipe.RecvMark = 1 + int(form>>6)
		s.cfg.MaxMessageSize, s.cfg.MaxFrames = 100_000, 10
	}
	s.cfg.Raw = form&0x38 == 0x38
	d := dialects[0]

	ours, good := net.Pipe()
	Attach(s.env, s, &s.cfg, ours, "mem://good", "")
	l := listen(good)
	if !s.cfg.Raw {
		<-say(l, d.opening("DEALER", ""))
	}
	synctest.Wait()
	app := s.end()

	ours, bad := net.Pipe()
	to := s.cfg
	if bytes.Contains(prefix, []byte("SEAL")) {
		to.Mechanism, to.Authenticate = guard("SEAL", form&16 != 0, true), answering(&zap.Reply{Status: 200 + int(form>>6)*100}, nil)
	}
	session := Attach(s.env, s, &to, ours, "mem://bad", "")
	b := listen(bad)
	said := make(chan struct{})
	go func() {
		defer close(said)
		rest := slices.Concat(prefix, octets)
		for i := 0; len(rest) > 0; i++ {
			n := len(rest)
			if form&8 != 0 {
				n = 1 + (i*7+int(form))%13
			}
			k, err := bad.Write(rest[:min(n, len(rest))])
			if rest = rest[k:]; err != nil {
				return
			}
		}
	}()
	for synctest.Wait(); ; synctest.Wait() {
		if e := s.end(); e == app || len(s.recv()) == 0 {
			break // all is read that came
		}
	}
	select {
	case <-session.Done(): // the connection is over
	case <-said: // or it takes what it gets
	default:
		t.Error("the connection neither ends nor goes on")
	}

	// The good peer is served as if nothing had been.
	if _, over := l.heard(); over {
		t.Error("another connection has ended")
	}
	<-say(l, d.encode("hello"))
	synctest.Wait()
	var got [][]string
	for s.mu.Lock(); len(s.ends) > 0 && s.ends[len(s.ends)-1] != app; {
		s.ends = s.ends[:len(s.ends)-1]
	}
	s.mu.Unlock()
	got = s.recv()
	if want := "hello"; len(got) != 1 || !s.cfg.Raw && got[0][0] != want {
		t.Errorf("another peer said %q, and %q came", want, got)
	}
	_ = b.Close()
	_ = l.Close()
	synctest.Wait()
	s.close(0)
}

// A peer that claims to send much costs what it has sent.
func TestMemoryFollowsWhatAPeerHasSent(t *testing.T) {
	const peers = 200
	for _, test := range []struct {
		name string
		says []byte
	}{
		{"a frame of a terabyte", append(dialects[0].opening("PUSH", ""), 2, 0, 0, 0, 0xff, 0, 0, 0, 0)},
		{"a frame of 1.0 of a terabyte", append(dialects[4].opening("PUSH", ""), 0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 0)},
		{"an identity of a terabyte", []byte{0xff, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 'x'}},
		{"a READY of a gigabyte", append(dialects[0].opening("PUSH", "")[:64], 6, 0, 0, 0, 0, 0x40, 0, 0, 0)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			s.env.Pool.Poison = false
			before := heap()
			var all []*listener
			for range peers {
				ours, theirs := net.Pipe()
				Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				<-say(l, test.says)
				all = append(all, l)
			}
			synctest.Wait()
			if each := (heap() - before) / peers; each > 256<<10 {
				t.Errorf("%s costs %d octets", test.name, each)
			}
			for _, l := range all {
				_ = l.Close()
			}
			s.close(0)
		})
	}
}

// Of a stranger no more is kept than what comes next may be, and nothing that has not
// its turn.
func TestAStrangerIsHeardNoLongerThanItHasToSay(t *testing.T) {
	greeting := dialects[0].of("PLAIN", "PUSH")[:zmtp.GreetingSize]
	hello := zmtp.AppendCommand(nil, "HELLO", []byte("\x03ada\x04word"))
	announced := func(size int, name string) []byte {
		return append(zmtp.AppendHeader(nil, zmtp.FlagCommand, size), name...)
	}
	for _, test := range []struct {
		name   string
		client bool // the stranger is a server of PLAIN
		says   []byte
		ends   string // "": it is heard out
	}{
		{"a HELLO that is too long", false, announced(maxHandshakeFrame, "\x05HELLO"), "handshake failed: protocol 0x10000001, disconnected"},
		{"a HELLO that is a little too long", false, zmtp.AppendFrame(nil, zmtp.FlagCommand, append(hello, make([]byte, 600)...)), "handshake failed: protocol 0x10000013, disconnected"},
		{"much that has not its turn", false, slices.Concat(zmtp.AppendFrame(nil, zmtp.FlagCommand, hello), announced(8<<10, "\x08INITIATE"), make([]byte, 4<<10)), "handshake failed: protocol 0x10000001, disconnected"},
		{"a little that has not its turn", false, slices.Concat(zmtp.AppendFrame(nil, zmtp.FlagCommand, hello), announced(8<<10, "\x08INITIATE"), make([]byte, 1<<10)), ""},
		{"a WELCOME that is too long", true, announced(maxHandshakeFrame, "\x07WELCOME"), "handshake failed: protocol 0x10000001, disconnected"},
		{"a READY that is long", true, append([]byte("\x04\x08\x07WELCOME"), announced(maxHandshakeFrame, "\x05READY")...), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, mute := newSocket(t, "PULL", "PUSH"), newSilent()
				s.cfg.Authenticate = mute.authenticate
				s.cfg.Mechanism = func(c mechanism.Config) mechanism.Mechanism {
					if test.client {
						return mechanism.NewPlainClient(c, "ada", "word")
					}
					return mechanism.NewPlainServer(c, mechanism.PlainErrorLibzmq)
				}
				ours, theirs := net.Pipe()
				session := Attach(s.env, s, &s.cfg, ours, "mem://", "")
				l := listen(theirs)
				said := say(theirs, append(greeting, test.says...))
				synctest.Wait()
				got := strings.TrimPrefix(told(s.heard()), "accepted")
				if got = strings.TrimPrefix(got, ", "); got != test.ends || done(session) != (test.ends != "") {
					t.Errorf("we hear %s, over %v\nwant %s", got, done(session), test.ends)
				}
				_ = l.Close()
				<-said
				s.close(0)
			})
		})
	}
}

func heap() int64 {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A peer that asks and asks and never reads is answered as far as is bounded.
func TestAnswersThatNobodyReadsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "PULL", "PUSH")
		ours, theirs := net.Pipe()
		Attach(s.env, s, &s.cfg, ours, "mem://", "")
		said := say(theirs, dialects[0].opening("PUSH", ""))
		readAll(theirs, len(dialects[0].opening("PUSH", "")))
		<-said
		for range 5000 {
			<-say(theirs, ping(0))
		}
		<-say(theirs, dialects[0].encode("still heard"))
		synctest.Wait()
		if got := s.recv(); len(got) != 1 {
			t.Errorf("got %q", got)
		}
		_ = theirs.SetReadDeadline(time.Now().Add(time.Second))
		most := 2 * (maxControl + len(ping(0))) // what is written and what waits, each to the end of a frame
		if answers := readAll(theirs, -1); len(answers) > most {
			t.Errorf("%d octets of answers were kept", len(answers))
		}
		_ = theirs.Close()
		s.close(0)
	})
}
