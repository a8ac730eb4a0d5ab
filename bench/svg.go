package main

import (
	"fmt"
	"math"
	"strings"
)

// A canvas collects the elements of an SVG picture. It brings its own ground, so
// that it can be read on any page, and its own dark dress.
type canvas struct {
	width, height float64
	body          strings.Builder
}

// style has a class s0, s1 … for each series, in the order of seriesName. Series
// differ in shape and dash as well, for those who see no difference in colour.
const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328;stroke:none}
text.title{font-size:15px;font-weight:600}
text.soft{fill:#59636e}
.ground{fill:#ffffff;stroke:#d1d9e0}
.grid{stroke:#e3e7eb}
.axis{stroke:#818b98}
.goal{stroke:#1f2328;stroke-width:2}
.whisker{stroke:#1f2328;opacity:.6}
.s0{stroke:#bc4c00;fill:#bc4c00}
.s1{stroke:#0969da;fill:#0969da}
.s2{stroke:#1a7f37;fill:#1a7f37}
.s3{stroke:#8250df;fill:#8250df}
.path{fill:none;stroke-width:2}
.spread{stroke-width:1;opacity:.7}
.bar{stroke:none}
@media (prefers-color-scheme:dark){
text{fill:#f0f6fc}
text.soft{fill:#9198a1}
.ground{fill:#0d1117;stroke:#3d444d}
.grid{stroke:#262c34}
.axis{stroke:#6e7681}
.goal,.whisker{stroke:#f0f6fc}
.s0{stroke:#f0883e;fill:#f0883e}
.s1{stroke:#58a6ff;fill:#58a6ff}
.s2{stroke:#3fb950;fill:#3fb950}
.s3{stroke:#bc8cff;fill:#bc8cff}
.path{fill:none}
.bar{stroke:none}
}
</style>
`

// seriesClasses is how many series the style can tell apart.
const seriesClasses = 4

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&c.body, "<line class=%q x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2)
}

func (c *canvas) rect(class string, x, y, width, height float64) {
	fmt.Fprintf(&c.body, "<rect class=%q x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class, x, y, width, height)
}

// path draws through points, given by twos.
func (c *canvas) path(class, dash string, points ...float64) {
	var d strings.Builder
	for i := 0; i+1 < len(points); i += 2 {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", command, points[i], points[i+1])
	}
	fmt.Fprintf(&c.body, "<path class=%q stroke-dasharray=%q d=%q/>\n", class, dash, d.String())
}

// mark draws the shape of a series around a point.
func (c *canvas) mark(series int, x, y float64) {
	const r = 4
	class := fmt.Sprintf("s%d", series)
	switch series {
	case 0:
		fmt.Fprintf(&c.body, "<circle class=%q cx=\"%.1f\" cy=\"%.1f\" r=\"%d\"/>\n", class, x, y, r)
	case 1:
		c.rect(class, x-r, y-r, 2*r, 2*r)
	case 2:
		fmt.Fprintf(&c.body, "<path class=%q d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", class, x-r, y+r, x+r, y+r, x, y-r)
	default:
		fmt.Fprintf(&c.body, "<path class=%q d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", class, x-r, y, x, y-r, x+r, y, x, y+r)
	}
}

// text writes s; anchor is start, middle or end.
func (c *canvas) text(class, anchor string, x, y float64, s string) {
	fmt.Fprintf(&c.body, "<text class=%q text-anchor=%q x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, anchor, x, y, escape(s))
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace

// svg is the whole picture. What it is about is said to who cannot see it.
func (c *canvas) svg(title, about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\" aria-label=\"%s\">\n",
		c.width, c.height, c.width, c.height, escape(title+". "+about))
	fmt.Fprintf(&b, "<title>%s</title>\n", escape(title))
	b.WriteString(style)
	fmt.Fprintf(&b, "<rect class=\"ground\" x=\"0.5\" y=\"0.5\" width=\"%.0f\" height=\"%.0f\" rx=\"6\"/>\n", c.width-1, c.height-1)
	b.WriteString(c.body.String())
	b.WriteString("</svg>\n")
	return b.String()
}

// widthOf is about how wide a text of 12 px is.
func widthOf(s string) float64 { return 6.6 * float64(len([]rune(s))) }

// A scale places values on an axis, by their logarithm or as they are.
type scale struct {
	low, high float64 // values at its ends
	from, to  float64 // where these are on the canvas
	linear    bool
	unit      float64 // of which the ticks are round multiples; 0 is one
}

func (s scale) at(value float64) float64 {
	low, high := s.low, s.high
	if !s.linear {
		low, high, value = math.Log(low), math.Log(high), math.Log(value)
	}
	return s.from + (value-low)/(high-low)*(s.to-s.from)
}

// inside brings a value within the ends.
func (s scale) inside(value float64) float64 { return min(max(value, s.low), s.high) }

// ticks are round values within the ends: 1, 2 and 5 by powers of ten, and only
// the powers where these are many.
func (s scale) ticks() []float64 {
	var all []float64
	if s.linear {
		unit := max(s.unit, 1)
		step := unit * math.Pow(10, math.Floor(math.Log10(s.high/unit)))
		for _, finer := range []float64{2, 2.5, 2} {
			if s.high/step >= 4 {
				break
			}
			step /= finer
		}
		for v := 0.0; v <= s.high*1.0001; v += step {
			all = append(all, v)
		}
		return all
	}
	between := []float64{1, 2, 5}
	if s.high/s.low > 1e4 {
		between = between[:1]
	}
	for power := math.Floor(math.Log10(s.low)); power <= math.Log10(s.high); power++ {
		for _, b := range between {
			if v := b * math.Pow(10, power); v >= s.low*0.9999 && v <= s.high*1.0001 {
				all = append(all, v)
			}
		}
	}
	return all
}
