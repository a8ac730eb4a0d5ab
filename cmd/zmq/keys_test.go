package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zeromux/zmq"
)

// A pair of keys of libzmq.
const (
	secretText = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
	publicText = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
)

// printed is what a process that ends well prints.
func (p *process) printed() string {
	p.t.Helper()
	return p.ends(exitDone).stdout.String()
}

func TestAPairOfKeysIsPrinted(t *testing.T) {
	text := start(t, "keys", "new").printed()
	public, secret, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n")
	public, isPublic := strings.CutPrefix(public, "public ")
	secret, isSecret := strings.CutPrefix(secret, "secret ")
	key, err := zmq.ParseCurveSecretKey(secret)
	if !isPublic || !isSecret || err != nil || key.PublicKey().String() != public {
		t.Errorf("printed %q: %v", text, err)
	}
	start(t, "keys", "public").says(secret + "\n").prints(public + "\n")
}

func TestAPairOfKeysIsWritten(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "ada.key")
	public := start(t, "keys", "new", path, "--meta", "name=Ada Lovelace", "-m", "x==").printed()
	for path, secret := range map[string]bool{path: false, path + "_secret": true} {
		c, err := zmq.LoadCurveCertificate(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.PublicKey.String()+"\n" != public || c.SecretKey.IsZero() == secret || c.Metadata["name"] != "Ada Lovelace" || c.Metadata["x"] != "=" {
			t.Errorf("%s: %+v, printed %q", path, c, public)
		}
		start(t, "keys", "public", path).prints(public)
	}
	before, err := os.ReadFile(path + "_secret")
	if err != nil {
		t.Fatal(err)
	}
	start(t, "keys", "new", path).complains(exitError, path, "--force")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	start(t, "keys", "new", path).complains(exitError, path+"_secret", "--force")
	if after, err := os.ReadFile(path + "_secret"); err != nil || string(after) != string(before) {
		t.Errorf("the secret file is now %q, %v", after, err)
	}
	if again := start(t, "keys", "new", path, "--force").printed(); again == public {
		t.Errorf("the key is still %s", again)
	}
}

func TestAPublicCertificateIsMadeOfASecretOne(t *testing.T) {
	folder := t.TempDir()
	path, copied := filepath.Join(folder, "ada.key"), filepath.Join(folder, "copy.key")
	public := start(t, "keys", "new", path, "-m", "name=Ada").printed()
	for range 2 {
		start(t, "keys", "public", path+"_secret", "--save", copied, "--force").prints(public)
		c, err := zmq.LoadCurveCertificate(copied)
		if err != nil || !c.SecretKey.IsZero() || c.PublicKey.String()+"\n" != public || c.Metadata["name"] != "Ada" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	start(t, "keys", "public", path+"_secret", "--save", copied).complains(exitError, copied, "--force")
	start(t, "keys", "public", "--save", filepath.Join(folder, "typed.key")).says(secretText).prints(publicText + "\n")
}

// Of those who make a pair of the same name at once one has made it.
func TestOnePairOfManyIsWritten(t *testing.T) {
	for range 5 {
		path := filepath.Join(t.TempDir(), "ada.key")
		var all []*process
		for range 8 {
			all = append(all, start(t, "keys", "new", path))
		}
		printed := ""
		for _, p := range all {
			if <-p.done; p.code == exitDone {
				printed += p.stdout.String()
			} else {
				p.complains(exitError, path, "is there already; --force replaces it")
			}
		}
		for _, written := range []string{path, path + zmq.SecretSuffix} {
			c, err := zmq.LoadCurveCertificate(written)
			if err != nil || c.PublicKey.String()+"\n" != printed {
				t.Fatalf("%s: %v, and %q was printed", written, err, printed)
			}
		}
		if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 2 {
			t.Errorf("the folder holds %v, %v", entries, err)
		}
	}
}

func TestASecretKeyIsNotLost(t *testing.T) {
	folder := t.TempDir()
	path, other := filepath.Join(folder, "ada.key"), filepath.Join(folder, "other")
	start(t, "keys", "new", path).ends(exitDone)
	secret := read(t, path+"_secret")
	write(t, other, secret)
	for _, save := range []string{path + "_secret", other} {
		for _, from := range []string{path, path + "_secret", other} {
			start(t, "keys", "public", from, "--save", save, "--force").complains(exitUsage, "--save")
		}
	}
	start(t, "keys", "public", "--save", filepath.Join(folder, "new_secret")).complains(exitUsage, "_secret")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	start(t, "keys", "new", path, "--force").complains(exitError, path, "is no file")
	start(t, "keys", "public", path+"_secret", "--save", path, "--force").complains(exitError, path, "is no file")
	if read(t, path+"_secret") != secret || read(t, other) != secret {
		t.Error("a secret key is lost")
	}
}

func TestASecretThatOthersCanReadIsReadWhenTold(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	path := filepath.Join(t.TempDir(), "ada.key")
	public := start(t, "keys", "new", path).printed()
	if err := os.Chmod(path+"_secret", 0o640); err != nil {
		t.Fatal(err)
	}
	start(t, "keys", "public", path+"_secret").complains(exitError, path, "chmod 600", "--exposed")
	start(t, "keys", "public", "--exposed", path+"_secret").prints(public)
}

func TestWhatIsNoKeyIsRefusedAndNotRepeated(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct {
		args  []string
		typed string
		code  int
		says  string
	}{
		"a malformed key":               {[]string{"public"}, secretText[1:], exitError, "39 octets"},
		"nothing":                       {[]string{"public"}, "", exitError, "0 octets"},
		"two lines":                     {[]string{"public"}, secretText + "\n" + secretText + "\n", exitError, "more than one line"},
		"a line without an end":         {[]string{"public"}, strings.Repeat(secretText, 1000), exitError, "more than one line"},
		"a key as an argument":          {[]string{"public", secretText}, "", exitUsage, "without an argument"},
		"no such file":                  {[]string{"public", filepath.Join(folder, "none")}, "", exitError, "none"},
		"a folder that is not there":    {[]string{"new", filepath.Join(folder, "none", "x.key")}, "", exitError, "none"},
		"the name of the secret file":   {[]string{"new", filepath.Join(folder, "x.key_secret")}, "", exitUsage, "_secret"},
		"a property of nobody":          {[]string{"new", "--meta", "name=x"}, "", exitUsage, "FILE"},
		"a property without a value":    {[]string{"new", filepath.Join(folder, "x"), "--meta", "name"}, "", exitUsage, "NAME=VALUE"},
		"a property for a second time":  {[]string{"new", filepath.Join(folder, "x"), "-m", "a=1", "-m", "a=2"}, "", exitUsage, "second"},
		"a property that has no name":   {[]string{"new", filepath.Join(folder, "x"), "--meta", "=x"}, "", exitError, "name"},
		"a property that has two lines": {[]string{"new", filepath.Join(folder, "x"), "--meta", "a=x\ny"}, "", exitError, `"a"`},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, append([]string{"keys"}, c.args...)...).says(c.typed)
			p.complains(c.code, c.says)
			if strings.Contains(p.stderr.String(), secretText[1:9]) || p.stdout.String() != "" {
				t.Errorf("it said %q and printed %q", p.stderr, p.stdout)
			}
		})
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
