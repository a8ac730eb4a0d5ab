package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/term"

	"zeromux/zmq"
)

// securityFlags say who the socket is towards its peers, and whom it lets in.
type securityFlags struct {
	TLSCert     string `name:"tls-cert" placeholder:"FILE" help:"Over tls+tcp: the socket's own certificate, in PEM; needed to bind."`
	TLSKey      string `name:"tls-key" placeholder:"FILE" help:"Over tls+tcp: the key of --tls-cert."`
	TLSCA       string `name:"tls-ca" placeholder:"FILE" help:"Over tls+tcp: the authorities that servers are verified by. Default: those that the system trusts."`
	TLSClientCA string `name:"tls-client-ca" placeholder:"FILE" help:"Over tls+tcp: let in only those who have a certificate by one of these authorities."`
	TLSName     string `name:"tls-name" placeholder:"NAME" help:"Over tls+tcp: whose certificate a server must have. Default: the host of the endpoint."`

	Curve       string `placeholder:"FILE" help:"Speak CURVE as the owner of this secret certificate, which zmq keys new writes as FILE_secret; as a server, unless there is --curve-server."`
	CurveServer string `placeholder:"FILE" help:"Speak CURVE as a client of the server that this is the public certificate or key of; without --curve by a new pair of keys."`
	CurveAllow  string `placeholder:"FOLDER" help:"Of clients of CURVE let in only those whose public certificates are in FOLDER. Default: everybody."`

	User         string `placeholder:"NAME" help:"Speak PLAIN, as this user: the network sees the password, but over tls+tcp. It is typed, unless there is --password-file."`
	PasswordFile string `placeholder:"FILE" help:"The password of --user: the only line of FILE."`
	Users        string `placeholder:"FILE" help:"Speak PLAIN as a server, and let in the users of this password file; zmq password hashes passwords for it."`

	Exposed bool `help:"Read a secret certificate or password although others than its owner may read it."`
}

// check refuses what does not go together, and keys where files are meant.
func (f *securityFlags) check() error {
	for _, file := range [][2]string{
		{"--tls-cert", f.TLSCert},
		{"--tls-key", f.TLSKey},
		{"--tls-ca", f.TLSCA},
		{"--tls-client-ca", f.TLSClientCA},
		{"--curve", f.Curve},
		{"--curve-allow", f.CurveAllow},
		{"--password-file", f.PasswordFile},
		{"--users", f.Users},
	} {
		if isKey(file[1]) {
			return usagef("%s: %s, and everybody on the machine could read it", file[0], noFile)
		}
	}
	curve := f.Curve != "" || f.CurveServer != ""
	switch {
	case f.CurveAllow != "" && (f.Curve == "" || f.CurveServer != ""):
		return usagef("--curve-allow is for a server, which has --curve and no --curve-server")
	case f.User != "" && f.Users != "":
		return usagef("--user is for a client and --users for a server")
	case curve && (f.User != "" || f.Users != ""):
		return usagef("a socket speaks PLAIN or CURVE, not both")
	case f.PasswordFile != "" && f.User == "":
		return usagef("--password-file is for --user")
	case f.Exposed && f.Curve == "" && f.PasswordFile == "":
		return usagef("--exposed is for --curve and --password-file")
	}
	return nil
}

// speaksTLS reports whether there is anything that concerns TLS alone.
func (f *securityFlags) speaksTLS() bool {
	return f.TLSCert != "" || f.TLSKey != "" || f.TLSCA != "" || f.TLSClientCA != "" || f.TLSName != ""
}

// goWith refuses flags that none of the endpoints would obey: who asks for TLS must not
// speak plainly by mistake.
func (f *securityFlags) goWith(places []place) error {
	overTLS := func(p place) bool { return strings.HasPrefix(p.endpoint, "tls+tcp://") }
	if f.speaksTLS() && !slices.ContainsFunc(places, overTLS) {
		return usagef("--tls-cert and the like are for tls+tcp, and no endpoint is tls+tcp://…")
	}
	return nil
}

