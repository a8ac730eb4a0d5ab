package main

import "testing"

func TestTargetIsMet(t *testing.T) {
	for _, c := range []struct {
		name   string
		target target
		value  float64
		want   bool
	}{
		{"no target is always met", target{}, 0.1, true},
		{"a rate that reaches its target", atLeast(3), 3, true},
		{"a rate below its target", atLeast(3), 2.99, false},
		{"a time within its target", atMost(0.75), 0.75, true},
		{"a time beyond its target", atMost(0.75), 0.76, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.target.met(c.value); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestVerdictSaysWhatWasMissed(t *testing.T) {
	speed := want{figure: rate, goal: atLeast(4), bar: atLeast(3)}
	for _, c := range []struct {
		name string
		want want
		rate int64 // of ours, where libzmq's is 1000
		text string
	}{
		{"the goal is met", speed, 4000, "≥ 4 met"},
		{"the goal is missed, the bar is met", speed, 3500, "≥ 4 MISSED, bar ≥ 3 met"},
		{"both are missed", speed, 2000, "≥ 4 MISSED, bar ≥ 3 MISSED"},
		{"a goal without a bar is missed", want{figure: rate, goal: atLeast(4)}, 2000, "≥ 4 MISSED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := row{kind: oneWay, transport: "tcp", size: 16, wants: []want{c.want}}
			p := &report{Theirs: "libzmq", Ours: "zeromux", Samples: []sample{
				{Row: r.String(), Variant: "libzmq", Messages: 1000, Seconds: 1},
				{Row: r.String(), Variant: "zeromux", Messages: c.rate, Seconds: 1},
			}}
			if v, ok := p.judge(r, rate); !ok || v.String() != c.text {
				t.Errorf("got %v, %q, want %q", ok, v, c.text)
			}
		})
	}
}

func TestMemoryIsJudgedByItself(t *testing.T) {
	r := row{kind: idle, transport: "tcp", wants: []want{{figure: resident, goal: atMost(2.5 * 1024)}}}
	p := &report{Theirs: "libzmq", Ours: "zeromux", Samples: []sample{
		{Row: r.String(), Variant: "libzmq", Resident: 1000},
		{Row: r.String(), Variant: "zeromux", Resident: 2048}, // more than libzmq's, and within the goal
	}}
	if v, ok := p.judge(r, resident); !ok || v.String() != "≤ 2.5 KiB met" || v.value != 2048 {
		t.Errorf("got %v, %q", ok, v)
	}
}

func TestNothingIsJudgedThatWasNotAskedOrNotMeasured(t *testing.T) {
	r := row{kind: oneWay, transport: "tcp", size: 16, wants: []want{{figure: rate, goal: atLeast(4)}}}
	p := &report{Theirs: "libzmq", Ours: "zeromux"}
	if v, ok := p.judge(r, rate); ok {
		t.Errorf("without samples: %v", v)
	}
	if v, ok := p.judge(r, cost); ok {
		t.Errorf("without a goal: %v", v)
	}
}
