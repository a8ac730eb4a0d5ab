package mechanism

import (
	"crypto/ecdh"
	"encoding/binary"
	"fmt"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// curveServer proves that it has the server's key, and has the client's judged.
//
// Of a client that has said HELLO and not INITIATE it keeps a pledge and the nonce of
// HELLO, some 300 octets. What it knows of the client comes back with the cookie.
type curveServer struct {
	handshake
	sealedTraffic
	step    step
	keys    *CurveKeys
	ready   []byte // properties, until they are in READY
	welcome []byte // until it was taken
	pledge  *pledge
}

// NewCurveServer returns the server's side of CURVE, with keys of
// [NewCurveServerKeys]. It panics when zmtp.AppendMetadata does.
//
// An authenticator is asked where there is one, and a client let in where there is
// none; with an enforced domain nobody is let in of whom nobody was asked. But where
// a domain is to be enforced and there is none, nobody is asked and everybody let
// in. The credential is C, the client's long-term public key, which the client has
// proved by then to be its own.
func NewCurveServer(c Config, keys *CurveKeys) Mechanism {
	return &curveServer{
		handshake:     newHandshake(NameCurve, &c),
		sealedTraffic: sealedTraffic{outward: prefixServer, inward: prefixClient},
		keys:          keys,
		ready:         zmtp.AppendMetadata(nil, c.Metadata),
	}
}

func (s *curveServer) Next() (command []byte, ok bool, err error) {
	switch {
	case s.err != nil:
		return nil, false, s.err
	case s.gate.denied != nil:
		return s.refuse(zmtp.AppendError)
	case s.step == stepWelcome:
		s.step = stepInitiate
		command, s.welcome = s.welcome, nil
		return command, true, nil
	case s.step == stepQuestion && s.gate.question == nil: // it was answered, or nobody is asked
		s.step = stepTraffic
		command = s.sayReady()
		s.begin()
		s.finish()
		return command, true, nil
	}
	return nil, false, nil
}

// sayReady makes READY.
func (s *curveServer) sayReady() []byte {
	b := zmtp.AppendCommand(make([]byte, 0, readySize+len(s.ready)), zmtp.CommandReady)
	b, n := s.number(b, prefixReady)
	b = s.key.seal(b, s.ready, &n)
	s.ready = nil
	return b
}

// Answer wipes the keys when the client is not let in: an ERROR goes out in clear.
func (s *curveServer) Answer(reply *zap.Reply, failed error) error {
	err := s.handshake.Answer(reply, failed)
	if err != nil || s.gate.denied != nil {
		s.wipe()
	}
	return err
}

// Handle takes HELLO and INITIATE. What comes while somebody is being asked, or
// before an answer of ours that is due, is a breach for which libzmq has no name.
func (s *curveServer) Handle(command []byte) error {
	err := s.take(command, s.handle)
	if err != nil {
		s.wipe()
	}
	return err
}

func (s *curveServer) handle(command []byte) error {
	switch {
	case s.step != stepHello && s.step != stepInitiate:
		return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified, command)
	case !wellFormed(command):
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedCommand, command)
	}
	name, _ := cutName(command)
	switch {
	case name == CommandHello && s.step == stepHello:
		return s.handleHello(command)
	case name == commandInitiate && s.step == stepInitiate:
		return s.handleInitiate(command)
	}
	return unexpected(command)
}

// handleHello finds out that the client knows the server's key, and answers with
// WELCOME. The client may be anybody yet: it costs us two multiplications and no
// memory that is worth mention.
func (s *curveServer) handleHello(command []byte) error {
	if len(command) != helloSize || string(command[helloVersion:helloPadding]) != curveVersion ||
		!isZero(command[helloPadding:helloClient]) {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedHello, command)
	}
	client, err := ecdh.X25519().NewPublicKey(command[helloClient:helloNonce])
	if err != nil {
		return fmt.Errorf("CURVE: %w", err)
	}
	var hello boxKey
	defer clear(hello[:])
	if hello.agree(s.keys.own, client) != nil {
		return breach(ErrPoint, zmtp.CodeCryptographic, command)
	}
	number := binary.BigEndian.Uint64(command[helloNonce:])
	n := shortNonce(prefixHello, number)
	plain, ok := hello.open(make([]byte, 0, helloPlain), command[helloBox:], &n)
	if !ok || !isZero(plain) {
		return breach(ErrBox, zmtp.CodeCryptographic, command)
	}
	s.heard = number
	return s.makeWelcome(client, &hello)
}

