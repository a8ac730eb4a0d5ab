package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmtp"
)

// ping is a PING with a time to live in tenths of a second.
func ping(tenths uint16) []byte {
	return zmtp.AppendFrame(nil, zmtp.FlagCommand, zmtp.AppendPing(nil, tenths, nil))
}

func pong() []byte { return zmtp.AppendFrame(nil, zmtp.FlagCommand, zmtp.AppendPong(nil, nil)) }

// ended returns how long after began the connection was over, or -1 if it is not.
func (l *listener) ended(began time.Time) time.Duration {
	if _, over := l.heard(); !over {
		return -1
	}
	return l.over.Sub(began)
}

func beating(s *socket) *socket {
	s.cfg.HeartbeatInterval, s.cfg.HeartbeatTimeout, s.cfg.HeartbeatTTL = time.Second, 3*time.Second, 2500*time.Millisecond
	return s
}

func TestPingsGoOutEveryIntervalWithTheTimeToLive(t *testing.T) {
	for _, d := range append(dialects[:2:2], dialects[5:]...) {
		synctest.Test(t, func(t *testing.T) {
			s := beating(d.socket(t, "PULL", "PUSH"))
			l := s.accepted(d, "PUSH")
			for i := range 5 {
				pass(time.Second + 2*time.Millisecond)
				<-say(l, d.frame(zmtp.FlagCommand, zmtp.AppendPong(nil, nil)))
				synctest.Wait()
				want := slices.Repeat([][]string{{"!\x04PING\x00\x19"}}, i+1)
				if got := l.said(t, d); !slices.EqualFunc(got, want, slices.Equal) {
					t.Fatalf("%s: after %d intervals our side said %q", d.name, i+1, got)
				}
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// Peers of 1.0 and 2.0 know no commands, and those of STREAM no frames.
func TestPeersThatKnowNoHeartbeatsGetNone(t *testing.T) {
	for _, d := range dialects[2:5] {
		synctest.Test(t, func(t *testing.T) {
			s := beating(newSocket(t, "DEALER", "DEALER"))
			l := s.accepted(d, "DEALER")
			pass(10 * time.Second)
			s.send("hello")
			synctest.Wait()
			if got := l.said(t, d); !slices.EqualFunc(got, [][]string{{"hello"}}, slices.Equal) {
				t.Errorf("%s: our side said %q", d.name, got)
			}
			if _, over := l.heard(); over {
				t.Errorf("%s: the connection was given up", d.name)
			}
			s.close(0)
			_ = l.Close()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := beating(newSocket(t, "STREAM"))
		s.cfg.Raw = true
		l := s.accepted(dialects[4], "")
		pass(10 * time.Second)
		if got, over := l.heard(); len(got) > 0 || over {
			t.Errorf("STREAM: our side said %q; over: %v", got, over)
		}
		s.close(0)
		_ = l.Close()
	})
}

func TestSilenceAfterAPing(t *testing.T) {
	whole := zmtp.AppendFrame(nil, 0, []byte("whole"))
	for _, test := range []struct {
		name string
		// says is what the peer says and when, after the handshake.
		says map[time.Duration][]byte
		// end is when the connection ends; below zero: never.
		end time.Duration
	}{
		{"a peer that says nothing is given up a timeout after the first PING", nil, 4 * time.Second},
		{
			"a PONG ends the watch, which the next PING begins again",
			map[time.Duration][]byte{1500 * time.Millisecond: pong()},
			5 * time.Second,
		},
		{"a message does as well as a PONG", map[time.Duration][]byte{3500 * time.Millisecond: whole}, 7 * time.Second},
		{"a command of any kind does", map[time.Duration][]byte{3500 * time.Millisecond: []byte("\x04\x04\x03odd")}, 7 * time.Second},
		{"an unfinished frame does not", map[time.Duration][]byte{
			2500 * time.Millisecond: whole[:1], 3500 * time.Millisecond: whole[1:3],
		}, 4 * time.Second},
		{"what was said before the first PING does not count", map[time.Duration][]byte{500 * time.Millisecond: whole}, 4 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := beating(newSocket(t, "PULL", "PUSH"))
				l := s.accepted(dialects[0], "PUSH")
				began := time.Now()
				play(l, test.says)
				pass(20*time.Second - time.Since(began))
				checkEnd(t, s, l, began, test.end)
			})
		})
	}
}

// play says things at their times.
func play(l *listener, says map[time.Duration][]byte) {
	began := time.Now()
	var times []time.Duration
	for at := range says {
		times = append(times, at)
	}
	slices.Sort(times)
	for _, at := range times {
		pass(at - time.Since(began))
		<-say(l, says[at])
		synctest.Wait()
	}
}

// checkEnd checks when a connection ended, and that the reason was a timeout.
func checkEnd(t *testing.T, s *socket, l *listener, began time.Time, want time.Duration) {
	t.Helper()
	synctest.Wait()
	got := l.ended(began)
	const slack = 5 * time.Millisecond // of the wheel's ticks
	if want < 0 != (got < 0) || got > want+slack || got >= 0 && got < want {
		t.Errorf("the connection ended after %v, want %v", got, want)
	}
	events := kinds(s.heard())
	if given := strings.HasSuffix(events, "disconnected"); given != (want >= 0) {
		t.Errorf("events: %s", events)
	}
	s.close(0)
	_ = l.Close()
}

// kinds are the names of events in a row.
func kinds(events []Event) string {
	var names []string
	for _, e := range events {
		names = append(names, e.Kind.String())
	}
	return strings.Join(names, ", ")
}

func TestSilenceAfterAPingOfThePeer(t *testing.T) {
	message := zmtp.AppendFrame(nil, 0, []byte("x"))
	subscription := zmtp.AppendFrame(nil, zmtp.FlagCommand, []byte("\x09SUBSCRIBEx"))
	for _, test := range []struct {
		name string
		says [][]byte // in one segment, or each octet alone
		end  time.Duration
	}{
		{"a PING with a time to live begins a watch", [][]byte{ping(15)}, 1500 * time.Millisecond},
		{"a PING without one does not", [][]byte{ping(0)}, -1},
		{"a time to live of more than 65.5 s is what it says", [][]byte{ping(656)}, 65600 * time.Millisecond},
		{"one message behind it ends the watch for good", [][]byte{ping(15), message}, -1},
		{"so does a subscription", [][]byte{ping(15), subscription}, -1},
		{"so does a PONG", [][]byte{ping(15), pong()}, -1},
		{"so does a PING without one", [][]byte{ping(15), ping(0)}, -1},
		{"an unfinished message does not", [][]byte{ping(15), message[:2]}, 1500 * time.Millisecond},
		{"a message before it does not", [][]byte{message, ping(15)}, 1500 * time.Millisecond},
		{"the second PING begins its own watch", [][]byte{ping(15), message, ping(30)}, 3 * time.Second},
	} {
		for _, apart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/octets apart %v", test.name, apart), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newSocket(t, "XPUB", "SUB", "XSUB")
					l := s.accepted(dialects[0], "SUB")
					began := time.Now()
					stream := slices.Concat(test.says...)
					for len(stream) > 0 {
						n := len(stream)
						if apart {
							n = 1
						}
						<-say(l, stream[:n])
						stream = stream[n:]
						synctest.Wait()
					}
					pass(100 * time.Second)
					checkEnd(t, s, l, began, test.end)
				})
			})
		}
	}
}

