package zmtptest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const sentence = "the quick brown fox jumps over the lazy dog"

// readAll reads b until its end and hands over what came.
func readAll(b io.Reader) <-chan string {
	result := make(chan string, 1)
	go func() {
		got, _ := io.ReadAll(b)
		result <- string(got)
	}()
	return result
}

func TestAConnectionBreaksAfterAnyNumberOfOctetsWritten(t *testing.T) {
	for name, connect := range map[string]func(*testing.T) (a, b net.Conn){
		"pipe": func(*testing.T) (a, b net.Conn) { return net.Pipe() }, "tcp": tcpPair,
	} {
		for n := range len(sentence) + 1 {
			t.Run(fmt.Sprint(name, " after ", n), func(t *testing.T) {
				a, b := connect(t)
				f := NewFlaky(a)
				f.Writes.BreakAfter(int64(n))
				got := readAll(b)
				wrote, err := f.Write([]byte(sentence))
				if wantErr := n < len(sentence); wrote != n || errors.Is(err, ErrBroken) != wantErr {
					t.Errorf("Write: got %d, %v, want %d and an error: %v", wrote, err, n, wantErr)
				}
				if text := <-got; text != sentence[:n] {
					t.Errorf("read %q, want %q", text, sentence[:n])
				}
				for range 2 {
					if n, err := f.Write([]byte("x")); n != 0 || !errors.Is(err, ErrBroken) {
						t.Errorf("Write again: got %d, %v, want 0, %v", n, err, ErrBroken)
					}
					if n, err := f.Read(make([]byte, 1)); n != 0 || !errors.Is(err, ErrBroken) {
						t.Errorf("Read: got %d, %v, want 0, %v", n, err, ErrBroken)
					}
				}
				_, _ = f.Close(), b.Close()
			})
		}
	}
}

func TestAConnectionBreaksAfterAnyNumberOfOctetsRead(t *testing.T) {
	for n := range len(sentence) + 1 {
		a, b := Pipe()
		a.Reads.BreakAfter(int64(n))
		go func() { _, _ = b.Write([]byte(sentence)) }()
		var got []byte
		buffer := make([]byte, 7)
		err := error(nil)
		for err == nil {
			var m int
			m, err = a.Read(buffer)
			got = append(got, buffer[:m]...)
		}
		if string(got) != sentence[:n] || !errors.Is(err, ErrBroken) || a.Reads.Count() != int64(n) {
			t.Errorf("after %d: got %q, %v", n, got, err)
		}
		if _, err := b.Read(buffer); err != io.EOF {
			t.Errorf("after %d: the other side got %v, want %v", n, err, io.EOF)
		}
		_, _ = a.Close(), b.Close()
	}
}

func TestBreakEndsWhatWaits(t *testing.T) {
	a, b := Pipe()
	failed := make(chan error, 2)
	go func() { _, err := a.Read(make([]byte, 1)); failed <- err }()
	go func() { _, err := a.Write([]byte("x")); failed <- err }()
	a.Break()
	for range 2 {
		if err := <-failed; !errors.Is(err, ErrBroken) {
			t.Errorf("got %v, want %v", err, ErrBroken)
		}
	}
	_, _ = a.Close(), b.Close()
}

func TestWritesAreSplit(t *testing.T) {
	for size, want := range map[int][]int{0: {8}, 1: {1, 1, 1, 1, 1, 1, 1, 1}, 3: {3, 3, 2}, 8: {8}, 9: {8}} {
		r := &recorder{}
		f := NewFlaky(r)
		f.Writes.Split(size)
		if n, err := f.Write([]byte("12345678")); n != 8 || err != nil {
			t.Errorf("Write: got %d, %v", n, err)
		}
		if !slices.Equal(r.sizes, want) || r.String() != "12345678" {
			t.Errorf("split at %d: got writes of %v with %q, want %v", size, r.sizes, r.String(), want)
		}
	}
}

func TestReadsAreSplit(t *testing.T) {
	f := NewFlaky(&recorder{})
	_, _ = f.Write([]byte(sentence))
	f.Reads.Split(3)
	b := make([]byte, 100)
	if n, err := f.Read(b); n != 3 || err != nil {
		t.Errorf("got %d, %v, want 3", n, err)
	}
	f.Reads.Split(0)
	if n, err := f.Read(b); n != len(sentence)-3 || err != nil {
		t.Errorf("got %d, %v, want the rest", n, err)
	}
}

func TestRefusingHalfAWriteLeavesTheOtherDirection(t *testing.T) {
	a, b := Pipe()
	a.Writes.RefuseHalfWay()
	got := make(chan string)
	go func() {
		buffer := make([]byte, 100)
		n, _ := io.ReadAtLeast(b, buffer, 4)
		_, _ = b.Write([]byte("still there"))
		got <- string(buffer[:n])
	}()
	n, err := a.Write([]byte("12345678"))
	if n != 4 || !errors.Is(err, ErrRefused) {
		t.Errorf("got %d, %v, want 4, %v", n, err, ErrRefused)
	}
	if n, err := a.Write([]byte("9")); n != 0 || !errors.Is(err, ErrRefused) {
		t.Errorf("again: got %d, %v, want 0, %v", n, err, ErrRefused)
	}
	buffer := make([]byte, 100)
	if n, err := a.Read(buffer); string(buffer[:n]) != "still there" || err != nil {
		t.Errorf("Read: got %q, %v", buffer[:n], err)
	}
	if text := <-got; text != "1234" {
		t.Errorf("the other side got %q, want %q", text, "1234")
	}
	_, _ = a.Close(), b.Close()
}

