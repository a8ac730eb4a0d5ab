package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestScalePlacesValues(t *testing.T) {
	byLog := scale{low: 1, high: 100, from: 0, to: 200}
	if got := byLog.at(10); math.Abs(got-100) > 1e-9 {
		t.Errorf("10 of 1 to 100 lies at %v of 200, want the middle", got)
	}
	asIs := scale{low: 0, high: 100, from: 200, to: 0, linear: true}
	if got := asIs.at(75); math.Abs(got-50) > 1e-9 {
		t.Errorf("75 of 0 to 100 lies at %v of 200 downwards, want 50", got)
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		name  string
		scale scale
		want  string
	}{
		{"by logarithms", scale{low: 0.8, high: 60}, "[1 2 5 10 20 50]"},
		{"by logarithms, over many powers", scale{low: 0.9, high: 2e5}, "[1 10 100 1000 10000 100000]"},
		{"by logarithms, below one", scale{low: 0.04, high: 0.3}, "[0.05 0.1 0.2]"},
		{"as they are", scale{high: 5, linear: true}, "[0 1 2 3 4 5]"},
		{"as they are, little more than a power", scale{high: 1200, linear: true}, "[0 200 400 600 800 1000 1200]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []float64
			for _, v := range c.scale.ticks() {
				got = append(got, math.Round(v*1e6)/1e6)
			}
			if fmt.Sprint(got) != c.want && strings.ReplaceAll(fmt.Sprint(got), "1e+05", "100000") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestLabelsDoNotStandOnOneAnother(t *testing.T) {
	got := apart([]label{{text: "low", y: 100}, {text: "high", y: 20}, {text: "beside", y: 102}})
	for i := 1; i < len(got); i++ {
		if got[i].y-got[i-1].y < 12 {
			t.Errorf("%+v", got)
		}
	}
	if got[0].text != "high" || got[1].text != "low" {
		t.Errorf("out of order: %+v", got)
	}
}

func TestAGapOfALineIsLeftOut(t *testing.T) {
	ch := lineChart{
		title: "<gaps> & more", across: "n", x: []float64{1, 10, 100},
		xText:  func(v float64) string { return fmt.Sprint(v) },
		yText:  func(v float64) string { return fmt.Sprint(v) },
		series: []series{{name: "with a gap", values: []spread{{1, 1, 1}, {}, {3, 2, 4}}}, {name: "nothing", values: make([]spread, 3)}},
	}
	svg := ch.draw()
	checkPicture(t, svg)
	if strings.Count(svg, "<circle") != 2 || strings.Contains(svg, ">nothing<") {
		t.Errorf("want two points and no line without any:\n%s", svg)
	}
	if !strings.Contains(svg, "&lt;gaps&gt; &amp; more") {
		t.Error("the title is not escaped")
	}
}
