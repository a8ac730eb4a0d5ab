package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
)

// The flags of both sides of a mechanism; endpoint is where they meet.
type secured struct {
	endpoint       string
	server, client []string
}

// overTLS are two sides that have certificates of one authority.
func overTLS(t *testing.T) secured {
	t.Helper()
	a := zmtptest.NewAuthority(t, "test authority")
	serverCert, serverKey := zmtptest.Files(t, a.Issue(t, "server.test", "127.0.0.1"))
	clientCert, clientKey := zmtptest.Files(t, a.Issue(t, "client.test"))
	return secured{
		"tls+tcp://127.0.0.1:*",
		[]string{"--tls-cert", serverCert, "--tls-key", serverKey, "--tls-client-ca", a.File(t)},
		[]string{"--tls-cert", clientCert, "--tls-key", clientKey, "--tls-ca", a.File(t)},
	}
}

// byCurve are two sides of which the server knows the client by its certificate.
func byCurve(t *testing.T) secured {
	t.Helper()
	folder, known := t.TempDir(), t.TempDir()
	server, client := filepath.Join(folder, "server.key"), filepath.Join(folder, "client.key")
	start(t, "keys", "new", server).ends(exitDone)
	start(t, "keys", "new", client).ends(exitDone)
	start(t, "keys", "public", client, "--save", filepath.Join(known, "client.key")).ends(exitDone)
	return secured{
		"tcp://127.0.0.1:*",
		[]string{"--curve", server + zmq.SecretSuffix, "--curve-allow", known},
		[]string{"--curve", client + zmq.SecretSuffix, "--curve-server", server},
	}
}

// byPassword are two sides of which the server knows the client's password.
func byPassword(t *testing.T) secured {
	t.Helper()
	line := start(t, "password", "Ada", "--cost", "4").says("correct horse\n").printed()
	return secured{
		"tcp://127.0.0.1:*",
		[]string{"--users", secretFile(t, line)},
		[]string{"--user", "Ada", "--password-file", secretFile(t, "correct horse\n")},
	}
}

// secretFile is a file that only its owner may read.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// with is a command with more flags.
func with(flags []string, more ...string) []string { return append(more, flags...) }

func TestSecureSocketsTalk(t *testing.T) {
	for name, test := range map[string]struct {
		secured
		mechanism string
	}{
		"TLS":   {overTLS(t), "mechanism=NULL"},
		"CURVE": {byCurve(t), "mechanism=CURVE"},
		"PLAIN": {byPassword(t), "mechanism=PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			pull := start(t, with(test.server, "pull", "-v", "-n", "1", test.endpoint)...)
			start(t, with(test.client, "push", "-m", "hello", pull.bound())...).prints("")
			pull.prints("hello\n")
			if said := pull.stderr.String(); !strings.Contains(said, test.mechanism) {
				t.Errorf("--verbose said %q, without %s", said, test.mechanism)
			}
			rep := start(t, with(test.server, "rep", "-v", "--echo", "-n", "2", test.endpoint)...)
			start(t, with(test.client, "req", rep.bound())...).says("one\ntwo\n").prints("one\ntwo\n")
			pub := start(t, with(test.server, "pub", "-v", "--wait", "1", "-m", "news", test.endpoint)...)
			start(t, with(test.client, "sub", "-n", "1", pub.bound())...).prints("news\n")
			proxy := start(t, with(test.server, "proxy", "-v", "streamer", test.endpoint, test.endpoint)...)
			end := start(t, with(test.client, "push", "-m", "on its way", proxy.boundAs("frontend: "))...)
			start(t, with(test.client, "pull", "-n", "1", ">"+proxy.boundAs("backend: "))...).prints("on its way\n")
			end.prints("")
		})
	}
}

