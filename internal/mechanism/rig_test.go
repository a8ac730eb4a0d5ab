package mechanism

import (
	"bytes"
	"errors"
	"testing"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// authenticator answers a question, as a socket would have it answered.
type authenticator func(*zap.Request) (*zap.Reply, error)

// says is an authenticator that gives one answer to everybody.
func says(status int) authenticator {
	return func(*zap.Request) (*zap.Reply, error) {
		return &zap.Reply{Status: status, Text: "because", UserID: "joe"}, nil
	}
}

// nobody is an authenticator that is not there.
func nobody(*zap.Request) (*zap.Reply, error) { return nil, zap.ErrNoHandler }

// drive lets two sides shake hands until neither has anything to say, and returns
// the errors that they end with.
func drive(a, b Mechanism, answer authenticator) (errA, errB error) {
	sides := [2]Mechanism{a, b}
	var errs [2]error
	for moved := true; moved; {
		moved = false
		for i, side := range sides {
			if errs[i] != nil {
				continue
			}
			if q := side.Question(); q != nil {
				moved = true
				if errs[i] = side.Answer(answer(q)); errs[i] != nil {
					continue
				}
			}
			command, ok, err := side.Next()
			if errs[i] = err; !ok {
				continue
			}
			moved = true
			other := sides[1-i]
			if errs[1-i] == nil {
				errs[1-i] = other.Handle(bytes.Clone(command))
			}
		}
	}
	return errs[0], errs[1]
}

// feed gives commands to a side that is the other's turn to answer: it takes what
// there is to say, has what is asked answered, and returns all that was said and the
// error.
func feed(m Mechanism, answer authenticator, commands ...[]byte) (said [][]byte, err error) {
	for {
		for {
			command, ok, err := m.Next()
			if err != nil {
				return said, err
			}
			if ok {
				said = append(said, bytes.Clone(command))
				continue
			}
			q := m.Question()
			if q == nil {
				break
			}
			if err := m.Answer(answer(q)); err != nil {
				return said, err
			}
		}
		if len(commands) == 0 {
			return said, nil
		}
		if err := m.Handle(bytes.Clone(commands[0])); err != nil {
			return said, err
		}
		commands = commands[1:]
	}
}

// awaits is the command that a side waits for.
func awaits(m Mechanism) string {
	command, _ := m.Awaits()
	return command
}

// wantStuck checks that an error is returned by every later call.
func wantStuck(t *testing.T, m Mechanism, err error) {
	t.Helper()
	if m.Done() || m.Peer() != nil || m.UserID() != "" || m.Question() != nil {
		t.Errorf("after %v: done %v, peer %v, user %q, question %v", err, m.Done(), m.Peer(), m.UserID(), m.Question())
	}
	for range 2 {
		if _, ok, got := m.Next(); ok || got != err {
			t.Errorf("Next: got %v, %v, want %v", ok, got, err)
		}
		if got := m.Handle([]byte("\x05READY")); got != err {
			t.Errorf("Handle: got %v, want %v", got, err)
		}
		if got := m.Answer(&zap.Reply{Status: zap.StatusOK}, nil); got != err {
			t.Errorf("Answer: got %v, want %v", got, err)
		}
	}
}

// wantDenied checks that an error is a denial with a status.
func wantDenied(t *testing.T, err error, status int) {
	t.Helper()
	var denied *DeniedError
	if !errors.As(err, &denied) || denied.Status != status || (status == 0) != (denied.Err != nil) {
		t.Fatalf("got %#v, want a denial with %d", err, status)
	}
}

// wantRefused checks that an error is a refusal by the peer with a status.
func wantRefused(t *testing.T, err error, status int) {
	t.Helper()
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Status != status {
		t.Fatalf("got %#v, want a refusal with %d", err, status)
	}
}

// config announces the socket type "PAIR", which goes together with itself alone.
func config() Config {
	return Config{Metadata: properties("Socket-Type", "PAIR"), CheckPeer: CheckSocketType("PAIR", "PAIR")}
}

// announced is what config() makes a side announce.
func announced() []byte { return zmtp.AppendMetadata(nil, properties("Socket-Type", "PAIR")) }

// client makes a client of each mechanism, and server its server; NULL has one side.
var mechanisms = map[string]struct{ client, server func(Config) Mechanism }{
	NameNull: {NewNull, NewNull},
	NamePlain: {
		func(c Config) Mechanism { return NewPlainClient(c, "admin", "secret") },
		func(c Config) Mechanism { return NewPlainServer(c, PlainErrorLibzmq) },
	},
	NameCurve: {
		func(c Config) Mechanism { return NewCurveClient(c, clientKeys) },
		func(c Config) Mechanism { return NewCurveServer(c, serverKeys) },
	},
}
