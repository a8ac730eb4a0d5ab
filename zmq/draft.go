package zmq

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A draft is a file that is written as a whole and does not have its name yet: who opens
// that finds what was there before or all of the new, even when the machine stops in
// between.
type draft struct {
	path      string // where it belongs
	temporary string // where it is, in the same folder
}

// writeDraft writes a draft. The error tells of path, and not of the other name.
func writeDraft(path string, content []byte, mode fs.FileMode) (draft, error) {
	folder, name := filepath.Split(path)
	d := draft{path, filepath.Join(folder, "."+name+"."+rand.Text())}
	f, err := os.OpenFile(d.temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return draft{}, d.named(err)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(d.temporary)
		return draft{}, d.named(err)
	}
	return d, nil
}

// named is an error of the system as one of the path, which its reader knows.
func (d draft) named(err error) error {
	var of *fs.PathError
	var with *os.LinkError
	switch {
	case errors.As(err, &of):
		return &fs.PathError{Op: of.Op, Path: d.path, Err: of.Err}
	case errors.As(err, &with):
		return &fs.PathError{Op: with.Op, Path: d.path, Err: with.Err}
	}
	return err
}

// replaceable refuses a path that no draft can take the place of: what is there is no
// file, and no link to something.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%w: %s is there, and is no file", ErrInvalid, path)
	}
	return nil
}

// replaceAll puts drafts in the place of what is there.
func replaceAll(drafts []draft) error {
	for _, d := range drafts {
		if err := os.Rename(d.temporary, d.path); err != nil {
			return d.named(err)
		}
	}
	return nil
}

// free refuses a path where there is something.
func free(path string) error {
	_, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return taken(path)
}

// taken is the error for a path where there is something.
func taken(path string) error { return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist} }

// createAll puts drafts where nothing is, all of them or none.
func createAll(drafts []draft) error {
	for i, d := range drafts {
		if err := d.create(os.Link); err != nil {
			for _, done := range drafts[:i] {
				done.withdraw()
			}
			return err
		}
	}
	return nil
}

// create gives a draft its name, which nothing may have. A file system that has no links
// gets an empty file first: that, too, only one can make.
func (d draft) create(link func(from, to string) error) error {
	err := link(d.temporary, d.path)
	if err == nil {
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return taken(d.path)
	}
	f, err := os.OpenFile(d.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return taken(d.path)
	}
	if err == nil {
		if err = errors.Join(f.Close(), os.Rename(d.temporary, d.path)); err != nil {
			os.Remove(d.path)
		}
	}
	if err != nil {
		return d.named(err)
	}
	return nil
}

// withdraw takes the name from a draft that create gave it to, unless somebody has put
// another file there since.
func (d draft) withdraw() {
	own, err := os.Lstat(d.temporary)
	if err != nil { // it was moved, and is that file
		os.Remove(d.path)
		return
	}
	if there, err := os.Lstat(d.path); err == nil && os.SameFile(own, there) {
		os.Remove(d.path)
	}
}

// syncFolder makes a new name in a folder outlast the machine's stopping, where the
// system can do that.
func syncFolder(folder string) {
	if f, err := os.Open(folder); err == nil {
		_ = f.Sync()
		f.Close()
	}
}
