package zmtptest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"zeromux/zmtp"
)

// unit is something that is sent, or expected, as a whole.
type unit struct {
	kind   kind
	octets []byte
}

// kind says how a unit that is expected is read.
type kind uint8

const (
	asOctets   kind = iota // as many octets as there are
	asGreeting             // GreetingSize octets
	asFrame                // a frame of 2.0 and later
	asFrameV1              // a frame of 1.0
)

// parseUnit reads a unit by its first word and the others.
func parseUnit(word string, a *arguments) (unit, error) {
	switch word {
	case "hex":
		octets, err := a.hex()
		return unit{asOctets, octets}, err
	case "text":
		text, err := a.text()
		return unit{asOctets, []byte(text)}, err
	case "greeting":
		return parseGreeting(a)
	case "old-greeting":
		return parseOldGreeting(a)
	case "frame":
		return parseFrame(a)
	case "frame1":
		return parseFrameV1(a)
	}
	body, err := parseCommand(word, a)
	return unit{asFrame, zmtp.AppendFrame(nil, zmtp.FlagCommand, body)}, err
}

func parseGreeting(a *arguments) (unit, error) {
	g := zmtp.Greeting{Major: 3, Minor: 1, Mechanism: "NULL"}
	if len(a.words) > 0 && strings.Contains(a.words[0], ".") {
		if _, err := fmt.Sscanf(a.words[0], "%d.%d", &g.Major, &g.Minor); err != nil || g.Major == 0 {
			return unit{}, fmt.Errorf("no version: %s", a.words[0])
		}
		a.next()
	}
	if len(a.words) > 0 && a.words[0] != "as-server" {
		g.Mechanism = a.next()
	}
	if len(g.Mechanism) > zmtp.MaxMechanism {
		return unit{}, fmt.Errorf("mechanism longer than %d octets: %s", zmtp.MaxMechanism, g.Mechanism)
	}
	g.AsServer = a.take("as-server")
	return unit{asGreeting, zmtp.AppendGreeting(nil, g, 0)}, a.end()
}

// socketTypes are the types that an old greeting can name, by their numbers.
var socketTypes = []string{
	"PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB",
}

func parseOldGreeting(a *arguments) (unit, error) {
	revision, err := a.number(255)
	if err != nil {
		return unit{}, err
	}
	name := a.next()
	number := slices.Index(socketTypes, name)
	if number < 0 {
		return unit{}, fmt.Errorf("no socket type: %q", name)
	}
	octets := zmtp.AppendOldGreeting(nil, byte(number), 0)
	octets[zmtp.SignatureSize] = byte(revision)
	return unit{asOctets, octets}, a.end()
}

func parseFrame(a *arguments) (unit, error) {
	var flags zmtp.Flags
	if a.take("more") {
		flags |= zmtp.FlagMore
	}
	if a.take("command") {
		flags |= zmtp.FlagCommand
	}
	long := a.take("long")
	body, err := a.body()
	octets := zmtp.AppendHeader(nil, flags, len(body))
	if long && len(octets) < zmtp.MaxHeader {
		octets = []byte{byte(flags | zmtp.FlagLong), 0, 0, 0, 0, 0, 0, 0, byte(len(body))}
	}
	return unit{asFrame, append(octets, body...)}, err
}

func parseFrameV1(a *arguments) (unit, error) {
	var flags zmtp.Flags
	if a.take("more") {
		flags |= zmtp.FlagMore
	}
	long := a.take("long")
	body, err := a.body()
	octets := zmtp.AppendHeaderV1(nil, flags, len(body))
	if long && len(octets) < zmtp.MaxHeaderV1 {
		octets = []byte{0xff, 0, 0, 0, 0, 0, 0, 0, byte(len(body) + 1), byte(flags)}
	}
	return unit{asFrameV1, append(octets, body...)}, err
}

// parseCommand returns the body of a command.
func parseCommand(word string, a *arguments) ([]byte, error) {
	switch word {
	case "ready":
		return parseReady(a)
	case "error":
		reason, err := a.text()
		return zmtp.AppendError(nil, reason), err
	case "ping":
		ttl, err := a.number(65535)
		if err != nil {
			return nil, err
		}
		context, err := a.body()
		return append(zmtp.AppendPing(nil, uint16(ttl), nil), context...), err
	case "pong", "subscribe", "cancel", "join", "leave":
		data, err := a.body()
		return zmtp.AppendCommand(nil, strings.ToUpper(word), data), err
	case "command":
		name := a.next()
		if len(name) == 0 || len(name) > zmtp.MaxCommandName {
			return nil, fmt.Errorf("no name of a command: %q", name)
		}
		data, err := a.body()
		return zmtp.AppendCommand(nil, name, data), err
	}
	return nil, errors.New("there is no such unit")
}

