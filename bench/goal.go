package main

import "fmt"

// A target bounds a value from below or from above. The zero target asks for
// nothing.
type target struct {
	atLeast, atMost float64
}

func atLeast(value float64) target { return target{atLeast: value} }
func atMost(value float64) target  { return target{atMost: value} }

func (t target) met(value float64) bool {
	return (t.atLeast == 0 || value >= t.atLeast) && (t.atMost == 0 || value <= t.atMost)
}

// A want is what is asked of a figure of a row: of the ratio ours / libzmq, or of
// ours alone where the figure is absolute. The bar must hold whatever is changed;
// the goal, which is no lower, is where the design says that it can be.
type want struct {
	figure    figure
	goal, bar target
}

// A verdict is what came of a want.
type verdict struct {
	row       row
	want      want
	value     float64 // that was judged
	goal, bar bool    // whether each is met; a target that asks for nothing is
}

// judge says whether the goal and the bar of a figure of a row were reached. ok is
// false when nothing is asked, or nothing was measured.
func (p *report) judge(r row, f figure) (v verdict, ok bool) {
	w := r.want(f)
	theirs, ours := p.of(r, p.Theirs), p.of(r, p.Ours)
	got := ratioOf(ours, theirs, f.of)
	if w == (want{figure: f}) || got.rounds == 0 {
		return verdict{}, false
	}
	value := got.median
	if f.absolute() {
		value = medianOf(ours, f.of)
	}
	return verdict{row: r, want: w, value: value, goal: w.goal.met(value), bar: w.bar.met(value)}, true
}

// judgeAll judges every figure of the rows of which something is asked.
func (p *report) judgeAll(rows []row) []verdict {
	var all []verdict
	for _, r := range rows {
		for _, w := range r.wants {
			if v, ok := p.judge(r, w.figure); ok {
				all = append(all, v)
			}
		}
	}
	return all
}

// String is "≥ 4 met" or "≥ 4 MISSED, bar ≥ 3 met".
func (v verdict) String() string {
	said := v.want.say(v.want.goal, v.goal)
	if !v.goal && v.want.bar != (target{}) {
		said += ", bar " + v.want.say(v.want.bar, v.bar)
	}
	return said
}

func (w want) say(t target, met bool) string {
	if met {
		return w.text(t) + " met"
	}
	return w.text(t) + " MISSED"
}

// text writes a target of the want with its sign and unit.
func (w want) text(t target) string {
	sign, value := "≥ ", t.atLeast
	if t.atMost > 0 {
		sign, value = "≤ ", t.atMost
	}
	if w.figure == resident {
		return sign + fmt.Sprintf("%g KiB", value/1024)
	}
	return sign + fmt.Sprintf("%g", value)
}
