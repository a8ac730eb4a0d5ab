package main

import (
	"fmt"
	"regexp"
)

// A row is one line of the comparison: a pattern over a transport at a size.
type row struct {
	pattern   string // PUSH/PULL or REQ/REP
	transport string // tcp, ipc or inproc
	size      int    // octets a message
	target    target // what the ratio has to reach
}

// A target bounds the ratio ours / libzmq: from below for a rate, from above
// for a time. The zero target asks for nothing.
type target struct {
	atLeast, atMost float64
}

func (t target) String() string {
	switch {
	case t.atLeast > 0:
		return fmt.Sprintf("≥ %g", t.atLeast)
	case t.atMost > 0:
		return fmt.Sprintf("≤ %g", t.atMost)
	}
	return ""
}

func (t target) met(ratio float64) bool {
	return (t.atLeast == 0 || ratio >= t.atLeast) && (t.atMost == 0 || ratio <= t.atMost)
}

// rows is the whole comparison.
func rows() []row {
	var all []row
	tcp := map[int]float64{16: 3, 64: 3, 256: 2, 1 << 10: 2, 4 << 10: 1.3, 64 << 10: 1.3}
	for _, transport := range []string{"tcp", "ipc"} {
		for _, size := range []int{16, 64, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20} {
			r := row{pattern: "PUSH/PULL", transport: transport, size: size}
			if transport == "tcp" {
				r.target.atLeast = tcp[size]
			}
			all = append(all, r)
		}
	}
	return append(all,
		row{pattern: "PUSH/PULL", transport: "inproc", size: 64, target: target{atLeast: 5}},
		row{pattern: "REQ/REP", transport: "tcp", size: 64, target: target{atMost: 0.75}}, // of p50
		row{pattern: "REQ/REP", transport: "ipc", size: 64},
		row{pattern: "REQ/REP", transport: "inproc", size: 64},
	)
}

// matching keeps the rows whose name matches.
func matching(all []row, name *regexp.Regexp) []row {
	var kept []row
	for _, r := range all {
		if name.MatchString(r.String()) {
			kept = append(kept, r)
		}
	}
	return kept
}

// String is the row's name: "PUSH/PULL tcp 4 KiB".
func (r row) String() string {
	return fmt.Sprintf("%s %s %s", r.pattern, r.transport, octets(r.size))
}

func (r row) roundTrips() bool { return r.pattern == "REQ/REP" }

// roles are the peers that the row takes: first the one that binds, then the
// one that connects; for inproc the one that does both.
func (r row) roles() []string {
	switch {
	case r.roundTrips() && r.transport == "inproc":
		return []string{"reqrep"}
	case r.roundTrips():
		return []string{"rep", "req"}
	case r.transport == "inproc":
		return []string{"pushpull"}
	}
	return []string{"pull", "push"}
}

func octets(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
