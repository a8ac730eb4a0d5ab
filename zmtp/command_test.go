package zmtp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestCommandsAreSpelledAsOnTheWire(t *testing.T) {
	for _, c := range []struct {
		name string
		body []byte
		want string
	}{
		{"READY", AppendReady(nil, Metadata{{"Socket-Type", []byte("REP")}}), "\x05READY\x0bSocket-Type\x00\x00\x00\x03REP"},
		{"READY without properties", AppendReady(nil, nil), "\x05READY"},
		{"ERROR", AppendError(nil, "400"), "\x05ERROR\x03400"},
		{"ERROR without a reason", AppendError(nil, ""), "\x05ERROR\x00"},
		{"ERROR with too long a reason", AppendError(nil, strings.Repeat("x", 300)), "\x05ERROR\xff" + strings.Repeat("x", 255)},
		{"PING", AppendPing(nil, 0x1234, []byte("ctx")), "\x04PING\x12\x34ctx"},
		{"PING with too long a context", AppendPing(nil, 0, []byte("0123456789abcdefXYZ")), "\x04PING\x00\x000123456789abcdef"},
		{"PONG", AppendPong(nil, []byte("ctx")), "\x04PONGctx"},
		{"PONG with too long a context", AppendPong(nil, []byte("0123456789abcdefXYZ")), "\x04PONG0123456789abcdef"},
		{"SUBSCRIBE", AppendSubscribe(nil, []byte("a")), "\x09SUBSCRIBEa"},
		{"SUBSCRIBE to everything", AppendSubscribe(nil, nil), "\x09SUBSCRIBE"},
		{"CANCEL", AppendCancel(nil, []byte("a")), "\x06CANCELa"},
		{"JOIN", AppendJoin(nil, "g"), "\x04JOINg"},
		{"LEAVE", AppendLeave(nil, "g"), "\x05LEAVEg"},
		{"any other", AppendCommand(nil, "HELLO", []byte("a"), nil, []byte("bc")), "\x05HELLOabc"},
		{"after other octets", AppendPong([]byte("before"), nil), "before\x04PONG"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if string(c.body) != c.want {
				t.Errorf("got %q, want %q", c.body, c.want)
			}
		})
	}
}

func TestParseCommandCutsNameFromData(t *testing.T) {
	for _, c := range []struct{ name, body, wantName, wantData string }{
		{"name and data", "\x03FOObar", "FOO", "bar"},
		{"name alone", "\x03FOO", "FOO", ""},
		{"the longest name", "\xff" + strings.Repeat("n", 255) + "d", strings.Repeat("n", 255), "d"},
		{"a name of any octets", "\x02\x00\xffx", "\x00\xff", "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, data, err := ParseCommand([]byte(c.body))
			if string(name) != c.wantName || string(data) != c.wantData || err != nil {
				t.Errorf("got %q, %q, %v, want %q, %q", name, data, err, c.wantName, c.wantData)
			}
		})
	}
}

// parsers are all functions that read the whole body of one command.
var parsers = map[string]func([]byte) error{
	CommandReady:     func(b []byte) error { _, err := ParseReady(b); return err },
	CommandError:     func(b []byte) error { _, err := ParseError(b); return err },
	CommandPing:      func(b []byte) error { _, _, err := ParsePing(b); return err },
	CommandPong:      func(b []byte) error { _, err := ParsePong(b); return err },
	CommandSubscribe: func(b []byte) error { _, err := ParseSubscribe(b); return err },
	CommandCancel:    func(b []byte) error { _, err := ParseCancel(b); return err },
	CommandJoin:      func(b []byte) error { _, err := ParseJoin(b); return err },
	CommandLeave:     func(b []byte) error { _, err := ParseLeave(b); return err },
}

func TestEveryParserRefusesOtherAndMalformedCommands(t *testing.T) {
	for name, parse := range parsers {
		for _, c := range []struct {
			body string
			want error
			code ErrorCode
		}{
			{"", ErrCommand, CodeMalformedCommand},
			{"\x00", ErrCommand, CodeMalformedCommand},
			{"\x00" + name, ErrCommand, CodeMalformedCommand},
			{"\xff" + name, ErrCommand, CodeMalformedCommand},
			{"\x20 x", ErrCommand, CodeMalformedCommand},
			{"\x03FOOx", ErrUnexpectedCommand, CodeUnexpectedCommand},
			{string(AppendCommand(nil, strings.ToLower(name))), ErrUnexpectedCommand, CodeUnexpectedCommand},
			{string(AppendCommand(nil, name+"X")), ErrUnexpectedCommand, CodeUnexpectedCommand},
		} {
			if err := parse([]byte(c.body)); !errors.Is(err, c.want) || CodeOf(err) != c.code {
				t.Errorf("%s from %q: got %v with %v, want %v with %v", name, c.body, err, CodeOf(err), c.want, c.code)
			}
		}
	}
}

