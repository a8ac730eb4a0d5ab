package main

import (
	"math"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   float64
	}{
		{"of nothing is zero", nil, 0},
		{"of one is the one", []float64{3}, 3},
		{"of an odd number is the middle one", []float64{9, 1, 5}, 5},
		{"of an even number is the mean of the middle two", []float64{8, 1, 2, 100}, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := median(c.values); got != c.want {
				t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
			}
		})
	}
}

func TestRatioPairsSamplesOfTheSameRound(t *testing.T) {
	at := func(round int, perSecond int64) sample {
		return sample{Round: round, Messages: perSecond, Seconds: 1}
	}
	theirs := []sample{at(1, 100), at(2, 1000), at(3, 10)}
	ours := []sample{at(3, 30), at(1, 200), at(2, 8000), at(4, 5)} // round 4 has no partner
	got := ratioOf(ours, theirs, rate.of)
	if want := (ratio{median: 3, lowest: 2, highest: 8, rounds: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := ratioOf(ours, nil, rate.of); got.rounds != 0 || got.String() != "-" {
		t.Errorf("without a partner: got %+v, %q", got, got)
	}
}

func TestCostIsSecondsPerMillionMessages(t *testing.T) {
	// 200 ns of processor time a message is 0.2 s a million.
	if got := perMillion(1_000_000_000, 5_000_000); math.Abs(got-0.2) > 1e-9 {
		t.Errorf("got %v, want 0.2", got)
	}
}
