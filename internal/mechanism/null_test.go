package mechanism

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"zeromux/zmtp"
)

func properties(pairs ...string) zmtp.Metadata {
	var m zmtp.Metadata
	for i := 0; i < len(pairs); i += 2 {
		m = append(m, zmtp.Property{Name: pairs[i], Value: []byte(pairs[i+1])})
	}
	return m
}

func ready(pairs ...string) []byte { return zmtp.AppendReady(nil, properties(pairs...)) }

// take calls Next until there is nothing more to send.
func take(t *testing.T, m Mechanism) [][]byte {
	t.Helper()
	var all [][]byte
	for {
		command, ok, err := m.Next()
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		if !ok {
			return all
		}
		if all = append(all, bytes.Clone(command)); len(all) > 8 {
			t.Fatalf("Next does not end: %q", all)
		}
	}
}

// wantBreach checks that err is a breach of rule with code.
func wantBreach(t *testing.T, err, rule error, code zmtp.ErrorCode) {
	t.Helper()
	var breach *zmtp.ProtocolError
	if !errors.As(err, &breach) {
		t.Fatalf("got %v, want a *zmtp.ProtocolError", err)
	}
	if !errors.Is(err, rule) || breach.Code != code {
		t.Errorf("got %v with code %v, want %v with %v", err, breach.Code, rule, code)
	}
}

func TestTwoNullSidesLearnEachOthersProperties(t *testing.T) {
	dealer := properties("Socket-Type", "DEALER", "Identity", "", "X-a", "1")
	router := properties("Socket-Type", "ROUTER", "Identity", "me")
	a := NewNull(Config{Metadata: dealer, CheckPeer: CheckSocketType("DEALER", "REP", "DEALER", "ROUTER")})
	b := NewNull(Config{Metadata: router, CheckPeer: CheckSocketType("ROUTER", "REQ", "DEALER", "ROUTER")})
	for _, side := range []struct{ from, to Mechanism }{{a, b}, {b, a}} {
		if side.from.Done() || side.to.Done() || side.from.Peer() != nil || side.to.Peer() != nil {
			t.Error("done, or with a peer, before both READYs have passed")
		}
		for _, command := range take(t, side.from) {
			if err := side.to.Handle(command); err != nil {
				t.Fatal(err)
			}
			clear(command) // what Handle was given is not kept
		}
	}
	for _, side := range []struct {
		m    Mechanism
		peer zmtp.Metadata
	}{{a, router}, {b, dealer}} {
		if !side.m.Done() || side.m.Name() != "NULL" || side.m.UserID() != "" || side.m.Sealed() {
			t.Errorf("got done %v, name %q, user %q, sealed %v", side.m.Done(), side.m.Name(), side.m.UserID(), side.m.Sealed())
		}
		got, want := zmtp.AppendMetadata(nil, side.m.Peer()), zmtp.AppendMetadata(nil, side.peer)
		if !bytes.Equal(got, want) {
			t.Errorf("peer: got %q, want %q", got, want)
		}
	}
}

func TestNullAnnouncesItsPropertiesInTheOrderGiven(t *testing.T) {
	m := properties("Socket-Type", "REQ", "Identity", "", "X-b", "2", "X-a", "1")
	n := NewNull(Config{Metadata: m})
	m[0].Value[0] = '?' // the configuration is not kept
	got := take(t, n)
	want := "\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ\x08Identity\x00\x00\x00\x00\x03X-b\x00\x00\x00\x012\x03X-a\x00\x00\x00\x011"
	if len(got) != 1 || string(got[0]) != want {
		t.Errorf("got %q, want %q alone", got, want)
	}
}

func TestNullIsDoneInEitherOrder(t *testing.T) {
	first := NewNull(Config{})
	if err := first.Handle(ready()); err != nil || first.Done() {
		t.Fatalf("got %v, done %v, want to be waiting for Next", err, first.Done())
	}
	if take(t, first); !first.Done() {
		t.Error("not done when the peer was first")
	}
	second := NewNull(Config{})
	if take(t, second); second.Done() {
		t.Error("done without the peer's READY")
	}
	if err := second.Handle(ready()); err != nil || !second.Done() {
		t.Errorf("got %v, done %v when we were first", err, second.Done())
	}
}

