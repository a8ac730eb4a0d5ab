package ipc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// wildcardDir is a directory made for one wildcard address.
// The zero value is no directory.
type wildcardDir struct {
	path     string // as it is reported, perhaps relative
	absolute string // the same whatever the working directory is later
}

// makeWildcardDir makes a directory that only this user can enter. It lies in
// the first of $TMPDIR, $TEMPDIR and $TMP that exists, else in the working
// directory, and then its path is relative; so it is in libzmq.
func makeWildcardDir() (wildcardDir, error) {
	parent := "."
	for _, name := range []string{"TMPDIR", "TEMPDIR", "TMP"} {
		value := os.Getenv(name)
		if info, err := os.Stat(value); err == nil && info.IsDir() {
			parent = value
			break
		}
	}
	path, err := os.MkdirTemp(parent, "tmp")
	if err != nil {
		return wildcardDir{}, err
	}
	return wildcardDir{path: filepath.Clean(path), absolute: absolute(path)}, nil
}

// socket is the path to bind in d.
func (d wildcardDir) socket() string { return filepath.Join(d.path, "socket") }

// remove removes d, and fails while it is not empty.
func (d wildcardDir) remove() error {
	if d.absolute == "" {
		return nil
	}
	return unlessGone(os.Remove(d.absolute))
}

// unlessGone is the error of a removal, unless there was nothing to be removed.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// absolute makes path independent of the working directory, where that can be done.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// unlink removes what an earlier bind may have left at path, and what holds
// nothing that anybody could miss: a socket, a link, an empty file. Whatever
// else is there stays, and the bind that follows fails.
func unlink(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	switch kind := info.Mode().Type(); {
	case kind == os.ModeSocket, kind == os.ModeSymlink, kind == 0 && info.Size() == 0:
		os.Remove(path)
	}
}

// boundFile is the file that a listener made. The zero value is no file.
type boundFile struct {
	path string // absolute, so that a change of the working directory does no harm
	info os.FileInfo
}

// remember notes the file that was just bound at path.
func remember(path string) boundFile {
	info, err := os.Lstat(path)
	if err != nil {
		return boundFile{}
	}
	os.SameFile(info, info) // Windows asks for a file's identity only when it is first compared
	return boundFile{absolute(path), info}
}

// remove removes the file if it is still the one that was bound: another
// listener may have taken the path over, and its file stays.
func (f boundFile) remove() error {
	if f.info == nil {
		return nil
	}
	if now, err := os.Lstat(f.path); err != nil || !os.SameFile(now, f.info) {
		return nil
	}
	return unlessGone(os.Remove(f.path))
}
