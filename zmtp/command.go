package zmtp

import (
	"encoding/binary"
)

// Names of the commands of RFC 37, and JOIN and LEAVE of RFC 48. Case matters.
// Commands that belong to one mechanism are named by that mechanism.
const (
	CommandReady     = "READY"
	CommandError     = "ERROR"
	CommandPing      = "PING"
	CommandPong      = "PONG"
	CommandSubscribe = "SUBSCRIBE"
	CommandCancel    = "CANCEL"
	CommandJoin      = "JOIN"
	CommandLeave     = "LEAVE"
)

// Limits of what commands carry, in octets.
const (
	// MaxCommandName is the size of the longest command name.
	MaxCommandName = 255
	// MaxReason is the size of the longest reason of an ERROR.
	MaxReason = 255
	// MaxContext is how much of a PING's context a PONG repeats.
	MaxContext = 16
	// MaxGroup is the size of the longest group name.
	MaxGroup = 255
)

// SafeTTL is the longest time to live, in tenths of a second, to announce in a
// PING: libzmq computes with 16 bits and takes 656 for 64 milliseconds.
const SafeTTL = 655

const ttlSize = 2

// AppendCommand appends the body of a command: its name, then all of data. The
// frame around it has FlagCommand. It panics when the name is empty or longer
// than MaxCommandName.
func AppendCommand(b []byte, name string, data ...[]byte) []byte {
	b = appendName(b, name)
	for _, d := range data {
		b = append(b, d...)
	}
	return b
}

// ParseCommand cuts the body of a command into its name and what follows, both
// slices of body. It returns ErrCommand when the name is empty or does not fit.
// A name that nobody knows is no error here: it is one during the handshake, and
// to be ignored afterwards.
func ParseCommand(body []byte) (name, data []byte, err error) {
	if len(body) == 0 || body[0] == 0 || len(body) <= int(body[0]) {
		return nil, nil, breach(ErrCommand, CodeMalformedCommand, body)
	}
	end := 1 + int(body[0])
	return body[1:end:end], body[end:], nil
}

func appendName(b []byte, name string) []byte {
	if len(name) == 0 || len(name) > MaxCommandName {
		panic("zmtp: command name empty or longer than 255 octets")
	}
	b = append(b, byte(len(name)))
	return append(b, name...)
}

// expect returns what follows the name in the body of a command of that name. It
// returns ErrCommand, or ErrUnexpectedCommand for another name.
func expect(body []byte, name string) ([]byte, error) {
	got, data, err := ParseCommand(body)
	if err != nil {
		return nil, err
	}
	if string(got) != name {
		return nil, breach(ErrUnexpectedCommand, CodeUnexpectedCommand, body)
	}
	return data, nil
}

// Each of the Parse functions below reads the whole body of a command, name
// included, as the Append function above it wrote it. It returns ErrCommand when
// the body is malformed and ErrUnexpectedCommand when the name is another one.
// What it returns lies in body.

// AppendReady appends the body of a READY command.
func AppendReady(b []byte, m Metadata) []byte {
	return AppendMetadata(appendName(b, CommandReady), m)
}

// ParseReady reads the body of a READY command. Beyond the errors of any command
// it returns those of ParseMetadata.
func ParseReady(body []byte) (Metadata, error) {
	data, err := expect(body, CommandReady)
	if err != nil {
		return nil, err
	}
	return ParseMetadata(data)
}

// AppendError appends the body of an ERROR command. Of the reason at most
// MaxReason octets are sent. libzmq's reasons are the status codes of ZAP: "300",
// "400", "500".
func AppendError(b []byte, reason string) []byte {
	reason = reason[:min(len(reason), MaxReason)]
	b = append(appendName(b, CommandError), byte(len(reason)))
	return append(b, reason...)
}

// ParseError reads the body of an ERROR command. The reason is for a person and
// may hold any octets. Octets after the reason are ignored.
func ParseError(body []byte) (reason []byte, err error) {
	data, err := expect(body, CommandError)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 || len(data) <= int(data[0]) {
		return nil, breach(ErrCommand, CodeMalformedError, body)
	}
	return data[1 : 1+int(data[0])], nil
}

