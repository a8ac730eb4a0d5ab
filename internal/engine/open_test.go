package engine

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"

	"zeromux/internal/mechanism"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/zmtp"
)

// opener makes a mechanism that opens what was sealed in tests.
func opener() mechanism.Mechanism { return guard("SEAL", false, true)(mechanism.Config{}) }

// sealAll seals the frames of a stream, those that are whole, and leaves what is no frame
// as it is.
func sealAll(stream []byte) (sealedStream []byte) {
	for len(stream) > 0 {
		h, n, err := zmtp.ParseHeader(stream)
		if err != nil || h.Size > int64(len(stream)-n) {
			return append(sealedStream, stream...)
		}
		end := n + int(h.Size)
		sealedStream = append(sealedStream, dialects[5].frame(h.Flags, stream[n:end])...)
		stream = stream[end:]
	}
	return sealedStream
}

// What travels sealed is read as what does not, however it comes: the same messages, the
// same commands, and the same end.
func TestSealedStreamsAreReadAsOthers(t *testing.T) {
	for _, test := range streams {
		t.Run(test.name, func(t *testing.T) {
			stream := slices.Concat(test.stream...)
			want, wantCommands, _ := sameHoweverItComes(t, zmtp.V31, testConfig(), stream, 1)
			got, commands, err := same(t, zmtp.V31, testConfig(), sealAll(stream), 1, opener)
			if !slices.Equal(got, want) || !slices.Equal(commands, wantCommands) || errorText(err) != test.err {
				t.Errorf("%d messages, %d commands, error %q, want %d, %d, %q", len(got), len(commands), errorText(err), test.messages, test.commands, test.err)
			}
		})
	}
}

// The limit of a message is for what is inside, whatever sealing adds.
func TestTheLimitIsForWhatIsSealed(t *testing.T) {
	for _, limit := range []int{0, 5, 255, 256, 5000, 33 << 10, 70 << 10} {
		cfg := &Config{SocketType: "PULL", MaxMessageSize: int64(limit)}
		frames := func(size int) []byte {
			return sealAll(slices.Concat(frame2(last, ""), frame2(last, numbered(1, size)), frame2(last, "")))
		}
		if got, _, err := same(t, zmtp.V31, cfg, frames(limit), 1, opener); len(got) != 3 || err != nil {
			t.Errorf("with a limit of %d one of so many: %d messages, %v", limit, len(got), err)
		}
		got, _, err := same(t, zmtp.V31, cfg, frames(limit+1), 1, opener)
		if len(got) != 1 || !errors.Is(err, zmtp.ErrTooLarge) {
			t.Errorf("with a limit of %d one octet more: %d messages, %v", limit, len(got), err)
		}
		// What is too large whatever it holds is not waited for.
		got, _, err = same(t, zmtp.V31, cfg, append(frames(0), zmtp.AppendHeader(nil, 0, limit+sealMost+1)...), 1, opener)
		if len(got) != 3 || !errors.Is(err, zmtp.ErrTooLarge) {
			t.Errorf("with a limit of %d a header of more than it can be sealed: %d messages, %v", limit, len(got), err)
		}
	}
}

// Nothing is received from a frame that somebody has touched on, and everything before
// it is.
func TestWhatIsBehindAFrameThatCannotBeOpenedIsNotRead(t *testing.T) {
	d := dialects[5]
	for _, test := range []struct {
		name string
		bad  func(earlier, large []byte) []byte
		want string
	}{
		{"changed", func(_, _ []byte) []byte { return damaged(d.encode("x")) }, "sealed frame: zmtp: sum"},
		{"changed and large", func(_, _ []byte) []byte { return damaged(d.encode(numbered(2, 100<<10))) }, "sealed frame: zmtp: sum"},
		{"not sealed", func(_, _ []byte) []byte { return dialects[0].encode("x") }, "sealed frame: zmtp: sum"},
		{"come again", func(earlier, _ []byte) []byte { return earlier }, "sealed frame: zmtp: number"},
		{"come again and large", func(_, large []byte) []byte { return large }, "sealed frame: zmtp: number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, large := d.encode("one", "two"), d.encode(numbered(1, 40<<10))
			stream := slices.Concat(one, large, d.encode("three"), test.bad(one, large), d.encode("four"))
			got, _, err := same(t, zmtp.V31, testConfig(), stream, 1, opener)
			if errorText(err) != test.want || len(got) != 3 {
				t.Errorf("%d messages, %v, want %s", len(got), err, test.want)
			}
		})
	}
}

