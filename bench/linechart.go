package main

import (
	"fmt"
	"slices"
)

// A lineChart shows how values change along an axis, both by their logarithms.
type lineChart struct {
	title, about string // what it shows, and how to read it
	across       string // what the horizontal axis is
	x            []float64
	xText        func(float64) string
	yText        func(float64) string
	series       []series
}

// A series is a line of a lineChart, or the bars of one colour in a barChart.
type series struct {
	name   string
	values []spread // one for each x; the zero spread is a gap
}

// A spread is a median, and what it lies between.
type spread struct {
	median, lowest, highest float64
}

var dashes = [seriesClasses]string{"", "", "6 3", "2 3"}

func (ch lineChart) draw() string {
	const top, bottom, left = 72, 52, 74
	right := 24.0
	for _, s := range ch.series {
		right = max(right, widthOf(s.name)+28)
	}
	c := &canvas{width: 760, height: 430}
	x := scale{low: ch.x[0], high: ch.x[len(ch.x)-1], from: left, to: c.width - right}
	if x.low == x.high {
		x.low, x.high = x.low/2, x.high*2
	}
	y := scale{from: c.height - bottom, to: top}
	for _, s := range ch.series {
		for _, v := range s.values {
			if v.median > 0 {
				if y.low == 0 {
					y.low = v.lowest
				}
				y.low, y.high = min(y.low, v.lowest), max(y.high, v.highest)
			}
		}
	}
	y.low, y.high = y.low/1.3, y.high*1.3

	c.text("title", "start", 20, 28, ch.title)
	c.text("soft", "start", 20, 48, ch.about)
	for _, v := range y.ticks() {
		c.line("grid", x.from, y.at(v), x.to, y.at(v))
		c.text("soft", "end", x.from-8, y.at(v)+4, ch.yText(v))
	}
	for _, v := range ch.x {
		c.line("axis", x.at(v), y.from, x.at(v), y.from+5)
		c.text("soft", "middle", x.at(v), y.from+20, ch.xText(v))
	}
	c.line("axis", x.from, y.from, x.to, y.from)
	c.text("soft", "middle", (x.from+x.to)/2, c.height-12, ch.across)

	var ends []label
	for i, s := range ch.series {
		class := fmt.Sprintf("s%d", i)
		var points []float64
		for j, v := range s.values {
			if v.median > 0 {
				points = append(points, x.at(ch.x[j]), y.at(v.median))
				c.line(class+" spread", x.at(ch.x[j]), y.at(v.lowest), x.at(ch.x[j]), y.at(v.highest))
			}
		}
		if len(points) == 0 {
			continue
		}
		c.path(class+" path", dashes[i], points...)
		for j := 0; j < len(points); j += 2 {
			c.mark(i, points[j], points[j+1])
		}
		ends = append(ends, label{s.name, points[len(points)-2] + 12, points[len(points)-1] + 4})
	}
	for _, l := range apart(ends) {
		c.text("", "start", l.x, l.y, l.text)
	}
	return c.svg(ch.title, ch.about)
}

// A label stands at the end of a line.
type label struct {
	text string
	x, y float64
}

// apart moves labels down that would stand on one another.
func apart(labels []label) []label {
	const height = 15
	slices.SortFunc(labels, func(a, b label) int {
		if a.y < b.y {
			return -1
		}
		return 1
	})
	for i := 1; i < len(labels); i++ {
		labels[i].y = max(labels[i].y, labels[i-1].y+height)
	}
	return labels
}
