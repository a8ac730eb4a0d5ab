package main

import (
	"errors"
	"fmt"
	"net"

	"zeromux/internal/mechanism"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// keys are those of the mechanism CURVE for one run: who binds is the server, and all
// who connect have one pair.
type keys struct {
	server, client pair
}

type pair struct {
	public zmq.CurvePublicKey
	secret zmq.CurveSecretKey
}

func newKeys() (*keys, error) {
	var k keys
	for _, p := range []*pair{&k.server, &k.client} {
		var err error
		if p.public, p.secret, err = zmq.NewCurveKeyPair(); err != nil {
			return nil, err
		}
	}
	return &k, nil
}

// args tells a peer its keys; without any there is nothing to tell.
func (k *keys) args(server bool) []string {
	switch {
	case k == nil:
		return nil
	case server:
		return []string{"-secret-key=" + k.server.secret.Z85()}
	}
	return []string{
		"-secret-key=" + k.client.secret.Z85(), "-public-key=" + k.client.public.String(),
		"-server-key=" + k.server.public.String(),
	}
}

// knock is arriving as somebody who has heard the server's WELCOME, and never says
// INITIATE: that is dearer to the server than silence.
func (k *keys) knock(conn net.Conn) error {
	d, err := k.dealer(conn)
	if err != nil {
		return err
	}
	return d.knock()
}

// ask is shaking hands, sending a message and getting its reply.
func (k *keys) ask(conn net.Conn, body []byte) error {
	d, err := k.dealer(conn)
	if err != nil {
		return err
	}
	if err := d.knock(); err != nil {
		return err
	}
	if err := d.say("INITIATE"); err != nil {
		return err
	}
	if err := d.hear("READY"); err != nil {
		return err
	}
	return d.ask(body)
}

// A sealedDealer is a plainDealer with CURVE.
type sealedDealer struct {
	plainDealer
	curve mechanism.Mechanism
}

func (k *keys) dealer(conn net.Conn) (*sealedDealer, error) {
	own, err := mechanism.NewCurveClientKeys(k.client.public, [zmq.CurveKeySize]byte(k.client.secret.Bytes()), k.server.public)
	if err != nil {
		return nil, err
	}
	config := mechanism.Config{Metadata: zmtp.Metadata{
		{Name: zmtp.PropertySocketType, Value: []byte("DEALER")},
		{Name: zmtp.PropertyIdentity},
	}}
	return &sealedDealer{plainDealer{conn: conn}, mechanism.NewCurveClient(config, own)}, nil
}

// knock goes as far as WELCOME.
func (d *sealedDealer) knock() error {
	if _, err := d.conn.Write(zmtp.AppendGreeting(nil, zmtp.Greeting{Major: 3, Minor: 1, Mechanism: mechanism.NameCurve}, 0)); err != nil {
		return err
	}
	if err := d.greeting(); err != nil {
		return err
	}
	if err := d.say("HELLO"); err != nil {
		return err
	}
	return d.hear("WELCOME")
}

var errTurn = errors.New("it is the server's turn")

// say sends the command of the handshake that is due; its name is for errors.
func (d *sealedDealer) say(name string) error {
	command, ok, err := d.curve.Next()
	if err == nil && !ok {
		err = errTurn
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = d.conn.Write(zmtp.AppendFrame(nil, zmtp.FlagCommand, command))
	return err
}

// hear reads the command of the handshake that is due; its name is for errors.
func (d *sealedDealer) hear(name string) error {
	f, err := d.next()
	if err == nil {
		err = d.curve.Handle(f.Body)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// ask sends a message of one frame and reads the reply.
func (d *sealedDealer) ask(body []byte) error {
	sealed, err := d.curve.Seal(nil, 0, body)
	if err != nil {
		return err
	}
	if _, err := d.conn.Write(zmtp.AppendFrame(nil, 0, sealed)); err != nil {
		return err
	}
	f, err := d.next()
	if err != nil {
		return err
	}
	flags, got, err := d.curve.Open(nil, f.Body)
	if err != nil {
		return err
	}
	if flags != 0 || string(got) != string(body) {
		return fmt.Errorf("the reply is %q with flags %d, want %q", got, flags, body)
	}
	return nil
}
