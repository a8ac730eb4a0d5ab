package main

import (
	"fmt"
	"io"
	"strings"
)

// print writes the report for a terminal.
func (p *report) print(w io.Writer, rows []row) error {
	var text strings.Builder
	if names := p.libraries(); names != "" {
		text.WriteString(names + "; ")
	}
	fmt.Fprintf(&text, "%s\n%s\n", p.Machine, p.Settings)
	for _, r := range rows {
		switch why := p.Skipped[r.String()]; {
		case why != "":
			fmt.Fprintf(&text, "%s: %s\n", r, why)
		case !p.measured(r):
			fmt.Fprintf(&text, "%s: no result\n", r)
		}
	}
	for _, s := range p.sections(rows) {
		fmt.Fprintf(&text, "\n%s\n", strings.ToUpper(s.title))
		for _, part := range s.parts {
			fmt.Fprintf(&text, "\n%s\n\n", part.above)
			part.table.appendText(&text)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r ratio) String() string {
	if r.rounds == 0 {
		return "-"
	}
	return fmt.Sprintf("x%.2f (%.2f..%.2f)", r.median, r.lowest, r.highest)
}

// costText is the processor time of both sides, or of the one process that is both.
func costText(samples []sample) string {
	send := medianOf(samples, func(s sample) float64 { return s.SendCPU })
	receive := medianOf(samples, func(s sample) float64 { return s.ReceiveCPU })
	if send == 0 {
		return fmt.Sprintf("%.3g", receive)
	}
	return fmt.Sprintf("%.3g + %.3g", send, receive)
}

// objectsText is the same for objects allocated; empty where nobody tells.
func objectsText(samples []sample) string {
	send := medianOf(samples, func(s sample) float64 { return s.SendAllocs })
	receive := medianOf(samples, func(s sample) float64 { return s.ReceiveAllocs })
	switch {
	case send == 0 && receive == 0:
		return ""
	case send == 0:
		return fmt.Sprintf("%.2f", receive)
	}
	return fmt.Sprintf("%.2f + %.2f", send, receive)
}
