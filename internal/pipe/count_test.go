package pipe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"zeromux/internal/message"
)

// mostForCounting is what counting may cost, in nanoseconds a message.
const mostForCounting = 5

// pairs is how often the two builds take turns.
const pairs = 10

// BenchmarkCounted is a short message written and read, with whatever counting the
// build has: one at a time, when each is taken by itself, and 64.
func BenchmarkCounted(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) {
			from, to, hub := benchPipe()
			m := message.Message{Frames: [][]byte{make([]byte, 16)}}
			var got message.Message
			b.ReportAllocs()
			waiting := 0
			for b.Loop() {
				from.Write(&m)
				if waiting++; waiting < batch {
					continue
				}
				hub.Later()
				for ; waiting > 0; waiting-- {
					to.Read(&got)
				}
			}
		})
	}
}

// BenchmarkCounting tells what counting costs: it builds this package with it and
// without, runs BenchmarkCounted of both in turns, and reports the median of the
// differences. It fails where that is more than mostForCounting, or anything is
// allocated.
//
//	go test ./internal/pipe -run '^$' -bench 'Counting$'
func BenchmarkCounting(b *testing.B) {
	dir := b.TempDir()
	builds := []string{filepath.Join(dir, "counted"), filepath.Join(dir, "uncounted")}
	for _, path := range builds {
		build := exec.Command("go", "test", "-c", "-tags", filepath.Base(path), "-o", path, ".")
		if out, err := build.CombinedOutput(); err != nil {
			b.Skipf("cannot build %s: %v: %s", path, err, out)
		}
	}
	var costs, totals [2][]float64 // by batch
	for range pairs {
		var ns [2][2]float64 // by build and batch
		for i, path := range builds {
			ns[i] = counted(b, path)
		}
		for k := range costs {
			costs[k] = append(costs[k], ns[0][k]-ns[1][k])
			totals[k] = append(totals[k], ns[0][k])
		}
	}
	for k, batch := range []string{"1", "64"} {
		cost := median(costs[k])
		b.ReportMetric(cost, "ns-for-counting/"+batch)
		b.ReportMetric(median(totals[k]), "ns-in-all/"+batch)
		if cost > mostForCounting {
			b.Errorf("taken %s at a time, counting costs %.1f ns a message, more than %d", batch, cost, mostForCounting)
		}
	}
	b.ReportMetric(0, "ns/op") // says nothing here
}

var countedLine = regexp.MustCompile(`(?m)^BenchmarkCounted/(?:1|64)\S*\s+\d+\s+([\d.]+) ns/op\s+\d+ B/op\s+(\d+) allocs/op`)

// counted runs BenchmarkCounted of a build, and returns nanoseconds by batch.
func counted(b *testing.B, path string) (ns [2]float64) {
	b.Helper()
	run := exec.Command(path, "-test.run=^$", "-test.bench=^BenchmarkCounted$", "-test.benchtime=200ms")
	run.Stderr = os.Stderr
	out, err := run.Output()
	if err != nil {
		b.Fatal(err)
	}
	lines := countedLine.FindAllSubmatch(out, -1)
	if len(lines) != len(ns) {
		b.Fatalf("not the lines of a benchmark:\n%s", out)
	}
	for k, line := range lines {
		if string(line[2]) != "0" {
			b.Errorf("%s allocations a message", line[2])
		}
		if ns[k], err = strconv.ParseFloat(string(line[1]), 64); err != nil {
			b.Fatal(err)
		}
	}
	return ns
}

func median(all []float64) float64 {
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// A message that is dropped is counted, and nothing else.
func BenchmarkDrop(b *testing.B) {
	from, _, _ := benchPipe()
	b.ReportAllocs()
	for b.Loop() {
		from.Drop(0)
	}
}

// What a queue has counted goes into the books of each side once.
func TestTalliesAreTakenOnceByEachSide(t *testing.T) {
	from, to, hub := benchPipe()
	m := message.Message{Frames: [][]byte{[]byte("hello")}}
	for range 3 {
		from.Write(&m)
	}
	hub.Later()
	want := func(what string, got Tally, messages uint64) {
		t.Helper()
		if (got != Tally{Messages: messages, Octets: messages * 7}) {
			t.Errorf("%s: %+v, want %d messages", what, got, messages)
		}
	}
	want("written", from.Written(), 3)
	want("arrived", to.Arrived(), 3)
	want("taken", from.TakeWritten(), 3)
	want("written, once taken", from.Written(), 0)
	want("arrived, when the writer has taken", to.Arrived(), 3)
	from.Write(&m)
	want("written since", from.Written(), 1)
	want("taken by the reader", to.TakeArrived(), 4)
	want("taken again", to.TakeArrived(), 0)
}

// A newest queue counts every message that was written, and which made way; a
// subscription makes no way and is counted once.
func TestAQueueOfTheNewestCountsAll(t *testing.T) {
	from, to := New(Config{Pool: new(message.Pool), Conflate: true})
	from.Join(new(Hub))
	to.Carry(new(teller))
	topic := message.Message{Kind: message.Subscribe, Frames: [][]byte{[]byte("topic")}}
	from.Write(&topic)
	for i := range 5 {
		from.Write(&message.Message{Frames: [][]byte{fmt.Append(nil, i)}})
	}
	subscription := uint64(2 + len(subscribeName) + len("topic"))
	if got, want := from.Written(), (Tally{6, subscription + 5*3, 4}); got != want {
		t.Errorf("written %+v, want %+v", got, want)
	}
	run := []Span{}
	for i := range 4 {
		c := new(message.Pool).Chunk(message.SmallChunk)
		n := copy(c.B, []byte{0, 1, byte(i)})
		run = append(run, NewSpan(c, 0, n, 1, nil))
	}
	to.Deliver(run, 4)
	if got, want := from.Arrived(), (Tally{4, 4 * 3, 3}); got != want {
		t.Errorf("arrived %+v, want %+v", got, want)
	}
}

// What is dropped when a pipe has ended counts for the socket at once.
func TestDropsRetireToTheSocket(t *testing.T) {
	e, _, _ := benchPipe()
	var all Drops
	e.Drop(1)
	e.Drop(1)
	e.Drop(3)
	if got := e.Dropped(&all); got != [4]uint64{0, 2, 0, 1} {
		t.Errorf("dropped %v", got)
	}
	for range 2 { // the second time does nothing
		e.RetireDrops(&all)
	}
	e.Drop(2)
	if got := e.Dropped(&all); got != [4]uint64{} {
		t.Errorf("dropped by one that has ended: %v", got)
	}
	for cause, want := range []uint64{0, 2, 1, 1} {
		if got := all[cause].Load(); got != want {
			t.Errorf("cause %d: %d in all, want %d", cause, got, want)
		}
	}
}
