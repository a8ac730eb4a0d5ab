package tls_test

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tls"
)

// A choice is what the options say about TLS, and what is wrong with it for one who
// connects and for one who binds: words of the error, "" for none.
type choice struct {
	name          string
	tls           transport.TLS
	connect, bind string
	missing       bool // the error is that a file is not there, rather than EINVAL
}

func choices(t *testing.T) []choice {
	a := zmtptest.NewAuthority(t, "test authority")
	certificate := a.Issue(t, "127.0.0.1")
	certFile, keyFile := zmtptest.Files(t, certificate)
	_, otherKey := zmtptest.Files(t, a.Issue(t, "127.0.0.1"))
	caFile := a.File(t)
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("no PEM at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half")
	zmtptest.WritePEM(t, half, "CERTIFICATE", a.Certificate.Raw, a.Certificate.Raw[:40])
	damaged := damagedFiles(t, dir, caFile)
	none := filepath.Join(dir, "none")
	own := []stdtls.Certificate{certificate}
	list := []choice{
		{name: "a Config for both", tls: transport.TLS{Config: &stdtls.Config{Certificates: own, RootCAs: a.Pool()}}},
		{name: "files for both", tls: transport.TLS{CertFile: certFile, KeyFile: keyFile, CAFile: caFile, ClientCAFile: caFile}},
		{name: "an authority", tls: transport.TLS{CAFile: caFile}, bind: "TLS.CertFile"},
		{name: "a Config without certificates", tls: transport.TLS{Config: &stdtls.Config{RootCAs: a.Pool()}}, bind: "GetCertificate"},
		{name: "a Config that finds certificates", tls: transport.TLS{Config: &stdtls.Config{
			RootCAs: a.Pool(), GetCertificate: func(*stdtls.ClientHelloInfo) (*stdtls.Certificate, error) { return &certificate, nil },
		}}},
		{name: "a Config for each client", tls: transport.TLS{Config: &stdtls.Config{
			RootCAs: a.Pool(), GetConfigForClient: func(*stdtls.ClientHelloInfo) (*stdtls.Config, error) { return nil, nil },
		}}},
		{name: "a Config that trusts nobody", tls: transport.TLS{Config: &stdtls.Config{Certificates: own, RootCAs: x509.NewCertPool()}}, connect: "TLS.Config.RootCAs"},
		{name: "a Config that does not care", tls: transport.TLS{Config: &stdtls.Config{Certificates: own, InsecureSkipVerify: true}}},
		{name: "clients that anybody has signed", tls: transport.TLS{Config: &stdtls.Config{
			Certificates: own, RootCAs: a.Pool(), ClientAuth: stdtls.RequireAndVerifyClientCert,
		}}, bind: "TLS.Config.ClientCAs"},
		{name: "clients that nobody has signed", tls: transport.TLS{Config: &stdtls.Config{
			Certificates: own, RootCAs: a.Pool(), ClientAuth: stdtls.VerifyClientCertIfGiven, ClientCAs: x509.NewCertPool(),
		}}, bind: "TLS.Config.ClientCAs"},
		{name: "clients that show anything", tls: transport.TLS{Config: &stdtls.Config{
			Certificates: own, RootCAs: a.Pool(), ClientAuth: stdtls.RequireAnyClientCert,
		}}},

		{name: "a Config and a file", tls: transport.TLS{Config: &stdtls.Config{}, CAFile: caFile}, connect: "TLS.Config", bind: "TLS.Config"},
		{name: "a Config and a name", tls: transport.TLS{Config: &stdtls.Config{}, ServerName: "x"}, connect: "TLS.Config", bind: "TLS.Config"},
		{name: "a certificate without key", tls: transport.TLS{CAFile: caFile, CertFile: certFile}, connect: "TLS.KeyFile", bind: "TLS.KeyFile"},
		{name: "a key without certificate", tls: transport.TLS{CAFile: caFile, KeyFile: keyFile}, connect: "TLS.CertFile", bind: "TLS.CertFile"},
		{name: "a key of another certificate", tls: transport.TLS{CAFile: caFile, CertFile: certFile, KeyFile: otherKey}, connect: "TLS.KeyFile", bind: "TLS.KeyFile"},
		{name: "a certificate in place of a key", tls: transport.TLS{CAFile: caFile, CertFile: certFile, KeyFile: certFile}, connect: "TLS.KeyFile", bind: "TLS.KeyFile"},
		{name: "text in place of a certificate", tls: transport.TLS{CAFile: caFile, CertFile: text, KeyFile: keyFile}, connect: "TLS.CertFile", bind: "TLS.CertFile"},
		{name: "no file of a certificate", tls: transport.TLS{CAFile: caFile, CertFile: none, KeyFile: keyFile}, connect: "TLS.CertFile", bind: "TLS.CertFile", missing: true},
		{name: "no file of a key", tls: transport.TLS{CAFile: caFile, CertFile: certFile, KeyFile: none}, connect: "TLS.KeyFile", bind: "TLS.KeyFile", missing: true},
		{name: "no file of authorities", tls: transport.TLS{CAFile: none}, connect: "TLS.CAFile", bind: "TLS.CertFile", missing: true},
		{name: "text in place of authorities", tls: transport.TLS{CAFile: text, CertFile: certFile, KeyFile: keyFile}, connect: "TLS.CAFile"},
		{name: "an authority cut short", tls: transport.TLS{CAFile: half, CertFile: certFile, KeyFile: keyFile}, connect: "TLS.CAFile"},
		{name: "text in place of clients' authorities", tls: transport.TLS{CAFile: caFile, CertFile: certFile, KeyFile: keyFile, ClientCAFile: text}, bind: "TLS.ClientCAFile"},
	}
	for how, file := range damaged {
		list = append(
			list,
			choice{name: "authorities " + how, tls: transport.TLS{CAFile: file}, connect: "TLS.CAFile", bind: "TLS.CertFile"},
			choice{name: "clients' authorities " + how, tls: transport.TLS{CAFile: caFile, CertFile: certFile, KeyFile: keyFile, ClientCAFile: file}, bind: "TLS.ClientCAFile: invalid argument: " + file},
			choice{name: "a chain " + how, tls: transport.TLS{CAFile: caFile, CertFile: chained(t, certFile, file), KeyFile: keyFile}, connect: "TLS.CertFile: ", bind: "TLS.CertFile: "},
		)
	}
	for name, between := range map[string]string{"words": "Subject: an authority\n-----\n", "blank lines": "\r\n\n", "another block": "-----BEGIN X-----\n-----END X-----\n"} {
		file := filepath.Join(dir, name)
		certificate := read(t, caFile)
		write(t, file, between+certificate+between+strings.ReplaceAll(certificate, "\n", "\r\n")+between)
		list = append(list, choice{name: "authorities with " + name + " between", tls: transport.TLS{
			CAFile: file, CertFile: chained(t, certFile, file), KeyFile: keyFile, ClientCAFile: file,
		}})
	}
	return list
}

