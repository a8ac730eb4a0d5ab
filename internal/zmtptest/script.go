package zmtptest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Script is what a peer says and wants to hear, in order. The package comment
// tells how it is written.
type Script struct {
	name string
	acts []act
}

// act is one line of a script.
type act struct {
	line int
	text string
	do   func(*Peer) error
}

// LoadScript reads a script from a file. Errors name the file and the line.
func LoadScript(file string) (*Script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseScript(filepath.Base(file), string(text))
}

// ParseScript reads a script from text. Errors, here and in [Peer.Follow], begin
// with name and the number of the line.
func ParseScript(name, text string) (*Script, error) {
	s := &Script{name: name}
	number := 0
	for line := range strings.Lines(text) {
		number++
		words, err := cutWords(line)
		if err == nil && len(words) > 0 {
			var do func(*Peer) error
			do, err = parseAct(words)
			s.acts = append(s.acts, act{number, strings.Join(words, " "), do})
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	return s, nil
}

// cutWords divides a line at blanks outside of strings, and drops a comment.
func cutWords(line string) ([]string, error) {
	var words []string
	for {
		line = strings.TrimLeft(line, " \t\r\n")
		if line == "" || line[0] == '#' {
			return words, nil
		}
		end := 0
		for end < len(line) && !strings.ContainsRune(" \t\r\n", rune(line[end])) {
			if line[end] != '"' {
				end++
				continue
			}
			quoted, err := strconv.QuotedPrefix(line[end:])
			if err != nil {
				return nil, fmt.Errorf("no string of Go: %s", strings.TrimSpace(line[end:]))
			}
			end += len(quoted)
		}
		words = append(words, line[:end])
		line = line[end:]
	}
}

// parseAct reads one line.
func parseAct(words []string) (func(*Peer) error, error) {
	verb, rest := words[0], words[1:]
	switch {
	case verb == "close" && len(rest) == 0:
		return (*Peer).finish, nil
	case verb == "send" && len(rest) == 1 && rest[0] == "eof":
		return (*Peer).hangUp, nil
	case verb == "expect" && len(rest) == 1 && rest[0] == "eof":
		return (*Peer).expectEnd, nil
	case verb == "expect" && len(rest) > 0 && rest[0] == "silence":
		if len(rest) != 2 {
			return nil, errors.New("silence takes a duration, such as 5s")
		}
		d, err := time.ParseDuration(rest[1])
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("no duration: %s", rest[1])
		}
		return func(p *Peer) error { return p.expectSilence(d) }, nil
	case verb != "send" && verb != "expect":
		return nil, fmt.Errorf(`an act is "send", "expect" or "close", not %q`, strings.Join(words, " "))
	case len(rest) == 0:
		return nil, fmt.Errorf("%s what?", verb)
	}
	u, err := parseUnit(rest[0], &arguments{rest[1:]})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", rest[0], err)
	case verb == "send":
		return func(p *Peer) error { p.out.send(u.octets); return nil }, nil
	}
	return func(p *Peer) error { return p.expect(u) }, nil
}

// arguments are the words of a unit that were not yet read.
type arguments struct{ words []string }

// next takes the next word, and returns "" when there is none.
func (a *arguments) next() string {
	if len(a.words) == 0 {
		return ""
	}
	word := a.words[0]
	a.words = a.words[1:]
	return word
}

// take takes the next word if it is this one.
func (a *arguments) take(word string) bool {
	if len(a.words) == 0 || a.words[0] != word {
		return false
	}
	a.next()
	return true
}

// end returns an error if there are words left.
func (a *arguments) end() error {
	if len(a.words) > 0 {
		return fmt.Errorf("what is %s?", strings.Join(a.words, " "))
	}
	return nil
}

// number takes a number from 0 to limit.
func (a *arguments) number(limit int) (int, error) {
	word := a.next()
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 || n > limit {
		return 0, fmt.Errorf("no number up to %d: %q", limit, word)
	}
	return n, nil
}

// text takes a STRING, the last word.
func (a *arguments) text() (string, error) {
	word := a.next()
	text, err := strconv.Unquote(word)
	if err != nil || word[0] != '"' {
		return "", fmt.Errorf("no string of Go: %s", word)
	}
	return text, a.end()
}

// hex takes all words as octets.
func (a *arguments) hex() ([]byte, error) {
	octets, err := hex.DecodeString(strings.Join(a.words, ""))
	if err != nil || len(octets) == 0 {
		return nil, fmt.Errorf("no octets: %q", strings.Join(a.words, " "))
	}
	return octets, nil
}

// maxSize is the largest body that a script may ask for, in octets.
const maxSize = 64 << 20

// body takes a BODY, which is what is left.
func (a *arguments) body() ([]byte, error) {
	switch {
	case len(a.words) == 0:
		return nil, nil
	case a.take("hex"):
		return a.hex()
	case a.take("size"):
		n, err := a.number(maxSize)
		if err != nil {
			return nil, err
		}
		return []byte(strings.Repeat("x", n)), a.end()
	}
	text, err := a.text()
	return []byte(text), err
}
