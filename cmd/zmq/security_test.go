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

// A key that was spoilt in copying is not repeated, nor one among other words: it may be a
// secret one.
func TestAKeyInPlaceOfAFileIsNotRepeated(t *testing.T) {
	const secret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
	const slashed = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7" // which might be in a folder
	folder := t.TempDir()
	texts := []string{secret, secret[:39], secret + "\n", " " + secret, secret + "x", slashed, "/" + secret[1:], secret + secret, "secret " + secret, `secret-key = "` + secret + `"`}
	for _, key := range texts {
		commands := [][]string{{"keys", "public", key}, {"keys", "new", key}, {"keys", "public", "--save", key}}
		for _, flag := range []string{"tls-cert", "tls-key", "tls-ca", "tls-client-ca", "curve", "curve-server", "curve-allow", "password-file", "users"} {
			commands = append(commands, []string{"push", "-m", "x", "-t", "1ms", "tcp://127.0.0.1:9", "--" + flag + "=" + key})
		}
		for _, args := range commands {
			p := launchIn(t, folder, args...).says("")
			if isPublic := len(key) == zmq.CurveKeyTextSize; isPublic && strings.HasPrefix(args[len(args)-1], "--curve-server") {
				p.complains(exitTimeout, "")
			} else {
				p.complains(exitUsage, "key")
			}
			repeatsNot(t, p, secret, slashed)
		}
	}
	for _, args := range [][]string{ // where no file is meant either
		{"keys", "new", "secret", secret},
		{"keys", "public", "a", secret},
		{"push", "-m", "x", "--curve", "secret", secret, "tcp://127.0.0.1:9"},
		{"push", "-m", "x", "--tls-name", secret, "tcp://127.0.0.1:9"},
		{"push", "-f", secret, "tcp://127.0.0.1:9"},
	} {
		p := launchIn(t, folder, args...).says("")
		if <-p.done; p.code == exitDone || p.stderr.String() == "" {
			t.Errorf("%q: exit code %d, it says %q", args, p.code, p.stderr)
		}
		repeatsNot(t, p, secret)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// repeatsNot checks that a process does not say a part of a secret.
func repeatsNot(t *testing.T, p *process, secrets ...string) {
	t.Helper()
	said := p.stderr.String()
	for _, secret := range secrets {
		if strings.Contains(said, secret[1:10]) || strings.Contains(said, secret[30:38]) {
			t.Errorf("%q: it says %q", p.args, said)
		}
	}
}

// Names of files, as long as they are, stand in errors.
func TestANameIsNoKey(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{
		filepath.Join(folder, "missing"),
		filepath.Join(folder, secretText[:20]+"-"+publicText[:20]), // in a folder that is there
		"/home/ada/.config/zeromux/clients/certificates/server.key_secret",
		"/home/ada/keys/client/server.key",         // 32 octets, as a key has
		"/home/ada/authorized/keys/clients/folder", // 40 characters of Z85
		"/tmp/TestSecurityThatMakesNoSenseIsRefused1234567/001/Missing.key",
		"/srv/550e8400-e29b-41d4-a716-446655440000/Ada.key",
		"/srv/da39a3ee5e6b4b0d3255bfef95601890afd80709/Ada.key",
		"C:/Program Files (x86)/ZeroMux/Certificates/Ada.key",
	} {
		for _, flag := range []string{"--users", "--curve", "--curve-server"} {
			if flag != "--curve-server" || len(name) != zmq.CurveKeyTextSize { // which is a key
				start(t, "push", "-m", "x", "-t", "1ms", flag, name, "tcp://127.0.0.1:9").complains(exitError, filepath.Base(name))
			}
		}
	}
	start(t, "pull", "tcp://[2001:db8:85a3:8d3:1319:8a2e:370:7348]:5555", "--ipv6").complains(exitError, "2001:db8:85a3:8d3:1319:8a2e:370:7348")
}

// Keys are told from names, all but one in a thousand.
func TestAKeyLooksLikeOne(t *testing.T) {
	const many = 10_000
	missed := 0
	for range many {
		public, _, err := zmq.NewCurveKeyPair()
		if err != nil {
			t.Fatal(err)
		}
		if !looksLikeKey(public.String()) {
			missed++
		}
	}
	if missed > many/200 {
		t.Errorf("%d of %d do not", missed, many)
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

// As Notepad of Windows writes it.
func TestAPasswordFileMayBeginWithAMark(t *testing.T) {
	plain, endpoint := byPassword(t), ipcEndpoint(t)
	pull := start(t, with(plain.server, "pull", "-n", "1", "@"+endpoint)...)
	marked := secretFile(t, "\ufeffcorrect horse\r\n")
	start(t, "push", "-m", "hello", "-t", "10s", "--user", "Ada", "--password-file", marked, endpoint).prints("")
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
		"a secret key as an argument":       {[]string{"--curve", secretText}, exitUsage, "that looks like a key and is no FILE"},
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
