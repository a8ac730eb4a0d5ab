package main

import (
	"slices"
	"strings"
	"testing"
)

const dispatchOutput = `goos: linux
pkg: zeromux/iomux
BenchmarkDispatch/epoll/10-2         	  285714	       420.0 ns/op	       0 B/op	       0 allocs/op
BenchmarkDispatch/epoll/10-2         	  285714	       440 ns/op	       0 B/op	       0 allocs/op
BenchmarkDispatch/epoll/10000        	  250000	       500 ns/op
BenchmarkDispatch/select/10-2        	  150000	       780 ns/op
BenchmarkDispatch/select/10000-2     	--- SKIP: BenchmarkDispatch/select/10000-2
BenchmarkChange/epoll-2              	  150000	       990 ns/op
PASS
`

func TestDispatchesAreReadFromTheBenchmark(t *testing.T) {
	got := parseDispatches(dispatchOutput)
	want := []dispatch{{"epoll", 10, 1, 420}, {"epoll", 10, 2, 440}, {"epoll", 10_000, 1, 500}, {"select", 10, 1, 780}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDispatchesHaveATableAndAPicture(t *testing.T) {
	p := &report{Theirs: "libzmq", Ours: "zeromux", Dispatches: parseDispatches(dispatchOutput)}
	docs := t.TempDir()
	if err := p.writeTo(docs, nil); err != nil {
		t.Fatal(err)
	}
	page := read(t, docs, "benchmarks.md")
	for _, want := range []string{
		"## One ready descriptor among many", "(benchmarks/dispatch.svg)",
		"| descriptors | epoll | select |", "| 10 | 0.43 (0.42..0.44) | 0.78 (0.78..0.78) |", "| 10000 | 0.5 (0.5..0.5) | - |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	checkPicture(t, read(t, docs, "benchmarks", "dispatch.svg"))
}
