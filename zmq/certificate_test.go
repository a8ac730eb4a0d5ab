package zmq_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zeromux/zmq"
)

// Files of others, and what they say. Those of pyzmq 24.0.1 were made by
// zmq.auth.create_certificates; the one of CZMQ stands in the manual of libbitcoin's
// bx cert-new, of 2015.
var foreignCertificates = map[string]struct {
	text           string
	public, secret string
	metadata       map[string]string
}{
	"a public one of pyzmq, which has no metadata": {
		text: "#   ****  Generated on 2026-11-22 18:21:49.930999 by pyzmq  ****\n#   ZeroMQ CURVE Public Certificate\n\n" +
			"metadata\ncurve\n    public-key = \"E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%\"\n",
		public: "E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%",
	},
	"a secret one of pyzmq, with words that are not in quotes": {
		text: "#   ZeroMQ CURVE **Secret** Certificate\n\nmetadata\n    name = Alice\n    email = a@b \"q\"\ncurve\n" +
			"    public-key = \"E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%\"\n    secret-key = \"MtkVW.CiZplsYAb+WWmC:zW+<.boK3a<HjW:&NA@\"\n",
		public: "E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%", secret: "MtkVW.CiZplsYAb+WWmC:zW+<.boK3a<HjW:&NA@",
		metadata: map[string]string{"name": "Alice", "email": `a@b "q"`},
	},
	"a secret one of CZMQ": {
		text: "#   ****  Generated on 2015-02-16 01:31:21 by CZMQ  ****\n\nmetadata\n    phone = \"+1-603-555-1212\"\n    email = \"foo@bar.org\"\ncurve\n" +
			"    public-key = \"ke4jTqsF>?-[F>9PE29c2.us&-Hl)89K^wx]kx.a\"\n    secret-key = \"?$-xHWL]zF7OF1rI-mR-!L%*w+%Ci<Wo8}Adt]F)\"\n",
		public: "ke4jTqsF>?-[F>9PE29c2.us&-Hl)89K^wx]kx.a", secret: "?$-xHWL]zF7OF1rI-mR-!L%*w+%Ci<Wo8}Adt]F)",
		metadata: map[string]string{"phone": "+1-603-555-1212", "email": "foo@bar.org"},
	},
}

// keyLine is the section that every certificate needs.
const keyLine = "curve\n    public-key = \"" + publicText + "\"\n"

