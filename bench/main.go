// Command bench compares zeromux with libzmq on this machine, now. It compiles
// a peer in C against the system's libzmq and one in Go against this checkout,
// runs them in turns (both ends always of one library, in separate processes
// for tcp and ipc) and prints medians, ratios and the cost in processor time.
// After a complete run it writes docs/benchmarks.md. README.md tells the method.
// Run it in its own folder: go run .
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

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	all := rows(s.connections)
	chosen := matching(all, s.rows)
	if len(chosen) == 0 && !s.rows.MatchString(dispatchName) {
		return fmt.Errorf("-rows=%s matches none of the rows, such as %q", s.rows, all[0])
	}
	if s.againstItself {
		for i := range chosen {
			chosen[i].wants = nil // they are for us
		}
	}
	var p *report
	if s.from != "" {
		p, err = load(s.from)
	} else {
		p, err = measure(ctx, s, args, chosen, stderr)
	}
	if err != nil {
		return err
	}
	return errors.Join(p.print(stdout, chosen), save(s.json, p), s.publish(p, chosen, stderr), p.failure(), s.verdict(p.judgeAll(chosen)))
}

// measure builds the peers and runs them.
func measure(ctx context.Context, s settings, args []string, chosen []row, stderr io.Writer) (*report, error) {
	dir, err := os.MkdirTemp("", "zeromux-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	variants, err := build(ctx, s, dir)
	if err != nil {
		return nil, err
	}
	g := rig{warmup: 250 * time.Millisecond, window: time.Second, dir: dir}
	if s.quick {
		g.warmup, g.window = 100*time.Millisecond, 200*time.Millisecond
	}
	p := &report{
		Date: time.Now().UTC(), Command: command(args), Machine: machine(), Revision: revision(ctx),
		Settings: fmt.Sprintf("%d rounds, warm-up %v, window %v; ratio = ours / libzmq, the median (lowest..highest) of the rounds", s.rounds, g.warmup, g.window),
		Theirs:   variants[0].name, Ours: variants[1].name,
		Skipped: map[string]string{}, Narrow: s.narrow(),
	}
	if len(variants) > 2 {
		p.Plain = variants[2].name
	}
	g.runAll(ctx, chosen, variants, s.rounds, p, stderr)
	if ctx.Err() == nil && !s.againstItself && s.rows.MatchString(dispatchName) {
		if p.Dispatches, err = dispatches(ctx, s); err != nil {
			p.Failed = append(p.Failed, fmt.Sprintf("%s: %v", dispatchName, err))
			say(stderr, "%s\n", p.Failed[len(p.Failed)-1])
		}
	}
	return p, nil
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
// other, each second round in reverse. A run that fails is told and left out.
func (g rig) runAll(ctx context.Context, rows []row, variants []variant, rounds int, p *report, stderr io.Writer) {
	for round := 1; round <= rounds && len(rows) > 0; round++ {
		began := time.Now()
		for _, r := range rows {
			for i := range variants {
				v := variants[i]
				if round%2 == 0 {
					v = variants[len(variants)-1-i]
				}
				if !r.kind.plain && v.name == p.Plain || p.Skipped[r.String()] != "" {
					continue
				}
				got, err := g.run(ctx, r, v)
				switch {
				case ctx.Err() != nil:
					p.Narrow = "interrupted"
					p.Failed = append(p.Failed, p.Narrow)
					return
				case errors.Is(err, errSkipped):
					p.Skipped[r.String()] = err.Error()
					say(stderr, "%s: %v\n", r, err)
				case err != nil:
					p.Failed = append(p.Failed, fmt.Sprintf("%s, %s, round %d: %v", r, v.name, round, err))
					say(stderr, "%s\n", p.Failed[len(p.Failed)-1])
				default:
					got.Row, got.Variant, got.Round = r.String(), v.name, round
					p.Samples = append(p.Samples, got)
				}
			}
		}
		say(stderr, "round %d of %d took %v\n", round, rounds, time.Since(began).Round(time.Second))
	}
}

// say tells how it goes; what cannot be told there is not told at all.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

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

// load reads what save has written.
func load(file string) (*report, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var p report
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &p, nil
}
