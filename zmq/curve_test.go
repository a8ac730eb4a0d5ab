package zmq_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"zeromux/zmq"
)

// A pair of keys of libzmq 4.3.4, by pyzmq's zmq.curve_public; and the octets of both.
const (
	secretText = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
	publicText = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
	secretHex  = "8e0bdd697628b91d8f245587ee95c5b04d48963f79259877b49cd9063aead3b7"
	publicHex  = "54fcba24e93249969316fb617c872bb0c1d1ff14800427c594cbfacf1bc2d652"
)

func octets(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secretKey parses a key that cannot be wrong.
func secretKey(t testing.TB, text string) zmq.CurveSecretKey {
	t.Helper()
	k, err := zmq.ParseCurveSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func publicKey(t testing.TB, text string) zmq.CurvePublicKey {
	t.Helper()
	k, err := zmq.ParseCurvePublicKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysAreReadInAllFormsOfLibzmq(t *testing.T) {
	secretOctets, publicOctets := octets(t, secretHex), octets(t, publicHex)
	for name, forms := range map[string][2]string{
		"32 octets":            {string(secretOctets), string(publicOctets)},
		"40 characters":        {secretText, publicText},
		"40 characters, a NUL": {secretText + "\x00", publicText + "\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := zmq.ParseCurveSecretKey([]byte(forms[0]))
			if err != nil {
				t.Fatal(err)
			}
			public, err := zmq.ParseCurvePublicKey([]byte(forms[1]))
			if err != nil {
				t.Fatal(err)
			}
			if secret.Z85() != secretText || string(secret.Bytes()) != string(secretOctets) || !secret.Equal(secretKey(t, forms[0])) {
				t.Errorf("the secret key is %q, %x", secret.Z85(), secret.Bytes())
			}
			if public.String() != publicText || string(public[:]) != string(publicOctets) {
				t.Errorf("the public key is %v, %x", public, public[:])
			}
			if got := secret.PublicKey(); got != public {
				t.Errorf("the public key of the secret one is %v, want %v", got, public)
			}
		})
	}
}

func TestAMalformedKeyIsRefusedAndNotQuoted(t *testing.T) {
	for name, c := range map[string]struct{ key, says string }{
		"none":                           {"", "0 octets"},
		"31 octets":                      {secretText[:31], "31 octets"},
		"39 characters":                  {secretText[:39], "39 octets"},
		"41 characters":                  {secretText + "0", "41 octets"},
		"a NUL too many":                 {secretText + "\x00\x00", "42 octets"},
		"an alien character":             {secretText[:11] + "~" + secretText[12:], "offset 11"},
		"a newline in place of the last": {secretText[:39] + "\n", "offset 39"},
		"a group beyond 32 bits":         {secretText[:35] + "#####", "offset 35"},
		"zeros":                          {strings.Repeat("\x00", 32), "zeros"},
		"zeros as text":                  {strings.Repeat("0", 40), "zeros"},
		"hexadecimal digits":             {secretHex, "64 octets"},
		"a line":                         {secretText + "\n", "the last is an end of line"},
		"a line of Windows":              {secretText + "\r\n", "the last is an end of line"},
	} {
		t.Run(name, func(t *testing.T) {
			secret, err := zmq.ParseCurveSecretKey(c.key)
			public, other := zmq.ParseCurvePublicKey(c.key)
			for _, err := range []error{err, other} {
				if !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.says) {
					t.Errorf("got %v, want ErrInvalid that says %q", err, c.says)
				}
				if len(c.key) >= 8 && (strings.Contains(err.Error(), c.key[:8]) || strings.Contains(err.Error(), c.key[len(c.key)-8:])) {
					t.Errorf("it quotes the key: %v", err)
				}
			}
			if !secret.IsZero() || !public.IsZero() {
				t.Error("there is a key all the same")
			}
		})
	}
}

func TestEveryKeyPairIsAnother(t *testing.T) {
	seen := make(map[zmq.CurvePublicKey]bool)
	for range 20 {
		public, secret, err := zmq.NewCurveKeyPair()
		if err != nil {
			t.Fatal(err)
		}
		if seen[public] || public.IsZero() || secret.IsZero() {
			t.Fatalf("the key is %v again", public)
		}
		seen[public] = true
		if again := secretKey(t, secret.Z85()); again.PublicKey() != public || !again.Equal(secret) || again == secret {
			t.Errorf("read again, the key belongs to %v, want %v", again.PublicKey(), public)
		}
	}
}

func TestASecretKeyIsShownByNothing(t *testing.T) {
	secret := secretKey(t, secretText)
	type exported struct{ Key zmq.CurveSecretKey }
	type unexported struct{ key zmq.CurveSecretKey }
	for name, value := range map[string]any{
		"itself":                 secret,
		"a pointer":              &secret,
		"in a struct":            exported{secret},
		"in a pointer to one":    &exported{secret},
		"in a field that hides":  unexported{secret},
		"in a list":              []zmq.CurveSecretKey{secret},
		"in a map":               map[string]zmq.CurveSecretKey{"x": secret},
		"in an interface within": struct{ Any any }{secret},
	} {
		for way, text := range shown(t, value) {
			for _, form := range disguises(octets(t, secretHex), secretText) {
				if strings.Contains(text, form) {
					t.Errorf("%s, %s: %s", name, way, text)
				}
			}
		}
		for _, verb := range []string{"%w", "%p"} { // for which Format is not called
			if text := fmt.Sprintf(verb, value); strings.Contains(text, secretText[:4]) || strings.Contains(text, "[142 11 ") {
				t.Errorf("%s, %s: %s", name, verb, text)
			}
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s", secret, exported{secret}, secret, zmq.CurveSecretKey{}); got != "[secret] {Key:[secret]} [secret] " {
		t.Errorf("%q", got)
	}
}

func TestKeysStandInAConfiguration(t *testing.T) {
	type config struct {
		Public zmq.CurvePublicKey            `json:"public"`
		Secret zmq.CurveSecretKey            `json:"secret"`
		None   zmq.CurveSecretKey            `json:"none"`
		Nobody zmq.CurvePublicKey            `json:"nobody"`
		Users  map[zmq.CurvePublicKey]string `json:"users"`
	}
	var c config
	text := fmt.Sprintf(`{"public": %q, "secret": %q, "none": "", "nobody": "", "users": {%q: "Ada"}}`, publicText, secretText, publicText)
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	public := publicKey(t, publicText)
	if c.Public != public || c.Secret.Z85() != secretText || !c.None.IsZero() || !c.Nobody.IsZero() || c.Users[public] != "Ada" {
		t.Errorf("read %+v", c)
	}
	dump, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(dump, &read); err != nil {
		t.Fatal(err)
	}
	if read["public"] != publicText || read["secret"] != "[secret]" || read["none"] != "" || read["nobody"] != "" {
		t.Errorf("written %s", dump)
	}
	for name, text := range map[string]string{
		"a dump":                   string(dump),
		"a key of octets":          `{"secret": "` + secretText[:32] + `"}`,
		"a public one of octets":   `{"public": "` + secretText[:32] + `"}`,
		"a NUL":                    `{"secret": "` + secretText + `\u0000"}`,
		"a public one with zeros":  `{"public": "` + strings.Repeat("0", 40) + `"}`,
		"a secret with a blank":    `{"secret": " ` + secretText[1:] + `"}`,
		"a public one that's long": `{"public": "` + publicText + `0"}`,
	} {
		before := c
		if name == "a dump" && !containsText(json.Unmarshal([]byte(text), &c), "stands where a secret was") {
			t.Error("it is not told for a dump")
		}
		if err := json.Unmarshal([]byte(text), &c); !errors.Is(err, zmq.ErrInvalid) || strings.Contains(err.Error(), secretText[1:32]) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
		if c.Public != before.Public || c.Secret != before.Secret {
			t.Errorf("%s: the keys have changed", name)
		}
	}
}

func TestKeysAreFlags(t *testing.T) {
	var public zmq.CurvePublicKey
	var secret zmq.CurveSecretKey
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	var usage strings.Builder
	flags.SetOutput(&usage)
	flags.TextVar(&public, "public", zmq.CurvePublicKey{}, "key")
	flags.TextVar(&secret, "secret", secretKey(t, secretText), "key")
	if err := flags.Parse([]string{"-public", publicText}); err != nil {
		t.Fatal(err)
	}
	flags.PrintDefaults()
	if public.String() != publicText || secret.IsZero() || strings.Contains(usage.String(), secretText) {
		t.Errorf("%v, %v, %s", public, secret, &usage)
	}
}

func TestNoKeyIsNoKey(t *testing.T) {
	var public zmq.CurvePublicKey
	var secret zmq.CurveSecretKey
	if !public.IsZero() || !secret.IsZero() || public.String() != "" || secret.Z85() != "" || secret.Bytes() != nil || !secret.PublicKey().IsZero() {
		t.Errorf("%v %v %v", public, secret.Bytes(), secret.PublicKey())
	}
	if some := secretKey(t, secretText); some.Equal(secret) || secret.Equal(some) || !secret.Equal(secret) {
		t.Error("a key is none")
	}
}

func TestNobodyCanChangeAKey(t *testing.T) {
	given := octets(t, secretHex)
	secret, err := zmq.ParseCurveSecretKey(given)
	if err != nil {
		t.Fatal(err)
	}
	clear(given)
	clear(secret.Bytes())
	if secret.Z85() != secretText {
		t.Errorf("the key is now %q", secret.Z85())
	}
}
