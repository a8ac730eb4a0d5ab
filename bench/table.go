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

// columns returns the lines without the columns that have nothing to say.
func (t *table) columns() [][]string {
	kept := make([][]string, len(t.lines))
	for column := range t.lines[0] {
		said := false
		for _, cells := range t.lines[1:] {
			said = said || cells[column] != ""
		}
		for i, cells := range t.lines {
			if said {
				kept[i] = append(kept[i], cells[column])
			}
		}
	}
	return kept
}

// appendText writes the lines for a terminal, without trailing blanks.
func (t *table) appendText(text *strings.Builder) {
	lines := t.columns()
	width := make([]int, len(lines[0]))
	for _, cells := range lines {
		for i, cell := range cells {
			width[i] = max(width[i], utf8.RuneCountInString(cell)+2)
		}
	}
	for _, cells := range lines {
		var line strings.Builder
		for i, cell := range cells {
			line.WriteString(cell + strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell)))
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// appendMarkdown writes them as a table of Markdown, numbers to the right.
func (t *table) appendMarkdown(text *strings.Builder) {
	escape := strings.NewReplacer("|", `\|`)
	for i, cells := range t.columns() {
		for _, cell := range cells {
			text.WriteString("| " + escape.Replace(cell) + " ")
		}
		text.WriteString("|\n")
		if i == 0 {
			text.WriteString("|---" + strings.Repeat("|--:", len(cells)-1) + "|\n")
		}
	}
}
