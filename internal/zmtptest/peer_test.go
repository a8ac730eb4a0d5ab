package zmtptest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tcpPair returns the two ends of a connection through the system.
func tcpPair(t *testing.T) (a, b net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// connections are the ways in which two peers may be joined.
var connections = map[string]func(t *testing.T) (a, b net.Conn){
	"a pipe": func(*testing.T) (a, b net.Conn) { return net.Pipe() },
	"a pipe of single octets": func(*testing.T) (a, b net.Conn) {
		x, y := Pipe()
		for _, f := range []*Flaky{x, y} {
			f.Writes.Split(1)
			f.Reads.Split(1)
		}
		return x, y
	},
	"tcp": tcpPair,
}

func mustParse(t *testing.T, text string) *Script {
	t.Helper()
	s, err := ParseScript("script", text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mirrored returns the script of the other side.
func mirrored(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		switch rest, send := strings.CutPrefix(line, "send"); {
		case send:
			b.WriteString("expect" + rest)
		case strings.HasPrefix(line, "expect"):
			b.WriteString("send" + strings.TrimPrefix(line, "expect"))
		case strings.HasPrefix(line, "close"):
			b.WriteString("expect eof\n")
		}
	}
	return b.String()
}

func TestTwoPeersFollowAScriptAndItsMirror(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("got scripts %v, %v", files, err)
	}
	for _, file := range files {
		for name, connect := range connections {
			t.Run(filepath.Base(file)+" over "+name, func(t *testing.T) {
				s, err := LoadScript(file)
				if err != nil {
					t.Fatal(err)
				}
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				other := mustParse(t, mirrored(string(text)))
				a, b := connect(t)
				x, y := NewPeer(a), NewPeer(b)
				done := make(chan error)
				go func() { done <- y.Follow(other) }()
				if err := errors.Join(x.Follow(s), <-done); err != nil {
					t.Error(err)
				}
				_, _ = x.Close(), y.Close()
			})
		}
	}
}

func TestUnitsAreTheOctetsThatLibzmqWrites(t *testing.T) {
	for unit, want := range map[string]string{
		`ready PULL`:                         "041a0552454144590b536f636b65742d547970650000000450554c4c",
		`ready REQ Identity=""`:              "04260552454144590b536f636b65742d5479706500000003524551084964656e7469747900000000",
		`ready`:                              "0406055245414459",
		`error "nope!"`:                      "040c054552524f52056e6f706521",
		`ping 10`:                            "04070450494e47000a",
		`ping 0 "0123456789abcdef"`:          "04170450494e47000030313233343536373839616263646566",
		`pong`:                               "040504504f4e47",
		`subscribe "dup"`:                    "040d09535542534352494245647570",
		`cancel "dup"`:                       "040a0643414e43454c647570",
		`join "g"`:                           "0406044a4f494e67",
		`leave hex 67`:                       "0407054c4541564567",
		`command FOO "bar"`:                  "040703464f4f626172",
		`frame "hi"`:                         "00026869",
		`frame more`:                         "0100",
		`frame command "\x20x"`:              "04022078",
		`frame long "hi"`:                    "0200000000000000026869",
		`frame more command long "x"`:        "07000000000000000178",
		`frame1 "hi"`:                        "03006869",
		`frame1 more ""`:                     "0101",
		`frame1 long "abc"`:                  "ff000000000000000400616263",
		`hex ff00000000000000017f 03`:        "ff00000000000000017f03",
		`text "raw\x00"`:                     "72617700",
		`old-greeting 1 PUSH`:                "ff00000000000000017f0108",
		`greeting`:                           "ff00000000000000017f03014e554c4c" + strings.Repeat("00", 48),
		`greeting 3.0 PLAIN as-server`:       "ff00000000000000017f0300504c41494e" + strings.Repeat("00", 15) + "01" + strings.Repeat("00", 31),
		`frame size 256`:                     "020000000000000100" + strings.Repeat("78", 256),
		`frame1 size 254`:                    "ff00000000000000ff00" + strings.Repeat("78", 254),
		`frame more "#" # not part of it`:    "010123",
		"\t text\t\"a \\\" b\" # c \" d\r\n": "6120222062",
	} {
		s := mustParse(t, "send "+unit)
		conn := &recorder{}
		p := NewPeer(conn)
		if err := p.Follow(s); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
		if got := hex.EncodeToString(conn.Bytes()); got != want {
			t.Errorf("%s: got %s, want %s", unit, got, want)
		}
	}
}

// recorder is a connection that keeps what is written, and each Write's size.
type recorder struct {
	net.Conn
	bytes.Buffer
	sizes []int
}

func (r *recorder) Read(b []byte) (int, error) { return r.Buffer.Read(b) }

func (r *recorder) Write(b []byte) (int, error) {
	r.sizes = append(r.sizes, len(b))
	return r.Buffer.Write(b)
}

func (r *recorder) Close() error { return nil }

func TestErrorsOfAScriptNameItsLine(t *testing.T) {
	for line, want := range map[string]string{
		"say hello":                   `"send", "expect" or "close"`,
		"close the door":              `"send", "expect" or "close"`,
		"send":                        "send what?",
		"expect":                      "expect what?",
		"send silence 1s":             "no such unit",
		"send eof now":                "no such unit",
		"expect silence":              "a duration",
		"expect silence long":         "no duration: long",
		"expect silence -1s":          "no duration: -1s",
		"send nonsense":               "nonsense: there is no such unit",
		"send hex":                    "no octets",
		"send hex 0":                  "no octets",
		"send hex 0g":                 "no octets",
		"send text":                   "no string",
		"send text hello":             "no string of Go: hello",
		"send text 'h'":               "no string of Go: 'h'",
		`send text "hello`:            `no string of Go: "hello`,
		`send text "a" "b"`:           `what is "b"?`,
		"send frame less":             "no string of Go: less",
		`send frame "a" more`:         "what is more?",
		"send frame size":             "no number",
		"send frame size -1":          "no number",
		"send frame size 99999999999": "no number",
		"send frame size 1 2":         "what is 2?",
		"send frame hex":              "no octets",
		"send frame1 command":         "no string of Go: command",
		"send greeting 3.x":           "no version",
		"send greeting 3.1 NULL NULL": "what is NULL?",
		"send greeting ALPHABETAGAMMADELTAEPSILON": "longer than 20 octets",
		"send old-greeting":                        "no number",
		"send old-greeting 1 PUSHER":               `no socket type: "PUSHER"`,
		"send old-greeting 256 PUSH":               "no number",
		"send ready PULL PUSH":                     "no property",
		"send ready PULL X=y":                      "no property",
		`send ready ="y"`:                          "no property",
		"send error":                               "no string",
		"send ping":                                "no number",
		"send ping 65536":                          "no number",
		"send command":                             "no name of a command",
	} {
		_, err := ParseScript("some.txt", "send greeting # fine\n\n"+line+"\nclose\n")
		if err == nil {
			t.Errorf("%s: no error", line)
			continue
		}
		if !strings.HasPrefix(err.Error(), "some.txt:3: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, want it to name some.txt:3 and %q", line, err, want)
		}
	}
}