func TestRefusingToRead(t *testing.T) {
	f := NewFlaky(&recorder{})
	_, _ = f.Write([]byte(sentence))
	f.Reads.RefuseAfter(9)
	got, err := io.ReadAll(f)
	if string(got) != sentence[:9] || !errors.Is(err, ErrRefused) {
		t.Errorf("got %q, %v, want %q, %v", got, err, sentence[:9], ErrRefused)
	}
}

// waits checks that a channel has nothing while everything else in the bubble
// waits.
func waits[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	synctest.Wait()
	select {
	case got := <-c:
		t.Errorf("%s: got %v, want it to wait", what, got)
	default:
	}
}

func TestAWriteStallsUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		a.Writes.StallAfter(9)
		done := make(chan error, 1)
		go func() { _, err := a.Write([]byte(sentence)); done <- err }()
		buffer := make([]byte, len(sentence))
		if _, err := io.ReadFull(b, buffer[:9]); err != nil {
			t.Fatal(err)
		}
		waits(t, done, "a stalled Write")
		if n := a.Writes.Count(); n != 9 {
			t.Errorf("wrote %d octets, want 9", n)
		}
		a.Writes.Release()
		if _, err := io.ReadFull(b, buffer[9:]); err != nil || string(buffer) != sentence {
			t.Errorf("got %q, %v", buffer, err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		_, _ = a.Close(), b.Close()
	})
}

func TestAReadThatWaitsAlreadyStallsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pipe()
		got := make(chan string, 1)
		read := func() {
			buffer := make([]byte, 100)
			n, err := a.Read(buffer)
			got <- fmt.Sprint(string(buffer[:n]), " ", err)
		}
		go read()
		synctest.Wait()
		a.Reads.Stall()
		if _, err := b.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		waits(t, got, "a stalled Read")
		_ = a.SetReadDeadline(time.Now().Add(time.Second))
		if text := <-got; text != " "+os.ErrDeadlineExceeded.Error() {
			t.Errorf("at the deadline: got %q", text)
		}
		_ = a.SetReadDeadline(time.Time{})
		go read()
		waits(t, got, "a stalled Read after its deadline")
		a.Reads.Release()
		if text := <-got; text != "hello <nil>" {
			t.Errorf("after Release: got %q, want what had come before", text)
		}
		_, _ = a.Close(), b.Close()
	})
}

func TestWhatEndsAStall(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*Flaky)
		want error
	}{
		"a deadline that passes":   {func(f *Flaky) { _ = f.SetDeadline(time.Now().Add(time.Hour)) }, os.ErrDeadlineExceeded},
		"a deadline that has past": {func(f *Flaky) { _ = f.SetDeadline(time.Now().Add(-time.Hour)) }, os.ErrDeadlineExceeded},
		"Close":                    {func(f *Flaky) { _ = f.Close() }, net.ErrClosed},
		"Break":                    {func(f *Flaky) { f.Break() }, ErrBroken},
		"a fault elsewhere":        {func(f *Flaky) { f.Writes.BreakAfter(0) }, ErrBroken},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := Pipe()
				a.Reads.Stall()
				a.Writes.Stall()
				failed := make(chan error, 4)
				for range 2 { // one enters, one waits to
					go func() { _, err := a.Read(make([]byte, 1)); failed <- err }()
					go func() { _, err := a.Write([]byte("x")); failed <- err }()
				}
				waits(t, failed, "stalled")
				test.end(a)
				for range 4 {
					if err := <-failed; !errors.Is(err, test.want) {
						t.Errorf("got %v, want %v", err, test.want)
					}
				}
				_, _ = a.Close(), b.Close()
			})
		})
	}
}

func TestAFlakyWithoutFaultsIsItsConnection(t *testing.T) {
	x, y := tcpPair(t)
	a, b := NewFlaky(x), NewFlaky(y)
	got := readAll(b)
	for _, word := range []string{"one ", "two ", "", "three"} {
		if n, err := a.Write([]byte(word)); n != len(word) || err != nil {
			t.Errorf("Write: got %d, %v", n, err)
		}
	}
	if err := a.CloseWrite(); err != nil {
		t.Error(err)
	}
	if text := <-got; text != "one two three" {
		t.Errorf("got %q", text)
	}
	if n, err := b.Write([]byte("back")); n != 4 || err != nil {
		t.Errorf("Write against a half that ended: got %d, %v", n, err)
	}
	buffer := make([]byte, 8)
	if n, err := a.Read(buffer); string(buffer[:n]) != "back" || err != nil {
		t.Errorf("Read: got %q, %v", buffer[:n], err)
	}
	if n, err := a.Read(nil); n != 0 || err != nil {
		t.Errorf("Read of nothing: got %d, %v", n, err)
	}
	if a.Writes.Count() != 13 || a.Reads.Count() != 4 {
		t.Errorf("counted %d and %d octets, want 13 and 4", a.Writes.Count(), a.Reads.Count())
	}
	_, _ = a.Close(), b.Close()
	if _, err := a.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: got %v, want %v", err, net.ErrClosed)
	}
	if _, err := a.Read(buffer); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: got %v, want %v", err, net.ErrClosed)
	}
	pipe, other := Pipe()
	if err := pipe.CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("CloseWrite of a pipe: got %v, want %v", err, errors.ErrUnsupported)
	}
	_, _ = pipe.Close(), other.Close()
}
