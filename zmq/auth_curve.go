package zmq

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"zeromux/internal/filemark"
)

// keySuffix is what the names of public certificate files end in, by pyzmq's custom.
const keySuffix = ".key"

// maxReportedFiles bounds what an error tells of a folder.
const maxReportedFiles = 10

// errNoCurve is for peers that have shown otherwise, or not at all, who they are.
var errNoCurve = fmt.Errorf("%w: holders of keys come by CURVE", ErrDenied)

// unknownKey is for a key that nobody has vouched for.
func unknownKey(key CurvePublicKey) error {
	return fmt.Errorf("%w: nobody knows the key %v", ErrDenied, key)
}

// CurveKeys is a policy that lets in peers with CURVE whose public key is in the table,
// which is copied. What the table has for the key is the peer's UserID; where that is
// empty, the key as Z85, as with pyzmq.
func CurveKeys(table map[CurvePublicKey]string) Authenticator {
	table = maps.Clone(table)
	return func(_ context.Context, p *Applicant) error {
		if p.Mechanism != mechanismCurve {
			return errNoCurve
		}
		user, known := table[p.PublicKey]
		if !known {
			return unknownKey(p.PublicKey)
		}
		if user == "" {
			user = p.PublicKey.String()
		}
		p.UserID = user
		return nil
	}
}

// A CurveDirectory is a folder of public certificate files, each of somebody who may
// come in. [OpenCurveDirectory] makes it, and its method Authenticate is a policy. Every plain file in the folder counts
// but those whose name begins with "." or "#" or ends in "_secret" or "~"; folders within
// it do not. A secret key in one of them does not matter, and should not be there.
//
// Files that come, change or go are noticed, no later than ReloadConfig says: to lock
// somebody out, remove the file: as "ada.key.bak" it would count as well. While a file is no certificate, half written for one,
// what it was before counts, and all others count in any case; while the folder cannot
// be read, all that was in it does.
type CurveDirectory struct {
	path     string
	follower *filemark.Follower
	files    map[string]*curveFile // by name; guarded by the follower
	book     atomic.Pointer[map[CurvePublicKey]curveUser]
}

// A curveFile is one file of a CurveDirectory.
type curveFile struct {
	mark        filemark.Mark
	certificate *CurveCertificate // the last that was good; nil: there was none
	fault       error             // what is wrong with it now
}

// A curveUser is who has a key.
type curveUser struct {
	id       string
	metadata map[string]string
}

// OpenCurveDirectory reads a folder of certificates, in which there may be none yet. Nil
// is the default configuration. The error is what the system says of the folder, or
// wraps ErrExposed for one into which everybody may write, unless it is on a file system
// that is mounted to be read only, as orchestrators mount secrets, or ErrInvalid for a
// configuration out of range; what is wrong with files in
// it is for the log, and for Err.
func OpenCurveDirectory(path string, config *ReloadConfig) (*CurveDirectory, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("zmq: certificates: %w", err)
	}
	d := &CurveDirectory{path: path, follower: newFollower("certificate folder", config)}
	d.book.Store(&map[CurvePublicKey]curveUser{})
	if err := d.Reload(); d.files == nil {
		return nil, err
	}
	return d, nil
}

// Reload reads the folder at once. An error wraps ErrInvalid for files that are no
// certificates, and what the system says; all others count.
func (d *CurveDirectory) Reload() error {
	return d.follower.Force(func() error {
		for _, file := range d.files {
			file.mark = filemark.Mark{}
		}
		return d.read()
	})
}

// Err is what was wrong with the folder and its files when they were looked at last;
// nil: nothing.
func (d *CurveDirectory) Err() error { return d.follower.Err() }

// Authenticate lets in peers with CURVE whose public key is in one of the files. The
// UserID is the name of that file, without ".key"; of several files with the same key
// the first by name. That "ada" and "ada.key" have different keys is a fault that Err
// tells of, for both are ada. The properties of the certificate are those of the peer, but for
// those whose name no property can have, and "Socket-Type", which is the peer's to say. The error wraps ErrDenied.
func (d *CurveDirectory) Authenticate(_ context.Context, p *Applicant) error {
	if p.Mechanism != mechanismCurve {
		return errNoCurve
	}
	d.follower.Follow(d.read)
	user, known := (*d.book.Load())[p.PublicKey]
	if !known {
		return unknownKey(p.PublicKey)
	}
	p.UserID = user.id
	if p.Metadata == nil {
		p.Metadata = make(map[string]string, len(user.metadata))
	}
	maps.Copy(p.Metadata, user.metadata)
	return nil
}

// read looks at all files and reads those that have changed.
func (d *CurveDirectory) read() error {
	info, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("zmq: certificates: %w", err)
	}
	if err := checkOpen(d.path, info); err != nil {
		return fmt.Errorf("zmq: certificates: %w", err)
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("zmq: certificates: %w", err)
	}
	files := make(map[string]*curveFile, len(entries))
	for _, entry := range entries {
		name := entry.Name()
		if name[0] == '.' || name[0] == '#' || strings.HasSuffix(name, SecretSuffix) || strings.HasSuffix(name, "~") {
			continue
		}
		if file := d.look(name); file != nil {
			files[name] = file
		}
	}
	d.files = files
	return d.publish()
}

// look is the state of a file now; nil: there is none that counts.
func (d *CurveDirectory) look(name string) *curveFile {
	path := filepath.Join(d.path, name)
	known := d.files[name]
	if known == nil {
		known = &curveFile{}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return nil
	case err != nil:
		return &curveFile{certificate: known.certificate, fault: err}
	}
	if err := checkOpen(path, info); err != nil {
		return &curveFile{certificate: known.certificate, fault: err}
	}
	if known.mark.Holds(info) {
		return known
	}
	before := time.Now()
	text, info, err := readSmallFile(path, maxCertificateSize)
	if err != nil {
		return &curveFile{certificate: known.certificate, fault: err}
	}
	file := &curveFile{mark: known.mark.Next(info, before), certificate: known.certificate}
	read, err := parseCurveCertificate(text)
	clear(text)
	if err != nil {
		file.fault = fmt.Errorf("%s: %w", path, err)
		return file
	}
	read.SecretKey = CurveSecretKey{} // nobody has asked for it
	file.certificate = read
	return file
}

// publish makes the files count, and returns what is wrong with them.
func (d *CurveDirectory) publish() error {
	book := make(map[CurvePublicKey]curveUser, len(d.files))
	named := make(map[string]string, len(d.files)) // the first file of each user
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		file := d.files[name]
		if file.fault != nil {
			faults = append(faults, file.fault)
		}
		if file.certificate == nil {
			continue
		}
		user := strings.TrimSuffix(name, keySuffix)
		if other := named[user]; other == "" {
			named[user] = name
		} else if d.files[other].certificate.PublicKey != file.certificate.PublicKey {
			faults = append(faults, fmt.Errorf("%w: %s and %s have different keys of one user", ErrInvalid, filepath.Join(d.path, other), name))
		}
		if _, taken := book[file.certificate.PublicKey]; taken {
			continue
		}
		metadata := maps.Clone(file.certificate.Metadata)
		maps.DeleteFunc(metadata, func(name, _ string) bool { return !mayGrant(name) })
		book[file.certificate.PublicKey] = curveUser{user, metadata}
	}
	d.book.Store(&book)
	if more := len(faults) - maxReportedFiles; more > 0 {
		faults = append(faults[:maxReportedFiles], fmt.Errorf("and %d more", more))
	}
	if len(faults) == 0 {
		return nil
	}
	return fmt.Errorf("zmq: certificates: %w", refusals(faults))
}
