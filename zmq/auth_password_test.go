package zmq_test

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"zeromux/zmq"
)

// saying is a peer that says a name and a password.
func saying(user, password string) *zmq.Applicant {
	return &zmq.Applicant{Mechanism: "PLAIN", Address: "192.0.2.7", Username: user, Password: zmq.Secret(password)}
}

func TestATableOfPasswordsLetsInWhoKnowsOne(t *testing.T) {
	table := map[string]string{"Ada": "correct horse", "Bob": "", "": "nobody"}
	policy := zmq.Passwords(table)
	clear(table)
	for name, c := range map[string]struct {
		p  *zmq.Applicant
		in bool
	}{
		"the right one":             {saying("Ada", "correct horse"), true},
		"another":                   {saying("Ada", "correct hors"), false},
		"that and more":             {saying("Ada", "correct horse "), false},
		"none":                      {saying("Ada", ""), false},
		"that of another user":      {saying("Ada", "nobody"), false},
		"a user without a password": {saying("Bob", ""), false},
		"no user":                   {saying("", "nobody"), true},
		"a user who is not there":   {saying("Eve", "correct horse"), false},
		"user and password shifted": {saying("Adac", "orrect horse"), false},
		"another mechanism":         {&zmq.Applicant{Mechanism: "CURVE", Username: "Ada", Password: "correct horse"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := policy(t.Context(), c.p)
			switch {
			case c.in && (err != nil || c.p.UserID != c.p.Username):
				t.Errorf("%v, as %q", err, c.p.UserID)
			case !c.in && (!errors.Is(err, zmq.ErrDenied) || c.p.UserID != ""):
				t.Errorf("%v, as %q, want ErrDenied", err, c.p.UserID)
			case err != nil && strings.Contains(err.Error(), "horse"):
				t.Errorf("it quotes the password: %v", err)
			}
		})
	}
	if a, b := policy(t.Context(), saying("Ada", "x")), policy(t.Context(), saying("Eve", "x")); a.Error() != b.Error() {
		t.Errorf("who is in the table is told %q, who is not %q", a, b)
	}
}

func TestAHashIsThatOfBcrypt(t *testing.T) {
	const password = "correct horse"
	hash, err := zmq.HashPassword(password, 0)
	if err != nil || !strings.HasPrefix(hash, "$2a$10$") {
		t.Errorf("%q, %v", hash, err)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil {
		t.Error(err)
	}
	again, err := zmq.HashPassword(password, 4)
	if err != nil || !strings.HasPrefix(again, "$2a$04$") || again[7:] == hash[7:] {
		t.Errorf("%q, %v", again, err)
	}
}

func TestWhatCannotBeHashedIsRefusedAndNotQuoted(t *testing.T) {
	const password = "correct horse"
	for name, c := range map[string]struct {
		password zmq.Secret
		cost     int
		says     string
	}{
		"nothing":                {"", 0, "empty"},
		"73 octets":              {zmq.Secret(strings.Repeat(password, 6)[:73]), 4, "72"},
		"a NUL":                  {password + "\x00", 4, "NUL"},
		"too little work":        {password, 3, "4 to 16"},
		"work for a year":        {password, 17, "4 to 16"},
		"less work than nothing": {password, -1, "4 to 16"},
	} {
		hash, err := zmq.HashPassword(c.password, c.cost)
		if hash != "" || !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: %q, %v, want ErrInvalid that says %q", name, hash, err, c.says)
		}
	}
	if _, err := zmq.HashPassword(zmq.Secret(strings.Repeat(password, 6)[:72]), 4); err != nil {
		t.Errorf("72 octets: %v", err)
	}
}
