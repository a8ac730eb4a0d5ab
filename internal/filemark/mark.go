// Package filemark reads small files, tells whether one is as it was when it was read,
// and follows those that change while a program runs.
package filemark

import (
	"io/fs"
	"os"
	"time"
)

// Settle is how old a change of a file must be before its time can tell it from the next
// one: systems count in steps, of up to two seconds (FAT).
const Settle = 2 * time.Second

// A Mark tells one state of a file from another, where none is one, too. Its zero value
// is that of a file that was not looked at.
type Mark struct {
	info    fs.FileInfo // nil: there was no file
	first   time.Time   // when the file was first seen so; zero: it was not looked at
	settled bool        // another change would have shown
}

// Next is the mark of a file that was looked at, not before then, and is read now; nil
// is for none. A file whose own clock is ahead of ours settles, too, once it was seen
// the same for long enough.
func (m Mark) Next(info fs.FileInfo, then time.Time) Mark {
	next := Mark{info: info, first: then}
	if m.isSame(info) {
		next.first = m.first
	}
	next.settled = info == nil || then.Sub(info.ModTime()) > Settle || then.Sub(next.first) > Settle
	return next
}

// Holds reports whether a file, nil for none, is certainly as it was when it was read.
func (m Mark) Holds(info fs.FileInfo) bool { return m.settled && m.isSame(info) }

// isSame reports whether a file looks as it did.
func (m Mark) isSame(info fs.FileInfo) bool {
	switch {
	case m.first.IsZero():
		return false
	case m.info == nil || info == nil:
		return m.info == nil && info == nil
	}
	return os.SameFile(m.info, info) && m.info.Size() == info.Size() && m.info.ModTime().Equal(info.ModTime())
}