func TestNullRejectsWhatIsNoReady(t *testing.T) {
	push := CheckSocketType("PUSH", "PULL")
	for name, test := range map[string]struct {
		command []byte
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing at all":                     {nil, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a message":                          {[]byte("hi"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that runs past the end":      {[]byte("\x06READY"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a command of another mechanism":     {[]byte("\x05HELLO\x00\x00"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a command of the traffic":           {zmtp.AppendPing(nil, 1, nil), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"ready in lower case":                {[]byte("\x05ready"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a property cut in its name":         {[]byte("\x05READY\x0bSocket"), zmtp.ErrMetadata, 0},
		"a property cut in its size":         {[]byte("\x05READY\x01X\x00\x00"), zmtp.ErrMetadata, 0},
		"a property cut in its value":        {[]byte("\x05READY\x01X\x00\x00\x00\x02x"), zmtp.ErrMetadata, 0},
		"a size that is larger than an int":  {[]byte("\x05READY\x01X\xff\xff\xff\xffx"), zmtp.ErrMetadata, 0},
		"an octet after the last property":   {append(ready("Socket-Type", "PULL"), 0), zmtp.ErrMetadata, 0},
		"one property too many":              {append(ready("Socket-Type", "PULL"), make([]byte, 5*zmtp.MaxProperties)...), zmtp.ErrTooManyProperties, 0},
		"an illegal socket type":             {ready("Socket-Type", "REP"), ErrIncompatible, 0},
		"an empty socket type":               {ready("Socket-Type", ""), ErrIncompatible, 0},
		"a socket type in lower case":        {ready("Socket-Type", "pull"), ErrIncompatible, 0},
		"an illegal type after a legal one":  {ready("Socket-Type", "PULL", "Socket-Type", "REP"), ErrIncompatible, 0},
		"an error without a reason":          {[]byte("\x05ERROR"), zmtp.ErrCommand, zmtp.CodeMalformedError},
		"an error whose reason is cut short": {[]byte("\x05ERROR\x03no"), zmtp.ErrCommand, zmtp.CodeMalformedError},
		"the error of libzmq's PLAIN":        {[]byte("\x5eRROR\x03400"), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
	} {
		t.Run(name, func(t *testing.T) {
			n := NewNull(Config{CheckPeer: push})
			take(t, n)
			err := n.Handle(test.command)
			wantBreach(t, err, test.rule, test.code)
			if n.Done() || n.Peer() != nil {
				t.Errorf("done %v with peer %v after an error", n.Done(), n.Peer())
			}
			if again := n.Handle(ready("Socket-Type", "PULL")); again != err {
				t.Errorf("Handle after an error: got %v, want the same", again)
			}
			if _, ok, again := n.Next(); ok || again != err {
				t.Errorf("Next after an error: got %v, %v, want the same", ok, again)
			}
		})
	}
}

func TestNullAcceptsWhatLibzmqAccepts(t *testing.T) {
	for name, command := range map[string][]byte{
		"no property at all":               []byte("\x05READY"),
		"no socket type":                   ready("X-a", "1"),
		"socket-type in lower case":        ready("socket-type", "NONSENSE"),
		"the same property twice":          ready("X-a", "1", "X-a", "2", "Socket-Type", "PULL"),
		"an identity longer than 255":      ready("Identity", strings.Repeat("i", 300)),
		"an identity that begins with NUL": ready("Identity", "\x00abc"),
		"a name that is no name":           ready("§ !", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			n := NewNull(Config{CheckPeer: CheckSocketType("PUSH", "PULL")})
			take(t, n)
			if err := n.Handle(command); err != nil || !n.Done() {
				t.Fatalf("got %v, done %v", err, n.Done())
			}
			if got := zmtp.AppendReady(nil, n.Peer()); !bytes.Equal(got, command) {
				t.Errorf("peer: got %q, want %q", got, command)
			}
		})
	}
}

func TestASecondCommandBeforeTheHandshakeIsDoneIsUnexpected(t *testing.T) {
	n := NewNull(Config{})
	if err := n.Handle(ready()); err != nil {
		t.Fatal(err)
	}
	wantBreach(t, n.Handle(ready()), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand)

	n = NewNull(Config{})
	if err := n.Handle(zmtp.AppendError(nil, "400")); err != nil {
		t.Fatal(err)
	}
	wantBreach(t, n.Handle(ready()), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand)
}

func TestAnErrorFromThePeerIsARefusal(t *testing.T) {
	for reason, status := range map[string]int{
		"300": 300, "400": 400, "500": 500,
		"200": 0, "600": 0, "0400": 0, "400 ": 0, "40": 0, "": 0, "nope!": 0, "\x00\xff": 0,
	} {
		n := NewNull(Config{})
		take(t, n)
		err := n.Handle(zmtp.AppendError(nil, reason))
		var got *RefusedError
		if !errors.As(err, &got) {
			t.Errorf("%q: got %v, want a *RefusedError", reason, err)
			continue
		}
		if got.Reason != reason || got.Status != status {
			t.Errorf("got %q with %d, want %q with %d", got.Reason, got.Status, reason, status)
		}
		if code := zmtp.CodeOf(err); code != 0 {
			t.Errorf("%q: got code %v, want none", reason, code)
		}
	}
}

func TestAnErrorBeforeOurReadyIsLeftToThePeer(t *testing.T) {
	n := NewNull(Config{Metadata: properties("Socket-Type", "REQ")})
	if err := n.Handle(zmtp.AppendError(nil, "400")); err != nil {
		t.Fatalf("got %v, want to go on", err)
	}
	if got := take(t, n); len(got) != 1 {
		t.Errorf("got %q to send, want a READY", got)
	}
	if n.Done() || n.Peer() != nil {
		t.Error("done with a peer that refused")
	}
}

func TestIncompatibleTypesAreBothNamed(t *testing.T) {
	check := CheckSocketType("PUSH", "PULL")
	err := check(properties("Socket-Type", "REP"))
	var got *IncompatibleError
	if !errors.As(err, &got) || got.Own != "PUSH" || got.Peer != "REP" {
		t.Fatalf("got %#v", err)
	}
	if want := `incompatible socket types: PUSH here, "REP" there`; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	long := check(properties("Socket-Type", strings.Repeat("x", 1<<20)))
	if n := len(long.Error()); n > 200 {
		t.Errorf("the text of an endless type has %d octets", n)
	}
	if !errors.As(long, &got) || len(got.Peer) > maxErrorOctets {
		t.Errorf("of an endless type %d octets are kept", len(got.Peer))
	}
	none := CheckSocketType("STREAM")
	if none(properties("Socket-Type", "STREAM")) == nil || none(nil) != nil {
		t.Error("a type without legal peers admits only those that name none")
	}
}

func TestNullDoesNotSeal(t *testing.T) {
	n := NewNull(Config{})
	for name, call := range map[string]func(){
		"Seal": func() { _, _ = n.Seal(nil, 0, nil) },
		"Open": func() { _, _, _ = n.Open(nil, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s does not say that it must not be called", name)
				}
			}()
			call()
		}()
	}
}
