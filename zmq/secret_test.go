package zmq_test

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"zeromux/zmq"
)

// shown are all ways in which a value is shown without anybody having asked for what
// it hides.
func shown(t *testing.T, value any) map[string]string {
	t.Helper()
	ways := map[string]string{"String": fmt.Sprint(value), "Println": fmt.Sprintln("key:", value)}
	for _, verb := range "vsqxXdboOtTcUeEfFgG" {
		for _, flag := range []string{"", "+", "#", "-50", "050", " "} {
			format := "%" + flag + string(verb)
			ways[format] = fmt.Sprintf(format, value)
			ways[format+" of an error"] = fmt.Errorf("no: "+format, value).Error()
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	ways["JSON"] = string(text)
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("hello", "key", value, "in a group", slog.GroupValue(slog.Any("it", value)))
		ways[name] = b.String()
	}
	if m, ok := value.(encoding.TextMarshaler); ok { // what YAML, TOML and XML ask for
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		ways["text"] = string(text)
	}
	return ways
}

// disguises are the forms in which a secret may come to light.
func disguises(secret []byte, text string) []string {
	return []string{
		text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		strings.Trim(fmt.Sprint(secret), "[]"), strings.Trim(fmt.Sprintf("%x", text[:4]), "[]"),
		strings.Trim(fmt.Sprint(secret[:4]), "[]"), strings.Trim(fmt.Sprintf("%#v", secret[:4]), "[]byte{}"),
	}
}

func TestASecretIsShownByNothing(t *testing.T) {
	const password = "correct horse"
	type holder struct {
		User     string
		Password zmq.Secret
	}
	pointer := zmq.Secret(password)
	for name, value := range map[string]any{
		"itself":      zmq.Secret(password),
		"a pointer":   &pointer,
		"in a struct": holder{"Ada", password},
		"in a list":   []zmq.Secret{password},
		"in a map":    map[string]zmq.Secret{"x": password},
	} {
		for way, text := range shown(t, value) {
			for _, form := range disguises([]byte(password), password) {
				if strings.Contains(text, form) {
					t.Errorf("%s, %s: %s", name, way, text)
				}
			}
		}
	}
	if got := fmt.Sprintf("%v %+v %s", zmq.Secret(password), holder{"Ada", password}, zmq.Secret("")); got != "[secret] {User:Ada Password:[secret]} " {
		t.Errorf("%q", got)
	}
}

func TestASecretIsReadAsAnyText(t *testing.T) {
	var c struct{ Password, Other, None zmq.Secret }
	if err := json.Unmarshal([]byte(`{"Password": "correct horse", "Other": "secret", "None": ""}`), &c); err != nil {
		t.Fatal(err)
	}
	if string(c.Password) != "correct horse" || string(c.Other) != "secret" || c.None != "" {
		t.Errorf("%q %q %q", string(c.Password), string(c.Other), string(c.None))
	}
	dump, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(dump, &c); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a dump, %s, was read: %v", dump, err)
	}
	if string(c.Password) != "correct horse" {
		t.Errorf("the password is now %q", string(c.Password))
	}
}
