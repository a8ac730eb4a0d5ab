//go:build unix

package sys

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A Tally is what a server has cost so far, or within a time.
type Tally struct {
	// Calls counts the system calls of the server by their names: those that it makes
	// itself. The Go runtime makes more, to put threads to sleep and to wake them.
	Calls map[string]int
	// Switches is how often a thread of the process has left its processor, the
	// threads of the Go runtime among them: because it had to wait or, Forced, because
	// it had had its share.
	Switches, Forced int
	// Micros is the processor time of all threads, in microseconds.
	Micros int
}

var (
	mu    sync.Mutex // guards calls
	calls = map[string]int{}
)

// Count counts a call.
func Count(name string) {
	mu.Lock()
	calls[name]++
	mu.Unlock()
}

// Now is the Tally of this process so far.
func Now() Tally {
	var used unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &used) // it fails for bad arguments alone
	mu.Lock()
	defer mu.Unlock()
	return Tally{
		Calls:    maps.Clone(calls),
		Switches: int(used.Nvcsw) + int(used.Nivcsw),
		Forced:   int(used.Nivcsw),
		Micros:   int((used.Utime.Nano() + used.Stime.Nano()) / 1000),
	}
}

// What stands behind the numbers that are no calls.
const (
	switchesText = " context switches"
	forcedText   = " of them forced"
	microsText   = " µs of processor time"
)

// String is the line that servers print: "accept 1, read 2, write 1; 4 context
// switches, 1 of them forced; 200 µs of processor time".
func (t Tally) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(t.Calls)) {
		fmt.Fprintf(&b, "%s %d, ", name, t.Calls[name])
	}
	return fmt.Sprintf("%s; %d%s, %d%s; %d%s", strings.TrimSuffix(b.String(), ", "),
		t.Switches, switchesText, t.Forced, forcedText, t.Micros, microsText)
}

// ParseTally reads what String has written.
func ParseTally(line string) (Tally, error) {
	t := Tally{Calls: map[string]int{}}
	list, rest, _ := strings.Cut(line, "; ")
	for list != "" {
		var call, name string
		var n int
		call, list, _ = strings.Cut(list, ", ")
		if _, err := fmt.Sscanf(call, "%s %d", &name, &n); err != nil {
			return Tally{}, fmt.Errorf("no tally: %q", line)
		}
		t.Calls[name] = n
	}
	if _, err := fmt.Sscanf(rest, "%d"+switchesText+", %d"+forcedText+"; %d"+microsText, &t.Switches, &t.Forced, &t.Micros); err != nil {
		return Tally{}, fmt.Errorf("no tally: %q", line)
	}
	return t, nil
}

// Since is what has been added since an earlier Tally.
func (t Tally) Since(earlier Tally) Tally {
	since := Tally{map[string]int{}, t.Switches - earlier.Switches, t.Forced - earlier.Forced, t.Micros - earlier.Micros}
	for name, n := range t.Calls {
		since.Calls[name] = n - earlier.Calls[name]
	}
	return since
}

// All is the number of all calls.
func (t Tally) All() (n int) {
	for _, of := range t.Calls {
		n += of
	}
	return n
}
