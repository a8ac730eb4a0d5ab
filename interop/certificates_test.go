package interop

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"zeromux/internal/zmtptest"
	"zeromux/z85"
	"zeromux/zmq"
)

// python runs a program that uses pyzmq and returns the lines that it prints.
func python(t *testing.T, program, input string, args ...string) []string {
	t.Helper()
	path, reason := zmtptest.PyZMQ()
	if reason != "" {
		absent(t, reason)
	}
	cmd := exec.CommandContext(bounded(t, testTime), path, append([]string{"-c", program}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &complaint)
	}
	return strings.Split(strings.TrimSuffix(string(output), "\n"), "\n")
}

func TestZ85IsTheirs(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var input strings.Builder
	var octets [][]byte
	for size := 4; size <= 128; size += 4 {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		octets = append(octets, b)
		fmt.Fprintln(&input, hex.EncodeToString(b))
	}
	lines := python(t, `
import sys
from zmq.utils import z85
for line in sys.stdin:
    text = z85.encode(bytes.fromhex(line))
    assert z85.decode(text).hex() == line.strip()
    print(text.decode())
`, input.String())
	if len(lines) != len(octets) {
		t.Fatalf("they wrote %d lines", len(lines))
	}
	for i, theirs := range lines {
		if ours, err := z85.EncodeToString(octets[i]); ours != theirs || err != nil {
			t.Errorf("%x is %q, %v here, %q there", octets[i], ours, err, theirs)
		}
		if read, err := z85.DecodeString(theirs); !bytes.Equal(read, octets[i]) || err != nil {
			t.Errorf("%q is %x, %v here, %x there", theirs, read, err, octets[i])
		}
	}
}

func TestTheirKeysAreOurs(t *testing.T) {
	for _, line := range python(t, `
import zmq
for _ in range(10):
    print(*(k.decode() for k in zmq.curve_keypair()))
`, "") {
		public, secret, _ := strings.Cut(line, " ")
		key, err := zmq.ParseCurveSecretKey(secret)
		if err != nil || key.PublicKey().String() != public {
			t.Errorf("the public key of theirs is %v, %v, want %s", key.PublicKey(), err, public)
		}
	}
}

func TestOurKeysAreTheirs(t *testing.T) {
	var input strings.Builder
	var publics []string
	for range 10 {
		public, secret, err := zmq.NewCurveKeyPair()
		if err != nil {
			t.Fatal(err)
		}
		publics = append(publics, public.String())
		fmt.Fprintln(&input, secret.Z85())
	}
	lines := python(t, `
import sys, zmq
context = zmq.Context()
for line in sys.stdin:
    secret = line.strip().encode()
    public = zmq.curve_public(secret)
    with context.socket(zmq.REP) as s:
        s.curve_secretkey, s.curve_publickey, s.curve_serverkey = secret, public, public
    print(public.decode())
`, input.String())
	if strings.Join(lines, "\n") != strings.Join(publics, "\n") {
		t.Errorf("they read %q, want %q", lines, publics)
	}
}

func TestTheirCertificatesAreRead(t *testing.T) {
	folder := t.TempDir()
	lines := python(t, `
import sys, zmq.auth
public, secret = zmq.auth.create_certificates(sys.argv[1], "alice", {"name": "Alice Liddell", "mail": "a@b#c", "quotes": 'so "called"'})
print(public, secret)
print(*(k.decode() for k in zmq.auth.load_certificate(secret)))
`, "", folder)
	publicFile, secretFile, _ := strings.Cut(lines[0], " ")
	public, secret, _ := strings.Cut(lines[1], " ")
	c, err := zmq.LoadCurveCertificate(publicFile)
	if err != nil || c.PublicKey.String() != public || !c.SecretKey.IsZero() {
		t.Errorf("their public file: %+v, %v", c, err)
	}
	if err := os.Chmod(secretFile, 0o600); err != nil { // they leave it to the user
		t.Fatal(err)
	}
	c, err = zmq.LoadCurveCertificate(secretFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"name": "Alice Liddell", "mail": "a@b#c", "quotes": `so "called"`}
	if c.PublicKey.String() != public || c.SecretKey.Z85() != secret || !maps.Equal(c.Metadata, want) {
		t.Errorf("their secret file: %v, %v, %v", c.PublicKey, c.SecretKey.Z85() == secret, c.Metadata)
	}
}

func TestOurCertificatesAreReadByThem(t *testing.T) {
	folder := t.TempDir()
	var want []string
	var args []string
	for name, metadata := range map[string]map[string]string{
		"plain": nil, "one": {"name": "Ada"}, "odd": {"x": "a # b", "y": `say "so"`, "z": "public-key = \"1\""},
	} {
		public, secret, err := zmq.NewCurveKeyPair()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, name+".key")
		c := zmq.CurveCertificate{SecretKey: secret, Metadata: metadata}
		if err := c.Save(path); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
		want = append(want, public.String()+" None", public.String()+" "+secret.Z85())
	}
	lines := python(t, `
import sys, zmq.auth
for path in sys.argv[1:]:
    for name in path, path + "_secret":
        print(*(k and k.decode() for k in zmq.auth.load_certificate(name)))
assert len(zmq.auth.load_certificates(sys.argv[1].rpartition("/")[0])) == 3
`, "", args...)
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("they read %q, want %q", lines, want)
	}
}
