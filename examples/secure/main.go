// Secure is a server that lets in whom it knows: by PLAIN, where peers say a name and a
// password, and by CURVE, where they hold a key that the server knows, and it one that
// they know. Somebody whom it does not know is told so, and somebody who pretends to be
// the server is found out.
//
// Use CURVE wherever others can reach an endpoint or the wire. Use PLAIN where nobody
// can: on one machine, or within TLS.
//
// Look at how little changes: the sockets and what they say are those of hello. The
// server's side is a policy, which here is all of an address and a table; in earnest
// PasswordFile and CurveDirectory take the place of the tables.
//
//	go run ./examples/secure
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"

	"zeromux/zmq"
)

func main() {
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx := context.Background()
	for _, lesson := range []func(context.Context) error{plain, curve} {
		if err := lesson(ctx); err != nil {
			log.Fatal(err)
		}
	}
}

// plain is PLAIN: names and passwords, which anybody on the way could read.
func plain(ctx context.Context) error {
	local, err := zmq.ParseAddressSet("127.0.0.1", "ipc")
	if err != nil {
		return err
	}
	users := zmq.Passwords(map[string]string{"ada": "correct horse", "bob": "battery staple"})
	server, endpoint, err := serve(ctx, zmq.Security{
		Plain:         zmq.Plain{Server: true},
		Authenticator: zmq.AllOf(local.Allow, users),
	})
	if err != nil {
		return err
	}
	defer server.Close()
	for _, password := range []zmq.Secret{"correct horse", "battery staple"} {
		security := zmq.Security{Plain: zmq.Plain{Username: "ada", Password: password}}
		if err := ask(ctx, "plain", endpoint, security); err != nil {
			return err
		}
	}
	return nil
}

// curve is CURVE: keys, and nobody on the way can read or change anything.
func curve(ctx context.Context) error {
	serverPublic, serverSecret, err := zmq.NewCurveKeyPair()
	if err != nil {
		return err
	}
	adaPublic, adaSecret, err := zmq.NewCurveKeyPair()
	if err != nil {
		return err
	}
	server, endpoint, err := serve(ctx, zmq.Security{
		Curve:         zmq.Curve{Server: true, SecretKey: serverSecret},
		Authenticator: zmq.CurveKeys(map[zmq.CurvePublicKey]string{adaPublic: "ada"}),
	})
	if err != nil {
		return err
	}
	defer server.Close()

	ada := zmq.Curve{PublicKey: adaPublic, SecretKey: adaSecret, ServerKey: serverPublic}
	if err := ask(ctx, "curve", endpoint, zmq.Security{Curve: ada}); err != nil {
		return err
	}
	stranger := ada
	if stranger.PublicKey, stranger.SecretKey, err = zmq.NewCurveKeyPair(); err != nil {
		return err
	}
	if err := ask(ctx, "a stranger", endpoint, zmq.Security{Curve: stranger}); err != nil {
		return err
	}
	deceived := ada
	deceived.ServerKey = stranger.PublicKey // she looks for another server than this one
	return ask(ctx, "another server", endpoint, zmq.Security{Curve: deceived})
}

// serve is a server that greets whom it lets in by name.
func serve(ctx context.Context, security zmq.Security) (server *zmq.Socket, endpoint string, err error) {
	if server, err = zmq.NewSocket(zmq.REP, &zmq.Config{Security: security}); err != nil {
		return nil, "", err
	}
	if endpoint, err = server.Bind("tcp://127.0.0.1:*"); err != nil {
		return nil, "", err
	}
	go func() {
		err := server.Handle(ctx, 1, func(_ context.Context, m zmq.Message) zmq.Message {
			return zmq.NewStringMessage(m.String() + ", " + m.Peer().UserID)
		})
		if !errors.Is(err, zmq.ErrClosed) {
			log.Fatal(err)
		}
	}()
	return server, endpoint, nil
}

// ask is a client that asks once, or hears why it may not.
func ask(ctx context.Context, who, endpoint string, security zmq.Security) error {
	client, err := zmq.NewSocket(zmq.REQ, &zmq.Config{Security: security, Linger: zmq.NoLinger})
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := client.Events(ctx) // from now on
	if err := client.Connect(endpoint); err != nil {
		return err
	}
	for event := range events {
		switch event.Kind {
		case zmq.EventHandshakeSucceeded:
			if err := client.SendString(ctx, "hello"); err != nil {
				return err
			}
			reply, err := client.Recv(ctx)
			fmt.Printf("%s: %v\n", who, reply)
			return err
		case zmq.EventHandshakeFailedAuth:
			fmt.Printf("%s: turned away with %d\n", who, event.Value)
			return nil
		case zmq.EventHandshakeFailedNoDetail, zmq.EventHandshakeFailedProtocol:
			fmt.Printf("%s: no handshake\n", who)
			return nil
		}
	}
	return errors.New("the events have ended")
}
