//go:build unix

package zmq

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

// However soon the context of a wait ends, its time does not hide that.
func TestTheEndOfAContextIsNotHiddenByADeadline(t *testing.T) {
	p := NewPoller()
	if err := p.openFiles(""); err != nil {
		t.Fatal(err)
	}
	f := p.files
	defer func() {
		if err := f.close(); err != nil {
			t.Error(err)
		}
	}()
	if f.nest == nil {
		t.Skip("here a wait holds a thread, which is woken otherwise")
	}
	for range 10_000 {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		stirred := make(chan struct{})
		f.waking = func() {
			f.stir()
			close(stirred)
		}
		f.arm(&pollCall{ctx: ctx, until: time.Now().Add(time.Hour)})
		<-stirred
		if err := f.raw.Read(func(uintptr) bool { return true }); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%v: who parks now is not woken", err)
		}
		f.rest()
	}
}
