// Command bench compares zeromux with libzmq on this machine, now. It compiles
// a peer in C against the system's libzmq and one in Go against this checkout,
// runs them in turns (both ends always of one library, in separate processes
// for tcp and ipc) and prints medians, ratios and the cost in processor time.
// README.md tells the method. Run it in its own folder: go run .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	rounds        int
	rows          *regexp.Regexp
	quick         bool
	json          string
	strict        bool
	againstItself bool
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&s.rounds, "rounds", 0, "how often each row is run (default 5, with -quick 3)")
	pattern := flags.String("rows", "", "run only the rows whose name matches this regular `expression`, as in 'tcp 64 B'")
	flags.BoolVar(&s.quick, "quick", false, "short windows and three rounds: to try things, not to quote")
	flags.StringVar(&s.json, "json", "", "write every sample to this `file`")
	flags.BoolVar(&s.strict, "strict", false, "fail when a target is missed")
	flags.BoolVar(&s.againstItself, "against-itself", false, "compare libzmq with libzmq: what chance alone does to the ratios")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("argument %q is not expected", flags.Arg(0))
	}
	if s.rounds == 0 {
		s.rounds = 5
		if s.quick {
			s.rounds = 3
		}
	}
	if s.rounds < 0 {
		return s, fmt.Errorf("-rounds=%d: want one or more", s.rounds)
	}
	var err error
	if s.rows, err = regexp.Compile(*pattern); err != nil {
		return s, fmt.Errorf("-rows: %w", err)
	}
	return s, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	chosen := matching(rows(), s.rows)
	if len(chosen) == 0 {
		return fmt.Errorf("-rows=%s matches none of the rows, such as %q", s.rows, rows()[0])
	}
	if s.againstItself {
		for i := range chosen {
			chosen[i].target = target{} // they are for us
		}
	}
	dir, err := os.MkdirTemp("", "zeromux-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	variants, err := build(ctx, s, dir)
	if err != nil {
		return err
	}

	g := rig{warmup: 250 * time.Millisecond, window: time.Second, dir: dir}
	if s.quick {
		g.warmup, g.window = 100*time.Millisecond, 200*time.Millisecond
	}
	p := &report{
		Machine:  machine(),
		Settings: fmt.Sprintf("%d rounds, warm-up %v, window %v; ratio = ours / libzmq, the median (lowest..highest) of the rounds", s.rounds, g.warmup, g.window),
		theirs:   variants[0].name, ours: variants[1].name,
	}
	if len(variants) > 2 {
		p.plain = variants[2].name
	}
	failed := g.runAll(ctx, chosen, variants, s.rounds, p, stderr)
	missed, unprinted := p.print(stdout, chosen)
	return errors.Join(unprinted, save(s.json, p), failed, verdict(s, missed))
}

// build makes the peers: libzmq's, ours, and ours with plain Recv.
func build(ctx context.Context, s settings, dir string) ([]variant, error) {
	c, err := buildC(ctx)
	if err != nil {
		return nil, err
	}
	theirs := variant{name: "libzmq", program: c, receive: "plain"}
	if s.againstItself {
		return []variant{theirs, {name: "libzmq again", program: c, receive: "plain"}}, nil
	}
	ours, err := buildGo(ctx, dir)
	if err != nil {
		return nil, err
	}
	return []variant{
		theirs,
		{name: "zeromux", program: ours, receive: "into"},
		{name: "zeromux Recv", program: ours, receive: "plain"},
	}, nil
}

// runAll runs every row in every round, the variants of a row one after the
// other, each second round in reverse. A run that fails is told and left out;
// the error tells how many did.
func (g rig) runAll(ctx context.Context, rows []row, variants []variant, rounds int, p *report, stderr io.Writer) error {
	failures := 0
	for round := 1; round <= rounds; round++ {
		began := time.Now()
		for _, r := range rows {
			for i := range variants {
				v := variants[i]
				if round%2 == 0 {
					v = variants[len(variants)-1-i]
				}
				if r.roundTrips() && v.name == p.plain {
					continue
				}
				got, err := g.run(ctx, r, v)
				if ctx.Err() != nil {
					return errors.New("interrupted")
				}
				if err != nil {
					failures++
					say(stderr, "%s, round %d: %v\n", r, round, err)
					continue
				}
				got.Row, got.Variant, got.Round = r.String(), v.name, round
				p.Samples = append(p.Samples, got)
			}
		}
		say(stderr, "round %d of %d took %v\n", round, rounds, time.Since(began).Round(time.Second))
	}
	if failures > 0 {
		return fmt.Errorf("%d runs failed", failures)
	}
	return nil
}

// say tells how it goes; what cannot be told there is not told at all.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func verdict(s settings, missed int) error {
	if s.strict && missed > 0 {
		return fmt.Errorf("%d targets missed", missed)
	}
	return nil
}

func save(file string, p *report) error {
	if file == "" {
		return nil
	}
	b, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}