// One line of --verbose says why a peer is not let in, and no secret.
func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	tls, curve, plain := overTLS(t), byCurve(t), byPassword(t)
	for name, test := range map[string]struct {
		secured
		client       []string
		says, secret string
	}{
		"no certificate":        {tls, tls.client[4:], "certificate required", ""},
		"an unknown authority":  {tls, append(tls.client[:4:4], "--tls-ca", overTLS(t).client[5]), "certificate signed by unknown authority", ""},
		"another name":          {tls, append(tls.client[:len(tls.client):len(tls.client)], "--tls-name", "else.test"), "not else.test", ""},
		"an unknown key":        {curve, curve.client[2:], "400", ""},
		"a server's other key":  {curve, append(curve.client[:3:3], publicText), "which is what a CURVE server does that cannot open our HELLO", ""},
		"a wrong password":      {plain, []string{"--user", "Ada", "--password-file", secretFile(t, "battery")}, "400", "battery"},
		"an unknown user":       {plain, []string{"--user", "Bob", "--password-file", secretFile(t, "battery")}, "400", "battery"},
		"no mechanism":          {plain, nil, "handshake failed", ""},
		"a mechanism elsewhere": {curve, plain.client, "handshake failed", "horse"},
	} {
		t.Run(name, func(t *testing.T) {
			pull := start(t, with(test.server, "pull", "-v", test.endpoint)...)
			push := start(t, with(test.client, "push", "-v", "--wait", "1", "-m", "let me in", pull.bound())...)
			push.stderr.await(t, test.says)
			push.signal(os.Interrupt)
			pull.stderr.await(t, "handshake failed")
			pull.signal(os.Interrupt)
			<-push.done
			pull.prints("")
			if said := push.stderr.String() + pull.stderr.String(); test.secret != "" && strings.Contains(said, test.secret) {
				t.Errorf("a secret stands in %q", said)
			}
		})
	}
}

// A key that was spoilt in copying is not repeated: it may be a secret one.
func TestAKeyInPlaceOfAFileIsNotRepeated(t *testing.T) {
	const secret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
	for _, key := range []string{secret, secret[:39], secret + "\n", " " + secret, secret + "x"} {
		for _, args := range [][]string{
			{"push", "-m", "x", "--curve", key, "tcp://127.0.0.1:9"},
			{"push", "-m", "x", "--curve-server", key, "-t", "1ms", "tcp://127.0.0.1:9"}, // which may be a public key
			{"keys", "public", key},
		} {
			p := start(t, args...)
			if key == secret && args[0] == "push" && args[3] == "--curve-server" {
				p.complains(exitTimeout, "")
			} else {
				p.complains(exitUsage, "key")
			}
			if said := p.stderr.String(); strings.Contains(said, secret[:10]) || strings.Contains(said, secret[30:39]) {
				t.Errorf("%q: it says %q", args, said)
			}
		}
	}
}

// The server's key may be given itself, and a client that nobody looks at needs no key.
func TestTheKeyOfAServerIsEnough(t *testing.T) {
	server := filepath.Join(t.TempDir(), "server.key")
	public := strings.TrimSpace(start(t, "keys", "new", server).printed())
	pull := start(t, "pull", "-v", "-n", "2", "--curve", server+zmq.SecretSuffix, "tcp://127.0.0.1:*")
	for _, key := range []string{public, server} {
		start(t, "push", "-m", "hello", "--curve-server", key, pull.bound()).prints("")
	}
	pull.prints("hello\nhello\n")
}

// One key in 85 begins with a hyphen, as a flag does.
func TestAKeyMayBeginWithAHyphen(t *testing.T) {
	public, secret, err := zmq.NewCurveKeyPair()
	for err == nil && public.String()[0] != '-' {
		public, secret, err = zmq.NewCurveKeyPair()
	}
	if err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(t.TempDir(), "server.key")
	if err := (&zmq.CurveCertificate{PublicKey: public, SecretKey: secret}).Save(server); err != nil {
		t.Fatal(err)
	}
	pull := start(t, "pull", "-v", "-n", "1", "--curve", server+zmq.SecretSuffix, "tcp://127.0.0.1:*")
	start(t, "push", "-m", "hello", "--curve-server", public.String(), pull.bound()).prints("")
	pull.prints("hello\n")
}

// All at once: TLS below, a password above.
func TestAPasswordOverTLS(t *testing.T) {
	tls, plain := overTLS(t), byPassword(t)
	pull := start(t, with(append(tls.server, plain.server...), "pull", "-v", "-n", "1", tls.endpoint)...)
	start(t, with(append(tls.client, plain.client...), "push", "-m", "hello", pull.bound())...).prints("")
	pull.prints("hello\n")
}