// damaged changes an octet in the middle of a frame.
func damaged(frame []byte) []byte {
	frame[len(frame)-3] ^= 1
	return frame
}

// The flags of the frame outside mean nothing, and it may have the long form.
func TestTheFrameOutsideSaysNothing(t *testing.T) {
	var stream []byte
	for i, flags := range []byte{0, 1, 4, 5, 0xf8, 2, 3, 6} {
		body := appendSealed(nil, sealed.Add(1), 0, []byte(numbered(i, i)))
		if flags&2 == 0 {
			stream = append(stream, flags, byte(len(body)))
		} else {
			stream = append(stream, flags, 0, 0, 0, 0, 0, 0, 0, byte(len(body)))
		}
		stream = append(stream, body...)
	}
	got, commands, err := same(t, zmtp.V31, testConfig(), stream, 1, opener)
	if len(got) != 8 || len(commands) != 0 || err != nil {
		t.Errorf("%d messages, %d commands, %v", len(got), len(commands), err)
	}
}

// The monitor hears of it by libzmq's number, and who connected does not come back.
func TestTheMonitorHearsOfAFrameThatCannotBeOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dialects[5]
		s, n := d.socket(t, "PULL", "PUSH"), newNetwork()
		session := Connect(s.env, s, &s.cfg, n, "address", "mem://address", nil)
		theirs := <-n.dialled
		l := listen(theirs)
		again := d.encode("hello")
		<-say(theirs, slices.Concat(d.opening("PUSH", ""), again, again))
		<-session.Done()
		if got, want := told(s.heard()), "connected, handshake succeeded, handshake failed: protocol 0x10000002, disconnected"; got != want {
			t.Errorf("we hear %s\nwant    %s", got, want)
		}
		if got := s.recv(); !slices.EqualFunc(got, [][]string{{"hello"}}, slices.Equal) {
			t.Errorf("we receive %q", got)
		}
		s.close(0)
		_ = l.Close()
	})
}

// Whoever claims to send much of what is sealed costs what has come.
func TestSealedFramesCostWhatHasCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const peers = 200
		s := dialects[5].socket(t, "PULL", "PUSH")
		s.env.Pool.Poison = false
		before := heap()
		var all []*listener
		for range peers {
			ours, theirs := net.Pipe()
			Attach(s.env, s, &s.cfg, ours, "mem://", "")
			l := listen(theirs)
			<-say(theirs, append(dialects[5].opening("PUSH", ""), 2, 0, 0, 0, 0xff, 0, 0, 0, 0))
			all = append(all, l)
		}
		synctest.Wait()
		if each := (heap() - before) / peers; each > 256<<10 {
			t.Errorf("each costs %d octets", each)
		}
		for _, l := range all {
			_ = l.Close()
		}
		s.close(0)
	})
}

