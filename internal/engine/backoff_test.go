package engine

import (
	"math"
	"testing"
)

// A pause too long to be counted is as long as can be, not none at all.
func TestPausesDoNotOverflow(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no maximum":           {ReconnectInterval: math.MaxInt64},
		"no maximum, and half": {ReconnectInterval: math.MaxInt64/2 + 1},
		"a maximum":            {ReconnectInterval: math.MaxInt64/2 + 1, ReconnectIntervalMax: math.MaxInt64},
	} {
		s := &Session{origin: &origin{cfg: &cfg}, dialling: new(dialling)}
		for range 5 {
			if d := s.backoff(); d < math.MaxInt64/2 {
				t.Errorf("%s: the pause is %v", name, d)
			}
		}
	}
}