func TestCertificatesOfOthersAreRead(t *testing.T) {
	for name, c := range foreignCertificates {
		t.Run(name, func(t *testing.T) {
			got, err := zmq.ParseCurveCertificate([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got.PublicKey.String() != c.public || got.SecretKey.Z85() != c.secret || !maps.Equal(got.Metadata, c.metadata) {
				t.Errorf("got %v, %q, %v", got.PublicKey, got.SecretKey.Z85(), got.Metadata)
			}
		})
	}
}

// TestAValueIsReadAsRFC4HasIt is about the notes of RFC 4, "Specification".
func TestAValueIsReadAsRFC4HasIt(t *testing.T) {
	for name, c := range map[string]struct{ line, want string }{
		"a word":                              {"x = word", "word"},
		"no blanks":                           {"x=word", "word"},
		"tabs":                                {"x\t=\tword\t", "word"},
		"words":                               {"x = several  words ", "several  words"},
		"double quotes":                       {`x = " in quotes "`, " in quotes "},
		"single quotes":                       {`x = 'say "so"'`, `say "so"`},
		"a comment":                           {"x = word # and no more", "word"},
		"a comment behind quotes":             {`x = "a # b" # and no more`, "a # b"},
		"a comment without a blank":           {`x = "a"# and no more`, "a"},
		"a # within a word":                   {"x = a#b", "a#b"},
		"nothing but a comment":               {"x = # and no more", ""},
		"no value":                            {"x =", ""},
		"no value and no sign":                {"x", ""},
		"no sign but a comment":               {"x # and no more", ""},
		"empty quotes":                        {`x = ""`, ""},
		"a quote that does not end":           {`x = "word`, `"word`},
		"a quote that ends with another":      {`x = "word'`, `"word'`},
		"quotes within":                       {`x = a "b" c`, `a "b" c`},
		"something behind quotes":             {`x = "a" b`, `"a" b`},
		"three quotes":                        {`x = "a"b"`, `"a"b"`},
		"a second sign":                       {"x = a = b", "a = b"},
		"letters that are not ASCII":          {"x = Zoë", "Zoë"},
		"a name with all that it may be of":   {"aZ0$-_@.&+/ = word", "word"},
		"a carriage return at the end":        {"x = word\r", "word"},
		"a carriage return in place of a LF":  {"x = word\r    y = other", "word"},
		"more of an indent than it should be": {"      x = word", "word"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := zmq.ParseCurveCertificate([]byte("metadata\n    " + c.line + "\n" + keyLine))
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range got.Metadata {
				if key != "y" && value != c.want {
					t.Errorf("%q is %q, want %q", key, value, c.want)
				}
			}
			if len(got.Metadata) == 0 {
				t.Error("there is no metadata")
			}
		})
	}
}

func TestOnlyWhatStandsInItsPlaceCounts(t *testing.T) {
	for name, text := range map[string]string{
		"comments and empty lines":            "\n# hello\n   \n\t# x = y\n" + keyLine + "   # the end",
		"a mark that editors make":            "\ufeff" + keyLine,
		"indented by tabs":                    strings.ReplaceAll(keyLine, "    ", "\t"),
		"indented by one blank":               strings.ReplaceAll(keyLine, "    ", " "),
		"no newline at the end":               strings.TrimSuffix(keyLine, "\n"),
		"sections of other things":            "other\n    public-key = 1\nmore = 2\n" + keyLine,
		"parts of the parts":                  "curve = x\n    deep\n        public-key = 1\n        secret-key = 2\n    public-key = \"" + publicText + "\"\n",
		"a key that is not in quotes":         strings.ReplaceAll(keyLine, `"`, ""),
		"a key of no section":                 "public-key = 1\n" + keyLine,
		"the section twice":                   "curve\n    other = 1\n" + keyLine,
		"keys in the metadata":                "metadata\n    x\n        y = 1\n" + keyLine,
		"lines of Windows":                    strings.ReplaceAll(keyLine, "\n", "\r\n"),
		"an indent that goes back by a half":  "curve\n        deep = 1\n    public-key = \"" + publicText + "\"\n",
		"a section within a section, indeed":  "top\n    curve\n        public-key = 1\n" + keyLine,
		"sections that are indented somewhat": "  curve\n      public-key = \"" + publicText + "\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := zmq.ParseCurveCertificate([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if got.PublicKey != publicKey(t, publicText) || !got.SecretKey.IsZero() || len(got.Metadata) > 1 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestABadCertificateIsRefusedAndNotQuoted(t *testing.T) {
	secretLine := "    secret-key = \"" + secretText + "\"\n"
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                      {"", "no key"},
		"no key":                       {"metadata\n    name = \"x\"\ncurve\n", "no key"},
		"half a file":                  {"curve\n    public-key = \"" + publicText[:20], "line 2"},
		"a key in no section":          {"curve\npublic-key = \"" + publicText + "\"\n", "no public-key within curve"},
		"half a word":                  {"curve\n    public-k", "no key"},
		"a key that is empty":          {"curve\n    public-key = \"\"\n", "line 2"},
		"a secret that is empty":       {keyLine + "    secret-key =\n", "line 3"},
		"a secret that is malformed":   {keyLine + "    secret-key = \"" + secretText[:20] + "~" + secretText[21:] + "\"\n", "offset 20"},
		"a secret of zeros, as CZMQ's": {keyLine + "    secret-key = \"" + strings.Repeat("0", 40) + "\"\n", "zeros"},
		"keys of two pairs":            {"curve\n    public-key = \"E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%\"\n" + secretLine, "does not belong"},
		"two public keys":              {keyLine + keyLine, "line 4"},
		"two secret keys":              {"curve\n" + secretLine + secretLine, "line 3"},
		"metadata twice":               {"metadata\n    x = 1\n    x = 1\n" + keyLine, "line 3"},
		"a line that is none":          {secretText + "\n" + keyLine, "line 1"},
		"a secret on a line of itself": {"curve\n    secret-key " + secretText + "\n", "line 2"},
		"two words":                    {"curve\n    public key = x\n", "line 2"},
		"no name":                      {"curve\n    = x\n", "line 2"},
		"a NUL":                        {"metadata\n    x = \"a\x00b\"\n" + keyLine, "line 2"},
		"what is not UTF-8":            {"metadata\n    x = \"a\xffb\"\n" + keyLine, "line 2"},
		"a key of OpenSSH":             {"-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := zmq.ParseCurveCertificate([]byte(c.text))
			if got != nil || !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v and %v, want ErrInvalid that says %q", got, err, c.says)
			}
			for _, part := range []string{secretText[:8], secretText[12:20], secretText[30:], publicText[:8]} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("it quotes a key: %v", err)
				}
			}
		})
	}
}

