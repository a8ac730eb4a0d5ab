package mechanism

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// credentials of the clients of mechanisms.
var credentials = map[string][]string{
	NameNull:  nil,
	NamePlain: {"admin", "secret"},
	NameCurve: {string(clientLong.public[:])},
}

func TestWhoIsAskedAndWhoIsLetInWithout(t *testing.T) {
	const (
		never    = "never"
		lenient  = "asked, and let in without"
		required = "asked, and turned away without"
	)
	for _, c := range []struct {
		mechanism string
		zap       ZAP
		want      string
	}{
		{NameNull, ZAP{}, never},
		{NameNull, ZAP{Enforce: true}, never},
		{NameNull, ZAP{Domain: "dom"}, lenient},
		{NameNull, ZAP{Domain: "dom", Enforce: true}, required},
		{NameNull, ZAP{Always: true}, required},
		{NamePlain, ZAP{}, required},
		{NamePlain, ZAP{Enforce: true}, required},
		{NamePlain, ZAP{Domain: "dom"}, required},
		{NamePlain, ZAP{Domain: "dom", Enforce: true}, required},
		{NamePlain, ZAP{Always: true}, required},
		{NameCurve, ZAP{}, lenient},
		{NameCurve, ZAP{Enforce: true}, never},
		{NameCurve, ZAP{Domain: "dom"}, lenient},
		{NameCurve, ZAP{Domain: "dom", Enforce: true}, required},
		{NameCurve, ZAP{Always: true}, required},
		{NameCurve, ZAP{Always: true, Enforce: true}, required},
	} {
		t.Run(fmt.Sprintf("%s with %+v", c.mechanism, c.zap), func(t *testing.T) {
			c.zap.Address, c.zap.Identity = "10.1.2.3", []byte("me")
			asked := false
			run := func(answer authenticator) (Mechanism, error) {
				settings := config()
				client := mechanisms[c.mechanism].client(settings)
				settings.ZAP = c.zap
				server := mechanisms[c.mechanism].server(settings)
				_, err := drive(client, server, func(q *zap.Request) (*zap.Reply, error) {
					asked = true
					wantRequest(t, q, c.zap, c.mechanism)
					return answer(q)
				})
				return server, err
			}
			without, err := run(nobody)
			if asked != (c.want != never) {
				t.Errorf("asked: got %v, want %v", asked, !asked)
			}
			if c.want == required {
				wantDenied(t, err, 0)
				if !errors.Is(err, zap.ErrNoHandler) {
					t.Errorf("got %v, want it to match zap.ErrNoHandler", err)
				}
				wantStuck(t, without, err)
			} else if err != nil || !without.Done() || without.UserID() != "" {
				t.Errorf("without anybody to ask: got %v, done %v, user %q", err, without.Done(), without.UserID())
			}
			if c.want == never {
				return
			}
			with, err := run(says(zap.StatusOK))
			if err != nil || !with.Done() || with.UserID() != "joe" {
				t.Errorf("let in: got %v, done %v, user %q", err, with.Done(), with.UserID())
			}
			// Somebody is there, but could not be asked: nobody is let in by accident.
			failing, err := run(func(*zap.Request) (*zap.Reply, error) { return nil, io.ErrClosedPipe })
			wantDenied(t, err, 0)
			wantStuck(t, failing, err)
			failing, err = run(func(*zap.Request) (*zap.Reply, error) { return nil, nil })
			wantDenied(t, err, 0)
			wantStuck(t, failing, err)
			failing, err = run(func(*zap.Request) (*zap.Reply, error) { return &zap.Reply{}, nil })
			wantBreach(t, err, zap.ErrStatus, zmtp.CodeZAPInvalidStatusCode)
			wantStuck(t, failing, err)
		})
	}
}

func wantRequest(t *testing.T, q *zap.Request, z ZAP, mechanism string) {
	t.Helper()
	var got []string
	for _, credential := range q.Credentials {
		got = append(got, string(credential))
	}
	if q.Domain != z.Domain || q.Address != z.Address || !bytes.Equal(q.Identity, z.Identity) || q.Mechanism != mechanism ||
		!slices.Equal(got, credentials[mechanism]) {
		t.Errorf("asked %+v about %q, want %+v of %s about %q", q, got, z, mechanism, credentials[mechanism])
	}
}

