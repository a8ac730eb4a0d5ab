package mechanism

import (
	"bytes"
	"slices"
	"strings"

	"zeromux/zmtp"
)

// NamePlain is the name of the mechanism of user names and passwords.
const NamePlain = "PLAIN"

// MaxPlain is the size of the longest user name and password, in octets.
const MaxPlain = 255

// longestHello is the size of the longest HELLO, in octets.
const longestHello = 1 + len(CommandHello) + 2*(1+MaxPlain) // 518

// PlainError is how a server of PLAIN spells the ERROR for a client that it turns
// away.
type PlainError uint8

const (
	// PlainErrorLibzmq is libzmq's own spelling, in which the length of the name
	// and its first letter are one octet, 5e. A client of libzmq understands no
	// other: it takes a standard ERROR for a breach of the protocol, and its
	// application is told of that and not of status 400.
	PlainErrorLibzmq PlainError = iota
	// PlainErrorStandard is the command of RFC 37.
	PlainErrorStandard
)

// fusedError is what an ERROR of libzmq's PLAIN begins with.
var fusedError = []byte("\x5eRROR")

// appendFusedError appends an ERROR as libzmq's PLAIN has it.
func appendFusedError(b []byte, reason string) []byte {
	return append(append(append(b, fusedError...), byte(len(reason))), reason...)
}

// plainClient tells a user name and a password, both in clear, and is told whether
// it may stay. RFC 24.
type plainClient struct {
	handshake
	plainTraffic
	step     step
	password string // so that no error repeats it
	hello    []byte // with the password; wiped when it was sent
	initiate []byte
}

// NewPlainClient returns the client's side of PLAIN. It panics when the user name or
// the password is longer than MaxPlain, and when zmtp.AppendMetadata does.
//
// It asks no authenticator.
func NewPlainClient(c Config, username, password string) Mechanism {
	if len(username) > MaxPlain || len(password) > MaxPlain {
		panic("mechanism: user name or password longer than 255 octets")
	}
	return &plainClient{
		handshake: newHandshake(NamePlain, &c),
		password:  password,
		hello:     appendHello(nil, username, password),
		initiate:  zmtp.AppendMetadata(zmtp.AppendCommand(nil, commandInitiate), c.Metadata),
	}
}

func appendHello(b []byte, username, password string) []byte {
	b = zmtp.AppendCommand(b, CommandHello)
	b = append(append(b, byte(len(username))), username...)
	return append(append(b, byte(len(password))), password...)
}

func (p *plainClient) Next() (command []byte, ok bool, err error) {
	p.forget()
	switch {
	case p.err != nil:
		return nil, false, p.err
	case p.step == stepHello:
		p.step = stepWelcome
		return p.hello, true, nil
	case p.step == stepInitiate:
		p.step = stepReady
		return p.initiate, true, nil
	}
	return nil, false, nil
}

// Handle takes WELCOME, READY and, instead of either, ERROR in both spellings. The
// errors show nothing of what has another form: a server may say the client's own
// words to it.
func (p *plainClient) Handle(command []byte) error { return p.take(command, p.handle) }

func (p *plainClient) handle(command []byte) error {
	p.forget()
	if p.step != stepWelcome && p.step != stepReady {
		return misplaced(command)
	}
	if reason, ok := bytes.CutPrefix(command, fusedError); ok {
		return p.refusal(append([]byte("\x05ERROR"), reason...))
	}
	name, data, err := zmtp.ParseCommand(command)
	switch {
	case err != nil:
		return misplaced(command)
	case string(name) == zmtp.CommandError:
		return p.refusal(command)
	case string(name) == CommandWelcome && p.step == stepWelcome:
		if len(data) > 0 {
			return breach(zmtp.ErrCommand, zmtp.CodeMalformedWelcome, nil)
		}
		p.step = stepInitiate
		return nil
	case string(name) == zmtp.CommandReady && p.step == stepReady:
		if err := p.learn(bytes.Clone(data), zmtp.CodeInvalidMetadata, nil); err != nil {
			return err
		}
		p.step = stepTraffic
		p.finish()
		return nil
	}
	return misplaced(command)
}

// refusal is that of an ERROR, in whose reason the password is not repeated.
func (p *plainClient) refusal(command []byte) error {
	reason, err := zmtp.ParseError(command)
	if err != nil {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedError, nil)
	}
	told := refused(reason)
	if told.Status == 0 && p.password != "" && strings.Contains(told.Reason, p.password) {
		told.Reason = "[withheld]"
	}
	return told
}

