package mechanism

import (
	"bytes"
	"testing"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// The targets of CURVE would not get past the first box with octets that nobody
// sealed. So their input is what a peer does that has keys: each step is an octet
// that tells what, and pieces that tell how. A mask says which parts of a command are
// not as they should be. Two faults may make up for each other, so what has to be taken
// is what is octet for octet as it should be.

// What a peer does.
const (
	doRaw      = iota // a piece as it is
	doHello           // mask, nonce
	doInitiate        // mask, nonce, metadata
	doWelcome         // mask
	doReady           // mask, nonce, metadata
	doMessage         // mask, nonce, plaintext
	doError           // a reason
	doAnswer          // status, metadata
	doings
)

// step returns the octets of one step.
func do(what byte, how ...string) string {
	return string(what) + string(pieces(how...))
}

// spoil changes an octet of a command, at one of 256 places.
func spoil(command, where []byte) []byte {
	if len(where) == 2 && len(command) > 0 && where[1] != 0 {
		command = bytes.Clone(command)
		command[int(where[0])*len(command)/256] ^= where[1]
	}
	return command
}

// shortNumber reads a nonce of up to 8 octets.
func shortNumber(b []byte) (n uint64) {
	for _, octet := range b[:min(len(b), 8)] {
		n = n<<8 | uint64(octet)
	}
	return n
}

// highestBit says whether two commands differ in no more than the bit of C' that
// X25519 ignores.
func highestBit(a, b []byte) bool {
	a = bytes.Clone(a)
	if len(a) == helloSize {
		a[helloNonce-1] ^= 0x80
	}
	return bytes.Equal(a, b)
}

func FuzzCurveServer(f *testing.F) {
	hello := do(doHello, "\x00", "\x01", "")
	initiate := do(doInitiate, "\x00", "\x02", "", string(announced()))
	message := do(doMessage, "\x00", "\x03", "", "\x01body")
	add := func(steps ...string) {
		var b []byte
		for _, step := range steps {
			b = append(b, step...)
		}
		f.Add(b)
	}
	add(hello, initiate, do(doAnswer, "\x00", ""), message, do(doMessage, "\x00", "\x03", "", "\x00again"))
	add(hello, initiate, do(doAnswer, "\x04", ""), message)
	add(hello, initiate, do(doAnswer, "\x00", "\x01a\x00\x00\x00\x01b"), message, do(doMessage, "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", "", "\x02"))
	add(hello, initiate, message)
	add(hello, hello)
	add(initiate)
	add(hello, do(doInitiate, "\x00", "\x01", "", ""))
	for bit := range 8 {
		mask := string(byte(1 << bit))
		add(do(doHello, mask, "\x01", ""), initiate, do(doAnswer, "\x00", ""))
		add(hello, do(doInitiate, mask, "\x02", "", string(announced())), do(doAnswer, "\x00", ""))
		add(hello, initiate, do(doAnswer, "\x00", ""), do(doMessage, mask, "\x03", "", "\x00x"))
	}
	add(do(doHello, "\x00", "\x01", "\x80\x01"))
	add(hello, do(doInitiate, "\x00", "\x02", "\x20\x01", string(announced())))
	add(hello, initiate, do(doAnswer, "\x00", ""), do(doMessage, "\x00", "\x03", "\x01\x20", "\x00x"))
	add(do(doRaw, "\x05HELLO"), do(doRaw, "hi"))
	add(hello, do(doRaw, "\x08INITIATE"), do(doError, "400"))
	add(hello, initiate, do(doAnswer, "\x00", ""), do(doRaw, "\x07MESSAGE\x00\x00"))

	f.Fuzz(func(t *testing.T, data []byte) {
		var drawn byte
		keys := *serverKeys
		keys.Random = func(b []byte) {
			for i := range b {
				drawn++
				b[i] = drawn
			}
		}
		in := tape(data)
		j := &judge{t: t, m: NewCurveServer(config(), &keys)}
		client := newHandClient()
		var last uint64 // nonce
		var openFailed error
		var properties string
		honest, letIn := true, false
		for steps := 0; len(in) > 0 && steps < 12; steps++ {
			if said := j.listen(); len(said) == welcomeSize && honest {
				client.readWelcome(t, said)
			}
			var command, faultless []byte
			want := false // whether it has to be taken
			switch in.octet() % doings {
			case doRaw:
				command = in.piece()
			case doError:
				command = zmtp.AppendError(nil, string(in.piece()))
			case doHello:
				mask, nonce := maskOf(in.piece()), shortNumber(in.piece())
				with := func(mask byte) []byte {
					return client.hello(func(h *handHello) { h.nonce = nonce; helloFaults(h, mask) })
				}
				faultless, command = with(0), spoil(with(mask), in.piece())
				same := bytes.Equal(command, faultless)
				want = awaits(j.m) == CommandHello && (same || highestBit(command, faultless))
				if want {
					last, honest = nonce, same
				}
			case doInitiate:
				mask, nonce := maskOf(in.piece()), shortNumber(in.piece())
				where, metadata := in.piece(), in.piece()
				if client.cookie == nil {
					continue
				}
				with := func(mask byte) []byte {
					return client.initiate(func(i *handInitiate) { i.nonce, i.metadata = nonce, metadata; initiateFaults(i, mask) })
				}
				faultless, command = with(0), spoil(with(mask), where)
				parsed, err := zmtp.ParseMetadata(metadata)
				want = honest && bytes.Equal(command, faultless) && nonce > last && err == nil &&
					CheckSocketType("PAIR", "PAIR")(parsed) == nil && awaits(j.m) == commandInitiate
				if want {
					last, properties = nonce, string(metadata)
				}
			case doMessage:
				mask, nonce := maskOf(in.piece()), shortNumber(in.piece())
				where, plain := in.piece(), in.piece()
				if client.cookie == nil {
					continue
				}
				faultless = client.message(nonce, string(plain))
				command = spoil(messageWithFaults(bytes.Clone(faultless), mask), where)
				if j.m.Done() {
					good := bytes.Equal(command, faultless) && nonce > last && len(plain) > 0 && openFailed == nil
					openFailed = wantOpen(t, j.m, command, plain, good, openFailed)
					if good {
						last = nonce
					}
					continue
				}
			case doAnswer:
				status, metadata := statusOf(in.octet()), in.piece()
				q := j.m.Question()
				if q == nil {
					continue
				}
				if len(q.Credentials) != 1 || !bytes.Equal(q.Credentials[0], clientLong.public[:]) {
					t.Fatalf("asked about %x", q.Credentials)
				}
				parsed, err := zmtp.ParseMetadata(metadata)
				good := err == nil && CheckSocketType("PAIR", "PAIR")(parsed) == nil && status != 900
				if j.noted(j.m.Answer(&zap.Reply{Status: status, UserID: "joe", Metadata: metadata}, nil)) != good {
					t.Fatalf("an answer with %d and %q came to %v", status, metadata, j.failed)
				}
				letIn = good && status == zap.StatusOK
				continue
			default:
				continue
			}
			if j.m.Done() {
				openFailed = wantOpen(t, j.m, command, nil, false, openFailed)
				continue
			}
			if took := j.noted(j.m.Handle(bytes.Clone(command))); took != want {
				t.Fatalf("took %x: %v, want %v, %v", command, took, want, j.failed)
			}
		}
		j.listen()
		if j.m.Question() != nil {
			return
		}
		done := letIn && j.failed == nil
		if done && j.m.UserID() != "joe" || done && !bytes.HasSuffix(appendLoose(j.m.Peer()), []byte(properties)) {
			t.Fatalf("user %q, peer %v, want %q", j.m.UserID(), j.m.Peer(), properties)
		}
		j.end(done)
	})
}

// maskOf reads a mask.
func maskOf(b []byte) byte {
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

// helloFaults puts faults into a HELLO, one for each bit.
func helloFaults(h *handHello, mask byte) {
	if mask&1 != 0 {
		h.version = "\x01\x01"
	}
	if mask&2 != 0 {
		h.padding[7] = 1
	}
	if mask&4 != 0 {
		h.claimed = foreign.public
	}
	if mask&8 != 0 {
		h.plain[9] = 1
	}
	if mask&16 != 0 {
		h.key = stranger.secret
	}
	if mask&32 != 0 {
		h.claimed = [32]byte{}
	}
	if mask&64 != 0 {
		h.padding = h.padding[1:]
	}
	if mask&128 != 0 {
		h.plain = append(h.plain, 0)
	}
}

// initiateFaults puts faults into an INITIATE, one for each bit.
func initiateFaults(i *handInitiate, mask byte) {
	if mask&1 != 0 {
		i.cookie = bytes.Clone(i.cookie)
		i.cookie[3] ^= 1
	}
	if mask&2 != 0 {
		i.claimed = foreign.public
	}
	if mask&4 != 0 {
		i.vouched = foreign.public
	}
	if mask&8 != 0 {
		i.meant = foreign.public
	}
	if mask&16 != 0 {
		i.vouchKey = stranger.secret
	}
	if mask&32 != 0 {
		i.boxKey = stranger.secret
	}
	if mask&64 != 0 {
		i.claimed = [32]byte{}
	}
	if mask&128 != 0 {
		i.cookie = i.cookie[1:]
	}
}

// messageWithFaults puts faults into a MESSAGE.
func messageWithFaults(b []byte, mask byte) []byte {
	switch {
	case mask&1 != 0:
		b = append(b, 0)
	case mask&2 != 0:
		b = b[:len(b)-1]
	case mask&4 != 0:
		b[7] = 'e'
	case mask&8 != 0:
		b[15] ^= 1
	case mask != 0:
		b[len(b)-1] ^= mask
	}
	return b
}

// wantOpen opens what came after the handshake.
func wantOpen(t *testing.T, m Mechanism, body, plain []byte, good bool, failed error) error {
	t.Helper()
	f, out, err := m.Open([]byte("before"), bytes.Clone(body))
	if !bytes.HasPrefix(out, []byte("before")) {
		t.Fatalf("what was there before: %q", out)
	}
	switch {
	case failed != nil && err != failed:
		t.Fatalf("after %v: got %v", failed, err)
	case good != (err == nil):
		t.Fatalf("opened %x: %v, want it to open: %v", body, err, good)
	case good && !bytes.Equal(out[6:], plain[1:]):
		t.Fatalf("opened %q, want %q", out[6:], plain[1:])
	case good && (f&zmtp.FlagMore != 0) != (plain[0]&1 != 0), good && (f&zmtp.FlagCommand != 0) != (plain[0]&2 != 0):
		t.Fatalf("flags %v of %02x", f, plain[0])
	case err != nil && zmtp.CodeOf(err) == 0:
		t.Fatalf("got %v, want a breach with a code", err)
	}
	return err
}

func FuzzCurveClient(f *testing.F) {
	welcome := do(doWelcome, "\x00", "")
	ready := do(doReady, "\x00", "\x01", "", string(announced()))
	message := do(doMessage, "\x00", "\x02", "", "\x02body")
	add := func(steps ...string) {
		var b []byte
		for _, step := range steps {
			b = append(b, step...)
		}
		f.Add(b)
	}
	add(welcome, ready, message, message)
	add(welcome, ready, message, do(doMessage, "\x00", "\x09", "", "\x01"), do(doMessage, "\x00", "\x08", "", "\x00"))
	add(welcome, welcome)
	add(ready)
	add(message)
	add(do(doError, "400"))
	add(welcome, do(doError, "500"))
	add(welcome, do(doReady, "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", "", ""), message)
	add(welcome, do(doReady, "\x00", "", "", "\x01a\x00"))
	for bit := range 8 {
		mask := string(byte(1 << bit))
		add(do(doWelcome, mask, ""), ready)
		add(welcome, do(doReady, mask, "\x01", "", string(announced())))
		add(welcome, ready, do(doMessage, mask, "\x02", "", "\x00x"))
	}
	add(do(doWelcome, "\x00", "\x80\x01"), ready)
	add(welcome, do(doReady, "\x00", "\x01", "\x80\x10", ""))
	add(do(doRaw, "\x07WELCOME"), do(doRaw, ""))
	add(welcome, do(doRaw, "\x05READY"))
	add(welcome, ready, do(doRaw, "\x07MESSAGE"), message)

	f.Fuzz(func(t *testing.T, data []byte) {
		in := tape(data)
		keys := fixed(clientKeys, clientShort.secret[:], vouchNonce)
		j := &judge{t: t, m: NewCurveClient(config(), keys)}
		server := newHandServer()
		server.client = clientShort.public
		var last uint64
		var openFailed error
		var properties string
		for steps := 0; len(in) > 0 && steps < 12; steps++ {
			if said := j.listen(); len(said) == helloSize && said[1] == 'H' {
				server.readHello(t, said)
			}
			var command, faultless []byte
			want := false
			switch in.octet() % doings {
			case doRaw:
				command = in.piece()
			case doError:
				command = zmtp.AppendError(nil, string(in.piece()))
			case doWelcome:
				mask := maskOf(in.piece())
				faultless, command = welcomeWithFaults(server, 0), spoil(welcomeWithFaults(server, mask), in.piece())
				want = awaits(j.m) == CommandWelcome && bytes.Equal(command, faultless)
			case doReady:
				mask, nonce := maskOf(in.piece()), shortNumber(in.piece())
				where, metadata := in.piece(), in.piece()
				faultless, command = readyWithFaults(server, nonce, metadata, 0), spoil(readyWithFaults(server, nonce, metadata, mask), where)
				parsed, err := zmtp.ParseMetadata(metadata)
				want = awaits(j.m) == zmtp.CommandReady && bytes.Equal(command, faultless) && err == nil &&
					CheckSocketType("PAIR", "PAIR")(parsed) == nil
				if want {
					last, properties = nonce, string(metadata)
				}
			case doMessage:
				mask, nonce := maskOf(in.piece()), shortNumber(in.piece())
				where, plain := in.piece(), in.piece()
				faultless = server.message(nonce, string(plain))
				command = spoil(messageWithFaults(bytes.Clone(faultless), mask), where)
				if j.m.Done() {
					good := bytes.Equal(command, faultless) && nonce > last && len(plain) > 0 && openFailed == nil
					openFailed = wantOpen(t, j.m, command, plain, good, openFailed)
					if good {
						last = nonce
					}
					continue
				}
			default:
				continue
			}
			if j.m.Done() {
				openFailed = wantOpen(t, j.m, command, nil, false, openFailed)
				continue
			}
			if took := j.noted(j.m.Handle(bytes.Clone(command))); took != want {
				t.Fatalf("took %x: %v, want %v, %v", command, took, want, j.failed)
			}
		}
		j.listen()
		done := j.m.Done() && j.failed == nil
		if done && string(appendLoose(j.m.Peer())) != properties {
			t.Fatalf("peer %v, want %q", j.m.Peer(), properties)
		}
		j.end(done)
	})
}

// welcomeWithFaults is a WELCOME with a fault for each bit.
func welcomeWithFaults(s *handServer, mask byte) []byte {
	short, by := s.short.public, s.long.secret
	if mask&1 != 0 {
		by = foreign.secret
	}
	if mask&2 != 0 {
		by = s.short.secret
	}
	if mask&4 != 0 {
		short = [32]byte{1}
	}
	b := s.welcome(short, by)
	if mask&8 != 0 {
		b = append(b, 0)
	}
	if mask&16 != 0 {
		b = b[:len(b)-1]
	}
	b[len(b)-1] ^= mask & 0xe0
	return b
}

// readyWithFaults is a READY with a fault for each bit.
func readyWithFaults(s *handServer, nonce uint64, metadata []byte, mask byte) []byte {
	by := s.short.secret
	if mask&1 != 0 {
		by = foreign.secret
	}
	if mask&2 != 0 {
		by = s.long.secret
	}
	b := s.ready(nonce, metadata, by)
	if mask&4 != 0 {
		b[13] ^= 1
	}
	if mask&8 != 0 {
		b = append(b, 0)
	}
	if mask&16 != 0 {
		b = b[:len(b)-1]
	}
	b[len(b)-1] ^= mask & 0xe0
	return b
}

// FuzzOpen gives the traffic whatever comes, and what was sealed with a change.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("\x07MESSAGE"), []byte("body"), uint16(0), byte(0))
	f.Add([]byte{}, []byte(""), uint16(32), byte(1))
	f.Add(make([]byte, 40), make([]byte, smallPlain), uint16(9), byte(0x80))
	f.Add(append([]byte("\x07MESSAGE"), make([]byte, 25)...), []byte("x"), uint16(15), byte(3))
	key := boxKey(*sharedOf(serverShort.public, clientShort.secret))
	sender := sealedTraffic{key: key, outward: prefixClient, hasKey: true}
	f.Fuzz(func(t *testing.T, raw, plain []byte, at uint16, change byte) {
		receiver := func() *sealedTraffic { return &sealedTraffic{key: key, inward: prefixClient, hasKey: true} }
		if _, out, err := receiver().Open(nil, raw); err == nil {
			t.Fatalf("%x opens to %q", raw, out)
		} else if zmtp.CodeOf(err) == 0 || out != nil {
			t.Fatalf("got %q, %v", out, err)
		}
		flags := zmtp.Flags(change) & (zmtp.FlagMore | zmtp.FlagCommand)
		s := sender
		sealed, err := s.Seal(nil, flags, plain)
		if err != nil || len(sealed) != messageSize+len(plain) {
			t.Fatalf("sealed %d octets in %d, %v", len(plain), len(sealed), err)
		}
		r := receiver()
		if got, out, err := r.Open(nil, sealed); err != nil || got != flags || !bytes.Equal(out, plain) {
			t.Fatalf("opened %q with %v, %v, want %q with %v", out, got, err, plain, flags)
		}
		sealed[int(at)%len(sealed)] ^= change
		if _, out, err := receiver().Open(nil, sealed); (err == nil) != (change == 0) {
			t.Fatalf("with octet %d changed by %02x: %q, %v", at, change, out, err)
		}
	})
}
