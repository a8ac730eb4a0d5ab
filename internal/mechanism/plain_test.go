package mechanism

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

var (
	plainHello    = []byte("\x05HELLO\x05admin\x06secret")
	plainInitiate = append([]byte("\x08INITIATE"), announced()...)
)

func plainClientOf(c Config) Mechanism { return NewPlainClient(c, "admin", "secret") }

func plainServerOf(c Config) Mechanism { return NewPlainServer(c, PlainErrorLibzmq) }

func TestPlainSaysWhatLibzmqSays(t *testing.T) {
	client, server := plainClientOf(config()), plainServerOf(config())
	said, err := feed(client, nobody, []byte("\x07WELCOME"), append([]byte("\x05READY"), announced()...))
	if err != nil || len(said) != 2 || !bytes.Equal(said[0], plainHello) || !bytes.Equal(said[1], plainInitiate) || !client.Done() {
		t.Errorf("the client said %q, %v, done %v", said, err, client.Done())
	}
	said, err = feed(server, says(zap.StatusOK), plainHello, plainInitiate)
	if err != nil || len(said) != 2 || string(said[0]) != "\x07WELCOME" || string(said[1]) != "\x05READY"+string(announced()) || !server.Done() {
		t.Errorf("the server said %q, %v, done %v", said, err, server.Done())
	}
	for _, side := range []Mechanism{client, server} {
		if got := zmtp.AppendMetadata(nil, side.Peer()); !bytes.Equal(got, announced()) {
			t.Errorf("the peer said %q", got)
		}
		if side.Sealed() || side.Name() != "PLAIN" {
			t.Errorf("%s is sealed: %v", side.Name(), side.Sealed())
		}
		for name, call := range map[string]func(){
			"Seal": func() { _, _ = side.Seal(nil, 0, nil) },
			"Open": func() { _, _, _ = side.Open(nil, nil) },
		} {
			if !panics(call) {
				t.Errorf("%s does not say that it must not be called", name)
			}
		}
	}
}

func panics(f func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	f()
	return false
}

