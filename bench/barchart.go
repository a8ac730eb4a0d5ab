package main

import "fmt"

// A barChart compares series by groups, in lying bars.
type barChart struct {
	title, about string
	groups       []string
	series       []series  // a value for each group
	goals        []float64 // a mark for each group; 0 is none; nil: no group has one
	missed       []bool    // of a single series: whose goals are missed; nil: it is not told
	text, tick   func(float64) string
	unit         float64 // of which the ticks are round multiples; 0 is one
	linear       bool    // else by logarithms
	base         float64 // by logarithms: where the bars begin; 0 is left of all
}

func (ch barChart) draw() string {
	const top, bottom, thick, gap = 84, 40, 13, 10
	left := 20.0
	for _, g := range ch.groups {
		left = max(left, widthOf(g)+34)
	}
	high := float64(len(ch.series)*thick + gap)
	c := &canvas{width: 760, height: top + bottom + high*float64(len(ch.groups))}
	x := ch.axis(left, c.width-110)
	floor := c.height - bottom

	c.text("title", "start", 20, 28, ch.title)
	c.text("soft", "start", 20, 48, ch.about)
	if len(ch.series) > 1 || ch.goals != nil {
		ch.legend(c)
	}
	for _, v := range x.ticks() {
		c.line("grid", x.at(v), top-6, x.at(v), floor)
		c.text("soft", "middle", x.at(v), floor+18, ch.tick(v))
	}
	begin := x.low
	if ch.base > 0 {
		begin = ch.base
	}
	for i, group := range ch.groups {
		y := top + high*float64(i)
		c.text("", "end", left-10, y+float64(len(ch.series)*thick)/2+4, group)
		goal := 0.0
		if ch.goals != nil && ch.goals[i] > 0 {
			goal = x.at(x.inside(ch.goals[i]))
		}
		for j, s := range ch.series {
			v := s.values[i]
			if v.median <= 0 {
				continue
			}
			class, line := fmt.Sprintf("s%d", j), y+float64(j*thick)
			if len(ch.series) == 1 && (ch.missed == nil || !ch.missed[i]) {
				class = "s1" // ours
			}
			from, to := x.at(begin), x.at(v.median)
			c.rect(class+" bar", min(from, to), line, max(from, to)-min(from, to), thick-2)
			middle := line + (thick-2)/2.0
			c.line("whisker", x.at(x.inside(v.lowest)), middle, x.at(x.inside(v.highest)), middle)
			text, after := ch.text(v.median), x.at(max(v.median, v.highest, begin))
			if after < goal && goal < after+widthOf(text)+8 {
				after = goal
			}
			c.text("soft", "start", after+6, line+thick-3, text)
		}
		if goal > 0 {
			c.line("goal", goal, y-3, goal, y+float64(len(ch.series)*thick)+1)
		}
	}
	c.line("axis", x.at(begin), top-6, x.at(begin), floor)
	return c.svg(ch.title, ch.about)
}

// axis finds room for all values and goals.
func (ch barChart) axis(from, to float64) scale {
	x := scale{from: from, to: to, linear: ch.linear, unit: ch.unit, low: ch.base, high: ch.base}
	room := func(v float64) {
		if v > 0 {
			x.high = max(x.high, v)
			if x.low == 0 || v < x.low {
				x.low = v
			}
		}
	}
	for _, s := range ch.series {
		for _, v := range s.values {
			room(v.lowest)
			room(v.highest)
		}
	}
	for _, g := range ch.goals {
		room(g)
	}
	if ch.linear {
		x.low = 0
		return x
	}
	x.low, x.high = x.low/1.25, x.high*1.25
	return x
}

// legend names the series, and the mark.
func (ch barChart) legend(c *canvas) {
	x := 20.0
	const y = 68
	name := func(series int, text string) {
		c.rect(fmt.Sprintf("s%d bar", series), x, y-9, 10, 10)
		c.text("", "start", x+16, y, text)
		x += widthOf(text) + 40
	}
	if len(ch.series) > 1 {
		for i, s := range ch.series {
			name(i, s.name)
		}
	} else if ch.missed != nil {
		name(1, "reaches its goal")
		name(0, "misses it")
	}
	if ch.goals != nil {
		c.line("goal", x+4, y-11, x+4, y+2)
		c.text("", "start", x+16, y, "goal")
	}
}
