package ipc

import (
	"os"
	"path/filepath"

	"zeromux/transport"
)

// makeWildcardDir makes a directory that only this user can enter. It lies in
// the first of $TMPDIR, $TEMPDIR and $TMP that exists, else in the working
// directory, and then its path is relative; so it is in libzmq.
func makeWildcardDir() (string, error) {
	parent := "."
	for _, name := range []string{"TMPDIR", "TEMPDIR", "TMP"} {
		value := os.Getenv(name)
		if info, err := os.Stat(value); err == nil && info.IsDir() {
			parent = value
			break
		}
	}
	dir, err := os.MkdirTemp(parent, "tmp")
	if err != nil {
		return "", transport.Portable(err)
	}
	return filepath.Clean(dir), nil
}

// wildcardSocket is the path to bind in a directory made for it.
func wildcardSocket(dir string) string { return filepath.Join(dir, "socket") }

// removeWildcardDir removes what makeWildcardDir made, once it is empty.
// The empty string is no directory.
func removeWildcardDir(dir string) {
	if dir != "" {
		os.Remove(dir)
	}
}

// unlink removes what is at path, unless it is a directory. If it cannot, the
// bind that follows says why.
func unlink(path string) {
	if info, err := os.Lstat(path); err == nil && !info.IsDir() {
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
	absolute, err := filepath.Abs(path)
	if err != nil {
		absolute = path
	}
	info, err := os.Lstat(path)
	if err != nil {
		return boundFile{}
	}
	os.SameFile(info, info) // Windows asks for a file's identity only when it is first compared
	return boundFile{absolute, info}
}

// remove removes the file if it is still the one that was bound: another
// listener may have taken the path over, and its file stays.
func (f boundFile) remove() {
	if f.info == nil {
		return
	}
	if now, err := os.Lstat(f.path); err == nil && os.SameFile(now, f.info) {
		os.Remove(f.path)
	}
}