func parseReady(a *arguments) ([]byte, error) {
	var m zmtp.Metadata
	if len(a.words) > 0 && !strings.Contains(a.words[0], "=") {
		m = append(m, zmtp.Property{Name: zmtp.PropertySocketType, Value: []byte(a.next())})
	}
	for len(a.words) > 0 {
		word := a.next()
		name, quoted, ok := strings.Cut(word, "=")
		value, err := strconv.Unquote(quoted)
		if !ok || err != nil || name == "" || len(name) > zmtp.MaxPropertyName {
			return nil, fmt.Errorf("no property, which reads NAME=STRING: %s", word)
		}
		m = append(m, zmtp.Property{Name: name, Value: []byte(value)})
	}
	return zmtp.AppendReady(nil, m), nil
}

// sizeOf returns the size of the unit of this kind at the beginning of b, and
// zmtp.ErrShort when b does not tell.
func (k kind) sizeOf(b []byte) (int, error) {
	var h zmtp.Header
	var n int
	var err error
	switch k {
	case asGreeting:
		return zmtp.GreetingSize, nil
	case asFrameV1:
		h, n, err = zmtp.ParseHeaderV1(b)
	default:
		h, n, err = zmtp.ParseHeader(b)
	}
	if err == nil && h.Size > maxSize {
		err = h.Check(maxSize)
	}
	return n + int(h.Size), err
}

// matches says whether octets that came are those of u.
func (u unit) matches(octets []byte) bool {
	if u.kind != asGreeting {
		return slices.Equal(octets, u.octets)
	}
	got, err := zmtp.ParseGreeting(octets)
	want, _ := zmtp.ParseGreeting(u.octets)
	return err == nil && got == want
}

// knownFlags is the largest octet of flags in which no reserved bit is set.
const knownFlags = byte(zmtp.FlagMore | zmtp.FlagLong | zmtp.FlagCommand)

// describe writes octets of a kind as a script would, as far as it can.
func (k kind) describe(octets []byte) string {
	switch k {
	case asGreeting:
		if g, err := zmtp.ParseGreeting(octets); err == nil {
			text := fmt.Sprintf("greeting %d.%d %s", g.Major, g.Minor, g.Mechanism)
			if g.AsServer {
				text += " as-server"
			}
			return text
		}
	case asFrame:
		if h, n, err := zmtp.ParseHeader(octets); err == nil && h.Size == int64(len(octets)-n) && octets[0] <= knownFlags {
			return describeFrame("frame", h, octets[n:], n > zmtp.HeaderSize(len(octets)-n))
		}
	case asFrameV1:
		if h, n, err := zmtp.ParseHeaderV1(octets); err == nil && h.Size == int64(len(octets)-n) && octets[n-1] <= byte(zmtp.FlagMore) {
			return describeFrame("frame1", h, octets[n:], n > zmtp.HeaderSizeV1(len(octets)-n))
		}
	}
	return "hex " + shortened(fmt.Sprintf("% x", octets[:min(len(octets), maxShown)]), len(octets))
}

func describeFrame(text string, h zmtp.Header, body []byte, long bool) string {
	if h.Flags == zmtp.FlagCommand && !long {
		if name, data, err := zmtp.ParseCommand(body); err == nil {
			return "command " + string(name) + " " + shortened(strconv.Quote(string(data[:min(len(data), maxShown)])), len(data))
		}
	}
	if h.Flags&zmtp.FlagMore != 0 {
		text += " more"
	}
	if h.Flags&zmtp.FlagCommand != 0 {
		text += " command"
	}
	if long {
		text += " long"
	}
	return text + " " + shortened(strconv.Quote(string(body[:min(len(body), maxShown)])), len(body))
}

// maxShown is how many octets of a body an error shows.
const maxShown = 64

// shortened adds to the text of the first octets of size ones how many there are.
func shortened(text string, size int) string {
	if size <= maxShown {
		return text
	}
	return fmt.Sprintf("%s… (%d octets)", text, size)
}
