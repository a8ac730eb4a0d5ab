package zmq_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"zeromux/zmq"
)

// mountVariable tells a process of the test that it has mounts of its own.
const mountVariable = "ZMQ_TEST_MOUNTS"

// TestWhatIsMountedToBeReadIsTrusted: in a folder as Kubernetes mounts it files are links
// through "..data", which is exchanged as a whole, and everybody may write into it, were
// it not mounted to be read only.
func TestWhatIsMountedToBeReadIsTrusted(t *testing.T) {
	if os.Getenv(mountVariable) == "" {
		process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		process.Env = append(os.Environ(), mountVariable+"=1")
		process.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		text, err := process.CombinedOutput()
		var ended *exec.ExitError
		switch {
		case err != nil && !errors.As(err, &ended):
			t.Skip("a process cannot have mounts of its own here:", err)
		case err != nil:
			t.Errorf("%v: %s", err, text)
		}
		return
	}
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
		t.Skip("nothing can be mounted here:", err)
	}
	defer syscall.Unmount(folder, 0)
	do := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	readOnly := func(is bool) {
		t.Helper()
		flags := uintptr(syscall.MS_REMOUNT)
		if is {
			flags |= syscall.MS_RDONLY
		}
		do(syscall.Mount("", folder, "", flags, ""))
	}
	at := func(name string) string { return filepath.Join(folder, name) }
	put := func(version string) identity {
		own := newIdentity(t)
		certificate := zmq.CurveCertificate{PublicKey: own.public, SecretKey: own.secret}
		text, err := zmq.CertificateText(&certificate)
		do(err, os.Mkdir(at(version), 0o755), certificate.SavePublic(at(version+"/ada.key")))
		do(os.WriteFile(at(version+"/own.key_secret"), text, 0o440), os.Chmod(at(version+"/ada.key"), 0o666))
		do(os.Symlink(version, at("..data_tmp")), os.Rename(at("..data_tmp"), at("..data")))
		return own
	}
	hash, err := zmq.HashPassword("correct horse", 4)
	do(err, os.WriteFile(at("passwords"), []byte("ada:"+hash+"\n"), 0o600), os.Chmod(at("passwords"), 0o666))
	first := put("..first")
	do(os.Symlink("..data/ada.key", at("ada.key")), os.Symlink("..data/own.key_secret", at("own.key_secret")), os.Chmod(folder, 0o777|os.ModeSticky))

	_, err = zmq.OpenCurveDirectory(folder, nil)
	if _, other := zmq.OpenPasswordFile(at("passwords"), nil); !is(err, zmq.ErrExposed) || !is(other, zmq.ErrExposed) {
		t.Fatalf("while everybody may write: %v, %v", err, other)
	}
	readOnly(true)
	friends, err := zmq.OpenCurveDirectory(folder, &zmq.ReloadConfig{Interval: zmq.Never})
	do(err)
	lets := func(k identity) bool {
		return friends.Authenticate(context.Background(), &zmq.Applicant{Mechanism: "CURVE", PublicKey: k.public}) == nil
	}
	if !lets(first) {
		t.Error("ada is not let in")
	}
	users, err := zmq.OpenPasswordFile(at("passwords"), nil)
	do(err, users.Authenticate(context.Background(), &zmq.Applicant{Mechanism: "PLAIN", Username: "ada", Password: "correct horse"}))
	if _, err := zmq.LoadCurveCertificate(at("own.key_secret")); !is(err, zmq.ErrExposed) {
		t.Errorf("a secret that a group may read: %v", err)
	}
	_, err = zmq.LoadExposedCurveCertificate(at("own.key_secret"))
	do(err)

	readOnly(false)
	second := put("..second")
	readOnly(true)
	if err := friends.Reload(); err == nil { // the table of passwords is no certificate
		t.Error("a file that is no certificate is not told of")
	}
	if lets(first) || !lets(second) {
		t.Errorf("after the exchange: the old key %v, the new one %v", lets(first), lets(second))
	}
}
