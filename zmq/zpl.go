package zmq

import (
	"bytes"
	"fmt"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A zplProperty is a line of a text in ZPL that is more than a comment. RFC 4.
type zplProperty struct {
	line   int      // counted from 1
	within []string // the names of the properties that it is a part of, the outermost first; valid until the next
	name   string
	value  []byte // a part of the text
}

// byteOrderMark is what some editors begin a text with.
const byteOrderMark = "\ufeff"

// zplTab is how many blanks a tab counts for where it indents.
const zplTab = 4

// readZPL yields the properties of a text in ZPL, and an error, which ends it, for a
// line that is none. What is indented further than a line above belongs to that one,
// whether by four blanks, as RFC 4 has it, or otherwise. Errors do not quote the text.
func readZPL(text []byte) iter.Seq2[zplProperty, error] {
	return func(yield func(zplProperty, error) bool) {
		var indents []int // of the names in within
		var within []string
		for n, line := range zplLines(text) {
			p := zplProperty{line: n}
			indent, rest := zplIndent(line)
			if len(rest) == 0 || rest[0] == '#' {
				continue
			}
			var err error
			if p.name, p.value, err = readZPLProperty(rest); err != nil {
				yield(p, fmt.Errorf("line %d: %w", n, err))
				return
			}
			depth := len(indents)
			for depth > 0 && indent <= indents[depth-1] {
				depth--
			}
			p.within = within[:depth]
			if !yield(p, nil) {
				return
			}
			indents, within = append(indents[:depth], indent), append(within[:depth], p.name)
		}
	}
}

// zplLines yields lines and their numbers. A line ends with LF, CR, or both.
func zplLines(text []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		text = bytes.TrimPrefix(text, []byte(byteOrderMark))
		for n := 1; len(text) > 0; n++ {
			line := text
			if end := bytes.IndexAny(text, "\r\n"); end >= 0 {
				line, text = text[:end], bytes.TrimPrefix(text[end:], []byte("\r"))
				if len(text) > 0 && text[0] == '\n' {
					text = text[1:]
				}
			} else {
				text = nil
			}
			if !yield(n, line) {
				return
			}
		}
	}
}

// zplIndent returns how far a line is indented, and the line without that.
func zplIndent(line []byte) (indent int, rest []byte) {
	for i, c := range line {
		switch c {
		case ' ':
			indent++
		case '\t':
			indent += zplTab
		default:
			return indent, line[i:]
		}
	}
	return indent, nil
}

// readZPLProperty reads "name", "name = value" and either with a comment behind it.
func readZPLProperty(line []byte) (name string, value []byte, err error) {
	if !isZPLText(line) {
		return "", nil, fmt.Errorf("%w: what cannot be printed", ErrInvalid)
	}
	end := 0
	for end < len(line) && isZPLNameChar(line[end]) {
		end++
	}
	rest := bytes.TrimLeft(line[end:], " \t")
	switch {
	case end == 0, len(rest) > 0 && rest[0] != '=' && rest[0] != '#':
		return "", nil, fmt.Errorf("%w: neither a name nor a name = value", ErrInvalid)
	case len(rest) > 0 && rest[0] == '=':
		value = readZPLValue(rest[1:])
	}
	return string(line[:end]), value, nil
}

// readZPLValue reads what stands behind the sign of equality. A value in quotes ends
// with the next quote of the same kind, if nothing but a comment follows that, and all
// others with the line or a comment. Comments of these begin behind a blank: a "#"
// within a word is a part of it, since pyzmq writes words so.
func readZPLValue(text []byte) []byte {
	const blanks = " \t"
	text = bytes.Trim(text, blanks)
	if len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		if end := bytes.IndexByte(text[1:], text[0]); end >= 0 {
			rest := bytes.TrimLeft(text[end+2:], blanks)
			if len(rest) == 0 || rest[0] == '#' {
				return text[1 : end+1]
			}
		}
	}
	for i, c := range text {
		if c == '#' && (i == 0 || strings.IndexByte(blanks, text[i-1]) >= 0) {
			return bytes.TrimRight(text[:i], blanks)
		}
	}
	return text
}

// appendZPLValue appends a value so that it is read as it is, and reports whether
// there is a way.
func appendZPLValue(b []byte, value string) (_ []byte, ok bool) {
	if !isZPLText([]byte(value)) {
		return b, false
	}
	for _, quote := range []string{`"`, `'`, ""} {
		if form := quote + value + quote; string(readZPLValue([]byte(form))) == value {
			return append(b, form...), true
		}
	}
	return b, false
}

// isZPLText reports whether text is UTF-8 that can be printed, or tabs.
func isZPLText(text []byte) bool {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || r != '\t' && unicode.IsControl(r) {
			return false
		}
		text = text[size:]
	}
	return true
}

// isZPLName reports whether a name can be written.
func isZPLName(name string) bool {
	for i := range len(name) {
		if !isZPLNameChar(name[i]) {
			return false
		}
	}
	return name != ""
}

func isZPLNameChar(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("$-_@.&+/", c) >= 0
}
