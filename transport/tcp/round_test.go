package tcp

import (
	"math"
	"testing"
	"time"
)

func TestRoundUpDoesNotOverflow(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want int
	}{{0, 0}, {1, 1}, {time.Millisecond, 1}, {time.Millisecond + 1, 2}, {math.MaxInt64, math.MaxInt32}} {
		if got := roundUp(test.d, time.Millisecond); got != test.want {
			t.Errorf("%v is %d ms, want %d", test.d, got, test.want)
		}
	}
}