// damagedFiles are files of three times the certificate of a file, one of which cannot
// be read, by what is the matter.
func damagedFiles(t *testing.T, dir, name string) map[string]string {
	one := read(t, name)
	begin, end, middle := "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", len(one)/2
	if !strings.HasPrefix(one, begin) || !strings.HasSuffix(one, end) {
		t.Fatalf("%q", one)
	}
	files := make(map[string]string)
	for how, text := range map[string]string{
		"cut inside one":                one + one + one[:middle],
		"cut behind the first line":     one + one + begin,
		"cut inside the first line":     one + one + begin[:len(begin)-9],
		"cut inside the last line":      one + one + one[:len(one)-9],
		"with one that is garbled":      one + one[:middle] + "!!!" + one[middle:] + one,
		"with one cut before another":   one + one[:middle] + "\n" + one,
		"with one that does not end":    one + strings.TrimSuffix(one, end) + one,
		"with one that does not begin":  one + strings.TrimPrefix(one, begin) + one,
		"behind a mark of byte order":   "\ufeff" + one + one + one,
		"with one behind another's end": one + strings.TrimSuffix(one, "\n") + one,
		"with one that is indented":     one + "  " + strings.ReplaceAll(one, "\n", "\n  ") + "\n" + one,
	} {
		files[how] = filepath.Join(dir, how)
		write(t, files[how], text)
	}
	return files
}

// chained returns the name of a file that has what two others have.
func chained(t *testing.T, first, second string) string {
	name := filepath.Join(t.TempDir(), "chain")
	write(t, name, read(t, first)+read(t, second))
	return name
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsRefused is refused before anything is opened, by an error that names the
// option.
func TestWhatIsRefused(t *testing.T) {
	for _, test := range choices(t) {
		t.Run(test.name, func(t *testing.T) {
			o := &transport.Options{TLS: test.tls}
			test.checkError(t, "check", tls.Transport{}.CheckConnect("127.0.0.1:5", o), test.connect)
			if test.connect != "" {
				_, err := tls.Transport{}.Dial(t.Context(), "127.0.0.1:5", o)
				test.checkError(t, "dial", err, test.connect)
			}
			l, err := tls.Transport{}.Listen(t.Context(), "127.0.0.1:*", o)
			if err == nil {
				l.Close()
			}
			test.checkError(t, "listen", err, test.bind)
		})
	}
}

func (c *choice) checkError(t *testing.T, call string, err error, words string) {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Errorf("%s: %v", call, err)
	case words == "":
	case err == nil || !strings.Contains(err.Error(), words):
		t.Errorf("%s: got %v, want %q", call, err, words)
	case !errors.Is(err, syscall.EINVAL) && !(c.missing && errors.Is(err, os.ErrNotExist)):
		t.Errorf("%s: %v is not EINVAL", call, err)
	case strings.Contains(err.Error(), "PRIVATE") || len(err.Error()) > 300:
		t.Errorf("%s: %v says too much", call, err)
	}
}

