package zmq

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
)

// An Authenticator decides whether a peer may talk to a socket. With nil it may, and
// has the name and the properties that the Authenticator has set in p. Any error
// turns it away: with status 300 if it wraps [ErrTryLater], with 500 if it wraps
// [ErrAuthenticatorFailed], with 300 if it is that of a context that has ended, else with
// 400. The peer is told no more than the status, but
// the text of the error stands in the socket's events: it must not contain a secret.
// RFC 27 "Status Codes".
//
// It is called once in the handshake of each connection, on a goroutine of its own, so
// also several times at once. When ctx ends, with the handshake's time, the peer or the
// socket, it has a second to say why; then nobody waits for the answer any more, but for
// [Context.Term]. It keeps nothing of p. One that panics has failed, and so has one that
// ends its goroutine, or whose error panics when it is printed. It may call any method of
// the socket, but Term of its context would wait for itself.
//
// Policies to make one of are [AddressSet], [Passwords], [PasswordFile], [CurveKeys]
// and [CurveDirectory], joined by [AllOf] and [AnyOf]; [LogRefusals] tells of those who
// were turned away. [Context.NewZAPHandler] lets one answer for all sockets of a context.
type Authenticator func(ctx context.Context, p *Applicant) error

// What an Authenticator may say of a peer that it turns away.
var (
	// ErrDenied: the peer is not who it says, or may not come in. It need not ask
	// again. Status 400.
	ErrDenied = errors.New("not let in")

	// ErrTryLater: it cannot be decided now. The peer is told nothing, and its
	// socket tries again. Status 300.
	ErrTryLater = errors.New("not now")

	// ErrAuthenticatorFailed: it cannot be decided at all, because what it takes is
	// broken. Status 500.
	ErrAuthenticatorFailed = errors.New("the authenticator has failed")
)

// An Applicant is a peer that wants to talk to a socket, as its Authenticator sees it:
// what is known of it, and below that what is to be found out. RFC 27 "The Request
// Command".
type Applicant struct {
	// Domain is what the socket calls itself towards authenticators, its ZAPDomain; empty
	// if it does not. libzmq: ZMQ_ZAP_DOMAIN.
	Domain string
	// Address is where the peer is, as in PeerInfo: a numeric IP address, or
	// "localhost:UID:GID:PID" for ipc; empty if it is not known.
	Address string
	// Endpoint is the socket's own endpoint that the connection belongs to. It is
	// empty for a ZAP handler, which is not told.
	Endpoint string
	// RoutingID is the socket's own, not the peer's; empty if none.
	RoutingID string
	// Mechanism is how the peer has shown who it is: "NULL", not at all; "PLAIN",
	// "CURVE", "GSSAPI".
	Mechanism string

	// Username and Password are what a peer with PLAIN says. Nothing of it is true
	// before somebody has compared it.
	Username string
	Password Secret
	// PublicKey is the long-term key of a peer with CURVE, which has proven that the
	// secret one is its own.
	PublicKey CurvePublicKey
	// Principal is the name of a peer with GSSAPI, which Kerberos has proven.
	Principal string
	// Certificates are the chain by which a peer over TLS has proven who it is, from
	// its own to the authority's; nil if it has not, and for a ZAP handler. They are
	// not to be changed.
	Certificates []*x509.Certificate

	// UserID is the name that the peer has from now on: PeerInfo.UserID.
	UserID string
	// Metadata are properties that the peer has from now on, before those that it
	// announces itself, which may have the name of one that is not set here:
	// PeerInfo.Property. Names have 1 to 255 letters, digits and
	// "-_.+"; with another, or more than 1000, the Authenticator has failed.
	Metadata map[string]string
}

// LogValue is the applicant without its password, for package log/slog.
func (p *Applicant) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("address", p.Address), slog.String("mechanism", p.Mechanism)}
	for _, more := range []struct{ key, value string }{
		{"domain", p.Domain},
		{"endpoint", p.Endpoint},
		{"username", p.Username},
		{"key", p.PublicKey.String()},
		{"principal", p.Principal},
		{"user", p.UserID},
	} {
		if more.value != "" {
			attrs = append(attrs, slog.String(more.key, more.value))
		}
	}
	if len(p.Certificates) > 0 {
		attrs = append(attrs, slog.String("certificate", p.Certificates[0].Subject.String()))
	}
	return slog.GroupValue(attrs...)
}

// AllOf lets in whom every one of the policies lets in. They are asked in turn, the
// cheap ones best first, until one turns the peer away. Each sees what those before it
// have set. Without policies nobody is let in. It panics when one of them is nil.
func AllOf(policies ...Authenticator) Authenticator {
	policies = noneNil("AllOf", policies)
	return func(ctx context.Context, p *Applicant) error {
		if len(policies) == 0 {
			return fmt.Errorf("%w: there are no policies", ErrDenied)
		}
		attempt := p.attempt()
		for _, policy := range policies {
			if err := policy(ctx, attempt); err != nil {
				return err
			}
		}
		*p = *attempt
		return nil
	}
}

// AnyOf lets in whom at least one of the policies lets in. They are asked in turn until
// one does, and what others have set is forgotten. If one of those that turn the peer
// away would rather be asked later, so does AnyOf; or else, if one has failed, it has.
// Without policies nobody is let in. It panics when one of them is nil.
func AnyOf(policies ...Authenticator) Authenticator {
	policies = noneNil("AnyOf", policies)
	return func(ctx context.Context, p *Applicant) error {
		if len(policies) == 0 {
			return fmt.Errorf("%w: there are no policies", ErrDenied)
		}
		var all refusals
		for _, policy := range policies {
			attempt := p.attempt()
			err := policy(ctx, attempt)
			if err == nil {
				*p = *attempt
				return nil
			}
			all = append(all, err)
		}
		return all
	}
}

// noneNil returns a copy of policies.
func noneNil(by string, policies []Authenticator) []Authenticator {
	for _, policy := range policies {
		if policy == nil {
			panic("zmq: " + by + " of a policy that is nil")
		}
	}
	return slices.Clone(policies)
}

// attempt is a copy in which a policy may set what it likes.
func (p *Applicant) attempt() *Applicant {
	attempt := *p
	attempt.Metadata = maps.Clone(p.Metadata)
	return &attempt
}

// refusals are those of several policies.
type refusals []error

func (r refusals) Error() string {
	texts := make([]string, len(r))
	for i, err := range r {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns all of them.
func (r refusals) Unwrap() []error { return r }

// LogRefusals is a policy that lets in whom policy lets in, and logs the others: who it
// was, without the password, and why. Those that are denied or told to try later are
// warnings, a failure of the policy itself is an error. It panics when one of the two is
// nil.
func LogRefusals(logger *slog.Logger, policy Authenticator) Authenticator {
	if logger == nil {
		panic("zmq: LogRefusals to a logger that is nil")
	}
	policy = noneNil("LogRefusals", []Authenticator{policy})[0]
	return func(ctx context.Context, p *Applicant) error {
		err := decide(ctx, policy, p)
		if err != nil {
			level := slog.LevelWarn
			if statusOf(err) == statusFailed {
				level = slog.LevelError
			}
			logger.LogAttrs(ctx, level, "peer turned away", slog.Any("peer", p), slog.Int("status", statusOf(err)), slog.Any("err", err))
		}
		return err
	}
}

// decide asks policy about p. A panic is a failure.
func decide(ctx context.Context, policy Authenticator, p *Applicant) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %w", ErrAuthenticatorFailed, &PanicError{Value: value, Stack: debug.Stack()})
		}
	}()
	return policy(ctx, p)
}
