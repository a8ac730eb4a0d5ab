package main

import (
	"strings"
	"unicode/utf8"
)

// A table lines its columns up. The first line names them; a column with
// nothing below its name is left out.
type table struct {
	lines [][]string
}

func (t *table) line(cells ...string) { t.lines = append(t.lines, cells) }

// appendTo writes the lines without trailing blanks.
func (t *table) appendTo(text *strings.Builder) {
	width := make([]int, len(t.lines[0]))
	for _, cells := range t.lines[1:] {
		for i, cell := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, cells := range t.lines {
		var line strings.Builder
		for i, cell := range cells {
			if width[i] > 0 {
				wide := max(width[i], utf8.RuneCountInString(t.lines[0][i])) + 2
				line.WriteString(cell + strings.Repeat(" ", wide-utf8.RuneCountInString(cell)))
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