// AppendPing appends the body of a PING command. The time to live is in tenths of
// a second, zero for none; see [SafeTTL]. Of the context at most MaxContext octets
// are sent.
func AppendPing(b []byte, ttl uint16, context []byte) []byte {
	b = binary.BigEndian.AppendUint16(appendName(b, CommandPing), ttl)
	return append(b, context[:min(len(context), MaxContext)]...)
}

// ParsePing reads the body of a PING command. The context is what to answer in a
// PONG: a longer one is cut to MaxContext octets. A PING without a time to live is
// malformed, and ignored like other malformed commands.
func ParsePing(body []byte) (ttl uint16, context []byte, err error) {
	data, err := expect(body, CommandPing)
	if err != nil {
		return 0, nil, err
	}
	if len(data) < ttlSize {
		return 0, nil, breach(ErrCommand, CodeMalformedCommand, body)
	}
	context = data[ttlSize:]
	return binary.BigEndian.Uint16(data), context[:min(len(context), MaxContext)], nil
}

// AppendPong appends the body of a PONG command that answers a PING with context,
// of which at most MaxContext octets are sent.
func AppendPong(b []byte, context []byte) []byte {
	return append(appendName(b, CommandPong), context[:min(len(context), MaxContext)]...)
}

// ParsePong reads the body of a PONG command.
func ParsePong(body []byte) (context []byte, err error) {
	return expect(body, CommandPong)
}

// AppendSubscribe appends the body of a SUBSCRIBE command.
func AppendSubscribe(b, topic []byte) []byte {
	return append(appendName(b, CommandSubscribe), topic...)
}

// ParseSubscribe reads the body of a SUBSCRIBE command.
func ParseSubscribe(body []byte) (topic []byte, err error) {
	return expect(body, CommandSubscribe)
}

// AppendCancel appends the body of a CANCEL command.
func AppendCancel(b, topic []byte) []byte {
	return append(appendName(b, CommandCancel), topic...)
}

// ParseCancel reads the body of a CANCEL command.
func ParseCancel(body []byte) (topic []byte, err error) {
	return expect(body, CommandCancel)
}

// AppendJoin appends the body of a JOIN command. It panics when the group is
// longer than MaxGroup: a libzmq peer would not survive it.
func AppendJoin(b []byte, group string) []byte {
	return appendGroup(b, CommandJoin, group)
}

// ParseJoin reads the body of a JOIN command. A group longer than MaxGroup is
// malformed.
func ParseJoin(body []byte) (group []byte, err error) {
	return parseGroup(body, CommandJoin)
}

// AppendLeave appends the body of a LEAVE command. It panics as AppendJoin does.
func AppendLeave(b []byte, group string) []byte {
	return appendGroup(b, CommandLeave, group)
}

// ParseLeave reads the body of a LEAVE command, as ParseJoin does.
func ParseLeave(body []byte) (group []byte, err error) {
	return parseGroup(body, CommandLeave)
}

func appendGroup(b []byte, name, group string) []byte {
	if len(group) > MaxGroup {
		panic("zmtp: group longer than 255 octets")
	}
	return append(appendName(b, name), group...)
}

func parseGroup(body []byte, name string) ([]byte, error) {
	group, err := expect(body, name)
	if err != nil {
		return nil, err
	}
	if len(group) > MaxGroup {
		return nil, breach(ErrCommand, CodeMalformedCommand, body)
	}
	return group, nil
}

// AppendSubscription appends the body of the message that peers before 3.1 take
// for a subscription, or for its end.
func AppendSubscription(b []byte, subscribe bool, topic []byte) []byte {
	if subscribe {
		return append(append(b, 1), topic...)
	}
	return append(append(b, 0), topic...)
}

// ParseSubscription reads the body of a message that a subscriber sent, and says
// whether it is a subscription, or the end of one, to topic. Publishers accept
// this form from peers of every version; ok is false for any other message.
func ParseSubscription(body []byte) (topic []byte, subscribe, ok bool) {
	if len(body) == 0 || body[0] > 1 {
		return nil, false, false
	}
	return body[1:], body[0] == 1, true
}
