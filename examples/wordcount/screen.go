package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"zeromux/zmq"
)

const (
	barWidth = 20
	// between is how often a rate is printed where a bar cannot be drawn.
	between = time.Second
)

// A screen is what the user sees. On a terminal it has a bar that moves.
type screen struct {
	w        io.Writer
	terminal bool
	bar      bool      // one is drawn on the last line
	printed  time.Time // when a rate was printed last
}

func newScreen(f *os.File) *screen {
	info, err := f.Stat()
	return &screen{w: f, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// line prints a line above the bar.
func (s *screen) line(format string, args ...any) {
	s.clear()
	_, _ = fmt.Fprintf(s.w, format+"\n", args...)
}

// clear takes the bar away.
func (s *screen) clear() {
	if s.bar {
		_, _ = fmt.Fprintf(s.w, "\r%79s\r", "")
		s.bar = false
	}
}

func (s *screen) title(t tree) {
	s.line("\n  Counting the words of %s: %s files, %s.\n", t.name, grouped(len(t.files)), megabytes(t.octets))
}

// follow shows the news until they end or ctx does.
func (s *screen) follow(ctx context.Context, news *zmq.Socket) error {
	defer s.clear()
	for m, err := range news.Messages(ctx) {
		if err != nil {
			return err
		}
		switch string(m.Frames[0]) {
		case topicEnd:
			return nil
		case topicEvent:
			s.line("  %5s s  %-10s %s", m.Frames[1], m.Frames[2], m.Frames[3])
		case topicRate:
			r, err := parseRate(m)
			if err != nil {
				return err
			}
			s.rate(r)
		}
	}
	return nil
}

// rate draws the bar, or prints a line if it is time for one.
func (s *screen) rate(r rate) {
	if !s.terminal && time.Since(s.printed) < between {
		return
	}
	s.clear()
	s.printed = time.Now()
	done := strings.Repeat("#", r.percent*barWidth/100)
	_, _ = fmt.Fprintf(s.w, "  pass %d [%-*s] %3d %%  %s messages/s  %.1f M words/s  %d out",
		r.pass, barWidth, done, r.percent, grouped(r.messages), float64(r.words)/1e6, r.out)
	if s.bar = s.terminal; !s.bar {
		_, _ = fmt.Fprintln(s.w)
	}
}

// shares prints who did what.
func (s *screen) shares(r result) {
	s.line("\n  %-12s %10s %14s", "worker", "tasks", "words")
	for _, w := range r.workers {
		did := r.tally.shares[w]
		s.line("  %-12s %10s %14s", w, grouped(did.tasks), grouped(did.words))
	}
	by := make([]string, len(r.transports))
	for i, scheme := range r.transports {
		did := 0
		for w, share := range r.tally.shares {
			if strings.HasPrefix(w, scheme+"-") {
				did += share.tasks
			}
		}
		by[i] = fmt.Sprintf("%s %d %%", scheme, (did*100+r.tasks/2)/r.tasks)
	}
	s.line("\n  %s tasks: %s.", grouped(r.tasks), strings.Join(by, ", "))
	s.line("  Sent again: %d tasks. Dropped as duplicates: %d. So %d went down with %s.",
		r.again, r.dropped, max(0, r.again-r.dropped), r.workers[0])
}

// totals prints what both ways of counting came to.
func (s *screen) totals(r result, plain table, took time.Duration) {
	words := plain.total()
	s.line("")
	s.line("  live   %14s words, passes %d, %.1f s, %.1f M words/s",
		grouped(r.tally.words), r.passes, r.elapsed.Seconds(), float64(r.tally.words)/1e6/r.elapsed.Seconds())
	s.line("  plain  %14s words, × %d = %s, %.1f s, %.1f M words/s",
		grouped(words), r.passes, grouped(words*r.passes), took.Seconds(), float64(words)/1e6/took.Seconds())
	most := plain.most(3)
	for i, word := range most {
		most[i] = fmt.Sprintf("%s %s", word, grouped(*plain[word]))
	}
	s.line("  %s different words; most often %s", grouped(len(plain)), strings.Join(most, ", "))
}

// grouped is n with its thousands apart.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// megabytes is n octets in words.
func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