// makeWelcome makes the short-term key and WELCOME.
func (s *curveServer) makeWelcome(client *ecdh.PublicKey, hello *boxKey) error {
	shortTerm, err := newShortTerm(s.keys.draw)
	if err != nil {
		return fmt.Errorf("CURVE: %w", err)
	}
	s.pledge = &pledge{shortTerm: shortTerm}
	plain := append(make([]byte, 0, welcomePlain), shortTerm.PublicKey().Bytes()...)
	plain = s.pledge.appendCookie(plain, client, s.keys.draw, s.keys.now())

	var drawn [longNonceSize]byte
	s.keys.draw(drawn[:])
	n := longNonce(prefixWelcome, drawn[:])
	b := zmtp.AppendCommand(make([]byte, 0, welcomeSize), CommandWelcome, drawn[:])
	s.welcome = hello.seal(b, plain, &n)
	s.step = stepWelcome
	return nil
}

// handleInitiate finds out who the client is, in the order of what it proves: that
// the cookie is ours, that it has the secret keys of C' and of C, and that it means
// this connection and us.
func (s *curveServer) handleInitiate(command []byte) error {
	if len(command) < initiateSize {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedInitiate, command)
	}
	shortTerm := s.pledge.shortTerm
	c, ok := s.pledge.redeem(command[initiateCookie:initiateNonce], s.keys.now())
	s.pledge = nil
	if !ok {
		return breach(ErrCookie, zmtp.CodeCryptographic, command)
	}
	number := binary.BigEndian.Uint64(command[initiateNonce:])
	if number <= s.heard {
		return breach(ErrSequence, zmtp.CodeInvalidSequence, command)
	}
	if err := agreeWith(&s.key, shortTerm, c); err != nil {
		return err
	}
	n := shortNonce(prefixInitiate, number)
	plain, ok := s.key.open(nil, command[initiateBox:], &n)
	if !ok {
		return breach(ErrBox, zmtp.CodeCryptographic, command)
	}
	client, proof, properties := plain[:keySize], plain[keySize:initiatePlain], plain[initiatePlain:]
	if err := s.checkVouch(shortTerm, client, proof, c); err != nil {
		return err
	}
	s.heard = number
	if err := s.learn(properties, 0, nil); err != nil {
		return err
	}
	s.step = stepQuestion
	if s.zap.Always || s.zap.Domain != "" || !s.zap.Enforce {
		s.gate.ask(&s.zap, NameCurve, !s.zap.Enforce, client[:keySize:keySize])
	}
	return nil
}

// checkVouch takes the client's proof that it has C and means C' and S by it. libzmq
// looks at C' alone.
func (s *curveServer) checkVouch(shortTerm *ecdh.PrivateKey, client, proof, c []byte) error {
	var vouch boxKey
	defer clear(vouch[:])
	if err := agreeWith(&vouch, shortTerm, client); err != nil {
		return err
	}
	vouched, server, ok := openVouch(&vouch, proof)
	if !ok {
		return breach(ErrBox, zmtp.CodeCryptographic, nil)
	}
	if !same(vouched, c) || !same(server, s.keys.public[:]) {
		return breach(ErrVouch, zmtp.CodeKeyExchange, nil)
	}
	return nil
}

// agreeWith makes the key of ours and a public key that the peer sent.
func agreeWith(k *boxKey, own *ecdh.PrivateKey, public []byte) error {
	peer, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return fmt.Errorf("CURVE: %w", err)
	}
	if k.agree(own, peer) != nil {
		return breach(ErrPoint, zmtp.CodeCryptographic, nil)
	}
	return nil
}

// isZero says whether there are only zeros in b.
func isZero(b []byte) bool {
	for _, octet := range b {
		if octet != 0 {
			return false
		}
	}
	return true
}

func (s *curveServer) Awaits() (command string, longest int) {
	return s.unlessOver(s.step.ofServer(helloSize))
}

// Close wipes the keys of the connection.
func (s *curveServer) Close() {
	s.gate.forget()
	s.wipe()
}

func (s *curveServer) wipe() {
	if s.pledge != nil {
		clear(s.pledge.key[:])
		s.pledge = nil
	}
	s.sealedTraffic.wipe()
}
