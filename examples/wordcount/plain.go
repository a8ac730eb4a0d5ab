package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// countPlainly counts the words of t without workers, pieces or messages: file
// by file, in this goroutine.
func countPlainly(ctx context.Context, t tree) (table, error) {
	words := make(table)
	for _, name := range t.files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		words.count(text)
	}
	return words, nil
}

// compare returns an error that names the words of which live has not passes
// times as many as plain.
func compare(live, plain table, passes int) error {
	var wrong []string
	for word, n := range plain {
		got := 0
		if live[word] != nil {
			got = *live[word]
		}
		if got != *n*passes {
			wrong = append(wrong, fmt.Sprintf("%q: %d, should be %d", word, got, *n*passes))
		}
	}
	for word, n := range live {
		if plain[word] == nil {
			wrong = append(wrong, fmt.Sprintf("%q: %d, should be 0", word, *n))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	shown := wrong[:min(3, len(wrong))]
	return fmt.Errorf("the counts differ in %d words (%s …); unless a file was changed meanwhile, that is a bug",
		len(wrong), strings.Join(shown, "; "))
}