// TestOptionsThatContradictEachOther are found out without reading a file.
func TestOptionsThatContradictEachOther(t *testing.T) {
	for _, test := range []struct {
		tls  transport.TLS
		want string
	}{
		{transport.TLS{}, ""},
		{transport.TLS{CertFile: "none", KeyFile: "none", CAFile: "none", ClientCAFile: "none", ServerName: "x"}, ""},
		{transport.TLS{Config: &stdtls.Config{}}, ""},
		{transport.TLS{Config: &stdtls.Config{}, CertFile: "x", KeyFile: "x"}, "TLS.Config"},
		{transport.TLS{CertFile: "x"}, "TLS.KeyFile"},
		{transport.TLS{KeyFile: "x"}, "TLS.CertFile"},
	} {
		err := tls.CheckOptions(&transport.Options{TLS: test.tls})
		if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || !errors.Is(err, transport.ErrInvalid)) {
			t.Errorf("%+v: got %v, want %q", test.tls, err, test.want)
		}
	}
}

func TestAnAddressWithoutHostHasNoName(t *testing.T) {
	a := zmtptest.NewAuthority(t, "test authority")
	o := &transport.Options{TLS: transport.TLS{CAFile: a.File(t)}}
	if err := (tls.Transport{}).CheckConnect(":5", o); !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "TLS.ServerName") {
		t.Errorf("got %v, want ErrInvalid and the name of the option", err)
	}
	o.TLS.ServerName = "broker.test"
	if err := (tls.Transport{}).CheckConnect(":5", o); err != nil {
		t.Error(err)
	}
}

// TestTheAuthoritiesOfTheSystem are those that count where no others are named. The
// system is asked for them once in the life of a process.
func TestTheAuthoritiesOfTheSystem(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems are not told of others by the environment")
	}
	if address := os.Getenv("TLS_TEST_ADDRESS"); address != "" {
		if err := (tls.Transport{}).CheckConnect(address, nil); err != nil {
			t.Fatal(err)
		}
		client, err := tls.Transport{}.Dial(transporttest.Context(t), address, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if err := client.(transport.Secured).HandshakeContext(transporttest.Context(t)); err != nil {
			t.Fatal(err)
		}
		return
	}
	ours, theirs := zmtptest.NewAuthority(t, "one authority"), zmtptest.NewAuthority(t, "another authority")
	e := newEager(t)
	e.own = transport.TLS{Config: &stdtls.Config{Certificates: []stdtls.Certificate{ours.Issue(t, "127.0.0.1")}}}
	for name, test := range map[string]struct{ file, want string }{
		"the right one": {file: ours.File(t)},
		"another one":   {file: theirs.File(t), want: "unknown authority"},
		"none":          {file: filepath.Join(t.TempDir(), "none"), want: "TLS.CAFile"},
	} {
		t.Run(name, func(t *testing.T) {
			l := transporttest.Listen(t, e, "127.0.0.1:*", nil)
			process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheAuthoritiesOfTheSystem$", "-test.v")
			process.Env = append(os.Environ(), "TLS_TEST_ADDRESS="+l.Address(), "SSL_CERT_FILE="+test.file, "SSL_CERT_DIR="+t.TempDir())
			said := make(chan []byte, 1)
			go func() {
				text, _ := process.CombinedOutput() // which says what is to be known
				said <- text
				_ = l.Close() // so that nobody waits for it any more
			}()
			if test.want != "TLS.CAFile" { // nobody comes otherwise
				server, err := l.Accept()
				if err != nil {
					t.Fatalf("nobody came: %v: %s", err, <-said)
				}
				defer server.Close()
			}
			text := string(<-said)
			if passed := strings.Contains(text, "PASS: TestTheAuthorities"); passed != (test.want == "") || !strings.Contains(text, test.want) {
				t.Errorf("want %q, got %s", test.want, text)
			}
		})
	}
}
