package main

import "slices"

// median is the middle value, or the mean of the two middle ones; 0 of none.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[n/2] + sorted[(n-1)/2]) / 2
}

// A ratio compares two variants: the runs of one round lie side by side in
// time, so each round yields a ratio of its own, and what disturbs the machine
// for longer than a round disturbs no ratio.
type ratio struct {
	median, lowest, highest float64
	rounds                  int // that yielded a ratio
}

// ratioOf pairs the samples by round and compares what figure takes from them.
func ratioOf(ours, theirs []sample, figure func(sample) float64) ratio {
	var each []float64
	for _, o := range ours {
		for _, t := range theirs {
			if o.Round == t.Round && figure(t) > 0 {
				each = append(each, figure(o)/figure(t))
			}
		}
	}
	if len(each) == 0 {
		return ratio{}
	}
	return ratio{median(each), slices.Min(each), slices.Max(each), len(each)}
}

// medianOf is the median of a figure over samples.
func medianOf(samples []sample, figure func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = figure(s)
	}
	return median(values)
}
