//go:build !uncounted

package pipe

// counting says that queues count what goes through them. The build tag uncounted
// takes that out, for BenchmarkCounting, which finds out what it costs.
const counting = true
