package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// A table tells how often each word occurs.
type table map[string]*int

// inWord tells of each octet whether it is part of a word: ASCII letters,
// digits, the underscore, and all that lies beyond ASCII.
var inWord = func() (in [256]bool) {
	for c := range in {
		in[c] = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80
	}
	return in
}()

// add counts a word n times more.
func (t table) add(word []byte, n int) {
	if count := t[string(word)]; count != nil {
		*count += n
		return
	}
	t[string(word)] = &n
}

// count adds every word of text.
func (t table) count(text []byte) {
	for at := 0; at < len(text); {
		for at < len(text) && !inWord[text[at]] {
			at++
		}
		from := at
		for at < len(text) && inWord[text[at]] {
			at++
		}
		if at > from {
			t.add(text[from:at], 1)
		}
	}
}

// total is the number of words, each as often as it occurs.
func (t table) total() int {
	total := 0
	for _, n := range t {
		total += *n
	}
	return total
}

// frame is the table as it travels: a line for each word, "word count".
func (t table) frame() []byte {
	var b []byte
	for word, n := range t {
		b = append(b, word...)
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(*n), 10)
		b = append(b, '\n')
	}
	return b
}

// addFrame adds a table that has travelled, and returns how many words it has.
func (t table) addFrame(frame []byte) (words int, err error) {
	for line := range bytes.Lines(frame) {
		word, number, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		n, err := strconv.Atoi(string(number))
		if err != nil {
			return words, fmt.Errorf("not a line of a table: %.80q", line)
		}
		t.add(word, n)
		words += n
	}
	return words, nil
}

// most returns the words that occur most often, the most frequent first.
func (t table) most(n int) []string {
	words := make([]string, 0, len(t))
	for word := range t {
		words = append(words, word)
	}
	slices.SortFunc(words, func(a, b string) int {
		if *t[a] != *t[b] {
			return *t[b] - *t[a]
		}
		return bytes.Compare([]byte(a), []byte(b))
	})
	return words[:min(n, len(words))]
}
