package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide = "../docs/guide.md"

// pages are those that quote Go, and how many quotations of it each has at least.
var pages = map[string]int{guide: 10, "../docs/security.md": 13}

// TestThePagesQuoteTheLessonsAsTheyAre: above each piece of Go stands where it is from,
// and there it must be, line by line.
func TestThePagesQuoteTheLessonsAsTheyAre(t *testing.T) {
	for page, least := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			text, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			faults, quotes := misquoted(t, string(text), func(name string) (string, error) {
				source, err := os.ReadFile(filepath.Join("..", name))
				return string(source), err
			})
			for _, fault := range faults {
				t.Error(fault)
			}
			if quotes < least {
				t.Errorf("only %d quotations were found", quotes)
			}
		})
	}
}

func TestAMisquotationIsFound(t *testing.T) {
	source := func(string) (string, error) { return "package x\n\nfunc f() {\n\tg()\n}\n", nil }
	for name, c := range map[string]struct{ text, want string }{
		"a quotation":              {"<!-- x.go -->\n```go\nfunc f() {\n\tg()\n```\n", ""},
		"a piece without a source": {"```go\nfunc f() {\n```\n", "nothing says where this is from:\nfunc f() {\n"},
		"another word":             {"<!-- x.go -->\n```go\nfunc f() {\n\th()\n```\n", "x.go has no such lines:\nfunc f() {\n\th()\n"},
		"half a line":              {"<!-- x.go -->\n```go\n() {\n\tg()\n```\n", "x.go has no such lines:\n() {\n\tg()\n"},
		"text that is not Go":      {"```\nwhatever\n```\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			faults, _ := misquoted(t, c.text, source)
			if got := strings.Join(faults, "\n"); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// misquoted returns the pieces of Go in a text that are not in their sources, and how
// many pieces there are.
func misquoted(t *testing.T, text string, source func(name string) (string, error)) (faults []string, quotes int) {
	t.Helper()
	piece := regexp.MustCompile("(?ms)^(?:<!-- (\\S+) -->\n)?```go\n(.*?)^```$")
	for _, found := range piece.FindAllStringSubmatch(text, -1) {
		quotes++
		name, quotation := found[1], found[2]
		if name == "" {
			faults = append(faults, "nothing says where this is from:\n"+quotation)
			continue
		}
		whole, err := source(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains("\n"+whole, "\n"+quotation) {
			faults = append(faults, name+" has no such lines:\n"+quotation)
		}
	}
	return faults, quotes
}

func TestTheGuideNamesEveryLessonAndNoOther(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for name := range lessons {
		if !strings.Contains(string(text), "["+name+"](../examples/"+name+"/main.go)") {
			t.Errorf("the guide does not name %s", name)
		}
	}
}

func TestTheLinksOfThePagesLeadSomewhere(t *testing.T) {
	for page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("../docs", link[1])); err != nil {
				t.Errorf("a link of %s leads nowhere: %v", page, err)
			}
		}
	}
}
