package main

import "fmt"

// A figure is something that a sample tells.
type figure int

const (
	rate     figure = iota // what the row counts, per second
	cost                   // processor seconds for a million of it, both sides together
	p50                    // microseconds: half of the round trips took no longer
	p99                    // 99 of 100
	p999                   // 999 of 1000
	resident               // octets of resident memory for each connection
	served                 // milliseconds until one more client has its reply
)

// of is the figure of a sample.
func (f figure) of(s sample) float64 {
	switch f {
	case rate:
		if s.Seconds == 0 {
			return 0
		}
		return float64(s.Messages) / s.Seconds
	case cost:
		return s.SendCPU + s.ReceiveCPU
	case p50:
		return s.P50
	case p99:
		return s.P99
	case p999:
		return s.P999
	case resident:
		return s.Resident
	}
	return s.Served
}

// absolute says that a want of this figure is about ours alone, and not about the
// ratio to libzmq.
func (f figure) absolute() bool { return f == resident }

// moreIsBetter tells rates from times and costs.
func (f figure) moreIsBetter() bool { return f == rate }

func (f figure) String() string {
	return [...]string{"rate", "CPU", "p50", "p99", "p99.9", "memory", "served"}[f]
}

// text writes a value of the figure in about three digits.
func (f figure) text(value float64) string {
	switch f {
	case rate:
		return perSecond(value)
	case cost:
		return fmt.Sprintf("%.3g", value)
	case resident:
		return kibibytes(value)
	}
	return fmt.Sprintf("%.1f", value)
}

// tick writes a round value of the figure for the axis of a chart.
func (f figure) tick(value float64) string {
	switch {
	case f == resident:
		return fmt.Sprintf("%.3g KiB", value/1024)
	case f == rate && value >= 1e6:
		return fmt.Sprintf("%.3g M", value/1e6)
	case f == rate && value >= 1e3:
		return fmt.Sprintf("%.3g k", value/1e3)
	case value >= 1e3:
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}

func perSecond(rate float64) string {
	switch {
	case rate >= 1e6:
		return fmt.Sprintf("%.2f M", rate/1e6)
	case rate >= 1e3:
		return fmt.Sprintf("%.1f k", rate/1e3)
	}
	return fmt.Sprintf("%.0f", rate)
}

func kibibytes(octets float64) string { return fmt.Sprintf("%.2f KiB", octets/1024) }
