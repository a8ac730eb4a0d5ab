package engine

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"

	"zeromux/internal/mechanism"
	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// A guarded is a mechanism for tests, of any name: NULL that asks before it says
// READY, if asks says so, and seals frames, if seals does. Nobody could keep a secret
// by it.
type guarded struct {
	mechanism.Mechanism
	name    string
	seals   bool
	request *zap.Request
	user    string
	told    bool  // ERROR was sent
	verdict error // of the authenticator

	heard uint64 // the counter of the last frame that was opened
}

// guard is a Config.Mechanism.
func guard(name string, asks, seals bool) func(mechanism.Config) mechanism.Mechanism {
	return func(c mechanism.Config) mechanism.Mechanism {
		about := c.ZAP
		c.ZAP = mechanism.ZAP{}
		g := &guarded{Mechanism: mechanism.NewNull(c), name: name, seals: seals}
		if asks {
			g.request = &zap.Request{
				Domain: about.Domain, Address: about.Address, Identity: about.Identity, Mechanism: name,
				Credentials: [][]byte{[]byte("who"), []byte("secret")},
			}
		}
		return g
	}
}

func (g *guarded) Name() string   { return g.name }
func (g *guarded) UserID() string { return g.user }
func (g *guarded) Sealed() bool   { return g.seals }

func (g *guarded) Question() *zap.Request { return g.request }

func (g *guarded) Next() ([]byte, bool, error) {
	var d *mechanism.DeniedError
	switch {
	case g.request != nil:
		return nil, false, nil
	case errors.As(g.verdict, &d) && d.Status >= zap.StatusDenied && !g.told:
		g.told = true
		return zmtp.AppendError(nil, "400"), true, nil
	case g.verdict != nil:
		return nil, false, g.verdict
	}
	return g.Mechanism.Next()
}

func (g *guarded) Answer(reply *zap.Reply, err error) error {
	g.request = nil
	var breach *zmtp.ProtocolError
	switch {
	case errors.As(err, &breach):
		g.verdict = err
	case err != nil:
		g.verdict = &mechanism.DeniedError{Err: err}
	case reply.Status != zap.StatusOK:
		g.verdict = &mechanism.DeniedError{Status: reply.Status, Text: reply.Text}
	default:
		g.user = reply.UserID
		return nil
	}
	if g.told = g.verdict != nil && reply == nil; g.told {
		return g.verdict
	}
	return nil
}

func (g *guarded) Done() bool { return g.request == nil && g.verdict == nil && g.Mechanism.Done() }

// sealOverhead is what sealing adds to a body: a counter, flags, a sum.
const sealOverhead = 10

// sealed counts all frames that were sealed in this process, so that whatever is sealed
// later has a greater number.
var sealed atomic.Uint64

// appendSealed appends what a frame of this number looks like from outside.
func appendSealed(dst []byte, number uint64, f zmtp.Flags, body []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, number)
	key := byte(number)*31 | 0x80
	sum := byte(f)
	dst = append(dst, byte(f)^key)
	for i, octet := range body {
		sum = sum*7 + octet
		dst = append(dst, octet^key^byte(i))
	}
	return append(dst, sum)
}

func (g *guarded) Seal(dst []byte, f zmtp.Flags, body []byte) ([]byte, error) {
	return appendSealed(dst, sealed.Add(1), f, body), nil
}

// Open refuses what was changed or has come before. It uses the octet before what it
// appends, as it may.
func (g *guarded) Open(dst, body []byte) (zmtp.Flags, []byte, error) {
	f, number, plain, ok := openSealed(body)
	switch {
	case !ok:
		return 0, nil, &zmtp.ProtocolError{Rule: errors.New("sum"), Code: zmtp.CodeCryptographic}
	case number <= g.heard:
		return 0, nil, &zmtp.ProtocolError{Rule: errors.New("number"), Code: zmtp.CodeInvalidSequence}
	}
	g.heard = number
	if n := len(dst); n > 0 {
		dst[n-1] ^= 0xff
	}
	return f, append(dst, plain...), nil
}

// openSealed undoes appendSealed.
func openSealed(body []byte) (f zmtp.Flags, number uint64, plain []byte, ok bool) {
	if len(body) < sealOverhead {
		return 0, 0, nil, false
	}
	number = binary.BigEndian.Uint64(body)
	key := byte(number)*31 | 0x80
	f = zmtp.Flags(body[8] ^ key)
	sum := byte(f)
	plain = slices.Clone(body[9 : len(body)-1])
	for i := range plain {
		plain[i] ^= key ^ byte(i)
		sum = sum*7 + plain[i]
	}
	return f, number, plain, sum == body[len(body)-1]
}

// saying is a Config.Mechanism of a side that says one command and waits for another.
func saying(name string, command []byte, awaits string) func(mechanism.Config) mechanism.Mechanism {
	return func(c mechanism.Config) mechanism.Mechanism {
		return &speaker{Mechanism: mechanism.NewNull(c), name: name, command: command, awaits: awaits}
	}
}

type speaker struct {
	mechanism.Mechanism
	name    string
	command []byte
	awaits  string
}

func (s *speaker) Name() string { return s.name }
func (s *speaker) Done() bool   { return false }

func (s *speaker) Awaits() (string, int) { return s.awaits, -1 }

func (s *speaker) Next() ([]byte, bool, error) {
	command := s.command
	s.command = nil
	return command, command != nil, nil
}
