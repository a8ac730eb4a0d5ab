package zmq

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// Names of mechanisms, as they stand in greetings and in questions.
const (
	mechanismNull   = mechanism.NameNull
	mechanismPlain  = mechanism.NamePlain
	mechanismCurve  = mechanism.NameCurve
	mechanismGSSAPI = "GSSAPI"
)

// statusFailed is the one that is somebody's fault on this side.
const statusFailed = zap.StatusInternal

// judge has policy decide about p, unless err says that there is nothing to decide. An
// error of the policy that panics when it is looked at, as one behind a nil pointer may,
// is a failure as well.
func judge(ctx context.Context, policy Authenticator, p *Applicant, err error) (reply *zap.Reply) {
	defer func() {
		if value := recover(); value != nil {
			reply = failedReply(&PanicError{Value: value, Stack: debug.Stack()})
		}
	}()
	if err == nil {
		err = decide(ctx, policy, p)
	}
	if err == nil {
		if reply, err = welcome(p); err == nil {
			return reply
		}
	}
	return &zap.Reply{Status: statusOf(err), Text: err.Error()}
}

// statusOf is what an error of an Authenticator comes to.
func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrTryLater):
		return zap.StatusTemporary
	case errors.Is(err, ErrAuthenticatorFailed):
		return statusFailed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded): // nobody has said no
		return zap.StatusTemporary
	}
	return zap.StatusDenied
}

// applicantOf is the peer of a question. The error is for credentials that are not
// those of their mechanism, or of one that is not known.
func applicantOf(question *zap.Request) (*Applicant, error) {
	p := &Applicant{
		Domain: question.Domain, Address: question.Address, RoutingID: string(question.Identity),
		Mechanism: question.Mechanism, Certificates: question.Certificates,
	}
	given := question.Credentials
	var fits bool
	switch p.Mechanism {
	case mechanismNull:
		fits = len(given) == 0
	case mechanismPlain:
		if fits = len(given) == 2; fits {
			p.Username, p.Password = string(given[0]), Secret(given[1])
		}
	case mechanismCurve:
		if fits = len(given) == 1 && len(given[0]) == CurveKeySize; fits {
			p.PublicKey = CurvePublicKey(given[0])
		}
	case mechanismGSSAPI:
		if fits = len(given) == 1; fits {
			p.Principal = string(given[0])
		}
	default:
		return nil, fmt.Errorf("%w: no mechanism %.40q is known", ErrDenied, p.Mechanism)
	}
	if !fits {
		return nil, fmt.Errorf("%w: not the credentials of %s", ErrDenied, p.Mechanism)
	}
	return p, nil
}

// welcome is the reply for a peer that is let in.
func welcome(p *Applicant) (*zap.Reply, error) {
	if len(p.Metadata) > zmtp.MaxProperties {
		return nil, fmt.Errorf("%w: %d properties for a peer, must be at most %d", ErrAuthenticatorFailed, len(p.Metadata), zmtp.MaxProperties)
	}
	reply := &zap.Reply{Status: zap.StatusOK, Text: "OK", UserID: p.UserID}
	for _, name := range slices.Sorted(maps.Keys(p.Metadata)) {
		if !mayGrant(name) {
			return nil, fmt.Errorf("%w: no property that it gives can have the name %.40q", ErrAuthenticatorFailed, name)
		}
		reply.Metadata = zmtp.AppendProperty(reply.Metadata, name, []byte(p.Metadata[name]))
	}
	return reply, nil
}

// mayGrant reports whether an authenticator can give a peer a property of this name: what
// type its socket has is the peer's to say.
func mayGrant(name string) bool {
	return isPropertyName(name) && !strings.EqualFold(name, zmtp.PropertySocketType)
}

// isPropertyName reports whether a property can have this name. RFC 37 "Formal
// Grammar".
func isPropertyName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || 'z' < c) && (c < 'A' || 'Z' < c) && (c < '0' || '9' < c) && strings.IndexByte("-_.+", c) < 0 {
			return false
		}
	}
	return 1 <= len(name) && len(name) <= zmtp.MaxPropertyName
}
