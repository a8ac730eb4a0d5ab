package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// A source yields the messages to send: --message or --file, or else the lines
// of standard input. It reads on a goroutine of its own, because nothing else
// can leave a read of a terminal alone; such a read ends with the program.
type source struct {
	begin    func() // begins to read, when it is called first
	messages chan [][]byte
	ended    chan struct{} // closed when the last message has been taken
	err      error         // why it ended; read when ended is closed
}

// errInputEnded is how a source ends when all went well.
var errInputEnded = errors.New("input has ended")

// source is what the flags say, for a socket type whose messages begin with an id or
// do not. It is read from the first call of next or begin on, not before: a password may
// be typed until then. It stops when ctx ends.
func (f *inputFlags) source(ctx context.Context, ids bool, pace *paceFlags) (*source, error) {
	how, err := newFormat(f.Input, ids, nil, f.Split)
	if err != nil {
		return nil, err
	}
	given := len(f.Message)+len(f.File) > 0
	switch {
	case f.Frames && !given:
		return nil, usagef("--frames needs --message or --file")
	case f.Frames && f.Split != nil:
		return nil, usagef("--frames and --split do not go together")
	case pace.Repeat != 1 && !given:
		return nil, usagef("--repeat needs --message or --file")
	}
	if err := pace.check(); err != nil {
		return nil, err
	}
	s := &source{messages: make(chan [][]byte), ended: make(chan struct{})}
	give := s.paced(ctx, pace.Interval)
	read := func() {
		defer close(s.ended)
		switch {
		case given:
			s.err = f.repeat(how, pace.Repeat, give)
		case f.Input == formatRaw:
			s.err = f.giveFile("-", give)
		default:
			s.err = giveLines(os.Stdin, how, give)
		}
		if s.err == nil {
			s.err = errInputEnded
		}
	}
	s.begin = sync.OnceFunc(func() { go read() })
	return s, nil
}

// next returns the next message, or errInputEnded, or what went wrong.
func (s *source) next(ctx context.Context) ([][]byte, error) {
	s.begin()
	select {
	case m := <-s.messages:
		return m, nil
	case <-s.ended:
		return nil, s.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A giver hands on a message, and waits until it is taken.
type giver func(frames [][]byte) error

// paced is a giver that pauses between messages.
func (s *source) paced(ctx context.Context, pause time.Duration) giver {
	first := true
	return func(frames [][]byte) error {
		if !first && pause > 0 {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		first = false
		select {
		case s.messages <- frames:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// repeat gives what --message or --file say, n times, or for ever when n is zero.
func (f *inputFlags) repeat(how *format, n int, give giver) error {
	for i := 0; n == 0 || i < n; i++ {
		if f.Frames {
			frames, err := f.asFrames(how)
			if err == nil {
				err = give(frames)
			}
			if err != nil {
				return err
			}
			continue
		}
		for _, text := range f.Message {
			frames, err := how.parse([]byte(text))
			if err != nil {
				return usagef("--message: %w", err)
			}
			if err := give(frames); err != nil {
				return err
			}
		}
		for _, path := range f.File {
			if err := f.giveFile(path, give); err != nil {
				return err
			}
		}
	}
	return nil
}

// asFrames makes one message of all that is given.
func (f *inputFlags) asFrames(how *format) (frames [][]byte, err error) {
	for i, text := range f.Message {
		one := *how
		one.split, one.ids = nil, how.ids && i == 0
		parsed, err := one.parse([]byte(text))
		if err != nil {
			return nil, usagef("--message: %w", err)
		}
		frames = append(frames, parsed...)
	}
	for _, path := range f.File {
		frame, err := readFile(path)
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame)
	}
	return frames, nil
}

// giveFile gives a file as one message, which only --split cuts.
func (f *inputFlags) giveFile(path string, give giver) error {
	body, err := readFile(path)
	if err != nil {
		return err
	}
	how, err := newFormat(formatRaw, false, nil, f.Split)
	if err != nil {
		return err
	}
	frames, err := how.parse(body)
	if err != nil {
		return err
	}
	return give(frames)
}

// readFile reads a whole file; "-" is standard input.
func readFile(path string) ([]byte, error) {
	if path == "-" {
		body, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return body, nil
	}
	return os.ReadFile(path) // the error names the path
}

// giveLines gives each line as a message. The last one may lack its end.
func giveLines(from io.Reader, how *format, give giver) error {
	r := bufio.NewReaderSize(from, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fmt.Errorf("standard input: %w", err)
		}
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		frames, wrong := how.parse(bytes.TrimSuffix(line, []byte("\n")))
		if wrong != nil {
			return fmt.Errorf("input line %d: %w", n, wrong)
		}
		if err := give(frames); err != nil {
			return err
		}
	}
}
