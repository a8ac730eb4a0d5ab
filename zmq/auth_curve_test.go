package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"zeromux/zmq"
)

// keyPair makes one.
func keyPair(t testing.TB) (zmq.CurvePublicKey, zmq.CurveSecretKey) {
	t.Helper()
	public, secret, err := zmq.NewCurveKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	return public, secret
}

// holding is a peer that has proven to hold a key.
func holding(key zmq.CurvePublicKey) *zmq.Applicant {
	return &zmq.Applicant{Mechanism: "CURVE", Address: "192.0.2.7", PublicKey: key}
}

func TestATableOfKeysLetsInWhoHoldsOne(t *testing.T) {
	ada, _ := keyPair(t)
	bob, _ := keyPair(t)
	eve, _ := keyPair(t)
	table := map[zmq.CurvePublicKey]string{ada: "Ada", bob: ""}
	policy := zmq.CurveKeys(table)
	clear(table)
	for name, c := range map[string]struct {
		p    *zmq.Applicant
		user string // empty: turned away
	}{
		"a user":                    {holding(ada), "Ada"},
		"a user without a name":     {holding(bob), bob.String()},
		"a key that is not there":   {holding(eve), ""},
		"no key":                    {holding(zmq.CurvePublicKey{}), ""},
		"a key that nobody proved":  {&zmq.Applicant{Mechanism: "NULL", PublicKey: ada}, ""},
		"a key beside a password":   {&zmq.Applicant{Mechanism: "PLAIN", Username: "Ada", PublicKey: ada}, ""},
		"a mechanism spelled small": {&zmq.Applicant{Mechanism: "curve", PublicKey: ada}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := policy(t.Context(), c.p)
			if c.p.UserID != c.user || (err == nil) != (c.user != "") || err != nil && !errors.Is(err, zmq.ErrDenied) {
				t.Errorf("%v, as %q, want %q", err, c.p.UserID, c.user)
			}
		})
	}
	if err := policy(t.Context(), holding(eve)); !strings.Contains(fmt.Sprint(err), eve.String()) {
		t.Errorf("%v does not tell which key", err)
	}
}

// A keyFolder is a folder of certificates that a test changes.
type keyFolder struct {
	*zmq.CurveDirectory
	t    *testing.T
	path string
	log  bytes.Buffer
}

func newKeyFolder(t *testing.T) *keyFolder { return &keyFolder{t: t, path: t.TempDir()} }

func (f *keyFolder) open(interval time.Duration) *keyFolder {
	f.t.Helper()
	var err error
	f.CurveDirectory, err = zmq.OpenCurveDirectory(f.path, &zmq.ReloadConfig{Interval: interval, Logger: slog.New(slog.NewTextHandler(&f.log, nil))})
	if err != nil {
		f.t.Fatal(err)
	}
	return f
}

// add writes the public certificate of a new key.
func (f *keyFolder) add(name string, metadata map[string]string) zmq.CurvePublicKey {
	f.t.Helper()
	key, _ := keyPair(f.t)
	f.put(name, key, metadata)
	return key
}

func (f *keyFolder) put(name string, key zmq.CurvePublicKey, metadata map[string]string) {
	f.t.Helper()
	c := zmq.CurveCertificate{PublicKey: key, Metadata: metadata}
	if err := c.SavePublic(filepath.Join(f.path, name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *keyFolder) write(name, text string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.path, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *keyFolder) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.path, name)); err != nil {
		f.t.Fatal(err)
	}
}

// admits checks as whom the holder of a key is let in; empty: not at all.
func (f *keyFolder) admits(key zmq.CurvePublicKey, user string) {
	f.t.Helper()
	p := holding(key)
	err := f.Authenticate(f.t.Context(), p)
	if p.UserID != user || (err == nil) != (user != "") || err != nil && !errors.Is(err, zmq.ErrDenied) {
		f.t.Errorf("%v, as %q, want %q", err, p.UserID, user)
	}
}

func TestAFolderOfCertificatesLetsInWhoIsInIt(t *testing.T) {
	f := newKeyFolder(t)
	ada := f.add("ada.key", nil)
	text := f.add("bob.txt", nil)
	plain := f.add("carol", nil)
	hidden, backup, secret, unsaved := f.add(".dave.key", nil), f.add("eve.key~", nil), f.add("fred.key_secret", nil), f.add("#hal.key#", nil)
	if err := os.Mkdir(filepath.Join(f.path, "folder.key"), 0o700); err != nil {
		t.Fatal(err)
	}
	deep := f.add("folder.key/grace.key", nil)
	f.put("zoe.key", ada, nil)
	f.open(zmq.Never)
	for key, user := range map[zmq.CurvePublicKey]string{
		ada: "ada", text: "bob.txt", plain: "carol", hidden: "", backup: "", secret: "", unsaved: "", deep: "", {}: "",
	} {
		f.admits(key, user)
	}
	if err := f.Err(); err != nil {
		t.Errorf("the folder is as %v", err)
	}
	if err := f.Authenticate(t.Context(), &zmq.Applicant{Mechanism: "NULL", PublicKey: ada}); !errors.Is(err, zmq.ErrDenied) {
		t.Errorf("without CURVE: %v", err)
	}
}