// An answer never stands within a message, however long the message takes.
func TestAPongWaitsForTheEndOfAMessage(t *testing.T) {
	for _, frames := range [][]string{
		{numbered(1, 600<<10)},
		{numbered(1, 100<<10), numbered(2, 100<<10), numbered(3, 100<<10), numbered(4, 100<<10)},
		{"a", numbered(2, 300<<10), "z"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "DEALER", "DEALER")
			s.pipe.SendMark = 0
			l := s.accepted(dialects[0], "DEALER")
			slow := make(chan struct{})
			go func() { // asks all the time while it reads
				defer close(slow)
				for range 100 {
					_, _ = l.Write(ping(0))
				}
			}()
			for range 3 {
				s.send("before")
				s.send(frames...)
				s.send("behind")
			}
			<-slow
			synctest.Wait()
			messages := 0
			for _, m := range l.said(t, dialects[0]) {
				if !strings.HasPrefix(m[0], "!\x04PONG") {
					messages++
				}
			}
			if messages != 9 {
				t.Errorf("%d messages came, want 9", messages)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// A socket that is not read takes nothing from its peer, which then has no way to
// show that it lives.
func TestAPausedConnectionIsNoSilentPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := beating(newSocket(t, "PULL", "PUSH"))
		s.pipe.RecvMark = 2
		l := s.accepted(dialects[0], "PUSH")
		stream := ping(10)
		for i := range 8 {
			stream = append(stream, zmtp.AppendFrame(nil, 0, []byte{byte('a' + i)})...)
		}
		<-say(l, stream)
		pass(time.Minute)
		if _, over := l.heard(); over {
			t.Fatal("the connection was given up while the socket was not read")
		}
		if waiting := s.end().Waiting(); waiting != 2 {
			t.Fatalf("%d messages wait at a mark of 2", waiting)
		}
		began := time.Now()
		for n := 0; n < 8; {
			n += len(s.recv())
			synctest.Wait()
		}
		pass(20 * time.Second)
		synctest.Wait()
		if ended := l.ended(began); ended < 0 || ended > 5*time.Second {
			t.Errorf("read on, the silent peer was given up after %v", ended)
		}
		s.close(0)
		_ = l.Close()
	})
}

