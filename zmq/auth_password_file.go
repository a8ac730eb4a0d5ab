package zmq

import (
	"context"
	"crypto/subtle"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"zeromux/internal/filemark"
	"zeromux/internal/mechanism"
)

// maxPasswordFile bounds a file of passwords, in octets: some 200 000 users.
const maxPasswordFile = 16 << 20

// strangersHash is compared with where there are no users at all. Its password is not
// known.
const strangersHash = "$2a$10$HvpMi32L4ODmGcLPbcSIcO8eNn/dTYBonMKH4kmgVZYzKPneRBl1K"

// comparing is where all files of the process have hashes compared: at most half of the
// processors do so, or the one where there is one.
var comparing = sync.OnceValue(func() *turnstile { return newTurnstile(max(1, runtime.GOMAXPROCS(0)/2)) })

// errOtherHash is for a password that was right for a hash that no longer counts.
var errOtherHash = fmt.Errorf("%w: the user's hash has changed meanwhile", ErrTryLater)

// A PasswordFile is a file of users and their hashed passwords, each on a line of its
// own:
//
//	# whoever may come in
//	alice:$2a$10$LD/KztKEIc9FWRC3mnwcxuZiKhfKek0/hLkkoXE0ouX99XklvHnBe
//
// [HashPassword] makes such hashes, and so do "zmq password" and "htpasswd -B". A user's
// name has 1 to 255 octets, neither a colon nor an end of line, does not begin with "#",
// and neither begins nor ends with a blank.
//
// [OpenPasswordFile] makes it, and its method Authenticate is a policy. A file that changes is read again, no later than
// ReloadConfig says; while it is no such file, half written for one, what was read
// before counts. Half a file of whole lines is a file, though: write another one and
// rename it, and nobody is turned away meanwhile.
//
// Hashes are slow to compare, which is what they are for. So at most half of the
// processors do so at a time, for all files together; of those who wait, some from each address are served in
// turn, and too many are told to try later. Whoever has come in once comes in again at
// once, until the hash changes.
type PasswordFile struct {
	path     string
	follower *filemark.Follower
	mark     filemark.Mark // of what was read; guarded by the follower, as is fault
	fault    error         // what is wrong with that
	table    atomic.Pointer[passwordTable]
	key      *digestKey
	gate     *turnstile
	same     func(hash string, password Secret) bool // sameHash, but in tests

	mu     sync.Mutex // guards below; a leaf
	proven map[string]provenPassword
}

// A passwordTable is what stands in a file. It does not change.
type passwordTable struct {
	hashes map[string]string // by user
	all    []string          // the hashes, in the order of the users
}

// A provenPassword is one that was compared, and was right.
type provenPassword struct {
	hash   string // with which it was compared
	digest passwordDigest
}

// OpenPasswordFile reads a file of passwords. Nil is the default configuration. The
// error wraps ErrInvalid and tells the line, for a file that is none or has more than
// 16 MiB; ErrExposed for one that everybody may change, unless it
// is on a file system that is mounted to be read only; or what the system says. A
// configuration out of range is ErrInvalid, too. That others may read it is up to you: hashes are made for that day, and weak passwords are
// guessed from them all the same.
func OpenPasswordFile(path string, config *ReloadConfig) (*PasswordFile, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("zmq: passwords: %w", err)
	}
	f := &PasswordFile{
		path: path, follower: newFollower("password file", config), key: newDigestKey(),
		gate: comparing(), same: sameHash, proven: make(map[string]provenPassword),
	}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file at once. With an error, what was read before counts.
func (f *PasswordFile) Reload() error {
	return f.follower.Force(func() error {
		f.mark = filemark.Mark{}
		return f.read()
	})
}

// Err is what was wrong with the file when it was looked at last; nil: nothing.
func (f *PasswordFile) Err() error { return f.follower.Err() }

// Format writes which file it is, and nothing of what stands in it, for every verb of
// package fmt.
func (f *PasswordFile) Format(s fmt.State, _ rune) { writeHidden(s, "passwords of "+f.path) }