// The codes are those that a monitor of libzmq 4.3.4 reported for the same octets.
func TestAPlainServerRefusesWhatIsNoHello(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":                          {"", zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"an empty name":                    {"\x00", zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"an empty name and something":      {"\x00abc", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name of which there is nothing": {"\x05", zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a name that is cut":               {"\x09HELLO", zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"a message":                        {"hi", zmtp.ErrCommand, zmtp.CodeMalformedCommand},
		"hello in lower case":              {"\x05hello\x05admin\x06secret", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"INITIATE":                         {string(plainInitiate), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"READY":                            {string(ready()), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"ERROR":                            {"\x05ERROR\x03400", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"no user":                          {"\x05HELLO", zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"a user that is cut":               {"\x05HELLO\x07admin\x00", zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"no password":                      {"\x05HELLO\x05admin", zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"a password that is cut":           {"\x05HELLO\x05admin\x07secret", zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"something behind the password":    {"\x05HELLO\x05admin\x06secret!", zmtp.ErrCommand, zmtp.CodeMalformedHello},
		"the HELLO of CURVE":               {string(newHandClient().hello()), zmtp.ErrCommand, zmtp.CodeMalformedHello},
	} {
		t.Run(name, func(t *testing.T) {
			server := plainServerOf(config())
			_, err := feed(server, says(zap.StatusOK), []byte(c.command))
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, server, err)
			wantNoPassword(t, err)
		})
	}
}

// wantNoPassword checks that an error does not tell the password.
func wantNoPassword(t *testing.T, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(verb, err)
		for _, secret := range []string{"secret", "73 65 63", "0x73, 0x65, 0x63", "115 101 99"} {
			if strings.Contains(text, secret) {
				t.Errorf("the error shows the password: %s", text)
			}
		}
	}
}

// A server knows the password, and may have it say anything.
func TestAPlainClientDoesNotRepeatItsPassword(t *testing.T) {
	welcome := "\x07WELCOME"
	for name, commands := range map[string][]string{
		"HELLO":                         {string(plainHello)},
		"the password as a command":     {"\x06secret!"},
		"something behind WELCOME":      {welcome + "\x05admin\x06secret"},
		"a reason":                      {"\x05ERROR\x12no, not by \"secret\""},
		"a reason in libzmq's spelling": {"\x5eRROR\x06secret"},
		"a reason that is cut":          {"\x05ERROR\x77secret"},
		"one in libzmq's spelling":      {"\x5eRROR\x77secret"},
		"a reason after WELCOME":        {welcome, "\x05ERROR\x06secret"},
		"no properties":                 {welcome, "\x05READYsecret"},
		"no command":                    {welcome, "\xffsecret"},
	} {
		t.Run(name, func(t *testing.T) {
			var said [][]byte
			for _, command := range commands {
				said = append(said, []byte(command))
			}
			_, err := feed(plainClientOf(config()), nobody, said...)
			if err == nil {
				t.Fatal("no error")
			}
			wantNoPassword(t, err)
		})
	}
	_, err := feed(plainClientOf(config()), nobody, []byte("\x05ERROR\x08too late"))
	if err == nil || !strings.Contains(err.Error(), "too late") {
		t.Errorf("a reason without the password is not told: %v", err)
	}
	_, err = feed(NewPlainClient(config(), "admin", "4"), nobody, []byte("\x05ERROR\x03400"))
	wantRefused(t, err, 400)
}

func TestAPlainServerRefusesWhatIsNoInitiate(t *testing.T) {
	for name, c := range map[string]struct {
		command string
		rule    error
		code    zmtp.ErrorCode
	}{
		"nothing":                {"", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that is cut":     {"\x08INITIAT", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"HELLO again":            {string(plainHello), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"ERROR":                  {"\x05ERROR\x03400", zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a property that is cut": {string(plainInitiate[:20]), zmtp.ErrMetadata, 0},
		"an illegal socket type": {"\x08INITIATE" + string(ready("Socket-Type", "PUSH")[6:]), ErrIncompatible, 0},
		"too many properties":    {"\x08INITIATE" + strings.Repeat("\x00", 5*(zmtp.MaxProperties+1)), zmtp.ErrTooManyProperties, 0},
	} {
		t.Run(name, func(t *testing.T) {
			server := plainServerOf(config())
			_, err := feed(server, says(zap.StatusOK), plainHello, []byte(c.command))
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, server, err)
			wantNoPassword(t, err)
		})
	}
}

func TestAPlainServerHearsNothingWhileItIsNotTheClientsTurn(t *testing.T) {
	server := plainServerOf(Config{})
	if err := server.Handle(plainHello); err != nil {
		t.Fatal(err)
	}
	err := server.Handle(plainInitiate)
	wantBreach(t, err, zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified)
	wantStuck(t, server, err)

	server = plainServerOf(Config{})
	if _, err := feed(server, says(zap.StatusOK), plainHello); err != nil {
		t.Fatal(err)
	}
	if err := server.Handle(plainInitiate); err != nil {
		t.Fatal(err)
	}
	wantBreach(t, server.Handle(plainInitiate), zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified)
}

func TestAPlainClientRefusesWhatIsNotForIt(t *testing.T) {
	const welcome = "\x07WELCOME"
	for name, c := range map[string]struct {
		commands []string
		rule     error
		code     zmtp.ErrorCode
	}{
		"nothing":                          {[]string{""}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name of which there is nothing": {[]string{"\x07"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"an empty name":                    {[]string{"\x00abc"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that is cut":               {[]string{"\x09HELLO"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a name that nobody knows":         {[]string{"\x05HOWDY"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"WELCOME with something":           {[]string{welcome + "x"}, zmtp.ErrCommand, zmtp.CodeMalformedWelcome},
		"WELCOME that is cut":              {[]string{"\x07WELCOM"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"READY before WELCOME":             {[]string{"\x05READY"}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"WELCOME twice":                    {[]string{welcome, welcome}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"a property that is cut":           {[]string{welcome, "\x05READY" + string(announced()[:19])}, zmtp.ErrMetadata, zmtp.CodeInvalidMetadata},
		"an illegal socket type":           {[]string{welcome, string(ready("Socket-Type", "PUSH"))}, ErrIncompatible, zmtp.CodeInvalidMetadata},
		"too many properties":              {[]string{welcome, "\x05READY" + strings.Repeat("\x00", 5*(zmtp.MaxProperties+1))}, zmtp.ErrTooManyProperties, zmtp.CodeInvalidMetadata},
		"an ERROR of libzmq, no reason":    {[]string{"\x5eRROR"}, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"an ERROR of libzmq, cut":          {[]string{"\x5eRROR\x09400"}, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"an ERROR without a reason":        {[]string{"\x05ERROR"}, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"an ERROR that is cut":             {[]string{welcome, "\x05ERROR\x04400"}, zmtp.ErrCommand, zmtp.CodeMalformedError},
		"what it has said itself":          {[]string{string(plainHello)}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
		"what it has said itself, bent":    {[]string{"\xff" + string(plainHello[1:])}, zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand},
	} {
		t.Run(name, func(t *testing.T) {
			client := plainClientOf(config())
			var commands [][]byte
			for _, command := range c.commands {
				commands = append(commands, []byte(command))
			}
			_, err := feed(client, nobody, commands...)
			wantBreach(t, err, c.rule, c.code)
			wantStuck(t, client, err)
			wantNoPassword(t, err)
		})
	}
	client := plainClientOf(Config{})
	wantBreach(t, client.Handle([]byte(welcome)), zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand)
}

// libzmq's clients know only the first of the two; ours know both.
func TestAPlainClientUnderstandsBothErrors(t *testing.T) {
	for _, spelling := range []string{"\x5eRROR", "\x05ERROR"} {
		for reason, status := range map[string]int{"\x03300": 300, "\x03400": 400, "\x03500!?": 500, "\x04nope": 0, "\x00": 0} {
			for _, before := range [][][]byte{nil, {[]byte("\x07WELCOME")}} {
				client := plainClientOf(Config{})
				_, err := feed(client, nobody, append(before, []byte(spelling+reason))...)
				wantRefused(t, err, status)
				wantStuck(t, client, err)
			}
		}
	}
}

func TestAPlainServerSpellsErrorsAsTold(t *testing.T) {
	for spelling, want := range map[PlainError]string{PlainErrorLibzmq: "\x5eRROR\x03400", PlainErrorStandard: "\x05ERROR\x03400"} {
		said, err := feed(NewPlainServer(Config{}, spelling), says(zap.StatusDenied), plainHello)
		if len(said) != 1 || string(said[0]) != want {
			t.Errorf("said %q, want %q", said, want)
		}
		wantDenied(t, err, zap.StatusDenied)
	}
}

func TestUserAndPasswordMayBeEmptyAndLong(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, user := range []string{"", long} {
		for _, password := range []string{"", long} {
			client, server := NewPlainClient(Config{}, user, password), plainServerOf(Config{})
			_, err := drive(client, server, func(q *zap.Request) (*zap.Reply, error) {
				if string(q.Credentials[0]) != user || string(q.Credentials[1]) != password {
					t.Errorf("got %q", q.Credentials)
				}
				return &zap.Reply{Status: zap.StatusOK}, nil
			})
			if err != nil || !server.Done() {
				t.Error(err)
			}
		}
	}
	if !panics(func() { NewPlainClient(Config{}, long+"x", "") }) || !panics(func() { NewPlainClient(Config{}, "", long+"x") }) {
		t.Error("256 octets are taken")
	}
}

func TestAPasswordIsWipedOnceItIsSent(t *testing.T) {
	for name, then := range map[string]func(Mechanism){
		"by Next":   func(m Mechanism) { m.Next() },
		"by Handle": func(m Mechanism) { m.Handle([]byte("\x07WELCOME")) },
		"by Close":  func(m Mechanism) { m.Close() },
	} {
		client := plainClientOf(Config{})
		hello, _, _ := client.Next()
		if !bytes.Equal(hello, plainHello) {
			t.Fatalf("said %q", hello)
		}
		if then(client); bytes.Contains(hello, []byte("secret")) {
			t.Errorf("%s: it is still there", name)
		}
	}
}