func TestACertificateIsReadAsItWasWritten(t *testing.T) {
	metadata := map[string]string{
		"name": "Ada Lovelace", "blanks": "  a  ", "none": "", "comment": "a # b", "double": `say "so"`, "single": "it's",
		"both": `it's "so"`, "begin": `"a'`, "tab": "a\tb", "mail/@$&+._-": "Zoë", "equal": "= x",
	}
	want := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText), PublicKey: publicKey(t, publicText), Metadata: metadata}
	path := filepath.Join(t.TempDir(), "ada.key")
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	for path, secret := range map[string]string{path: "", path + zmq.SecretSuffix: secretText} {
		got, err := zmq.LoadCurveCertificate(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.PublicKey != want.PublicKey || got.SecretKey.Z85() != secret || !maps.Equal(got.Metadata, metadata) {
			t.Errorf("%s: got %v, %q, %q", path, got.PublicKey, got.SecretKey.Z85(), got.Metadata)
		}
	}
	if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), secretText) {
		t.Errorf("the public file is %s, %v", text, err)
	}
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	public, secret, other := publicKey(t, publicText), secretKey(t, secretText), publicKey(t, "E>iS=H7hb]qdtczEpEsOu<3JX]{hRkB&jDy<=4?%")
	for name, c := range map[string]zmq.CurveCertificate{
		"no key":                    {},
		"no secret key":             {PublicKey: public},
		"keys of two pairs":         {PublicKey: other, SecretKey: secret},
		"a name with a blank":       {SecretKey: secret, Metadata: map[string]string{"a b": ""}},
		"no name":                   {SecretKey: secret, Metadata: map[string]string{"": "a"}},
		"the name of a key":         {SecretKey: secret, Metadata: map[string]string{"secret-key": "a"}},
		"two lines":                 {SecretKey: secret, Metadata: map[string]string{"x": "a\n" + secretText}},
		"what is not UTF-8":         {SecretKey: secret, Metadata: map[string]string{"x": "\xff"}},
		"quotes that cannot be had": {SecretKey: secret, Metadata: map[string]string{"x": `"a' # "`}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			err := c.Save(filepath.Join(folder, "x.key"))
			if !errors.Is(err, zmq.ErrInvalid) || strings.Contains(err.Error(), secretText) {
				t.Errorf("got %v, want ErrInvalid", err)
			}
			holds(t, folder)
		})
	}
}

// holds checks which files a folder has.
func holds(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(append([]string{}, names...)) {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestAPublicCertificateNeedsNoSecret(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x.key")
	for name, c := range map[string]zmq.CurveCertificate{
		"the public key alone": {PublicKey: publicKey(t, publicText)},
		"the secret key alone": {SecretKey: secretKey(t, secretText)},
	} {
		if err := c.SavePublic(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := zmq.LoadCurveCertificate(path)
		if err != nil || got.PublicKey.String() != publicText || !got.SecretKey.IsZero() {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		holds(t, folder, "x.key")
	}
}

func TestASecretFileIsItsOwnersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "x.key")
	secret := path + zmq.SecretSuffix
	if err := os.WriteFile(secret, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText)}
	if err := c.Save(path); err != nil {
		t.Fatal(err)
	}
	holds(t, folder, "x.key", "x.key_secret")
	if info, err := os.Stat(secret); err != nil || info.Mode() != 0o600 {
		t.Fatalf("its mode is %v, %v, want 0600", info.Mode(), err)
	}
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(secret, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := zmq.LoadCurveCertificate(secret); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o644, 0o666} {
		if err := os.Chmod(secret, mode); err != nil {
			t.Fatal(err)
		}
		got, err := zmq.LoadCurveCertificate(secret)
		if got != nil || !errors.Is(err, zmq.ErrExposed) || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), secret) {
			t.Errorf("mode %v: got %v, %v, want ErrExposed and the name", mode, got, err)
		}
		if got, err := zmq.LoadExposedCurveCertificate(secret); err != nil || got.SecretKey.Z85() != secretText {
			t.Errorf("mode %v, told to: got %v, %v", mode, got, err)
		}
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := zmq.LoadCurveCertificate(path); err != nil {
		t.Errorf("a public file: %v", err)
	}
}

