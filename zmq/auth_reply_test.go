package zmq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"zeromux/internal/message"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

func TestAQuestionBecomesAnApplicant(t *testing.T) {
	key := CurvePublicKey{1, 2, 3}
	frames := func(texts ...string) (frames [][]byte) {
		for _, text := range texts {
			frames = append(frames, []byte(text))
		}
		return frames
	}
	for name, c := range map[string]struct {
		mechanism   string
		credentials [][]byte
		want        *Applicant // nil: it is refused
	}{
		"NULL":                          {"NULL", nil, &Applicant{}},
		"NULL with something":           {"NULL", frames("x"), nil},
		"PLAIN":                         {"PLAIN", frames("Ada", "word"), &Applicant{Username: "Ada", Password: "word"}},
		"PLAIN, all empty":              {"PLAIN", frames("", ""), &Applicant{}},
		"PLAIN without a password":      {"PLAIN", frames("Ada"), nil},
		"PLAIN with more":               {"PLAIN", frames("Ada", "word", ""), nil},
		"CURVE":                         {"CURVE", [][]byte{key[:]}, &Applicant{PublicKey: key}},
		"CURVE without a key":           {"CURVE", nil, nil},
		"CURVE with half a key":         {"CURVE", [][]byte{key[:16]}, nil},
		"CURVE with text":               {"CURVE", frames(strings.Repeat("0", 40)), nil},
		"CURVE with two keys":           {"CURVE", [][]byte{key[:], key[:]}, nil},
		"GSSAPI":                        {"GSSAPI", frames("ada@EXAMPLE"), &Applicant{Principal: "ada@EXAMPLE"}},
		"GSSAPI without a name":         {"GSSAPI", nil, nil},
		"a mechanism that nobody knows": {"OTHER", nil, nil},
		"no mechanism":                  {"", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got *Applicant
			reply := answerTo(t.Context(), func(_ context.Context, p *Applicant) error {
				got = p
				return nil
			}, "tcp://*:1", &zap.Request{
				Domain: "office", Address: "192.0.2.7", Identity: []byte("me"), Mechanism: c.mechanism, Credentials: c.credentials,
			})
			if c.want == nil {
				if got != nil || reply.Status != 400 {
					t.Fatalf("asked of %v, and %d: %s", got, reply.Status, reply.Text)
				}
				return
			}
			want := *c.want
			want.Domain, want.Address, want.RoutingID, want.Mechanism, want.Endpoint = "office", "192.0.2.7", "me", c.mechanism, "tcp://*:1"
			if reply.Status != 200 || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", &want) || got.Password != want.Password {
				t.Errorf("got %+v and %+v, want %+v", reply, got, want)
			}
		})
	}
}

func TestAnAnswerHasAStatus(t *testing.T) {
	for name, c := range map[string]struct {
		policy Authenticator
		status int
		text   string
	}{
		"let in":            {func(context.Context, *Applicant) error { return nil }, 200, "OK"},
		"denied":            {func(context.Context, *Applicant) error { return fmt.Errorf("%w: so it is", ErrDenied) }, 400, "not let in: so it is"},
		"any error":         {func(context.Context, *Applicant) error { return errors.New("x") }, 400, "x"},
		"not now":           {func(context.Context, *Applicant) error { return fmt.Errorf("x: %w", ErrTryLater) }, 300, "x: not now"},
		"it failed":         {func(context.Context, *Applicant) error { return ErrAuthenticatorFailed }, 500, "the authenticator has failed"},
		"its time is over":  {func(context.Context, *Applicant) error { return fmt.Errorf("x: %w", context.DeadlineExceeded) }, 300, "x: context deadline exceeded"},
		"it is interrupted": {func(context.Context, *Applicant) error { return context.Canceled }, 300, "context canceled"},
		"it failed in time": {func(context.Context, *Applicant) error {
			return errors.Join(context.DeadlineExceeded, ErrAuthenticatorFailed)
		}, 500, ""},
		"both":    {func(context.Context, *Applicant) error { return errors.Join(ErrAuthenticatorFailed, ErrTryLater) }, 300, ""},
		"a panic": {func(context.Context, *Applicant) error { panic("oh") }, 500, "oh"},
		"a bad name": {func(_ context.Context, p *Applicant) error {
			p.Metadata = map[string]string{"a b": ""}
			return nil
		}, 500, `"a b"`},
		"the type of the peer's socket": {func(_ context.Context, p *Applicant) error {
			p.Metadata = map[string]string{"socket-type": "SUB"}
			return nil
		}, 500, `"socket-type"`},
		"no name": {func(_ context.Context, p *Applicant) error {
			p.Metadata = map[string]string{"": "x"}
			return nil
		}, 500, `""`},
		"a name that is too long": {func(_ context.Context, p *Applicant) error {
			p.Metadata = map[string]string{strings.Repeat("x", 256): "x"}
			return nil
		}, 500, "name"},
		"too many properties": {func(_ context.Context, p *Applicant) error {
			p.Metadata = make(map[string]string)
			for i := range zmtp.MaxProperties + 1 {
				p.Metadata[fmt.Sprint(i)] = ""
			}
			return nil
		}, 500, "1001"},
	} {
		t.Run(name, func(t *testing.T) {
			reply := answerTo(t.Context(), c.policy, "", &zap.Request{Mechanism: "NULL"})
			if reply.Status != c.status || !strings.Contains(reply.Text, c.text) {
				t.Errorf("%d %q, want %d %q", reply.Status, reply.Text, c.status, c.text)
			}
			if c.status != 200 && (reply.UserID != "" || reply.Metadata != nil) {
				t.Errorf("a refusal says %q, %q", reply.UserID, reply.Metadata)
			}
		})
	}
}

func TestWhatThePolicyHasSetIsInTheReply(t *testing.T) {
	reply := answerTo(t.Context(), func(_ context.Context, p *Applicant) error {
		p.UserID = "Ada"
		p.Metadata = map[string]string{"b": "2", "a": "", "X-+._9": "\x00"}
		return nil
	}, "", &zap.Request{Mechanism: "NULL"})
	got, err := zmtp.ParseMetadata(reply.Metadata)
	if err != nil || reply.UserID != "Ada" || fmt.Sprintf("%q", got) != `[{"X-+._9" "\x00"} {"a" ""} {"b" "2"}]` {
		t.Errorf("%q, %q, %v", reply.UserID, got, err)
	}
}

// TestAPeerCannotNameItself has one announce what only this side can know.
func TestAPeerCannotNameItself(t *testing.T) {
	announced := []message.Property{{Name: "User-Id", Value: []byte("root")}, {Name: "Peer-Address", Value: []byte("127.0.0.1")}, {Name: "X-Rank", Value: []byte("1")}}
	for name, p := range map[string]*message.Peer{
		"one who has a name": {UserID: "ada", Address: "192.0.2.7", Properties: announced},
		"one who has none":   {Properties: announced},
	} {
		info := newPeerInfo(p)
		for property, want := range map[string]string{"User-Id": p.UserID, "Peer-Address": p.Address, "X-Rank": "1"} {
			if got, ok := info.Property(property); got != want || ok != (want != "") {
				t.Errorf("%s: %s is %q, %v, want %q", name, property, got, ok, want)
			}
		}
	}
}

// answerTo is what comes of asking policy.
func answerTo(ctx context.Context, policy Authenticator, endpoint string, q *zap.Request) *zap.Reply {
	reply, _ := new(Context).consult(ctx, policy, endpoint, q) // the error is ctx's, which has not ended
	return reply
}