func TestAFileThatIsNotThereIsAnError(t *testing.T) {
	if _, err := LoadScript("testdata/none.txt"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want %v", err, os.ErrNotExist)
	}
}

func TestWhatWasNotExpectedIsAnErrorThatSaysWhatCame(t *testing.T) {
	for name, test := range map[string]struct{ come, expect, want string }{
		"another body":            {`frame "b"`, `frame "a"`, `s:2: expect frame "a": got frame "b"`},
		"more where there is end": {`frame more "a"`, `frame "a"`, `got frame more "a"`},
		"a command for a message": {`ping 3 "x"`, `frame "a"`, `got command PING "\x00\x03x"`},
		"a command without name":  {`frame command ""`, `frame ""`, `got frame command ""`},
		"a long form":             {`frame long "a"`, `frame "a"`, `got frame long "a"`},
		"reserved bits":           {`hex f8 01 61`, `frame "a"`, `got hex f8 01 61`},
		"a long body":             {`frame size 1000`, `frame "a"`, "x\"… (1000 octets)"},
		"a frame of 1.0":          {`frame1 more "b"`, `frame1 "b"`, `got frame1 more "b"`},
		"a long one of 1.0":       {`frame1 long "b"`, `frame1 "b"`, `got frame1 long "b"`},
		"reserved bits of 1.0":    {`hex 02 02 61`, `frame1 "a"`, `got hex 02 02 61`},
		"no frame of 1.0":         {`hex 00`, `frame1 "b"`, `impossible frame size`},
		"an impossible frame":     {`hex 02 ff00000000000000`, `frame "a"`, `impossible frame size`},
		"a frame without end":     {`hex 02 00ffffffffffffff`, `frame "a"`, `frame too large`},
		"another mechanism":       {`greeting 3.1 PLAIN`, `greeting`, `got greeting 3.1 PLAIN`},
		"another version":         {`greeting 3.0`, `greeting`, `got greeting 3.0 NULL`},
		"another role":            {`greeting 3.1 NULL as-server`, `greeting`, `got greeting 3.1 NULL as-server`},
		"no greeting":             {`frame size 70`, `greeting`, `got hex 00 46 78`},
		"another octet":           {`hex 01 02 03`, `hex 01 02 04 05 06`, `octet 2: got 03, want 04`},
		"other properties":        {`ready PULL X-a="1"`, `ready PULL`, `got command READY`},
		"something for the end":   {`frame "late"`, `eof`, `got frame "late"`},
		"half of it for the end":  {`hex 00 05 61`, `eof`, `got hex 00 05 61`},
		"the end for something":   {`eof`, `frame "a"`, `nothing came`},
		"the end within a frame":  {"hex 00 05 61\nsend eof", `frame "a"`, `after hex 00 05 61 came no more`},
		"the end within octets":   {"hex 00 05\nsend eof", `hex 00 05 61`, `after hex 00 05 came no more`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := net.Pipe()
			x, y := NewPeer(a), NewPeer(b)
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = x.Follow(mustParse(t, "send "+test.come))
			}()
			s, err := ParseScript("s", "# one line\nexpect "+test.expect)
			if err != nil {
				t.Fatal(err)
			}
			err = y.Follow(s)
			if err == nil || !strings.HasPrefix(err.Error(), "s:2: expect "+test.expect+": ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			_ = y.Close()
			<-done
			_ = x.Close()
		})
	}
}