// Nothing is kept of a sealed connection while nothing comes.
func TestASealedConnectionThatIsQuietKeepsNothing(t *testing.T) {
	r := newReader(t, zmtp.V31, &Config{MaxMessageSize: -1}, 0, nil, opener())
	in := r.in.(*sealedIn)
	feed := func(b []byte) {
		for len(b) > 0 {
			n := copy(in.space(), b)
			b = b[n:]
			if err := in.received(n); err != nil {
				t.Fatal(err)
			}
		}
		r.drain(1 << 30)
		in.idle()
	}
	for _, size := range []int{1, 3000, 70 << 10, 400 << 10} {
		feed(dialects[5].encode(numbered(1, size)))
		if in.raw != nil || in.block != nil || in.z.chunk != nil {
			t.Errorf("after a message of %d octets something is kept", size)
		}
	}
	// Of a frame that is not whole only that is kept, in little memory.
	large, half := dialects[5].encode(numbered(1, 20<<10)), dialects[5].encode(numbered(1, 2000))
	feed(append(large, half[:1000]...))
	if in.raw == nil || len(in.raw.B) != message.SmallChunk {
		t.Error("half a frame is not kept, or in too much memory")
	}
	feed(half[1000:])
	if in.raw != nil || len(r.got) != 6 {
		t.Errorf("%d messages came", len(r.got))
	}
}

// An ordinary message costs no memory of its own on either side, once there is some.
func TestSealingAndOpeningAllocateNothing(t *testing.T) {
	pool := new(message.Pool)
	app, carried := pipe.New(pipe.Config{Pool: pool, SendMarkPeer: -1})
	app.Join(new(pipe.Hub))
	carried.Carry(new(Session))
	seals := &sealer{mech: opener()}
	r := &recoder{out: pipe.NewOutgoing(carried), pool: pool, frame: seals.frame}
	in := newReader(t, zmtp.V31, &Config{MaxMessageSize: -1}, 0, nil, counting{opener().(*guarded)})
	in.pool.Poison = false
	m := &message.Message{Frames: [][]byte{make([]byte, 100)}}
	list := make([][]byte, 0, 4)
	const each = 500
	var received message.Message
	round := func() {
		for range each {
			app.Write(m)
		}
		for {
			b, st := r.next(list[:0])
			if st != pipe.OK {
				break
			}
			for rest := b[0]; len(rest) > 0; {
				n := copy(in.in.space(), rest)
				rest = rest[n:]
				if err := in.in.received(n); err != nil {
					t.Fatal(err)
				}
			}
			r.written(len(b[0]))
		}
		in.in.idle()
		got := 0
		for in.app.Read(&received) == pipe.OK {
			got++
		}
		if got != each {
			t.Fatalf("%d of %d messages came", got, each)
		}
	}
	round()
	runtime.GC()
	if n := testing.AllocsPerRun(20, round); n > each/20 {
		t.Errorf("%d messages took %.0f allocations", each, n)
	}
}

// A counting mechanism opens in place what openSealed copies.
type counting struct{ *guarded }

func (c counting) Open(dst, body []byte) (zmtp.Flags, []byte, error) {
	key := body[7]*31 | 0x80
	from := len(dst)
	dst = append(dst, body[9:len(body)-1]...)
	for i := from; i < len(dst); i++ {
		dst[i] ^= key ^ byte(i-from)
	}
	return zmtp.Flags(body[8] ^ key), dst, nil
}

// What is wrong counts from where it stands on, wherever memory for what is opened ends.
func TestNothingIsReadBehindAMessageOfTooManyFrames(t *testing.T) {
	filler := frame2(last, numbered(1, 2000))
	bad := slices.Concat(slices.Repeat(frame2(more, ""), 4), frame2(more, numbered(1, 600)), frame2(last, ""), slices.Repeat(frame2(last, "b"), 20))
	for before := range 48 {
		stream := slices.Concat(slices.Repeat(filler, before), bad, slices.Repeat(filler, 48))
		r := newReader(t, zmtp.V31, testConfig(), 0, nil, opener())
		err := r.feed(sealAll(stream), []int{1 << 30})
		if len(r.got) != before || !errors.Is(err, zmtp.ErrTooManyFrames) {
			t.Errorf("%d messages before it: %d messages, %v", before, len(r.got), err)
		}
	}
}
