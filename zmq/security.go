package zmq

import (
	"context"
	"errors"
	"fmt"

	"zeromux/internal/engine"
	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
)

// Security says who the socket is towards its peers, how that is proven, and who
// decides which peers it talks to. The zero value is NULL: everybody may say to be
// anybody, and everybody can read along. It concerns connections; inproc, which never
// leaves the process, has none of it, and STREAM and raw ROUTER refuse it, since their
// connections have no handshake.
//
// A socket has one mechanism, and so has its peer: two that differ do not talk. With
// another mechanism than NULL, a ZAPDomain or an Authenticator, peers of ZMTP 1.0 and
// 2.0, which know nothing of the kind, are turned away. libzmq: ZMQ_MECHANISM and the
// options beside it, of which the last one that is set decides; here those that do not
// go together are refused.
type Security struct {
	// Plain is the mechanism of user names and passwords. RFC 24.
	Plain Plain `json:"plain" yaml:"plain" toml:"plain"`
	// Curve is the mechanism of keys, by which nobody else can read or change what is
	// said. RFC 26.
	Curve Curve `json:"curve" yaml:"curve" toml:"curve"`
	// ZAPDomain is what the socket calls itself towards a ZAP handler or Authenticator;
	// at most 255 octets. With NULL a handler is asked only where there is a domain; with
	// PLAIN and CURVE a server asks in any case. While there is no handler NULL and CURVE
	// let everybody in, and PLAIN nobody. A client of PLAIN or CURVE asks nobody, whatever
	// its domain, which programs set for all their sockets alike. Empty is the default.
	// libzmq: ZMQ_ZAP_DOMAIN.
	ZAPDomain string `json:"zap_domain" yaml:"zap_domain" toml:"zap_domain"`
	// ZAPEnforceDomain makes NULL and CURVE let nobody in while there is no handler. It
	// goes with a ZAPDomain, and is off by default: without one NULL does as it does anyhow, and CURVE, as in
	// libzmq, asks no handler at all and lets everybody in; for a server of PLAIN it is
	// refused. libzmq: ZMQ_ZAP_ENFORCE_DOMAIN.
	ZAPEnforceDomain bool `json:"zap_enforce_domain" yaml:"zap_enforce_domain" toml:"zap_enforce_domain"`
	// Authenticator decides, in place of the context's ZAP handler, which peers are let
	// in: with PLAIN and CURVE on the side of the server, with NULL on either; whatever
	// the domain. For a client of PLAIN or CURVE it is refused. Nil is the default: the
	// handler that is bound to ZAPEndpoint, if there is one.
	Authenticator Authenticator `json:"-" yaml:"-" toml:"-"`
}

// Plain has clients tell a user name and a password, in clear: whoever can read the
// network can read them, and be the client from then on. A server, on its own, lets
// nobody in: an Authenticator or a ZAP handler compares them. The zero value, the
// default, is no PLAIN.
type Plain struct {
	// Server makes the socket the side that asks. libzmq: ZMQ_PLAIN_SERVER.
	Server bool `json:"server" yaml:"server" toml:"server"`
	// StandardError has a server spell its ERROR, to a client that it turns away, as
	// RFC 37 has it. False is the default: it is spelt as libzmq spells it, whose
	// clients take the other for a breach of the protocol. Ours read both.
	StandardError bool `json:"standard_error" yaml:"standard_error" toml:"standard_error"`
	// Username and Password make the socket a client, either of them alone as well; at
	// most 255 octets each. libzmq: ZMQ_PLAIN_USERNAME, ZMQ_PLAIN_PASSWORD.
	Username string `json:"username" yaml:"username" toml:"username"`
	Password Secret `json:"password" yaml:"password" toml:"password"`
}

// Curve has each side prove by a pair of keys who it is, and seals what they say. A
// server needs its SecretKey. A client needs a pair of its own, which may be new each
// time where nobody looks at it, and the public key of the server, which it has from
// somewhere that it trusts. Without an Authenticator and a ZAP handler a server lets in
// every key. The zero value, the default, is no CURVE.
type Curve struct {
	// Server makes the socket the side that has its public key known. libzmq:
	// ZMQ_CURVE_SERVER.
	Server bool `json:"server" yaml:"server" toml:"server"`
	// PublicKey belongs to SecretKey; a server may leave it out. libzmq:
	// ZMQ_CURVE_PUBLICKEY.
	PublicKey CurvePublicKey `json:"public_key" yaml:"public_key" toml:"public_key"`
	// SecretKey is the socket's own. libzmq: ZMQ_CURVE_SECRETKEY.
	SecretKey CurveSecretKey `json:"secret_key" yaml:"secret_key" toml:"secret_key"`
	// ServerKey is the public key of the server that a client talks to. libzmq:
	// ZMQ_CURVE_SERVERKEY.
	ServerKey CurvePublicKey `json:"server_key" yaml:"server_key" toml:"server_key"`
}

// Mechanism is the name of the mechanism that follows from what is set: "NULL", "PLAIN"
// or "CURVE". libzmq: ZMQ_MECHANISM.
func (s *Security) Mechanism() string {
	switch {
	case s.Plain != Plain{}:
		return mechanismPlain
	case s.Curve != Curve{}:
		return mechanismCurve
	}
	return mechanismNull
}

// isSet reports whether there is anything of it.
func (s *Security) isSet() bool {
	return s.Mechanism() != mechanismNull || s.ZAPDomain != "" || s.ZAPEnforceDomain || s.Authenticator != nil
}