func TestTheClientsOfPlainAndCurveAskNobody(t *testing.T) {
	for _, name := range []string{NamePlain, NameCurve} {
		settings := config()
		server := mechanisms[name].server(settings)
		settings.ZAP = ZAP{Domain: "dom", Enforce: true, Always: true}
		client := mechanisms[name].client(settings)
		asked := 0
		errClient, errServer := drive(client, server, func(q *zap.Request) (*zap.Reply, error) {
			if asked++; q.Domain != "" {
				t.Errorf("%s: the client asks", name)
			}
			return &zap.Reply{Status: zap.StatusOK}, nil
		})
		if errClient != nil || errServer != nil || asked != 1 || !client.Done() {
			t.Errorf("%s: got %v and %v, asked %d times", name, errClient, errServer, asked)
		}
	}
}

func TestBothSidesOfNullMayAsk(t *testing.T) {
	settings := config()
	settings.ZAP.Domain = "dom"
	a, b := NewNull(settings), NewNull(settings)
	if errA, errB := drive(a, b, says(zap.StatusOK)); errA != nil || errB != nil || a.UserID() != "joe" || b.UserID() != "joe" {
		t.Errorf("got %v and %v, users %q and %q", errA, errB, a.UserID(), b.UserID())
	}
}

func TestWhatAPeerIsToldThatIsTurnedAway(t *testing.T) {
	for name, sides := range mechanisms {
		for status, told := range map[int]bool{zap.StatusTemporary: false, zap.StatusDenied: true, zap.StatusInternal: true} {
			t.Run(fmt.Sprint(name, " with ", status), func(t *testing.T) {
				settings := config()
				client := sides.client(settings)
				settings.ZAP.Domain = "dom"
				server := sides.server(settings)
				errClient, errServer := drive(client, server, says(status))
				wantDenied(t, errServer, status)
				if !strings.Contains(errServer.Error(), "because") {
					t.Errorf("%v does not tell why", errServer)
				}
				wantStuck(t, server, errServer)
				if told {
					wantRefused(t, errClient, status)
				} else if errClient != nil {
					t.Errorf("the client ends with %v before the connection does", errClient)
				}
				if client.Done() {
					t.Error("the client is done")
				}
			})
		}
	}
}

// A peer that goes on talking does not keep the ERROR from going out.
func TestAPeerThatIsTurnedAwayIsNotHeardAnyMore(t *testing.T) {
	settings := config()
	settings.ZAP.Domain = "dom"
	n := NewNull(settings)
	if err := n.Answer(says(zap.StatusDenied)(n.Question())); err != nil {
		t.Fatal(err)
	}
	wantDenied(t, n.Handle(ready()), zap.StatusDenied)
	command, ok, err := n.Next()
	if !ok || err != nil || string(command) != "\x05ERROR\x03400" {
		t.Fatalf("got %q, %v, %v, want an ERROR", command, ok, err)
	}
	_, _, err = n.Next()
	wantDenied(t, err, zap.StatusDenied)
	wantStuck(t, n, err)
}

func TestAReplyThatWasNone(t *testing.T) {
	reply := func(texts ...string) authenticator {
		return func(*zap.Request) (*zap.Reply, error) {
			frames := make([][]byte, len(texts))
			for i, text := range texts {
				frames[i] = []byte(text)
			}
			r, err := zap.ParseReply(frames)
			return &r, err
		}
	}
	push := string(zmtp.AppendMetadata(nil, properties("Socket-Type", "PUSH")))
	for name, c := range map[string]struct {
		answer authenticator
		rule   error
		code   zmtp.ErrorCode
	}{
		"a frame too many":                   {reply("", "1.0", "1", "200", "", "", "", ""), zap.ErrFrames, zmtp.CodeZAPMalformedReply},
		"no empty frame":                     {reply("x", "1.0", "1", "200", "", "", ""), zap.ErrDelimiter, zmtp.CodeZAPUnspecified},
		"another version":                    {reply("", "2.0", "1", "200", "", "", ""), zap.ErrVersion, zmtp.CodeZAPBadVersion},
		"another id":                         {reply("", "1.0", "2", "200", "", "", ""), zap.ErrRequestID, zmtp.CodeZAPBadRequestID},
		"no status":                          {reply("", "1.0", "1", "201", "", "", ""), zap.ErrStatus, zmtp.CodeZAPInvalidStatusCode},
		"metadata that end too early":        {reply("", "1.0", "1", "200", "", "", "\x01a"), zmtp.ErrMetadata, zmtp.CodeZAPInvalidMetadata},
		"the same, of a refusal":             {reply("", "1.0", "1", "400", "", "", "\x01a"), zmtp.ErrMetadata, zmtp.CodeZAPInvalidMetadata},
		"a socket type that does not do":     {reply("", "1.0", "1", "200", "", "", push), ErrIncompatible, zmtp.CodeZAPInvalidMetadata},
		"a breach that somebody else found":  {func(*zap.Request) (*zap.Reply, error) { return nil, breach(io.EOF, zmtp.CodeZAPUnspecified, nil) }, io.EOF, zmtp.CodeZAPUnspecified},
		"a status outside of a reply's four": {func(*zap.Request) (*zap.Reply, error) { return &zap.Reply{Status: 201}, nil }, zap.ErrStatus, zmtp.CodeZAPInvalidStatusCode},
	} {
		for mechanism, sides := range mechanisms {
			t.Run(mechanism+", "+name, func(t *testing.T) {
				settings := config()
				client := sides.client(settings)
				settings.ZAP.Domain = "dom"
				server := sides.server(settings)
				_, err := drive(client, server, c.answer)
				wantBreach(t, err, c.rule, c.code)
				wantStuck(t, server, err)
				if client.Done() {
					t.Error("the client was let in")
				}
			})
		}
	}
}

