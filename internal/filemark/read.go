package filemark

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrUnfit is for what is not read: no plain file, or too large a one.
var ErrUnfit = errors.New("no small plain file")

// Read reads a plain file of at most most octets, and tells which one it was. Other
// kinds of files are not even opened: that may take for ever. Errors name the file, and
// wrap ErrUnfit or are the system's.
func Read(path string, most int64) (content []byte, info fs.FileInfo, err error) {
	if info, err = os.Stat(path); err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %w", path, ErrUnfit)
	}
	f, err := openAtOnce(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil { // of what was opened
		return nil, nil, err
	}
	if !info.Mode().IsRegular() { // it has just been put there
		return nil, nil, fmt.Errorf("%s: %w", path, ErrUnfit)
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), most)) + bytes.MinRead) // at once, so that no copy of a secret stays behind
	if _, err = b.ReadFrom(io.LimitReader(f, most+1)); err != nil {
		return nil, nil, err
	}
	if content = b.Bytes(); int64(len(content)) > most {
		clear(content)
		return nil, nil, fmt.Errorf("%s: %w: more than %d octets", path, ErrUnfit, most)
	}
	return content, info, nil
}
