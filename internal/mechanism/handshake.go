package mechanism

import (
	"errors"
	"fmt"

	"zeromux/internal/zap"
	"zeromux/zmtp"
)

// Names of the commands of PLAIN and CURVE that only they have: HELLO is what a client
// says first, WELCOME what its server answers. RFC 24, RFC 26.
const (
	CommandHello    = "HELLO"
	CommandWelcome  = "WELCOME"
	commandInitiate = "INITIATE"
)

// step is what a client or a server is about to do: to send or to take the command
// of that name, to have a question answered, or to let the traffic flow.
type step uint8

const (
	stepHello step = iota
	stepQuestion
	stepWelcome
	stepInitiate
	stepReady
	stepTraffic
)

// longestError is the size of the longest ERROR, in octets.
const longestError = 1 + len(zmtp.CommandError) + 1 + 255

// ofClient is the command that a client takes in this step, "" where it takes none, and
// the size of the longest one, if WELCOME has this size.
func (s step) ofClient(welcome int) (command string, longest int) {
	switch s {
	case stepWelcome:
		return CommandWelcome, max(welcome, longestError)
	case stepReady:
		return zmtp.CommandReady, -1
	}
	return "", 0
}

// ofServer is the command that a server takes in this step, "" where it takes none, and
// the size of the longest one, if HELLO has this size at most.
func (s step) ofServer(hello int) (command string, longest int) {
	switch s {
	case stepHello:
		return CommandHello, hello
	case stepInitiate:
		return commandInitiate, -1
	}
	return "", 0
}

// handshake is what the sides of all mechanisms have in common: what they were told,
// who may come in, the error that sticks, and the peer as it turned out.
type handshake struct {
	name  string
	check func(zmtp.Metadata) error
	zap   ZAP
	gate  gate
	peer  zmtp.Metadata
	told  bool // that it was turned away
	done  bool
	err   error // sticks
}

func newHandshake(name string, c *Config) handshake {
	return handshake{name: name, check: c.CheckPeer, zap: c.ZAP}
}

func (h *handshake) Name() string { return h.name }

func (h *handshake) Question() *zap.Request {
	if h.err != nil {
		return nil
	}
	return h.gate.question
}

func (h *handshake) Answer(reply *zap.Reply, err error) error {
	if h.err == nil {
		h.err = h.gate.answer(reply, err, h.check)
	}
	return h.err
}

func (h *handshake) Done() bool { return h.done && h.err == nil }

func (h *handshake) Peer() zmtp.Metadata {
	if !h.Done() {
		return nil
	}
	return h.peer
}

func (h *handshake) UserID() string {
	if !h.Done() {
		return ""
	}
	return h.gate.userID
}

// Format writes no more than the name, whatever the verb: there are keys inside.
func (h *handshake) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "mechanism %s", h.name) // f tells of its own errors
}

// take gives a command that came to handle, unless all is over.
func (h *handshake) take(command []byte, handle func(command []byte) error) error {
	switch {
	case h.err != nil:
		return h.err
	case h.gate.denied != nil: // there may be an ERROR that nobody took yet
		return h.gate.denied
	}
	h.err = handle(command)
	return h.err
}

// refuse is what Next returns once the peer was turned away: an ERROR, which
// appendError spells, where the peer gets one, and then the reason.
func (h *handshake) refuse(appendError func(b []byte, reason string) []byte) (command []byte, ok bool, err error) {
	reason, tell := h.gate.farewell()
	if !tell || h.told {
		h.err = h.gate.denied
		return nil, false, h.err
	}
	h.told = true
	return appendError(nil, reason), true, nil
}

// finish ends the handshake well.
func (h *handshake) finish() {
	h.done = true
	if len(h.gate.granted) > 0 {
		h.peer = append(h.gate.granted, h.peer...)
		h.gate.granted = nil
	}
}

// unlessOver is what is waited for, nothing once all is over.
func (h *handshake) unlessOver(command string, longest int) (string, int) {
	if h.err != nil || h.gate.denied != nil {
		return "", 0
	}
	return command, longest
}

// learn reads the properties that the peer announced, and keeps data. code is
// libzmq's number for those that cannot be read or do not go together with ours, zero
// where it has none; shown is what an error may show of them.
func (h *handshake) learn(data []byte, code zmtp.ErrorCode, shown []byte) error {
	peer, err := zmtp.ParseMetadata(data)
	if err != nil {
		return breach(errors.Unwrap(err), code, shown)
	}
	if h.check != nil {
		if err := h.check(peer); err != nil {
			return breach(err, code, nil)
		}
	}
	h.peer = peer
	return nil
}

// wellFormed says whether a body is long enough for its name, and for one octet at
// least; libzmq looks at no more. The name may be empty.
func wellFormed(command []byte) bool {
	return len(command) > 1 && len(command) > int(command[0])
}

// cutName cuts a well-formed body after its name.
func cutName(command []byte) (name string, data []byte) {
	end := 1 + int(command[0])
	return string(command[1:end]), command[end:]
}

// refusal is what an ERROR in the standard spelling comes to.
func refusal(command []byte) error {
	reason, err := zmtp.ParseError(command)
	if err != nil {
		return err
	}
	return refused(reason)
}

// unexpected is the breach by a command that has no place where it stands.
func unexpected(command []byte) error {
	return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand, command)
}

// plainTraffic is embedded by mechanisms after which frames travel as they are.
type plainTraffic struct{}

func (plainTraffic) Sealed() bool { return false }

// Seal panics: see Mechanism.Sealed.
func (plainTraffic) Seal([]byte, zmtp.Flags, []byte) ([]byte, error) {
	panic("mechanism: frames are not sealed")
}

// Open panics: see Mechanism.Sealed.
func (plainTraffic) Open([]byte, []byte) (zmtp.Flags, []byte, error) {
	panic("mechanism: frames are not sealed")
}