func TestTwoKeysOfOneNameAreAFaultOfTheFolder(t *testing.T) {
	f := newKeyFolder(t)
	first, second, same := f.add("ada", nil), f.add("ada.key", nil), f.add("bob", nil)
	f.put("bob.key", same, nil)
	f.open(zmq.Never)
	for key, user := range map[zmq.CurvePublicKey]string{first: "ada", second: "ada", same: "bob"} {
		f.admits(key, user)
	}
	if err := f.Err(); !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "ada.key") || strings.Contains(err.Error(), "bob") {
		t.Errorf("the folder is as %v", err)
	}
	f.remove("ada")
	if err := f.Reload(); err != nil {
		t.Error(err)
	}
	f.admits(first, "")
	f.admits(second, "ada")
}

func TestTheFolderMayHoldCertificatesWithSecrets(t *testing.T) {
	f := newKeyFolder(t)
	f.write("alice.key", foreignCertificates["a secret one of CZMQ"].text)
	f.open(zmq.Never)
	f.admits(publicKey(t, foreignCertificates["a secret one of CZMQ"].public), "alice")
}

func TestAPeerHasThePropertiesOfItsCertificate(t *testing.T) {
	f := newKeyFolder(t)
	key := f.add("ada.key", map[string]string{"name": "Ada", "mail/to": "a@b", "X-Rank": "1", "Socket-type": "SUB"})
	f.open(zmq.Never)
	for name, before := range map[string]map[string]string{"none before": nil, "some before": {"name": "?", "other": "x"}} {
		p := holding(key)
		p.Metadata = before
		if err := f.Authenticate(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"name": "Ada", "X-Rank": "1"}
		if before != nil {
			want["other"] = "x"
		}
		if !maps.Equal(p.Metadata, want) {
			t.Errorf("%s: %v, want %v", name, p.Metadata, want)
		}
		p.Metadata["name"] = "changed" // which is the peer's alone
	}
}

func TestAFolderOfCertificatesIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newKeyFolder(t)
		ada := f.add("ada.key", nil)
		f.open(0)
		second := func() { <-time.After(time.Second) }

		bob := f.add("bob.key", nil)
		f.admits(bob, "") // within the second
		second()
		f.admits(bob, "bob")
		f.admits(ada, "ada")

		f.write("bob.key", "curve\n    public-key = \"rq:rM>}U?@L") // half a file
		f.write("none.key", "hello, folder\n")
		second()
		f.admits(bob, "bob")
		f.admits(ada, "ada")
		carol := f.add("carol.key", nil) // others are noticed all the same
		second()
		f.admits(carol, "carol")
		if err := f.Err(); !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "bob.key") || !strings.Contains(err.Error(), "none.key: ") {
			t.Errorf("the folder is as %v", err)
		}

		f.put("bob.key", carol, nil) // another key in the place of the first
		f.remove("none.key")
		second()
		f.admits(bob, "")
		f.admits(carol, "bob")
		f.remove("bob.key")
		f.remove("ada.key")
		second()
		f.admits(ada, "")
		f.admits(carol, "carol")
		if err := f.Err(); err != nil {
			t.Errorf("the folder is as %v", err)
		}

		if err := os.Rename(f.path, f.path+"x"); err != nil {
			t.Fatal(err)
		}
		second()
		f.admits(carol, "carol")
		if err := f.Err(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder is as %v", err)
		}
		if err := os.Rename(f.path+"x", f.path); err != nil {
			t.Fatal(err)
		}
		f.remove("carol.key")
		second()
		f.admits(carol, "")
		for text, times := range map[string]int{"bob.key: line 2": 1, "no such file": 1, "can be used again": 2, "rq:r": 0, "hello": 0} {
			if n := strings.Count(f.log.String(), text); n != times {
				t.Errorf("the log says %q %d times, want %d:\n%s", text, n, times, &f.log)
			}
		}
	})
}

