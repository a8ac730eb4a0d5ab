package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// settings are the flags.
type settings struct {
	rounds        int
	rows          *regexp.Regexp
	quick         bool
	json          string
	from          string
	strict        string
	againstItself bool
	connections   int
	write         bool
	docs          string
}

// enoughRounds make a median that may be quoted.
const enoughRounds = 5

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.rounds, "rounds", 0, "how often each row is run (default 5, with -quick 3)")
	pattern := flags.String("rows", "", "run only the rows whose name matches this regular `expression`, as in 'tcp 64 B'")
	flags.BoolVar(&s.quick, "quick", false, "short windows and three rounds: to try things, not to quote")
	flags.IntVar(&s.connections, "connections", 10_000, "how many connections the rows about memory open; each process needs 100 descriptors more")
	flags.BoolVar(&s.write, "write", true, "write docs/benchmarks.md, its charts and samples after a complete run: every row, five rounds or more, not -quick")
	flags.StringVar(&s.docs, "docs", "", "write them into this `folder` instead, whatever was run")
	flags.StringVar(&s.json, "json", "", "write every sample to this `file`")
	flags.StringVar(&s.from, "from", "", "measure nothing, and report what -json or docs/benchmarks/samples.json has kept in this `file`")
	flags.StringVar(&s.strict, "strict", "", "fail when one of the bars is missed, or one of the goals: `bars or goals`")
	flags.BoolVar(&s.againstItself, "against-itself", false, "compare libzmq with libzmq: what chance alone does to the ratios")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("argument %q is not expected", flags.Arg(0))
	}
	if s.rounds == 0 {
		s.rounds = enoughRounds
		if s.quick {
			s.rounds = 3
		}
	}
	switch {
	case s.rounds < 0:
		return s, fmt.Errorf("-rounds=%d: want one or more", s.rounds)
	case s.connections < 1:
		return s, fmt.Errorf("-connections=%d: want one or more", s.connections)
	case s.strict != "" && s.strict != "bars" && s.strict != "goals":
		return s, fmt.Errorf("-strict=%s: want bars or goals", s.strict)
	case s.docs != "" && !s.write:
		return s, errors.New("-docs says where to write, and -write=false not to")
	}
	var err error
	if s.rows, err = regexp.Compile(*pattern); err != nil {
		return s, fmt.Errorf("-rows: %w", err)
	}
	return s, nil
}

// narrow says why the run is not one to be published, or nothing.
func (s settings) narrow() string {
	switch {
	case s.rows.String() != "":
		return "not every row"
	case s.quick:
		return "a quick run"
	case s.rounds < enoughRounds:
		return fmt.Sprintf("fewer than %d rounds", enoughRounds)
	case s.againstItself:
		return "libzmq beside itself"
	}
	return ""
}

// verdict fails when -strict forbids what was missed.
func (s settings) verdict(all []verdict) error {
	bars, goals := 0, 0
	for _, v := range all {
		if !v.bar {
			bars++
		}
		if !v.goal {
			goals++
		}
	}
	switch {
	case s.strict == "bars" && bars > 0:
		return fmt.Errorf("%d bars missed", bars)
	case s.strict == "goals" && goals > 0:
		return fmt.Errorf("%d goals missed", goals)
	}
	return nil
}

// command is how this run can be had again, from the root of the checkout.
func command(args []string) string {
	if len(args) == 0 {
		return "make bench"
	}
	return "make bench ARGS='" + strings.Join(args, " ") + "'"
}