// Authenticate lets in peers with PLAIN whose password is that of their user, who is
// their UserID. Otherwise it takes as long for users that are not in the file. The error
// wraps ErrDenied, or ErrTryLater: too many wait, the hash has changed meanwhile, or ctx
// has ended.
func (f *PasswordFile) Authenticate(ctx context.Context, p *Applicant) error {
	if p.Mechanism != mechanismPlain {
		return errNoPassword
	}
	f.follower.Follow(f.read)
	table := f.table.Load()
	hash, known := table.hashes[p.Username]
	if !known {
		hash = table.other(f.key, p.Username)
	}
	digest := f.key.digest(p.Username, p.Password)
	if !f.isProven(p.Username, hash, digest) {
		if err := f.gate.enter(ctx, p.source()); err != nil {
			return err
		}
		if right := f.compare(p, hash, digest); !right || !known {
			return errWrongPassword
		}
		f.follower.Follow(f.read) // it may have been a while
		if !f.prove(p.Username, hash, digest) {
			return errOtherHash
		}
	}
	p.UserID = p.Username
	return nil
}

// compare reports whether hash is that of the password, and leaves the gate.
func (f *PasswordFile) compare(p *Applicant, hash string, digest passwordDigest) bool {
	defer f.gate.leave()                      // also should it panic
	if f.isProven(p.Username, hash, digest) { // others have come before
		return true
	}
	return f.same(hash, p.Password)
}

// other is a hash to compare with for a user who is not in the table: always the same
// one, so that this user takes as long as one who is.
func (t *passwordTable) other(key *digestKey, user string) string {
	if len(t.all) == 0 {
		return strangersHash
	}
	return t.all[key.pick(user, len(t.all))]
}

// isProven reports whether a password was right before.
func (f *PasswordFile) isProven(user, hash string, digest passwordDigest) bool {
	f.mu.Lock()
	proven, ok := f.proven[user]
	f.mu.Unlock()
	return ok && proven.hash == hash && subtle.ConstantTimeCompare(proven.digest[:], digest[:]) == 1
}

// prove notes that a password was right, and reports whether it still counts.
func (f *PasswordFile) prove(user, hash string, digest passwordDigest) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table.Load().hashes[user] != hash {
		return false
	}
	f.proven[user] = provenPassword{hash, digest}
	return true
}

// read reads the file if it has changed.
func (f *PasswordFile) read() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("zmq: passwords: %w", err)
	}
	if err := checkOpen(f.path, info); err != nil {
		return fmt.Errorf("zmq: passwords: %w", err)
	}
	if f.mark.Holds(info) {
		return f.fault
	}
	before := time.Now()
	text, info, err := readSmallFile(f.path, maxPasswordFile)
	if err != nil {
		return fmt.Errorf("zmq: passwords: %w", err)
	}
	table, err := parsePasswords(string(text))
	if err != nil {
		err = fmt.Errorf("zmq: passwords %s: %w", f.path, err)
	}
	if f.mark, f.fault = f.mark.Next(info, before), err; err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table.Store(table)
	maps.DeleteFunc(f.proven, func(user string, proven provenPassword) bool { return table.hashes[user] != proven.hash })
	return nil
}

// parsePasswords reads the lines of a file. The error contains nothing of them.
func parsePasswords(text string) (*passwordTable, error) {
	t := &passwordTable{hashes: make(map[string]string)}
	n := 0
	text = strings.TrimPrefix(text, byteOrderMark)
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		user, hash, ok := strings.Cut(line, ":")
		_, again := t.hashes[user]
		var err error
		switch {
		case !ok || user == "":
			err = fmt.Errorf("%w: not user:hash", ErrInvalid)
		case strings.TrimSpace(user) != user:
			err = fmt.Errorf("%w: blanks before or behind the user", ErrInvalid)
		case len(user) > mechanism.MaxPlain:
			err = fmt.Errorf("%w: a user of %d octets, must have at most %d", ErrInvalid, len(user), mechanism.MaxPlain)
		case again:
			err = fmt.Errorf("%w: a user for the second time", ErrInvalid)
		default:
			if err = checkHash(hash); err != nil {
				err = fmt.Errorf("%w: %w", ErrInvalid, err)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		t.hashes[user] = hash
	}
	for _, user := range slices.Sorted(maps.Keys(t.hashes)) {
		t.all = append(t.all, t.hashes[user])
	}
	return t, nil
}