func TestReloadReadsAtOnce(t *testing.T) {
	f := newKeyFolder(t).open(zmq.Never)
	ada := f.add("ada.key", nil)
	f.admits(ada, "")
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	f.admits(ada, "ada")
	f.write("bob.key", "")
	if err := f.Reload(); !errors.Is(err, zmq.ErrInvalid) || f.Err() == nil {
		t.Errorf("%v, and later %v, want ErrInvalid", err, f.Err())
	}
	f.admits(ada, "ada")
}

// TestWhatEverybodyMayChangeLetsNobodyIn: neither a file nor the folder, and what was
// read before counts.
func TestWhatEverybodyMayChangeLetsNobodyIn(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	chmod := func(path string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	f := newKeyFolder(t).open(zmq.Never)
	ada, bob := f.add("ada.key", nil), f.add("bob.key", nil)
	chmod(filepath.Join(f.path, "bob.key"), 0o646)
	if err := f.Reload(); !errors.Is(err, zmq.ErrExposed) || !strings.Contains(err.Error(), "bob.key") {
		t.Errorf("a file: %v, want ErrExposed and the name", err)
	}
	f.admits(ada, "ada")
	f.admits(bob, "")
	chmod(filepath.Join(f.path, "bob.key"), 0o644)
	chmod(f.path, 0o757)
	if err := f.Reload(); !errors.Is(err, zmq.ErrExposed) {
		t.Errorf("the folder: %v, want ErrExposed", err)
	}
	f.admits(ada, "ada")
	f.admits(bob, "")
	if d, err := zmq.OpenCurveDirectory(f.path, nil); d != nil || !errors.Is(err, zmq.ErrExposed) {
		t.Errorf("the folder was opened: %v", err)
	}
	chmod(f.path, 0o755)
	if err := f.Reload(); err != nil {
		t.Error(err)
	}
	f.admits(bob, "bob")
}

// TestAFolderMayBeExchanged for another of the same name, by a link as well.
func TestAFolderMayBeExchanged(t *testing.T) {
	one, two := newKeyFolder(t), newKeyFolder(t)
	ada, bob := one.add("ada.key", nil), two.add("bob.key", nil)
	link := filepath.Join(t.TempDir(), "link")
	f := newKeyFolder(t)
	f.path = link
	exchange := func(target string) {
		t.Helper()
		if err := os.Symlink(target, link+".new"); err != nil {
			t.Skip(err)
		}
		if err := os.Rename(link+".new", link); err != nil {
			t.Fatal(err)
		}
	}
	exchange(one.path)
	f.open(zmq.Never)
	f.admits(ada, "ada")
	exchange(two.path)
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	f.admits(ada, "")
	f.admits(bob, "bob")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := f.Reload(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that there is none", err)
	}
	f.admits(bob, "bob") // who was in it before
}

func TestABrokenFolderDoesNotTellForEver(t *testing.T) {
	f := newKeyFolder(t)
	for i := range 100 {
		f.write(fmt.Sprint(i, ".key"), "")
	}
	f.open(zmq.Never)
	if err := f.Err(); strings.Count(err.Error(), "no key") != 10 || !strings.Contains(err.Error(), "and 90 more") {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNoFolderIsRefused(t *testing.T) {
	if d, err := zmq.OpenCurveDirectory(filepath.Join(t.TempDir(), "none"), nil); d != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, %v", d, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := zmq.OpenCurveDirectory(file, nil); d != nil || err == nil {
		t.Errorf("a file: %v, %v", d, err)
	}
	odd := &zmq.ReloadConfig{Interval: -time.Second}
	d, err := zmq.OpenCurveDirectory(t.TempDir(), odd)
	f, other := zmq.OpenPasswordFile(file, odd)
	if d != nil || f != nil || !containsText(err, "ReloadConfig.Interval") || !containsText(other, "ReloadConfig.Interval") {
		t.Errorf("an interval below all: %v, %v", err, other)
	}
}

// TestAFolderIsReadWhileManyAsk has certificates come and go under the race detector,
// and one that stays be let in all the time.
func TestAFolderIsReadWhileManyAsk(t *testing.T) {
	f := newKeyFolder(t)
	stays := f.add("stays.key", map[string]string{"name": "Ada"})
	f.open(time.Nanosecond)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				p := holding(stays)
				if err := f.Authenticate(t.Context(), p); err != nil || p.UserID != "stays" {
					t.Errorf("%v, as %q", err, p.UserID)
				}
			}
		})
	}
	for i := range 20 {
		name := fmt.Sprint(i%3, ".key")
		f.add(name, nil)
		if i%2 == 0 {
			f.remove(name)
		}
		f.write("stays.key", "half") // and it stays
	}
	all.Wait()
}
