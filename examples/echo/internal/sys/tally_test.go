//go:build unix

package sys

import (
	"reflect"
	"testing"
)

func TestATallyIsReadAsItIsWritten(t *testing.T) {
	for name, c := range map[string]struct {
		tally Tally
		text  string
	}{
		"several calls": {
			Tally{map[string]int{"write": 20, "accept": 1, "read": 21}, 43, 3, 1500},
			"accept 1, read 21, write 20; 43 context switches, 3 of them forced; 1500 µs of processor time",
		},
		"no calls": {
			Tally{map[string]int{}, 2, 0, 900},
			"; 2 context switches, 0 of them forced; 900 µs of processor time",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.tally.String(); got != c.text {
				t.Errorf("got %q, want %q", got, c.text)
			}
			if got, err := ParseTally(c.text); err != nil || !reflect.DeepEqual(got, c.tally) {
				t.Errorf("got %v, %v, want %v", got, err, c.tally)
			}
		})
	}
}

func TestWhatIsNoTallyIsRefused(t *testing.T) {
	for _, text := range []string{"", "listening on 127.0.0.1:1024", "read; 1 context switches, 0 of them forced; 1 µs of processor time", "read 1; 2"} {
		if got, err := ParseTally(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestATallyOfATimeIsTheDifference(t *testing.T) {
	before := Tally{map[string]int{"read": 5}, 10, 1, 100}
	after := Tally{map[string]int{"read": 8, "write": 2}, 14, 2, 170}
	since := after.Since(before)
	if want := (Tally{map[string]int{"read": 3, "write": 2}, 4, 1, 70}); !reflect.DeepEqual(since, want) {
		t.Errorf("got %v, want %v", since, want)
	}
	if got := since.All(); got != 5 {
		t.Errorf("%d calls, want 5", got)
	}
}

func TestNowCountsOn(t *testing.T) {
	before := Now()
	Count("read")
	Close(-1)
	if got := Now().Since(before); !reflect.DeepEqual(got.Calls, map[string]int{"read": 1, "close": 1}) {
		t.Errorf("%v", got.Calls)
	}
}
