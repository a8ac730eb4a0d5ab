package mechanism

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// gate is where a mechanism asks whether a peer may come in. Its zero value asks
// nobody. RFC 27.
type gate struct {
	question *zap.Request // nil: nothing to ask now
	lenient  bool         // lets a peer in whom nobody could judge

	userID  string
	granted zmtp.Metadata // properties that the authenticator gave the peer
	denied  *DeniedError  // nil: nobody has been turned away
}

// ask makes the question. The credentials are the gate's own from now on.
func (g *gate) ask(z *ZAP, mechanism string, lenient bool, credentials ...[]byte) {
	g.lenient = lenient && !z.Always
	g.question = &zap.Request{
		Domain: z.Domain, Address: z.Address, Identity: z.Identity,
		Mechanism: mechanism, Credentials: credentials,
	}
}

// errNoAnswer is for an Answer without either a reply or an error.
var errNoAnswer = errors.New("no answer")

// answer takes an answer. The error is a reply that was none; whether the peer was
// turned away is in denied. check judges the properties of a reply, as libzmq does:
// it may have a Socket-Type.
func (g *gate) answer(reply *zap.Reply, err error, check func(zmtp.Metadata) error) error {
	if g.question == nil {
		return nil
	}
	g.forget()
	if err == nil && reply == nil {
		err = errNoAnswer
	}
	if err != nil {
		if fault := replyFault(err); fault != nil {
			return fault
		}
		if !g.lenient || !errors.Is(err, zap.ErrNoHandler) {
			g.denied = &DeniedError{Err: err}
		}
		return nil
	}
	// libzmq reads the metadata of a refusal, too, and reports what is wrong with them.
	granted, err := zmtp.ParseMetadata(bytes.Clone(reply.Metadata))
	if err == nil && check != nil {
		err = check(granted)
	}
	if err != nil {
		return breach(fmt.Errorf("ZAP reply: %w", err), zmtp.CodeZAPInvalidMetadata, nil)
	}
	switch reply.Status {
	case zap.StatusOK:
		g.userID, g.granted = reply.UserID, granted
	case zap.StatusTemporary, zap.StatusDenied, zap.StatusInternal:
		g.denied = &DeniedError{Status: reply.Status, Text: reply.Text}
	default:
		return breach(zap.ErrStatus, zmtp.CodeZAPInvalidStatusCode, nil)
	}
	return nil
}

// forget wipes what the question told of the peer.
func (g *gate) forget() {
	if g.question == nil {
		return
	}
	for _, credential := range g.question.Credentials {
		clear(credential)
	}
	g.question = nil
}

// farewell is the reason for which a peer that was turned away gets an ERROR; it
// gets none where ok is false.
func (g *gate) farewell() (reason string, ok bool) {
	switch g.denied.Status {
	case zap.StatusDenied, zap.StatusInternal:
		return strconv.Itoa(g.denied.Status), true
	}
	return "", false
}

// replyFault is what a reply that was none comes to, and nil for another error.
func replyFault(err error) error {
	var breachOf *zmtp.ProtocolError
	if errors.As(err, &breachOf) {
		return err
	}
	for _, fault := range []struct {
		rule error
		code zmtp.ErrorCode
	}{
		{zap.ErrFrames, zmtp.CodeZAPMalformedReply},
		{zap.ErrDelimiter, zmtp.CodeZAPUnspecified},
		{zap.ErrVersion, zmtp.CodeZAPBadVersion},
		{zap.ErrRequestID, zmtp.CodeZAPBadRequestID},
		{zap.ErrStatus, zmtp.CodeZAPInvalidStatusCode},
	} {
		if errors.Is(err, fault.rule) {
			return breach(err, fault.code, nil)
		}
	}
	return nil
}
