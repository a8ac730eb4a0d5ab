package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// hexID is what an id begins with that is written as hexadecimal digits.
const hexID = "0x"

// showID is a routing id as text: itself where it can be printed and read back,
// else 0x and its octets.
func showID(id []byte) string {
	text := string(id)
	if len(id) == 0 || strings.HasPrefix(text, hexID) || !isPlain(text) {
		return hexID + hex.EncodeToString(id)
	}
	return text
}

// readID reads what showID writes.
func readID(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, hexID)
	if !ok {
		return []byte(text), nil
	}
	id, err := hex.DecodeString(digits)
	if err != nil {
		return nil, fmt.Errorf("routing id %q: 0x and something else than pairs of hexadecimal digits", text)
	}
	return id, nil
}

// isPlain reports whether text shows on a terminal as it is.
func isPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}