func TestASavedFileIsThereAsAWholeOrNotAtAll(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x.key")
	if err := os.MkdirAll(filepath.Join(path, "y"), 0o700); err != nil { // which no file can replace
		t.Fatal(err)
	}
	c := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText)}
	if err := c.SavePublic(path); err == nil {
		t.Error("a file has replaced a folder that is not empty")
	}
	holds(t, folder, "x.key")
	if err := c.Save(filepath.Join(folder, "none", "x.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// A secret key is not lost for a public file that cannot be written.
func TestNothingIsReplacedUnlessAllCanBe(t *testing.T) {
	for name, other := range map[string]string{"": zmq.SecretSuffix, zmq.SecretSuffix: ""} {
		folder := t.TempDir()
		path := filepath.Join(folder, "x.key")
		if err := errors.Join(os.Mkdir(path+name, 0o700), os.WriteFile(path+other, []byte("old"), 0o600)); err != nil {
			t.Fatal(err)
		}
		c := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText)}
		if err := c.Save(path); !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), path+name) {
			t.Errorf("a folder %s: %v", path+name, err)
		}
		if now, err := os.ReadFile(path + other); err != nil || string(now) != "old" {
			t.Errorf("the other file is now %q, %v", now, err)
		}
		holds(t, folder, "x.key", "x.key_secret")
	}
}

func TestANewCertificateReplacesNothing(t *testing.T) {
	c := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText)}
	makes := map[string]func(string) error{
		"a file":              func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"a folder":            func(path string) error { return os.Mkdir(path, 0o700) },
		"a link to something": func(path string) error { return os.Symlink("nothing", path) },
	}
	for name, place := range makes {
		for _, there := range []string{"x.key", "x.key_secret"} {
			folder := t.TempDir()
			if err := place(filepath.Join(folder, there)); err != nil {
				t.Skip(err)
			}
			var taken *fs.PathError
			err := c.SaveNew(filepath.Join(folder, "x.key"))
			if !errors.Is(err, fs.ErrExist) || !errors.As(err, &taken) || taken.Path != filepath.Join(folder, there) {
				t.Errorf("%s at %s: %v", name, there, err)
			}
			if err := c.SavePublicNew(filepath.Join(folder, there)); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s at %s: the public one: %v", name, there, err)
			}
			holds(t, folder, there)
		}
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "x.key")
	if err := c.SaveNew(path); err != nil {
		t.Fatal(err)
	}
	holds(t, folder, "x.key", "x.key_secret")
	if _, err := zmq.LoadCurveCertificate(path + zmq.SecretSuffix); err != nil { // which looks at its mode, too
		t.Error(err)
	}
	if err := (&zmq.CurveCertificate{PublicKey: c.SecretKey.PublicKey()}).SaveNew(path + "2"); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("without a secret key: %v", err)
	}
}