func TestCommandsWithMalformedDataAreRefused(t *testing.T) {
	long := strings.Repeat("g", 256)
	for _, c := range []struct {
		name, body string
		want       error
		code       ErrorCode
	}{
		{"READY that ends in a property", "\x05READY\x0bSocket-Type\x00\x00\x00\x04REP", ErrMetadata, CodeInvalidMetadata},
		{"ERROR without a size", "\x05ERROR", ErrCommand, CodeMalformedError},
		{"ERROR shorter than its reason", "\x05ERROR\x04400", ErrCommand, CodeMalformedError},
		{"PING without a time to live", "\x04PING", ErrCommand, CodeMalformedCommand},
		{"PING with half a time to live", "\x04PING\x00", ErrCommand, CodeMalformedCommand},
		{"JOIN of a group of 256 octets", "\x04JOIN" + long, ErrCommand, CodeMalformedCommand},
		{"LEAVE of a group of 256 octets", "\x05LEAVE" + long, ErrCommand, CodeMalformedCommand},
	} {
		t.Run(c.name, func(t *testing.T) {
			name, _, err := ParseCommand([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if err := parsers[string(name)]([]byte(c.body)); !errors.Is(err, c.want) || CodeOf(err) != c.code {
				t.Errorf("got %v with %v, want %v with %v", err, CodeOf(err), c.want, c.code)
			}
		})
	}
}

func TestParseErrorIgnoresWhatFollowsTheReason(t *testing.T) {
	reason, err := ParseError([]byte("\x05ERROR\x03400zz"))
	if string(reason) != "400" || err != nil {
		t.Errorf("got %q, %v, want 400", reason, err)
	}
}

func TestParsePingCutsTheContextToWhatIsEchoed(t *testing.T) {
	ttl, context, err := ParsePing([]byte("\x04PING\x02\x900123456789abcdefXYZ"))
	if ttl != 656 || string(context) != "0123456789abcdef" || err != nil {
		t.Errorf("got %d, %q, %v", ttl, context, err)
	}
}

func TestSubscriptionsAsMessages(t *testing.T) {
	for _, c := range []struct {
		body      string
		topic     string
		subscribe bool
		ok        bool
	}{
		{"\x01abc", "abc", true, true},
		{"\x01", "", true, true},
		{"\x00abc", "abc", false, true},
		{"\x00", "", false, true},
		{"\x02abc", "", false, false},
		{"", "", false, false},
	} {
		topic, subscribe, ok := ParseSubscription([]byte(c.body))
		if string(topic) != c.topic || subscribe != c.subscribe || ok != c.ok {
			t.Errorf("%q: got %q, %v, %v", c.body, topic, subscribe, ok)
		}
		if c.ok {
			if got := AppendSubscription(nil, c.subscribe, []byte(c.topic)); string(got) != c.body {
				t.Errorf("written as %q, want %q", got, c.body)
			}
		}
	}
}

func TestAppendPanicsForWhatNoPeerCouldRead(t *testing.T) {
	mustPanic(t, "command name", func() { AppendCommand(nil, "") })
	mustPanic(t, "command name", func() { AppendCommand(nil, strings.Repeat("X", 256)) })
	mustPanic(t, "group", func() { AppendJoin(nil, strings.Repeat("g", 256)) })
	mustPanic(t, "group", func() { AppendLeave(nil, strings.Repeat("g", 256)) })
	mustPanic(t, "property name", func() { AppendProperty(nil, strings.Repeat("n", 256), nil) })
}

func TestTrafficCommandsAllocateNothing(t *testing.T) {
	b := make([]byte, 0, 64)
	topic := []byte("topic")
	if n := testing.AllocsPerRun(100, func() {
		for _, body := range [][]byte{AppendSubscribe(b, topic), AppendCancel(b, topic), AppendCommand(b, "PONG", topic, topic)} {
			if _, _, err := ParseCommand(body); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := ParseSubscribe(AppendSubscribe(b, topic)); err != nil || !bytes.Equal(got, topic) {
			t.Fatal(err)
		}
		if _, _, err := ParsePing(AppendPing(b, 1, topic)); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// The longest reason that an ERROR can have comes back whole.
func TestTheLongestReasonIsRead(t *testing.T) {
	want := strings.Repeat("r", MaxReason)
	reason, err := ParseError(AppendError(nil, want))
	if err != nil || string(reason) != want {
		t.Errorf("got %d octets, %v", len(reason), err)
	}
}
