package zmq

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

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
// SecretSuffix, whatever is there: each is there as a whole or not at all, the secret
// one first, and that only its owner may read (mode 0600; on Windows whoever may read
// the folder). The error wraps ErrInvalid for a certificate that has no secret key, or
// cannot be written, or what the system says.
func (c *CurveCertificate) Save(path string) error {
	if c.SecretKey.IsZero() {
		return fmt.Errorf("zmq: certificate %s: %w: no secret key to save", path, ErrInvalid)
	}
	if err := c.save(path+SecretSuffix, 0o600); err != nil {
		return err
	}
	return c.SavePublic(path)
}

// SavePublic writes the public certificate alone to path, which anybody may read.
func (c *CurveCertificate) SavePublic(path string) error {
	public := *c
	if public.PublicKey.IsZero() {
		public.PublicKey = c.SecretKey.PublicKey()
	}
	public.SecretKey = CurveSecretKey{}
	return public.save(path, 0o644)
}

func (c *CurveCertificate) save(path string, mode fs.FileMode) error {
	text, err := c.text()
	if err != nil {
		return fmt.Errorf("zmq: certificate %s: %w", path, err)
	}
	defer clear(text)
	if err := replaceFile(path, text, mode); err != nil {
		return fmt.Errorf("zmq: certificate: %w", err)
	}
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

// replaceFile makes path a file of this content and mode: who opens it finds what was
// there before or all of content, even when the machine stops in between.
func replaceFile(path string, content []byte, mode fs.FileMode) error {
	folder, name := filepath.Split(path)
	temporary := filepath.Join(folder, "."+name+"."+rand.Text())
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
		return err
	}
	syncFolder(folder)
	return nil
}

// syncFolder makes a new name in a folder outlast the machine's stopping, where the
// system can do that.
func syncFolder(folder string) {
	if f, err := os.Open(filepath.Clean(folder)); err == nil {
		_ = f.Sync()
		f.Close()
	}
}
