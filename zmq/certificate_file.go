package zmq

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"zeromux/internal/filemark"
)

// maxCertificateSize bounds a certificate file, in octets. CZMQ's have some 500.
const maxCertificateSize = 64 << 10

// SecretSuffix is what the name of a secret certificate file ends in, behind the name
// of the public one: "alice.key" and "alice.key_secret".
const SecretSuffix = "_secret"

// ErrExposed is what a file is refused with that holds a secret and that others than
// its owner may read or change: their group, or everybody. Take their permissions away
// (chmod 600), and think of the secret as known. A [PasswordFile] and a [CurveDirectory]
// are refused with it, whose contents are no secrets, if everybody may change them, unless
// they are on a file system that is mounted to be read only. It is also fs.ErrPermission.
var ErrExposed error = &also{"others may read or change what is for its owner alone", fs.ErrPermission}

// LoadCurveCertificate reads a certificate file, public or secret, of this package, of
// CZMQ or of pyzmq. The error wraps ErrInvalid, ErrExposed, or what the system says. A
// file of more than 64 KiB, or what is no plain file, is ErrInvalid.
//
// On Windows, where permissions are something else, nothing is ErrExposed: there a
// secret is as safe as its folder.
func LoadCurveCertificate(path string) (*CurveCertificate, error) {
	return loadCurveCertificate(path, false)
}

// LoadExposedCurveCertificate is LoadCurveCertificate, but takes a secret that others
// may read: what orchestrators mount belongs to a group, for one.
func LoadExposedCurveCertificate(path string) (*CurveCertificate, error) {
	return loadCurveCertificate(path, true)
}

func loadCurveCertificate(path string, exposed bool) (*CurveCertificate, error) {
	text, info, err := readSmallFile(path, maxCertificateSize)
	if err != nil {
		return nil, fmt.Errorf("zmq: certificate: %w", err)
	}
	defer clear(text)
	c, err := parseCurveCertificate(text)
	if err == nil && !exposed && !c.SecretKey.IsZero() && isExposed(info) {
		err = ErrExposed
	}
	if err != nil {
		return nil, fmt.Errorf("zmq: certificate %s: %w", path, err)
	}
	return c, nil
}

// checkOpen refuses a file, or a folder, that everybody may change: then it says nothing
// about who may come in. Groups are left to those who make them, as many systems give
// each user one of his own. What is mounted to be read only nobody changes here, whatever
// its mode: so do orchestrators mount secrets, in a folder of mode 0777.
func checkOpen(path string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o002 == 0 || isReadOnly(path) {
		return nil
	}
	return fmt.Errorf("%s: %w: everybody may write to it (chmod o-w takes that away)", path, ErrExposed)
}

// isExposed reports whether others than the owner have a right to a file. An octet of
// permissions says nothing on Windows.
func isExposed(info fs.FileInfo) bool {
	return runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
}

// Save writes the public certificate to path and the secret one to path with
// SecretSuffix, in place of what is there: each is there as a whole or not at all, the
// secret one first, and that only its owner may read (mode 0600; on Windows whoever may
// read the folder). What cannot be replaced, such as a folder, is found out before
// anything is. The error wraps ErrInvalid for a certificate that has no secret key, or
// cannot be written, or for what is no file; or it is what the system says.
func (c *CurveCertificate) Save(path string) error { return c.save(path, false) }

// SaveNew is Save where there is nothing yet. What there is stays as it is, and the error
// wraps fs.ErrExist and an *fs.PathError that tells which file it is. Of several programs
// that save to one path at once a single one has written both files, and the others none.
func (c *CurveCertificate) SaveNew(path string) error { return c.save(path, true) }

// SavePublic writes the public certificate alone to path, which anybody may read.
func (c *CurveCertificate) SavePublic(path string) error { return c.savePublic(path, false) }

// SavePublicNew is SavePublic where there is nothing yet, as SaveNew is Save.
func (c *CurveCertificate) SavePublicNew(path string) error { return c.savePublic(path, true) }

// save writes both files, and puts them where they belong.
func (c *CurveCertificate) save(path string, create bool) error {
	if c.SecretKey.IsZero() {
		return fmt.Errorf("zmq: certificate %s: %w: no secret key to save", path, ErrInvalid)
	}
	return saveAll(create, certificateFile{*c, path + SecretSuffix, 0o600}, certificateFile{c.public(), path, 0o644})
}

func (c *CurveCertificate) savePublic(path string, create bool) error {
	return saveAll(create, certificateFile{c.public(), path, 0o644})
}

// public is the certificate without its secret key.
func (c *CurveCertificate) public() CurveCertificate {
	public := *c
	if public.PublicKey.IsZero() {
		public.PublicKey = c.SecretKey.PublicKey()
	}
	public.SecretKey = CurveSecretKey{}
	return public
}

// A certificateFile is what is to stand where.
type certificateFile struct {
	certificate CurveCertificate
	path        string
	mode        fs.FileMode
}

// saveAll writes all files where nothing is, or else in place of what is there. Whether
// that can be is looked at first: a secret, which nobody has twice, is not replaced for
// nothing.
func saveAll(create bool, files ...certificateFile) error {
	check, put := replaceable, replaceAll
	if create {
		check, put = free, createAll
	}
	for _, file := range slices.Backward(files) { // the name that was asked for first
		if err := check(file.path); err != nil {
			return fmt.Errorf("zmq: certificate: %w", err)
		}
	}
	drafts := make([]draft, 0, len(files))
	defer func() {
		for _, d := range drafts {
			os.Remove(d.temporary) // if it is there still
		}
	}()
	for _, file := range files {
		text, err := file.certificate.text()
		if err != nil {
			return fmt.Errorf("zmq: certificate %s: %w", file.path, err)
		}
		d, err := writeDraft(file.path, text, file.mode)
		clear(text)
		if err != nil {
			return fmt.Errorf("zmq: certificate: %w", err)
		}
		drafts = append(drafts, d)
	}
	if err := put(drafts); err != nil {
		return fmt.Errorf("zmq: certificate: %w", err)
	}
	syncFolder(filepath.Dir(files[0].path))
	return nil
}

// readSmallFile is filemark.Read; what is unfit is invalid.
func readSmallFile(path string, most int64) (content []byte, info fs.FileInfo, err error) {
	content, info, err = filemark.Read(path, most)
	if errors.Is(err, filemark.ErrUnfit) {
		err = fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return content, info, err
}