// asks reports whether somebody may be asked about peers, so that they must be able to
// say who they are.
func (s *Security) asks() bool {
	return s.Mechanism() != mechanismNull || s.ZAPDomain != "" || s.Authenticator != nil
}

// isClient reports whether it is for a client of PLAIN or CURVE, which knows its server
// otherwise than by asking about it.
func (s *Security) isClient() bool {
	return s.Mechanism() != mechanismNull && !s.Plain.Server && !s.Curve.Server
}

// check returns what is wrong with it, for sockets whose connections carry raw octets
// or not. The text shows no secret.
func (s *Security) check(raw bool) error {
	var wrong string
	plain, curve := &s.Plain, &s.Curve
	switch {
	case raw && s.isSet():
		wrong = " is not for connections of plain octets, which have no handshake"
	case *plain != Plain{} && *curve != Curve{}:
		wrong = " has Plain and Curve, must have one of them"
	case plain.Server && (plain.Username != "" || plain.Password != ""):
		wrong = ".Plain has Server and Username or Password, must have one of them"
	case plain.StandardError && !plain.Server:
		wrong = ".Plain.StandardError is set for a client, must be for a server alone"
	case plain.Server && s.ZAPEnforceDomain && s.ZAPDomain == "":
		wrong = ".ZAPEnforceDomain is set for a server of PLAIN, and so must ZAPDomain be"
	case s.Authenticator != nil && s.isClient():
		wrong = ".Authenticator is set for a client of " + s.Mechanism() + ", which asks nobody, must be for its server alone"
	case *curve == Curve{}:
		return nil
	case curve.Server && !curve.ServerKey.IsZero():
		wrong = ".Curve has Server and ServerKey, must have one of them"
	case curve.SecretKey.IsZero():
		wrong = ".Curve.SecretKey is not set, must be for CURVE"
	case !curve.Server && curve.ServerKey.IsZero():
		wrong = ".Curve.ServerKey is not set, must be for a client of CURVE"
	case curve.SecretKey.is(curve.ServerKey):
		wrong = ".Curve.ServerKey is the socket's own secret key, must be the public key of the server"
	case !curve.Server && curve.PublicKey.IsZero():
		wrong = ".Curve.PublicKey is not set, must be for a client of CURVE"
	case !curve.PublicKey.IsZero() && curve.PublicKey != curve.SecretKey.PublicKey():
		wrong = ".Curve.PublicKey is not the one that belongs to SecretKey"
	default:
		_, err := curve.keys()
		return err
	}
	return fmt.Errorf("%w: Config.Security%s", ErrInvalid, wrong)
}

// keys are the keys as a mechanism computes with them, once check has found nothing
// wrong with them. They are computed once for all sockets that have copies of SecretKey
// and talk to one server, or are one.
func (c *Curve) keys() (*mechanism.CurveKeys, error) {
	pair := *c.SecretKey.pair
	if known := pair.parsed.Load(); known != nil && known.server == c.ServerKey {
		return known.keys, nil
	}
	var keys *mechanism.CurveKeys
	var err error
	if c.Server {
		keys, err = mechanism.NewCurveServerKeys(pair.secret)
	} else {
		keys, err = mechanism.NewCurveClientKeys(c.PublicKey, pair.secret, c.ServerKey)
	}
	switch {
	case errors.Is(err, mechanism.ErrCurveServer):
		return nil, fmt.Errorf("%w: Config.Security.Curve.ServerKey: %w", ErrInvalid, err)
	case err != nil:
		return nil, fmt.Errorf("%w: Config.Security.Curve: %w", ErrInvalid, err)
	}
	pair.parsed.Store(&curveParsed{c.ServerKey, keys})
	return keys, nil
}

// engine is the engine's share of it, once it has been checked.
func (s *Security) engine(e *engine.Config) {
	e.ZAP = mechanism.ZAP{Domain: s.ZAPDomain, Enforce: s.ZAPEnforceDomain, Always: s.Authenticator != nil}
	e.RefuseOld = s.asks()
	plain, curve := s.Plain, s.Curve
	switch {
	case plain.Server:
		spelling := mechanism.PlainErrorLibzmq
		if plain.StandardError {
			spelling = mechanism.PlainErrorStandard
		}
		e.Mechanism = func(c mechanism.Config) mechanism.Mechanism { return mechanism.NewPlainServer(c, spelling) }
	case plain != Plain{}:
		e.Mechanism = func(c mechanism.Config) mechanism.Mechanism {
			return mechanism.NewPlainClient(c, plain.Username, string(plain.Password))
		}
	case curve == Curve{}:
	default:
		keys, err := curve.keys()
		if err != nil {
			panic("zmq: keys that were checked: " + err.Error())
		}
		side := mechanism.NewCurveClient
		if curve.Server {
			side = mechanism.NewCurveServer
		}
		e.Mechanism = func(c mechanism.Config) mechanism.Mechanism { return side(c, keys) }
	}
}

// authenticate is the engine's way to ask about a peer: the socket's own policy, or the
// handler of its context.
func (c *Context) authenticate(policy Authenticator) func(context.Context, string, *zap.Request) (*zap.Reply, error) {
	return func(ctx context.Context, endpoint string, q *zap.Request) (*zap.Reply, error) {
		if policy == nil {
			return c.askHandler(ctx, q)
		}
		reply, err := c.consult(ctx, policy, endpoint, q)
		if err != nil {
			return nil, err
		}
		if reply.Status == zap.StatusTemporary && ctx.Err() != nil {
			return nil, ctx.Err() // the handshake has ended, and the policy has not said more
		}
		return reply, nil
	}
}