// Of those who save at once one has saved both files.
func TestOneOfManyNewCertificatesIsSaved(t *testing.T) {
	const many = 8
	for range 50 {
		folder := t.TempDir()
		path := filepath.Join(folder, "x.key")
		results := make(chan error)
		for range many {
			own := newIdentity(t)
			go func() { results <- (&zmq.CurveCertificate{SecretKey: own.secret}).SaveNew(path) }()
		}
		saved := 0
		for range many {
			if err := <-results; err == nil {
				saved++
			} else if !errors.Is(err, fs.ErrExist) {
				t.Error(err)
			}
		}
		public, err := zmq.LoadCurveCertificate(path)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := zmq.LoadCurveCertificate(path + zmq.SecretSuffix)
		if err != nil || saved != 1 || secret.PublicKey != public.PublicKey {
			t.Fatalf("%d have saved, and the files are of one pair: %v, %v", saved, err == nil && secret.PublicKey == public.PublicKey, err)
		}
		holds(t, folder, "x.key", "x.key_secret")
	}
}

// Somebody may take the second name while the first is given.
func TestAFileIsTakenBackIfAnotherCannotBeMade(t *testing.T) {
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
	if err := os.WriteFile(second, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := zmq.CreateFiles(first, second); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	holds(t, folder, "second")
}

func TestAFileIsMadeWhereThereAreNoLinks(t *testing.T) {
	noLinks := func(string, string) error { return errors.ErrUnsupported }
	folder := t.TempDir()
	path := filepath.Join(folder, "x.key")
	if err := zmq.CreateFile(path, []byte("first"), noLinks); err != nil {
		t.Fatal(err)
	}
	if err := zmq.CreateFile(path, []byte("second"), noLinks); !errors.Is(err, fs.ErrExist) {
		t.Errorf("for the second time: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "first" {
		t.Errorf("it holds %q, %v", got, err)
	}
	holds(t, folder, "x.key")
}

// The name that a file has before it is whole means nothing to anybody.
func TestAFileThatCannotBeWrittenIsToldByItsOwnName(t *testing.T) {
	c := &zmq.CurveCertificate{SecretKey: secretKey(t, secretText)}
	path := filepath.Join(t.TempDir(), "none", "x.key")
	for _, save := range []func(string) error{c.SavePublic, c.SavePublicNew} {
		var of *fs.PathError
		if err := save(path); !errors.As(err, &of) || of.Path != path || strings.Contains(err.Error(), ".x.key.") {
			t.Errorf("%v, want an error of %s", err, path)
		}
	}
}

func TestWhatIsNoCertificateFileIsRefused(t *testing.T) {
	folder := t.TempDir()
	large := filepath.Join(folder, "large")
	text := []byte(keyLine + strings.Repeat("#", 64<<10-len(keyLine)))
	for size, fits := range map[int]bool{64 << 10: true, 64<<10 + 1: false} {
		if err := os.WriteFile(large, append(text, "\n"...)[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := zmq.LoadCurveCertificate(large)
		if fits != (err == nil) || !fits && (!errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), "65536")) {
			t.Errorf("%d octets: %v", size, err)
		}
	}
	if _, err := zmq.LoadCurveCertificate(folder); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := zmq.LoadCurveCertificate(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzCurveCertificate holds what is read against what is written.
func FuzzCurveCertificate(f *testing.F) {
	for _, c := range foreignCertificates {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("curve\n\tsecret-key = '" + secretText + "' # x\rmetadata\n  a = \"b' # \"\n  c\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := zmq.ParseCurveCertificate(text)
		if err != nil {
			if c != nil || !errors.Is(err, zmq.ErrInvalid) || len(err.Error()) > 300 {
				t.Errorf("%v, %v", c, err)
			}
			return
		}
		if derived := c.SecretKey.PublicKey(); c.PublicKey.IsZero() || !derived.IsZero() && derived != c.PublicKey {
			t.Errorf("public key %v, of the secret one %v", c.PublicKey, derived)
		}
		written, err := zmq.CertificateText(c)
		if err != nil {
			_, public := c.Metadata["public-key"]
			_, secret := c.Metadata["secret-key"]
			if !public && !secret {
				t.Errorf("it cannot be written: %v", err)
			}
			return
		}
		again, err := zmq.ParseCurveCertificate(written)
		if err != nil || again.PublicKey != c.PublicKey || !again.SecretKey.Equal(c.SecretKey) || !maps.Equal(again.Metadata, c.Metadata) {
			t.Errorf("%q was written, and read %+v, %v; want %+v", written, again, err, c)
		}
	})
}