// secure enters what the flags ask for into c. A password may have to be typed.
func (f *securityFlags) secure(ctx context.Context, c *zmq.Config) error {
	c.TLS = zmq.TLS{CertFile: f.TLSCert, KeyFile: f.TLSKey, CAFile: f.TLSCA, ClientCAFile: f.TLSClientCA, ServerName: f.TLSName}
	switch {
	case f.Curve != "" || f.CurveServer != "":
		return f.speakCurve(&c.Security)
	case f.User != "":
		password, err := f.password(ctx)
		c.Security.Plain = zmq.Plain{Username: f.User, Password: zmq.Secret(password)}
		return err
	case f.Users != "":
		users, err := follow("--users", f.Users, zmq.OpenPasswordFile)
		if err != nil {
			return err
		}
		c.Security.Plain.Server = true
		c.Security.Authenticator = users.Authenticate
	}
	return nil
}

// speakCurve enters the keys into s, and who is let in.
func (f *securityFlags) speakCurve(s *zmq.Security) (err error) {
	curve := zmq.Curve{Server: f.CurveServer == ""}
	if f.Curve != "" {
		curve.PublicKey, curve.SecretKey, err = f.ownKeys()
	} else {
		curve.PublicKey, curve.SecretKey, err = zmq.NewCurveKeyPair()
	}
	if err == nil && f.CurveServer != "" {
		curve.ServerKey, err = readPublicKey(f.CurveServer)
	}
	if err == nil && f.CurveAllow != "" {
		var allowed *zmq.CurveDirectory
		if allowed, err = follow("--curve-allow", f.CurveAllow, zmq.OpenCurveDirectory); err == nil {
			s.Authenticator = allowed.Authenticate
		}
	}
	s.Curve = curve
	return err
}

// ownKeys are those of --curve.
func (f *securityFlags) ownKeys() (zmq.CurvePublicKey, zmq.CurveSecretKey, error) {
	c, err := loadCertificate(f.Curve, f.Exposed)
	switch {
	case err != nil:
		return zmq.CurvePublicKey{}, zmq.CurveSecretKey{}, err
	case c.SecretKey.IsZero():
		return zmq.CurvePublicKey{}, zmq.CurveSecretKey{}, usagef("--curve %s: that is a public certificate; the secret one is %[1]s%s, as a rule", f.Curve, zmq.SecretSuffix)
	}
	return c.PublicKey, c.SecretKey, nil
}

// readPublicKey reads a certificate, or takes text for the key itself where there is no
// such file.
func readPublicKey(text string) (zmq.CurvePublicKey, error) {
	if isKey(text) || len(text) == zmq.CurveKeyTextSize && !isName(text) {
		key, err := zmq.ParseCurvePublicKey(text)
		if err == nil {
			return key, nil
		}
		if isKey(text) {
			return zmq.CurvePublicKey{}, usagef("--curve-server: %w", err)
		}
	}
	c, err := loadCertificate(text, true) // nothing of what is secret in it is used
	if err != nil {
		return zmq.CurvePublicKey{}, err
	}
	return c.PublicKey, nil
}

// loadCertificate reads a certificate, which may be exposed to others if that is
// wanted.
func loadCertificate(path string, exposed bool) (*zmq.CurveCertificate, error) {
	load := zmq.LoadCurveCertificate
	if exposed {
		load = zmq.LoadExposedCurveCertificate
	}
	c, err := load(path)
	return c, hintExposed(err)
}

// hintExposed adds to an error what can be done about a secret that is exposed.
func hintExposed(err error) error {
	if errors.Is(err, zmq.ErrExposed) {
		return fmt.Errorf("%w (chmod 600 it, or read it with --exposed)", err)
	}
	return err
}

// password is that of --user: the line of its file, or what is typed.
func (f *securityFlags) password(ctx context.Context) (string, error) {
	if f.PasswordFile != "" {
		password, err := f.readPassword()
		if err != nil {
			return "", fmt.Errorf("--password-file %s: %w", f.PasswordFile, hintExposed(err))
		}
		return password, nil
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) { // which may be what is sent
		return "", usagef("the password of --user is typed at a terminal, and standard input is none; --password-file names a file")
	}
	return readSecret(ctx, "Password: ", false)
}

func (f *securityFlags) readPassword() (string, error) {
	file, err := os.Open(f.PasswordFile)
	if err == nil {
		defer file.Close()
		var info fs.FileInfo
		if info, err = file.Stat(); err == nil && !f.Exposed && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			err = zmq.ErrExposed
		}
	}
	var of *fs.PathError
	switch {
	case errors.As(err, &of):
		return "", of.Err // the path is told above
	case err != nil:
		return "", err
	}
	password, err := readOnlyLine(file)
	if err == nil && password == "" {
		err = errors.New("it is empty")
	}
	return password, err
}
