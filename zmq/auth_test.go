package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"zeromux/zmq"
)

// says is a policy with one answer, which leaves its mark.
func says(err error, mark string) zmq.Authenticator {
	return func(_ context.Context, p *zmq.Applicant) error {
		p.UserID += mark
		if p.Metadata == nil {
			p.Metadata = make(map[string]string)
		}
		p.Metadata[mark] = mark
		return err
	}
}

var errOther = errors.New("of its own")

func TestPoliciesTogether(t *testing.T) {
	yes, no, later, broken := says(nil, "y"), says(zmq.ErrDenied, "n"), says(zmq.ErrTryLater, "l"), says(zmq.ErrAuthenticatorFailed, "b")
	for name, c := range map[string]struct {
		policy zmq.Authenticator
		user   string  // of a peer that is let in
		errs   []error // of one that is not
	}{
		"all of one":                       {zmq.AllOf(yes), "y", nil},
		"all of two":                       {zmq.AllOf(yes, says(nil, "Y")), "yY", nil},
		"all of two, the first refuses":    {zmq.AllOf(no, yes), "", []error{zmq.ErrDenied}},
		"all of two, the second refuses":   {zmq.AllOf(yes, later), "", []error{zmq.ErrTryLater}},
		"all of none":                      {zmq.AllOf(), "", []error{zmq.ErrDenied}},
		"any of one":                       {zmq.AnyOf(yes), "y", nil},
		"any of two, the first lets in":    {zmq.AnyOf(yes, no), "y", nil},
		"any of two, the second lets in":   {zmq.AnyOf(no, yes), "y", nil},
		"any of two that refuse":           {zmq.AnyOf(no, says(errOther, "x")), "", []error{zmq.ErrDenied, errOther}},
		"any of three, each in its way":    {zmq.AnyOf(no, broken, later), "", []error{zmq.ErrDenied, zmq.ErrTryLater, zmq.ErrAuthenticatorFailed}},
		"any of none":                      {zmq.AnyOf(), "", []error{zmq.ErrDenied}},
		"any of all":                       {zmq.AnyOf(zmq.AllOf(yes, no), zmq.AllOf(says(nil, "1"), says(nil, "2"))), "12", nil},
		"all of any":                       {zmq.AllOf(zmq.AnyOf(no, says(nil, "1")), says(nil, "2")), "12", nil},
		"one that failed and one that not": {zmq.AnyOf(broken, yes), "y", nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := &zmq.Applicant{UserID: "", Metadata: map[string]string{"before": "b"}}
			before := maps.Clone(p.Metadata)
			err := c.policy(t.Context(), p)
			for _, want := range c.errs {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
			if (err == nil) != (c.errs == nil) || p.UserID != c.user {
				t.Errorf("got %v and %q, want %v and %q", err, p.UserID, c.errs, c.user)
			}
			for _, mark := range c.user {
				before[string(mark)] = string(mark)
			}
			if !maps.Equal(p.Metadata, before) {
				t.Errorf("the properties are %v, want %v", p.Metadata, before)
			}
		})
	}
}

func TestPoliciesAreAskedInTurnUntilItIsClear(t *testing.T) {
	var asked string
	ask := func(name string, err error) zmq.Authenticator {
		return func(context.Context, *zmq.Applicant) error {
			asked += name
			return err
		}
	}
	for name, c := range map[string]struct {
		policy zmq.Authenticator
		want   string
	}{
		"all": {zmq.AllOf(ask("1", nil), ask("2", zmq.ErrDenied), ask("3", nil)), "12"},
		"any": {zmq.AnyOf(ask("1", zmq.ErrDenied), ask("2", nil), ask("3", nil)), "12"},
	} {
		asked = ""
		if c.policy(t.Context(), &zmq.Applicant{}); asked != c.want {
			t.Errorf("%s: %q were asked, want %q", name, asked, c.want)
		}
	}
}

func TestAPolicyThatIsNilIsNoticedAtOnce(t *testing.T) {
	for name, f := range map[string]func(){
		"AllOf":                func() { zmq.AllOf(nil) },
		"AnyOf":                func() { zmq.AnyOf(says(nil, ""), nil) },
		"LogRefusals":          func() { zmq.LogRefusals(slog.Default(), nil) },
		"LogRefusals, nowhere": func() { zmq.LogRefusals(nil, says(nil, "")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "nil") {
					t.Errorf("it panics with %q", text)
				}
			}()
			f()
		})
	}
}

func TestRefusalsAreLoggedWithoutSecrets(t *testing.T) {
	const password = "correct horse"
	for name, c := range map[string]struct {
		err  error
		want []string // in the record; nil: there is none
	}{
		"let in":    {nil, nil},
		"denied":    {fmt.Errorf("%w: so it is", zmq.ErrDenied), []string{"level=WARN", "status=400", "so it is"}},
		"another":   {errOther, []string{"level=WARN", "status=400", "of its own"}},
		"not now":   {zmq.ErrTryLater, []string{"level=WARN", "status=300"}},
		"it failed": {zmq.ErrAuthenticatorFailed, []string{"level=ERROR", "status=500"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			policy := zmq.LogRefusals(slog.New(slog.NewTextHandler(&log, nil)), says(c.err, ""))
			p := &zmq.Applicant{
				Domain: "office", Address: "192.0.2.7", Endpoint: "tcp://*:5555", Mechanism: "PLAIN", Username: "Ada\nlevel=INFO", Password: password,
				PublicKey: publicKey(t, publicText), Principal: "ada@EXAMPLE",
			}
			if err := policy(t.Context(), p); err != c.err {
				t.Errorf("the answer has become %v", err)
			}
			if c.want == nil && log.Len() > 0 || strings.Contains(log.String(), password) || strings.Count(log.String(), "\n") > 1 {
				t.Fatalf("logged %s", &log)
			}
			if c.want == nil {
				return
			}
			for _, part := range append(c.want, "peer.address=192.0.2.7", "peer.mechanism=PLAIN", "peer.domain=office", `peer.username="Ada\n`,
				publicText, "peer.endpoint=tcp://*:5555", "peer.principal=ada@EXAMPLE") {
				if !strings.Contains(log.String(), part) {
					t.Errorf("logged %s, without %q", &log, part)
				}
			}
		})
	}
}

func TestAPanicOfAPolicyIsAFailureThatIsLogged(t *testing.T) {
	var log bytes.Buffer
	policy := zmq.LogRefusals(slog.New(slog.NewTextHandler(&log, nil)), func(context.Context, *zmq.Applicant) error { panic("oh") })
	err := policy(t.Context(), &zmq.Applicant{})
	var panicked *zmq.PanicError
	if !errors.Is(err, zmq.ErrAuthenticatorFailed) || !errors.As(err, &panicked) || panicked.Value != "oh" || !strings.Contains(log.String(), "oh") {
		t.Errorf("%v, logged %s", err, &log)
	}
}

func TestAnApplicantIsShownWithoutItsPassword(t *testing.T) {
	const password = "correct horse"
	p := zmq.Applicant{Mechanism: "PLAIN", Username: "Ada", Password: password}
	for _, value := range []any{p, &p} {
		for way, text := range shown(t, value) {
			for _, form := range disguises([]byte(password), password) {
				if strings.Contains(text, form) {
					t.Errorf("%s: %s", way, text)
				}
			}
		}
	}
}