// misplaced is unexpected, and shows nothing of the command but its name, where that is
// one of ZMTP's: anything else may be a password.
func misplaced(command []byte) error {
	var shown []byte
	if wellFormed(command) {
		if name, _ := cutName(command); slices.Contains(commandNames, name) {
			shown = command[:1+len(name)]
		}
	}
	return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnexpectedCommand, shown)
}

// commandNames are those of handshakes, and of what comes after them.
var commandNames = []string{
	CommandHello, CommandWelcome, commandInitiate, zmtp.CommandReady, zmtp.CommandError, messageHead[1:],
	zmtp.CommandSubscribe, zmtp.CommandCancel, zmtp.CommandPing, zmtp.CommandPong, zmtp.CommandJoin, zmtp.CommandLeave,
}

// forget wipes the password once it was sent.
func (p *plainClient) forget() {
	if p.step != stepHello {
		p.Close()
	}
}

func (p *plainClient) Awaits() (command string, longest int) {
	return p.unlessOver(p.step.ofClient(1 + len(CommandWelcome)))
}

// Close wipes the command that the password is in.
func (p *plainClient) Close() { clear(p.hello) }

// plainServer takes a user name and a password and has them judged. RFC 24.
type plainServer struct {
	handshake
	plainTraffic
	step        step
	ready       []byte
	appendError func(b []byte, reason string) []byte
}

// NewPlainServer returns the server's side of PLAIN, which spells an ERROR as told.
// It panics when zmtp.AppendMetadata does.
//
// An authenticator is always asked, with two credentials: user name and password,
// either of which may be empty. Nobody is let in of whom nobody was asked.
func NewPlainServer(c Config, spelling PlainError) Mechanism {
	p := &plainServer{
		handshake:   newHandshake(NamePlain, &c),
		ready:       zmtp.AppendReady(nil, c.Metadata),
		appendError: appendFusedError,
	}
	if spelling == PlainErrorStandard {
		p.appendError = zmtp.AppendError
	}
	return p
}

func (p *plainServer) Next() (command []byte, ok bool, err error) {
	switch {
	case p.err != nil:
		return nil, false, p.err
	case p.gate.denied != nil:
		return p.refuse(p.appendError)
	case p.step == stepQuestion && p.gate.question == nil: // it was answered
		p.step = stepInitiate
		return zmtp.AppendCommand(nil, CommandWelcome), true, nil
	case p.step == stepReady:
		p.step = stepTraffic
		p.finish()
		return p.ready, true, nil
	}
	return nil, false, nil
}

// Handle takes HELLO and INITIATE. What comes while somebody is being asked, or
// before an answer of ours that is due, is a breach for which libzmq has no name. The
// errors show nothing of a command but its name: behind it there may be a password.
func (p *plainServer) Handle(command []byte) error { return p.take(command, p.handle) }

func (p *plainServer) handle(command []byte) error {
	switch p.step {
	case stepHello:
		if !wellFormed(command) {
			return breach(zmtp.ErrCommand, zmtp.CodeMalformedCommand, nil)
		}
		name, data := cutName(command)
		if name != CommandHello {
			return misplaced(command)
		}
		return p.handleHello(data)
	case stepInitiate:
		if !wellFormed(command) {
			return misplaced(command)
		}
		name, data := cutName(command)
		if name != commandInitiate {
			return misplaced(command)
		}
		if err := p.learn(bytes.Clone(data), 0, data); err != nil {
			return err
		}
		p.step = stepReady
		return nil
	}
	return breach(zmtp.ErrUnexpectedCommand, zmtp.CodeUnspecified, nil)
}

func (p *plainServer) handleHello(data []byte) error {
	username, data, ok := cutText(data)
	if !ok {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedHello, nil)
	}
	password, data, ok := cutText(data)
	if !ok || len(data) > 0 {
		return breach(zmtp.ErrCommand, zmtp.CodeMalformedHello, nil)
	}
	p.step = stepQuestion
	p.gate.ask(&p.zap, NamePlain, false, bytes.Clone(username), bytes.Clone(password))
	return nil
}

// cutText cuts a text off b that follows an octet with its size.
func cutText(b []byte) (text, rest []byte, ok bool) {
	if len(b) == 0 || len(b) <= int(b[0]) {
		return nil, nil, false
	}
	end := 1 + int(b[0])
	return b[1:end], b[end:], true
}

func (p *plainServer) Awaits() (command string, longest int) {
	return p.unlessOver(p.step.ofServer(longestHello))
}

// Close wipes a password of which nobody was asked.
func (p *plainServer) Close() { p.gate.forget() }