func TestAPeerCannotPassForWhatTheAuthenticatorMadeOfIt(t *testing.T) {
	for name, sides := range mechanisms {
		t.Run(name, func(t *testing.T) {
			client := sides.client(Config{Metadata: properties("Socket-Type", "DEALER", "Identity", "own", "X-role", "root", "X-more", "1")})
			granted := properties("X-role", "guest", "Identity", "given")
			server := sides.server(Config{ZAP: ZAP{Domain: "dom"}})
			errClient, errServer := drive(client, server, func(*zap.Request) (*zap.Reply, error) {
				return &zap.Reply{Status: zap.StatusOK, UserID: "joe", Metadata: zmtp.AppendMetadata(nil, granted)}, nil
			})
			if errClient != nil || errServer != nil {
				t.Fatal(errClient, errServer)
			}
			got := server.Peer()
			for property, want := range map[string]string{"X-role": "guest", "X-more": "1", "Identity": "given", "Socket-Type": "DEALER"} {
				if value, _ := got.Get(property); string(value) != want {
					t.Errorf("%s: got %q, want %q", property, value, want)
				}
			}
			if string(got.Identity()) != "own" {
				t.Errorf("routing id: got %q, want the peer's own", got.Identity())
			}
			if server.UserID() != "joe" || client.UserID() != "" || len(client.Peer()) != 0 {
				t.Errorf("the server has %q; the client has %q with %v, and should know nothing of it", server.UserID(), client.UserID(), client.Peer())
			}
		})
	}
}

func TestWhatWasAskedAboutIsWipedOnceItIsAnswered(t *testing.T) {
	for _, name := range []string{NamePlain, NameCurve} {
		for _, closed := range []bool{false, true} {
			client, server := mechanisms[name].client(Config{}), mechanisms[name].server(Config{})
			drive(client, server, func(q *zap.Request) (*zap.Reply, error) {
				kept := q.Credentials
				if closed {
					server.Close()
				} else if err := server.Answer(&zap.Reply{Status: zap.StatusOK}, nil); err != nil {
					t.Fatal(err)
				}
				for _, credential := range kept {
					if len(bytes.Trim(credential, "\x00")) > 0 {
						t.Errorf("%s: %q is still there", name, credential)
					}
				}
				return nil, io.EOF
			})
		}
	}
}

func TestAnAnswerThatNobodyAskedForChangesNothing(t *testing.T) {
	for name, sides := range mechanisms {
		client, server := sides.client(Config{}), sides.server(Config{})
		for _, side := range []Mechanism{client, server} {
			if err := side.Answer(&zap.Reply{Status: zap.StatusDenied}, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if errClient, errServer := drive(client, server, says(zap.StatusOK)); errClient != nil || errServer != nil || !server.Done() {
			t.Errorf("%s: got %v and %v", name, errClient, errServer)
		}
	}
}

func TestAMechanismIsPrintedWithoutItsSecrets(t *testing.T) {
	for name, sides := range mechanisms {
		for _, side := range []Mechanism{sides.client(Config{}), sides.server(Config{})} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s"} {
				if got, want := fmt.Sprintf(verb, side), "mechanism "+name; got != want {
					t.Errorf("%s: got %s, want %s", verb, got, want)
				}
			}
		}
	}
	for _, keys := range []*CurveKeys{clientKeys, serverKeys} {
		if text := fmt.Sprintf("%v %+v %#v %x", keys, keys, keys, keys); len(text) > 200 {
			t.Errorf("keys are printed: %s", text)
		}
	}
}