func TestPaddingAndFillerOfAGreetingAreNotCompared(t *testing.T) {
	a, b := net.Pipe()
	x, y := NewPeer(a), NewPeer(b)
	go x.Follow(mustParse(t, "send hex ff00000000000000ff7f 0301 4e554c4c"+strings.Repeat("00", 16)+"00"+strings.Repeat("aa", 31)))
	y.Play(t, "expect greeting")
	_, _ = x.Close(), y.Close()
}

func TestAPeerThatExpectsNothingDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		p := NewPeer(a)
		p.Play(t, "# nothing")
		wrote := make(chan error)
		go func() { _, err := b.Write([]byte("hello")); wrote <- err }()
		synctest.Wait()
		select {
		case err := <-wrote:
			t.Errorf("a Write ended with %v, want it to wait", err)
		default:
		}
		go p.Play(t, `expect text "hello"`)
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		_, _ = p.Close(), b.Close()
	})
}

func TestFollowReturnsWhenAllIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		p := NewPeer(a)
		done := make(chan bool)
		go func() { done <- p.Play(t, "send text \"abc\"\nsend text \"def\"") }()
		var got [6]byte
		if _, err := io.ReadFull(b, got[:5]); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-done:
			t.Error("returned with an octet left")
		default:
		}
		if _, err := io.ReadFull(b, got[5:]); err != nil || string(got[:]) != "abcdef" {
			t.Errorf("got %q, %v", got, err)
		}
		<-done
		_, _ = p.Close(), b.Close()
	})
}

func TestSilenceIsExpectedInTheTimeOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		p := NewPeer(a)
		start := time.Now()
		p.Play(t, "expect silence 5s")
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("took %v, want 5s", d)
		}
		go func() {
			<-time.After(time.Second)
			_, _ = b.Write([]byte("x"))
		}()
		s := mustParse(t, "expect silence 5s")
		if err := p.Follow(s); err == nil || !strings.Contains(err.Error(), "got hex 78") {
			t.Errorf("got %v, want the octet that came", err)
		}
		_ = b.Close()
		p.take(1)
		if err := p.Follow(s); err == nil {
			t.Error("a connection that ended is silent, want an error")
		}
		_ = p.Close()
	})
}

func TestWhatNobodyReadIsAnErrorUnlessTheEndWasExpected(t *testing.T) {
	a, b := net.Pipe()
	p := NewPeer(a)
	_ = b.Close()
	if err := p.Follow(mustParse(t, `send text "lost"`)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want %v", err, io.ErrClosedPipe)
	}
	_ = p.Close()

	a, b = net.Pipe()
	p = NewPeer(a)
	_ = b.Close()
	p.Play(t, "send text \"lost\"\nexpect eof\nclose")
	_ = p.Close()
}

func TestTheEndThatWeMadeIsNotTheEndThatWasExpected(t *testing.T) {
	a, b := net.Pipe()
	p := NewPeer(a)
	if err := p.Follow(mustParse(t, "close\nexpect eof")); err == nil {
		t.Error("got no error")
	}
	_ = b.Close()
}

func TestPlayReportsAndCloses(t *testing.T) {
	a, b := net.Pipe()
	p := NewPeer(a)
	tb := &reporter{TB: t}
	if p.Play(tb, "expect nonsense") || !strings.Contains(tb.text, "script:1: nonsense") {
		t.Errorf("got %q, want the line", tb.text)
	}
	if _, err := b.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("Read: got %v, want the connection closed", err)
	}
	_ = b.Close()
}

// reporter keeps the last error.
type reporter struct {
	testing.TB
	text string
}

func (r *reporter) Helper() {}

func (r *reporter) Error(args ...any) { r.text = args[0].(error).Error() }
