package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestWrongFlagsAreNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a pattern that matches no row", []string{"-rows=carrier pigeon"}, "carrier pigeon"},
		{"a pattern that is none", []string{"-rows=("}, "-rows"},
		{"a negative number of rounds", []string{"-rounds=-1"}, "-rounds"},
		{"a stray argument", []string{"tcp"}, `"tcp"`},
		{"no connections", []string{"-connections=0"}, "-connections"},
		{"a strictness that is none", []string{"-strict=very"}, "-strict"},
		{"a place to write and not to write", []string{"-docs=x", "-write=false"}, "-docs"},
		{"a file of samples that is not there", []string{"-from=nowhere.json"}, "nowhere.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := run(t.Context(), c.args, &bytes.Buffer{}, &bytes.Buffer{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to name %s", err, c.want)
			}
		})
	}
}

func TestANarrowRunIsNotPublished(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"the whole comparison is", nil, ""},
		{"nor less of it with more rounds", []string{"-rounds=9"}, ""},
		{"chosen rows are narrow", []string{"-rows=tcp"}, "not every row"},
		{"a quick run is narrow", []string{"-quick"}, "a quick run"},
		{"few rounds are narrow", []string{"-rounds=4"}, "fewer than 5 rounds"},
		{"libzmq beside itself is narrow", []string{"-against-itself"}, "libzmq beside itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(c.args, io.Discard)
			if err != nil || s.narrow() != c.want {
				t.Errorf("got %q, %v, want %q", s.narrow(), err, c.want)
			}
		})
	}
}

func TestStrictnessSaysWhatMayBeMissed(t *testing.T) {
	missed := []verdict{{goal: true, bar: true}, {goal: false, bar: true}}
	for strict, fails := range map[string]bool{"": false, "bars": false, "goals": true} {
		if err := (settings{strict: strict}).verdict(missed); (err != nil) != fails {
			t.Errorf("-strict=%s with a goal missed: %v", strict, err)
		}
	}
	missed[0].bar = false
	if err := (settings{strict: "bars"}).verdict(missed); err == nil {
		t.Error("-strict=bars with a bar missed is content")
	}
}

func TestTheCommandIsShownAsItCanBeRepeated(t *testing.T) {
	got := []string{command(nil), command([]string{"-rounds", "9"})}
	if want := []string{"make bench", "make bench ARGS='-rounds 9'"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
