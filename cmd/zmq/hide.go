package main

import (
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"zeromux/zmq"
)

// keySpan is how many octets in a row make a text look like a key of CURVE: a few less
// than one has, for it may have been spoilt in copying.
const keySpan = zmq.CurveKeyTextSize - 4

// How mixed that many octets are: a key at random has some 7 characters that hardly a name
// has, and changes some 22 times between capitals, small letters, digits and the rest, but
// for a small letter behind a capital. Names of files have less of both as a rule, or a
// single capital, and so has one key of a thousand.
const (
	keyOddities = 3
	keyChanges  = 17
)

// isKey reports whether text, which should be the name of a file, seems to be a key, or to
// have one in it, as a line of zmq keys new does. Then no error may repeat it, since it may
// be a secret one.
func isKey(text string) bool { return looksLikeKey(text) && !isName(text) }

// isName reports whether something of this name is there, or the folder that it would be
// in, if it is neither the root nor the current one.
func isName(text string) bool {
	folder := filepath.Dir(text)
	return exists(text) || folder != "." && filepath.Dir(folder) != folder && exists(folder)
}

// exists reports whether there is something of this name.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// looksLikeKey reports whether there are as many octets in a row as a key has, and as
// mixed as those of keys are.
func looksLikeKey(text string) bool {
	for from := 0; from+keySpan <= len(text); from++ {
		if isMixed(text[from : from+keySpan]) {
			return true
		}
	}
	return false
}

func isMixed(text string) bool {
	const capital, small, digit, other = 0, 1, 2, 3
	var of [4]int
	odd, changes, before := 0, 0, other
	for i, c := range []byte(text) {
		kind := other
		switch {
		case c >= 'A' && c <= 'Z':
			kind = capital
		case c >= 'a' && c <= 'z':
			kind = small
		case c >= '0' && c <= '9':
			kind = digit
		case strings.IndexByte("^!*?&<>()[]{}@%$#", c) >= 0: // of Z85, and hardly of a name
			odd++
		}
		of[kind]++
		if i > 0 && kind != before && (before != capital || kind != small) {
			changes++
		}
		before = kind
	}
	return of[capital] > 1 && of[small] > 1 && (odd >= keyOddities || changes >= keyChanges)
}

// noFile is what an error says of a key in place of a file.
const noFile = "that looks like a key and is no FILE"

// hiddenKey stands in an error where a key was.
const hiddenKey = "[what looks like a key]"

// hideKeys is text, an error, without the words in it that seem to be keys: whatever was
// written in the wrong place is not to stand in a log.
func hideKeys(text string) string {
	var b strings.Builder
	for text != "" {
		end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("\"'`", r) })
		if end < 0 {
			end = len(text)
		}
		word := strings.TrimRight(text[:end], ":,;")
		switch {
		case !isKey(word):
			b.WriteString(text[:end])
		case len(word) < end:
			b.WriteString(hiddenKey + text[end-1:end])
		default:
			b.WriteString(hiddenKey)
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		b.WriteString(text[end : end+size])
		text = text[end+size:]
	}
	return b.String()
}
