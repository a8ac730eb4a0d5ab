package conformance

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"zeromux/z85"
	"zeromux/zmq"
)

// Keys of CURVE, and the text that they are written as.

func TestSodium(t *testing.T) {
	t.Run("pairs that are made", func(t *testing.T) {
		seen := make(map[string]bool)
		for range 10 {
			pair := newIdentity(t)
			public, secret := pair.public.String(), pair.secret.Z85()
			if len(public) != 40 || len(secret) != 40 || seen[public] || seen[secret] || public == secret {
				t.Errorf("a pair of %q", public)
			}
			seen[public], seen[secret] = true, true
			read, err := zmq.ParseCurveSecretKey(secret)
			if err != nil {
				t.Fatal(err)
			}
			if read.PublicKey() != pair.public || pair.secret.PublicKey() != pair.public {
				t.Errorf("to the secret key belongs %q, want %q", read.PublicKey(), public)
			}
		}
	})
	const known = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
	t.Run("the pair of libzmq's manual", func(t *testing.T) {
		for name, text := range map[string]string{"text": known, "text and a NUL": known + "\x00"} {
			secret, err := zmq.ParseCurveSecretKey(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := secret.PublicKey().String(); got != "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID" {
				t.Errorf("%s: the public key is %q", name, got)
			}
		}
	})
	for name, text := range map[string]string{
		"nothing": "", "another character": "~" + known[1:], "a group beyond 32 bits": known[:35] + "#####",
		"a character less": known[:39], "a character more": known + "0", "a NUL within": known[:20] + "\x00" + known[21:],
	} {
		t.Run("no secret: "+name, func(t *testing.T) {
			secret, err := zmq.ParseCurveSecretKey(text)
			if !errors.Is(err, zmq.ErrInvalid) || !secret.IsZero() || !secret.PublicKey().IsZero() {
				t.Errorf("%v, and its public key is %q", err, secret.PublicKey())
			}
		})
	}
}

func TestBase85(t *testing.T) {
	for text, octets := range map[string]string{
		"HelloWorld": "\x86\x4f\xd2\x6f\xb5\x59\xf7\x5b", // RFC 32 "Test Case"
		"00000":      "\x00\x00\x00\x00",
		"%nSc0":      "\xff\xff\xff\xff",
		"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6": "\x8e\x0b\xdd\x69\x76\x28\xb9\x1d\x8f\x24\x55\x87\xee\x95\xc5\xb0" +
			"\x4d\x48\x96\x3f\x79\x25\x98\x77\xb4\x9c\xd9\x06\x3a\xea\xd3\xb7", // a key, in libzmq's manual
	} {
		if got, err := z85.EncodeToString([]byte(octets)); got != text || err != nil {
			t.Errorf("%x is written %q, %v, want %q", octets, got, err, text)
		}
		if got, err := z85.DecodeString(text); string(got) != octets || err != nil {
			t.Errorf("%q is read %x, %v, want %x", text, got, err, octets)
		}
	}
	for name, text := range map[string]string{
		"nothing": "", "a character less": "HelloWorl", "a character more": "HelloWorld0", "a single one": "H", "a blank": "Hello Worl",
		"a control character": "0123\x0056789", "a backslash": `0123\56789`, "a quotation mark": `0123"56789`, "an octet of 8 bits": "0123\xff56789",
		"one more than 32 bits": "%nSc1", "the last group that there is": "#####", "one of them behind another": "HelloWorld%nSc1",
	} {
		t.Run("no text: "+name, func(t *testing.T) {
			if got, err := z85.DecodeString(text); err == nil {
				t.Errorf("%q is read %x", text, got)
			}
		})
	}
	for n := range 100 {
		octets := bytes.Repeat([]byte{byte(n * 77), 0x80, 0xff}, n)[:n]
		text, err := z85.EncodeToString(octets)
		if n%4 != 0 {
			if err == nil {
				t.Errorf("%d octets are written %q", n, text)
			}
			continue
		}
		if got, failed := z85.DecodeString(text); n > 0 && (err != nil || failed != nil || !bytes.Equal(got, octets) || len(text) != n/4*5) {
			t.Errorf("%x was written %q, and is read %x: %v, %v", octets, text, got, err, failed)
		}
	}
}

// refusesKeys checks which keys no socket takes. With libzmq a socket takes any of the
// right size, and its handshakes fail.
func refusesKeys(t *testing.T, server, client, other identity) {
	good := curveClient(client, server.public).Curve
	for name, change := range map[string]func(*zmq.Curve){
		"no key of the server":                 func(c *zmq.Curve) { c.ServerKey = zmq.CurvePublicKey{} },
		"no public key":                        func(c *zmq.Curve) { c.PublicKey = zmq.CurvePublicKey{} },
		"no secret key":                        func(c *zmq.Curve) { c.SecretKey = zmq.CurveSecretKey{} },
		"the secret key of another":            func(c *zmq.Curve) { c.SecretKey = other.secret },
		"the public key of another":            func(c *zmq.Curve) { c.PublicKey = other.public },
		"a key of the server of a small order": func(c *zmq.Curve) { c.ServerKey = zmq.CurvePublicKey{1} },
		"a server that has a server":           func(c *zmq.Curve) { c.Server = true },
		"a server without a secret":            func(c *zmq.Curve) { *c = zmq.Curve{Server: true} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "tcp")
			security := zmq.Security{Curve: good}
			change(&security.Curve)
			_, err := s.ctx.NewSocket(zmq.DEALER, &zmq.Config{Security: security})
			s.wrong(err, zmq.ErrInvalid)
		})
	}
	text := client.public.String()
	for name, key := range map[string]string{
		"nothing": "", "an octet": "x", "31 octets": text[:31], "33 octets": text[:33], "39 characters": text[:39], "41 characters": text + "0",
		"zeros": strings.Repeat("\x00", 32), "zeros as text": strings.Repeat("0", 40), "a character that there is not": text[:39] + "~",
		"a group beyond 32 bits": "#####" + text[5:],
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, "tcp")
			_, err := zmq.ParseCurvePublicKey(key)
			s.wrong(err, zmq.ErrInvalid)
			_, err = zmq.ParseCurveSecretKey(key)
			s.wrong(err, zmq.ErrInvalid)
		})
	}
}
