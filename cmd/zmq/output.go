package main

import (
	"fmt"
	"os"
)

// A printer writes messages to standard output.
type printer struct {
	how    *format
	buffer []byte
}

// printer is how the flags want messages, for a socket type whose messages begin
// with an id or do not.
func (f *outputFlags) printer(ids bool) (*printer, error) {
	how, err := newFormat(f.Format, ids, f.Join, nil)
	if err != nil {
		return nil, err
	}
	how.tame = isTerminal(os.Stdout)
	return &printer{how: how}, nil
}

// isTerminal reports whether file is a terminal, or something like it.
func isTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// enough is how many octets are worth a write.
const enough = 1 << 16

// print writes a message, soon.
func (p *printer) print(frames [][]byte) error {
	p.buffer = p.how.append(p.buffer, frames)
	if len(p.buffer) < enough {
		return nil
	}
	return p.flush()
}

// flush writes what waits.
func (p *printer) flush() error {
	_, err := os.Stdout.Write(p.buffer)
	p.buffer = p.buffer[:0]
	if cap(p.buffer) > 16*enough {
		p.buffer = nil
	}
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}
