package mechanism

import (
	"crypto/ecdh"
	"encoding/binary"
	"fmt"

	"zeromux/zmtp"
)

// curveClient knows the server's key and proves that it has its own.
type curveClient struct {
	handshake
	sealedTraffic
	step      step
	keys      *CurveKeys
	announce  []byte           // properties, until they are in INITIATE
	shortTerm *ecdh.PrivateKey // c', until the key of C' and S' is there
	hello     boxKey           // of C' and S, until WELCOME
	initiate  []byte
}

// NewCurveClient returns the client's side of CURVE, with keys of
// [NewCurveClientKeys]. It panics when zmtp.AppendMetadata does, and with keys of a
// server.
//
// It asks no authenticator: the server is who has the server's key.
func NewCurveClient(c Config, keys *CurveKeys) Mechanism {
	if keys.server == nil {
		panic("mechanism: a CURVE client with the keys of a server")
	}
	return &curveClient{
		handshake:     newHandshake(NameCurve, &c),
		sealedTraffic: sealedTraffic{outward: prefixClient, inward: prefixServer},
		keys:          keys,
		announce:      zmtp.AppendMetadata(nil, c.Metadata),
	}
}

func (c *curveClient) Next() (command []byte, ok bool, err error) {
	switch {
	case c.err != nil:
		return nil, false, c.err
	case c.step == stepHello:
		if command, c.err = c.sayHello(); c.err != nil {
			return nil, false, c.err
		}
		c.step = stepWelcome
		return command, true, nil
	case c.step == stepInitiate:
		c.step = stepReady
		command, c.initiate = c.initiate, nil
		return command, true, nil
	}
	return nil, false, nil
}

// sayHello makes the short-term key and HELLO, in which it proves to the server that
// it knows its key.
func (c *curveClient) sayHello() ([]byte, error) {
	var err error
	if c.shortTerm, err = newShortTerm(c.keys.draw); err != nil {
		return nil, fmt.Errorf("CURVE: %w", err)
	}
	if err := c.hello.agree(c.shortTerm, c.keys.server); err != nil {
		return nil, ErrCurveServer // NewCurveClientKeys has seen that it is none
	}
	b := zmtp.AppendCommand(make([]byte, 0, helloSize), CommandHello, []byte(curveVersion))
	b = append(b, make([]byte, helloClient-helloPadding)...)
	b = append(b, c.shortTerm.PublicKey().Bytes()...)
	b, n := c.number(b, prefixHello)
	return c.hello.seal(b, make([]byte, helloPlain), &n), nil
}

// Handle takes WELCOME, READY and, instead of either, ERROR. What WELCOME and READY
// say comes from the server, or they do not open; an ERROR may come from anybody on
// the way.
func (c *curveClient) Handle(command []byte) error {
	err := c.take(command, c.handle)
	if err != nil {
		c.Close()
	}
	return err
}

func (c *curveClient) handle(command []byte) error {
	name, data, err := zmtp.ParseCommand(command)
	if err != nil || c.step != stepWelcome && c.step != stepReady {
		return unexpected(command)
	}
	switch {
	case string(name) == zmtp.CommandError:
		return refusal(command)
	case string(name) == CommandWelcome && c.step == stepWelcome:
		return c.handleWelcome(command)
	case string(name) == zmtp.CommandReady && c.step == stepReady:
		return c.handleReady(command, data)
	}
	return unexpected(command)
}

// handleWelcome finds out S' and answers with INITIATE. For a WELCOME of another
// size libzmq reports a failure of cryptography, too.
func (c *curveClient) handleWelcome(command []byte) error {
	if len(command) != welcomeSize {
		return breach(zmtp.ErrCommand, zmtp.CodeCryptographic, command)
	}
	n := longNonce(prefixWelcome, command[welcomeNonce:])
	plain, ok := c.hello.open(make([]byte, 0, welcomePlain), command[welcomeBox:], &n)
	if !ok {
		return breach(ErrBox, zmtp.CodeCryptographic, command)
	}
	clear(c.hello[:])
	server, err := ecdh.X25519().NewPublicKey(plain[:keySize])
	if err != nil {
		return fmt.Errorf("CURVE: %w", err)
	}
	var vouch boxKey
	defer clear(vouch[:])
	if c.key.agree(c.shortTerm, server) != nil || vouch.agree(c.keys.own, server) != nil {
		return breach(ErrPoint, zmtp.CodeCryptographic, nil)
	}
	c.initiate = c.appendInitiate(plain[keySize:], &vouch)
	c.shortTerm, c.announce = nil, nil
	c.step = stepInitiate
	return nil
}

// appendInitiate makes the INITIATE that returns a cookie.
func (c *curveClient) appendInitiate(cookie []byte, vouch *boxKey) []byte {
	var drawn [longNonceSize]byte
	c.keys.draw(drawn[:])
	plain := append(make([]byte, 0, initiatePlain+len(c.announce)), c.keys.public[:]...)
	plain = appendVouch(plain, vouch, c.shortTerm.PublicKey().Bytes(), c.keys.server.Bytes(), drawn[:])
	plain = append(plain, c.announce...)

	b := make([]byte, 0, initiateSize+len(c.announce))
	b = zmtp.AppendCommand(b, commandInitiate, cookie)
	b, n := c.number(b, prefixInitiate)
	return c.key.seal(b, plain, &n)
}

func (c *curveClient) handleReady(command, data []byte) error {
	if len(command) < readySize {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedReady, command)
	}
	number := binary.BigEndian.Uint64(data)
	n := shortNonce(prefixReady, number)
	plain, ok := c.key.open(nil, command[readyBox:], &n)
	if !ok {
		return breach(ErrBox, zmtp.CodeCryptographic, command)
	}
	if err := c.learn(plain, zmtp.CodeInvalidMetadata, nil); err != nil {
		return err
	}
	c.heard = number
	c.step = stepTraffic
	c.begin()
	c.finish()
	return nil
}

func (c *curveClient) Awaits() (command string, longest int) {
	return c.unlessOver(c.step.ofClient(welcomeSize))
}

// Close wipes the keys of the connection.
func (c *curveClient) Close() {
	clear(c.hello[:])
	c.shortTerm = nil
	c.wipe()
}
