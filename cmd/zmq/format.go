package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A format is how a message is written as text, and read from it. All but text
// and raw keep every octet and every border between frames.
type format struct {
	name string
	// join stands between frames that are written, split between those that
	// are read; a nil split: all is one frame. Not for quoted and json, which
	// have signs of their own.
	join, split []byte
	// ids says that the first frame is a routing id, which text shows as
	// showID does.
	ids bool
	// tame shows what would move a terminal's cursor as an escape, in text.
	tame bool
}

// The names of formats.
const (
	formatText   = "text"
	formatQuoted = "quoted"
	formatHex    = "hex"
	formatBase64 = "base64"
	formatJSON   = "json"
	formatRaw    = "raw"
)

const tab = "\t"

// newFormat makes a format; join and split are the flags, or nil for what the
// format does by itself.
func newFormat(name string, ids bool, join, split *string) (*format, error) {
	f := &format{name: name, ids: ids}
	switch name {
	case formatQuoted, formatJSON:
		switch {
		case join != nil:
			return nil, usagef("--join does not go with %s, which has borders between frames", name)
		case split != nil:
			return nil, usagef("--split does not go with %s, which has borders between frames", name)
		}
		return f, nil
	case formatText:
		f.join = []byte(tab)
		if ids {
			f.split = []byte(tab)
		}
	case formatHex, formatBase64:
		f.join, f.split = []byte(tab), []byte(tab)
	}
	var err error
	if join != nil {
		if f.join, err = unescape("--join", *join); err != nil {
			return nil, err
		}
	}
	if split != nil {
		if f.split, err = unescape("--split", *split); err != nil {
			return nil, err
		}
		if len(f.split) == 0 {
			return nil, usagef("--split is empty")
		}
	}
	return f, nil
}

// unescape understands \t, \n, \x00 and their like in the value of a flag.
func unescape(flag, text string) ([]byte, error) {
	plain, err := strconv.Unquote(`"` + strings.ReplaceAll(text, `"`, `\"`) + `"`)
	if err != nil {
		return nil, usagef(`%s %q: after a backslash there may be t, n, 0xx, xNN, uNNNN or another backslash`, flag, text)
	}
	return []byte(plain), nil
}

// append appends a message to b, with its end.
func (f *format) append(b []byte, frames [][]byte) []byte {
	if f.name == formatJSON {
		return f.appendJSON(b, frames)
	}
	for i, frame := range frames {
		if i > 0 && f.name == formatQuoted {
			b = append(b, ' ')
		} else if i > 0 {
			b = append(b, f.join...)
		}
		b = f.appendFrame(b, frame, f.ids && i == 0)
	}
	if f.name == formatRaw {
		return b
	}
	return append(b, '\n')
}

func (f *format) appendFrame(b, frame []byte, isID bool) []byte {
	switch f.name {
	case formatQuoted:
		return strconv.AppendQuote(b, string(frame))
	case formatHex:
		return hex.AppendEncode(b, frame)
	case formatBase64:
		return base64.StdEncoding.AppendEncode(b, frame)
	case formatText:
		switch {
		case isID:
			return append(b, showID(frame)...)
		case f.tame:
			return appendTame(b, frame)
		}
	}
	return append(b, frame...)
}

// appendTame appends frame with escapes for what does not print. Tabs stay.
func appendTame(b, frame []byte) []byte {
	for i, field := range strings.Split(string(frame), tab) {
		if i > 0 {
			b = append(b, tab...)
		}
		if isPlain(field) {
			b = append(b, field...)
			continue
		}
		q := strconv.Quote(field)
		b = append(b, strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)...)
	}
	return b
}

// octets is a frame in JSON that is not UTF-8.
type octets struct {
	Base64 []byte `json:"base64"`
}

// appendJSON appends an array with an element for each frame: a string, or
// octets when a string cannot hold it.
func (f *format) appendJSON(b []byte, frames [][]byte) []byte {
	list := make([]any, len(frames))
	for i, frame := range frames {
		if utf8.Valid(frame) {
			list[i] = string(frame)
		} else {
			list[i] = octets{frame}
		}
	}
	var buffer bytes.Buffer
	e := json.NewEncoder(&buffer)
	e.SetEscapeHTML(false)
	if err := e.Encode(list); err != nil {
		panic(err) // strings and octets always have a form in JSON
	}
	return append(b, buffer.Bytes()...)
}

// parse reads a message. It keeps parts of text.
func (f *format) parse(text []byte) ([][]byte, error) {
	switch f.name {
	case formatQuoted:
		return parseQuoted(string(text))
	case formatJSON:
		return parseJSON(text)
	}
	frames := [][]byte{text}
	if f.split != nil {
		frames = bytes.Split(text, f.split)
	}
	for i, frame := range frames {
		var err error
		if frames[i], err = f.parseFrame(frame, f.ids && i == 0); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

func (f *format) parseFrame(text []byte, isID bool) ([]byte, error) {
	switch f.name {
	case formatHex:
		digits := bytes.ReplaceAll(text, []byte(" "), nil)
		frame, err := hex.AppendDecode(nil, digits)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not pairs of hexadecimal digits", text)
		}
		return frame, nil
	case formatBase64:
		frame, err := base64.StdEncoding.AppendDecode(nil, text)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not base64", text)
		}
		return frame, nil
	case formatText:
		if isID {
			return readID(string(text))
		}
	}
	return text, nil
}

var errNoFrames = errors.New("a message has at least one frame")

// parseQuoted reads strings as Go writes them, with blanks between.
func parseQuoted(text string) (frames [][]byte, err error) {
	for rest := strings.TrimLeft(text, " \t"); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil || rest[0] != '"' {
			return nil, fmt.Errorf(`%.40q is not a string between ""`, rest)
		}
		frame, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, fmt.Errorf("%.40q: %w", quoted, err)
		}
		frames = append(frames, []byte(frame))
		rest = rest[len(quoted):]
	}
	if len(frames) == 0 {
		return nil, errNoFrames
	}
	return frames, nil
}

// parseJSON reads what appendJSON writes; a string alone is a message of one
// frame.
func parseJSON(text []byte) ([][]byte, error) {
	var alone string
	if json.Unmarshal(text, &alone) == nil && !bytes.Equal(bytes.TrimSpace(text), []byte("null")) {
		return [][]byte{[]byte(alone)}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%.40q is not a JSON array of frames: %w", text, err)
	}
	if len(list) == 0 {
		return nil, errNoFrames
	}
	frames := make([][]byte, len(list))
	for i, element := range list {
		frame, err := parseElement(element)
		if err != nil {
			return nil, fmt.Errorf("frame %d: %w", i+1, err)
		}
		frames[i] = frame
	}
	return frames, nil
}

func parseElement(element json.RawMessage) ([]byte, error) {
	switch element[0] {
	case '"':
		var text string
		err := json.Unmarshal(element, &text)
		return []byte(text), err
	case '{':
		var o struct {
			Base64 *[]byte `json:"base64"`
		}
		if err := json.Unmarshal(element, &o); err != nil {
			return nil, err
		}
		if o.Base64 != nil {
			return *o.Base64, nil
		}
	}
	return nil, fmt.Errorf(`%.40q is neither a string nor {"base64": "…"}`, element)
}
