package zmq

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of hashed passwords.
const (
	// MaxHashedPassword is the size of the longest password that can be hashed, in
	// octets: bcrypt does not look at more.
	MaxHashedPassword = 72
	// maxHashCost bounds the work of one comparison: some seconds.
	maxHashCost = 16
)

// errWrongPassword does not tell whether there is such a user.
var errWrongPassword = fmt.Errorf("%w: no such user, or another password", ErrDenied)

// errNoPassword is for peers that have shown otherwise, or not at all, who they are.
var errNoPassword = fmt.Errorf("%w: users with passwords come by PLAIN", ErrDenied)

// Passwords is a policy that lets in peers with PLAIN whose password is that of their
// user in the table, which is copied. The user is their UserID. A user whose password is
// empty does not come in: it is one that somebody has forgotten to set. It takes as long
// for a user that is not in the table. Where the table comes from has all the passwords:
// [PasswordFile] does without.
func Passwords(table map[string]string) Authenticator {
	key := newDigestKey()
	digests := make(map[string]passwordDigest, len(table))
	for user, password := range table {
		if password == "" {
			continue
		}
		digests[user] = key.digest(user, Secret(password))
	}
	return func(_ context.Context, p *Applicant) error {
		if p.Mechanism != mechanismPlain {
			return errNoPassword
		}
		want, known := digests[p.Username]
		if got := key.digest(p.Username, p.Password); subtle.ConstantTimeCompare(got[:], want[:]) == 0 || !known {
			return errWrongPassword
		}
		p.UserID = p.Username
		return nil
	}
}

// HashPassword returns a hash of a password for a [PasswordFile], "$2a$10$…", by
// bcrypt with a salt of its own. One more of cost doubles the work of each comparison;
// 10 are some 50 ms. Zero means 10, 16 is the most. The error wraps ErrInvalid: for
// another cost, and for a password that is empty, has a NUL, or is longer than
// MaxHashedPassword.
func HashPassword(password Secret, cost int) (string, error) {
	if cost == 0 {
		cost = bcrypt.DefaultCost
	}
	switch {
	case cost < bcrypt.MinCost || cost > maxHashCost:
		return "", fmt.Errorf("zmq: hash password: %w: cost %d, must be %d to %d", ErrInvalid, cost, bcrypt.MinCost, maxHashCost)
	case password == "":
		return "", fmt.Errorf("zmq: hash password: %w: it is empty", ErrInvalid)
	case !canHash(password):
		return "", fmt.Errorf("zmq: hash password: %w: it has a NUL, or more than %d octets", ErrInvalid, MaxHashedPassword)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		return "", fmt.Errorf("zmq: hash password: %w", err)
	}
	return string(hash), nil
}

// canHash reports whether all of a password counts in its hash. With a NUL it would be
// the same as a shorter one.
func canHash(password Secret) bool {
	return len(password) <= MaxHashedPassword && !strings.Contains(string(password), "\x00")
}

// bcryptVersions are those that are all the same. "$2x$" is an old mistake.
var bcryptVersions = []string{"$2a$", "$2b$", "$2y$"}

// checkHash returns what is wrong with a hash that somebody has put into a file. The
// error does not contain it.
func checkHash(hash string) error {
	const (
		size     = 60 // octets
		fixed    = 7  // octets before the salt
		alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	)
	cost, err := bcrypt.Cost([]byte(hash))
	switch {
	case err != nil || len(hash) != size || !slices.Contains(bcryptVersions, hash[:4]) || strings.Trim(hash[fixed:], alphabet) != "":
		return errors.New("no hash by bcrypt")
	case cost > maxHashCost:
		return fmt.Errorf("a hash of cost %d, must be at most %d", cost, maxHashCost)
	}
	return nil
}

// sameHash reports whether hash is that of password. It is slow.
func sameHash(hash string, password Secret) bool {
	return canHash(password) && bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// A digestKey makes digests that mean nothing to whoever does not have it.
type digestKey [sha256.Size]byte

// A passwordDigest stands for a password of a user in memory.
type passwordDigest [sha256.Size]byte

func newDigestKey() *digestKey {
	var key digestKey
	_, _ = rand.Read(key[:]) // which never fails
	return &key
}

func (k *digestKey) digest(user string, password Secret) (d passwordDigest) {
	h := hmac.New(sha256.New, k[:])
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(user)))
	h.Write(size[:])
	h.Write([]byte(user))
	h.Write([]byte(password))
	h.Sum(d[:0])
	return d
}

// pick is a number below n that only depends on the user, though nobody can tell how.
func (k *digestKey) pick(user string, n int) int {
	d := k.digest(user, "")
	return int(binary.BigEndian.Uint64(d[:]) % uint64(n))
}