func TestSecurityThatMakesNoSenseIsRefused(t *testing.T) {
	curve := byCurve(t)
	missing := filepath.Join(t.TempDir(), "missing")
	public := curve.client[3]
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"TLS where nothing is TLS":          {[]string{"--tls-ca", missing}, exitUsage, "no endpoint is tls+tcp"},
		"TLS without its files":             {[]string{"--tls-cert", missing, "--tls-key", missing, "tls+tcp://127.0.0.1:1"}, exitError, missing},
		"a certificate without key":         {[]string{"--tls-cert", missing, "tls+tcp://127.0.0.1:1"}, exitUsage, "TLS.KeyFile"},
		"bound without certificate":         {[]string{"@tls+tcp://127.0.0.1:*"}, exitUsage, "TLS.CertFile"},
		"both mechanisms":                   {[]string{"--curve", missing, "--users", missing}, exitUsage, "PLAIN or CURVE"},
		"both sides of PLAIN":               {[]string{"--user", "Ada", "--users", missing}, exitUsage, "--users for a server"},
		"a client that lets in":             {[]string{"--curve-server", public, "--curve-allow", missing}, exitUsage, "--curve-allow"},
		"a password of nobody":              {[]string{"--password-file", missing}, exitUsage, "--password-file is for --user"},
		"a password that cannot be typed":   {[]string{"--user", "Ada"}, exitUsage, "--password-file names a file"},
		"a password that is not there":      {[]string{"--user", "Ada", "--password-file", missing}, exitError, missing},
		"a password that is empty":          {[]string{"--user", "Ada", "--password-file", secretFile(t, "\n")}, exitError, "it is empty"},
		"a password of two lines":           {[]string{"--user", "Ada", "--password-file", secretFile(t, "horse\nbattery\n")}, exitError, ": more than one line"},
		"users that are not there":          {[]string{"--users", missing}, exitError, missing},
		"users that are none":               {[]string{"--users", secretFile(t, "horse")}, exitError, "line 1"},
		"a public certificate of one's own": {[]string{"--curve", public}, exitUsage, "public certificate"},
		"a secret key as an argument":       {[]string{"--curve", secretText}, exitUsage, "that is a key and no FILE"},
		"a certificate that is not there":   {[]string{"--curve", missing}, exitError, missing},
		"a server that is not there":        {[]string{"--curve-server", missing}, exitError, missing},
		"clients that are not there":        {[]string{"--curve", curve.client[1], "--curve-allow", missing}, exitError, missing},
		"nothing exposed":                   {[]string{"--exposed"}, exitUsage, "--exposed"},
		"a stream":                          {[]string{"--curve", curve.client[1]}, exitUsage, "plain octets"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"push", "-m", "x", "--timeout", "50ms"}
			if name == "a stream" {
				args[0] = "stream"
			}
			args = append(args, c.args...)
			if !strings.Contains(strings.Join(c.args, " "), "://") {
				args = append(args, "tcp://127.0.0.1:1")
			}
			p := start(t, args...).says("")
			p.complains(c.code, c.says)
			if said := p.stderr.String(); strings.Contains(said, "horse") || strings.Contains(said, secretText) {
				t.Errorf("a secret stands in %q", said)
			}
		})
	}
}

func TestASecretThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	curve, plain := byCurve(t), byPassword(t)
	for name, c := range map[string]struct {
		secured
		path string
	}{"a password": {plain, plain.client[3]}, "a certificate": {curve, curve.client[1]}} {
		t.Run(name, func(t *testing.T) {
			if err := os.Chmod(c.path, 0o640); err != nil {
				t.Fatal(err)
			}
			start(t, with(c.client, "push", "-m", "x", "tcp://127.0.0.1:1")...).complains(exitError, c.path, "--exposed")
			pull := start(t, with(c.server, "pull", "-v", "-n", "1", c.endpoint)...)
			start(t, with(c.client, "push", "--exposed", "-m", "x", pull.bound())...).prints("")
			pull.prints("x\n")
		})
	}
}

func TestSecurityIsLibzmqs(t *testing.T) {
	curve, plain := byCurve(t), byPassword(t)
	const keys = "import zmq.auth\n" +
		"s.curve_publickey, s.curve_secretkey = zmq.auth.load_certificate(sys.argv[3])\n" +
		"s.curve_serverkey = zmq.auth.load_certificate(sys.argv[4])[0]\n"
	pull := start(t, with(curve.server, "pull", "-v", "-n", "1", curve.endpoint)...)
	libzmq(t, "PUSH", pull.bound(), keys+"s.connect(endpoint)\ns.send(b'hello')", curve.client[1], curve.client[3]).prints("")
	pull.prints("hello\n")

	pull = start(t, with(plain.server, "pull", "-v", "-n", "1", plain.endpoint)...)
	const password = "s.plain_username, s.plain_password = b'Ada', b'correct horse'\n"
	libzmq(t, "PUSH", pull.bound(), password+"s.connect(endpoint)\ns.send(b'hello')").prints("")
	pull.prints("hello\n")
}