// A PING that lay behind the mark begins its watch when it is read, also that of a
// connection which had none before.
func TestAPingThatWasHeldBackBeginsAWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSocket(t, "PULL", "PUSH")
		s.pipe.RecvMark = 2
		l := s.accepted(dialects[0], "PUSH")
		message := zmtp.AppendFrame(nil, 0, []byte("m"))
		<-say(l, slices.Concat(message, message, message, ping(15)))
		pass(time.Minute)
		began := time.Now()
		for n := 0; n < 3; {
			n += len(s.recv())
			synctest.Wait()
		}
		pass(time.Minute)
		checkEnd(t, s, l, began, 1500*time.Millisecond)
	})
}

// A PONG brings back the context of its PING, of which 16 octets count. RFC 37
// "Connection Heartbeating".
func TestAPongEchoesTheContext(t *testing.T) {
	const context = "0123456789abcdefghij"
	for _, size := range []int{0, 1, 15, 16, 17, 20} {
		synctest.Test(t, func(t *testing.T) {
			s := newSocket(t, "PULL", "PUSH")
			l := s.accepted(dialects[0], "PUSH")
			body := append([]byte("\x04PING\x00\x00"), context[:size]...)
			<-say(l, zmtp.AppendFrame(nil, zmtp.FlagCommand, body))
			synctest.Wait()
			want := [][]string{{"!\x04PONG" + context[:min(size, 16)]}}
			if got := l.said(t, dialects[0]); !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("a context of %d octets: our side said %q", size, got)
			}
			s.close(0)
			_ = l.Close()
		})
	}
}

// A PONG that a peer leaves out, or sends unasked, spoils no measurement for good.
func TestRoundTripsSurvivePongsThatAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := beating(newSocket(t, "PULL", "PUSH"))
		s.cfg.HeartbeatTimeout = 0
		l := s.accepted(dialects[0], "PUSH")
		var session *Session
		for session = range s.sessions {
		}
		for range 3 * forgotten { // nobody answers
			pass(time.Second)
		}
		for range forgotten + 2 { // one answers each
			pass(time.Second)
			pass(10 * time.Millisecond)
			<-say(l, pong())
			synctest.Wait()
			pass(990 * time.Millisecond)
		}
		if last, smoothed := session.RoundTrip(); last <= 0 || smoothed <= 0 {
			t.Errorf("round trips %v and %v", last, smoothed)
		}
		for range 100 {
			<-say(l, pong())
		}
		synctest.Wait()
		if last, _ := session.RoundTrip(); last <= 0 || last > 20*time.Second {
			t.Errorf("after PONGs that nobody asked for: %v", last)
		}
		s.close(0)
		_ = l.Close()
		if last, _ := session.RoundTrip(); last != 0 {
			t.Errorf("without a connection: %v", last)
		}
	})
}
