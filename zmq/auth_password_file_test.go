package zmq

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Hashes of "correct horse": of ours; of libxcrypt 4.4.33 by Python's crypt, and by
// Perl's.
var horses = []string{
	"$2a$04$H1lMHel5YkLhfuHVHaWEWul7SOYWHyreXjAq1AltwVFOT6kkeOSFi",
	"$2b$04$xOe9ANhpjzdvoL3fDF8z3ukmPCj33iN1izy92f0OdI5QzWHCh3NDW",
	"$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
}

const horse = "correct horse"

// A passwordRig is a PasswordFile whose comparisons are counted.
type passwordRig struct {
	*PasswordFile
	t    *testing.T
	log  bytes.Buffer
	path string

	mu       sync.Mutex
	compared []string // the hashes
}

func newPasswordRig(t *testing.T, text string, interval time.Duration) *passwordRig {
	t.Helper()
	r := &passwordRig{t: t, path: filepath.Join(t.TempDir(), "passwords")}
	r.write(text)
	var err error
	r.PasswordFile, err = OpenPasswordFile(r.path, &ReloadConfig{Interval: interval, Logger: slog.New(slog.NewTextHandler(&r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	r.same = func(hash string, password Secret) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.compared = append(r.compared, hash)
		return sameHash(hash, password)
	}
	return r
}

func (r *passwordRig) write(text string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// asks has a peer come, and returns how many comparisons that took.
func (r *passwordRig) asks(user, password string) (compared int, err error) {
	r.t.Helper()
	before := len(r.compared)
	p := &Applicant{Mechanism: "PLAIN", Address: "192.0.2.7", Username: user, Password: Secret(password)}
	err = r.Authenticate(r.t.Context(), p)
	switch {
	case err == nil && p.UserID != user:
		r.t.Errorf("%q is let in as %q", user, p.UserID)
	case err != nil && p.UserID != "":
		r.t.Errorf("%q is turned away as %q", user, p.UserID)
	case err != nil && (strings.Contains(err.Error(), "horse") || strings.Contains(err.Error(), "$2")):
		r.t.Errorf("it quotes what nobody should see: %v", err)
	}
	return len(r.compared) - before, err
}

// admits checks that a peer is let in, and after how many comparisons.
func (r *passwordRig) admits(user, password string, compared int) {
	r.t.Helper()
	if n, err := r.asks(user, password); err != nil || n != compared {
		r.t.Errorf("%q: %v after %d comparisons, want none wrong after %d", user, err, n, compared)
	}
}

// denies checks that a peer is turned away after one comparison.
func (r *passwordRig) denies(user, password string) {
	r.t.Helper()
	if n, err := r.asks(user, password); err != errWrongPassword || n != 1 {
		r.t.Errorf("%q: %v after %d comparisons, want %v after one", user, err, n, errWrongPassword)
	}
}

func TestHashesOfOthersAreRead(t *testing.T) {
	for _, hash := range horses {
		r := newPasswordRig(t, "# those who may\n\nAda:"+hash+"\r\n", Never)
		r.admits("Ada", horse, 1)
		r.denies("Ada", "correct hors")
	}
}

func TestWhoHasComeInComesInAtOnce(t *testing.T) {
	r := newPasswordRig(t, "Ada:"+horses[0]+"\nBob:"+horses[1]+"\n", Never)
	r.admits("Ada", horse, 1)
	r.admits("Ada", horse, 0)
	r.admits("Bob", horse, 1)
	r.denies("Ada", "another")
	r.denies("Ada", "another") // what is wrong is not remembered
	r.admits("Ada", horse, 0)

	r.write("Ada:" + horses[1] + "\nBob:" + horses[1] + "\n")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.admits("Ada", horse, 1) // for the hash is another
	r.admits("Bob", horse, 0)
	r.write("Bob:" + horses[1] + "\n")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	r.denies("Ada", horse)
	if len(r.proven) != 1 {
		t.Errorf("%d are remembered, want 1", len(r.proven))
	}
}

func TestAUserWhoIsNotThereTakesAsLong(t *testing.T) {
	r := newPasswordRig(t, "Ada:"+horses[0]+"\nBob:"+horses[1]+"\n", Never)
	used := make(map[string]int)
	for i := range 40 {
		name := fmt.Sprint("user ", i)
		r.denies(name, horse) // the password of both hashes
		r.denies(name, horse)
		n := len(r.compared)
		if r.compared[n-1] != r.compared[n-2] {
			t.Fatalf("%s is compared with one hash, then with another", name)
		}
		used[r.compared[n-1]]++
	}
	if len(used) != 2 {
		t.Errorf("compared with %v, want both", used)
	}
	empty := newPasswordRig(t, "", Never)
	empty.denies("Ada", horse)
	if got := empty.compared[0]; got != strangersHash || checkHash(got) != nil {
		t.Errorf("compared with %q", got)
	}
}

func TestPasswordsThatBcryptCutsAreRefused(t *testing.T) {
	long := strings.Repeat("x", MaxHashedPassword)
	hash, err := HashPassword(Secret(long), 4)
	if err != nil {
		t.Fatal(err)
	}
	r := newPasswordRig(t, "Ada:"+hash+"\nBob:"+horses[0]+"\n", Never)
	r.admits("Ada", long, 1)
	r.denies("Ada", long+"y")
	r.denies("Bob", horse+"\x00"+horse)
}

func TestOnlyPLAINBringsAPassword(t *testing.T) {
	r := newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
	p := &Applicant{Mechanism: "NULL", Username: "Ada", Password: horse}
	if err := r.Authenticate(t.Context(), p); !errors.Is(err, ErrDenied) || len(r.compared) != 0 {
		t.Errorf("%v after %d comparisons", err, len(r.compared))
	}
}

func TestAPasswordFileIsFollowed(t *testing.T) {
	ada, bob := "Ada:"+horses[0]+"\n", "Bob:"+horses[0]+"\n"
	synctest.Test(t, func(t *testing.T) {
		r := newPasswordRig(t, ada, 0)
		r.write(ada + bob)
		r.denies("Bob", horse) // within the second
		<-time.After(time.Second)
		r.admits("Bob", horse, 1)

		r.write(ada + bob[:20]) // half a file
		<-time.After(time.Second)
		r.admits("Ada", horse, 1)
		r.admits("Bob", horse, 0)
		if err := r.Err(); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("the file is as %v", err)
		}
		<-time.After(time.Second)
		r.admits("Bob", horse, 0)
		if err := os.Remove(r.path); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		r.admits("Bob", horse, 0)
		if err := r.Err(); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is as %v", err)
		}
		r.write(bob)
		<-time.After(time.Second)
		r.denies("Ada", horse)
		r.admits("Bob", horse, 0)
		if err := r.Err(); err != nil {
			t.Errorf("the file is as %v", err)
		}
		for text, times := range map[string]int{"line 2": 1, "no such file": 1, "can be used again": 1, "$2": 0, "Bob": 0} {
			if n := strings.Count(r.log.String(), text); n != times {
				t.Errorf("the log says %q %d times, want %d:\n%s", text, n, times, &r.log)
			}
		}
	})
}

// TestAFileThatIsAsItWasIsNotReadAgain replaces it by one that nothing tells from it.
func TestAFileThatIsAsItWasIsNotReadAgain(t *testing.T) {
	r := newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
	long := time.Now().Add(-time.Hour)
	for i, c := range []struct {
		text string
		when time.Time
		user string // who comes in afterwards
	}{
		{"Ada:" + horses[0] + "\n", long, "Ada"},
		{"Bob:" + horses[0] + "\n", long, "Ada"},                  // the same size and time
		{"Bob:" + horses[0] + "\n", long.Add(time.Second), "Bob"}, // another time
		{"Ada:" + horses[0] + "\n#", long.Add(time.Second), "Ada"},
		{"Bob:" + horses[0] + "\n#", time.Now(), "Bob"}, // too young to be told from
		{"Ada:" + horses[0] + "\n#", time.Now(), "Ada"}, // the next one
	} {
		r.write(c.text)
		if err := os.Chtimes(r.path, c.when, c.when); err != nil {
			t.Fatal(err)
		}
		if err := r.follower.Force(r.read); err != nil {
			t.Fatal(err)
		}
		if _, in := r.table.Load().hashes[c.user]; !in {
			t.Errorf("%d: %q is not in the table", i, c.user)
		}
	}
}

// TestAFileThatEverybodyMayChangeIsNotBelieved: what was read before counts.
func TestAFileThatEverybodyMayChangeIsNotBelieved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are something else there")
	}
	r := newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
	r.write("Bob:" + horses[0] + "\n")
	for mode, want := range map[fs.FileMode]error{0o602: ErrExposed, 0o666: ErrExposed} {
		if err := os.Chmod(r.path, mode); err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(); !errors.Is(err, want) || !errors.Is(r.Err(), want) || !strings.Contains(err.Error(), r.path) {
			t.Errorf("mode %v: %v, want %v and the name", mode, err, want)
		}
		if f, err := OpenPasswordFile(r.path, nil); f != nil || !errors.Is(err, want) {
			t.Errorf("mode %v: it was opened: %v", mode, err)
		}
		r.denies("Bob", horse)
		if _, err := r.asks("Ada", horse); err != nil {
			t.Error(err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o644, 0o660} {
		if err := os.Chmod(r.path, mode); err != nil {
			t.Fatal(err)
		}
		if err := r.Reload(); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	r.admits("Bob", horse, 1)
}

func TestAMarkThatEditorsMakeIsNoPartOfAUser(t *testing.T) {
	r := newPasswordRig(t, "\ufeffAda:"+horses[0]+"\r\n", Never)
	r.admits("Ada", horse, 1)
}

// TestAPasswordFileShowsNoHash, not even of one who has come in.
func TestAPasswordFileShowsNoHash(t *testing.T) {
	r := newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
	r.admits("Ada", horse, 1)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if text := fmt.Sprintf(format, r.PasswordFile); text != "passwords of "+r.path {
			t.Errorf("%s shows %s", format, text)
		}
	}
}

func TestABadPasswordFileIsRefusedAndNotQuoted(t *testing.T) {
	good := "Ada:" + horses[0] + "\n"
	for name, c := range map[string]struct{ text, says string }{
		"a password":               {good + "Bob:" + horse + "\n", "line 2"},
		"no colon":                 {good + "\nBob\n", "line 3"},
		"no user":                  {":" + horses[0] + "\n", "line 1"},
		"no hash":                  {"Bob:\n", "line 1"},
		"a user twice":             {good + good, "line 2"},
		"a hash that is cut":       {"Bob:" + horses[0][:59] + "\n", "line 1"},
		"something behind a hash":  {"Bob:" + horses[0] + ":x\n", "line 1"},
		"a blank behind a hash":    {"Bob:" + horses[0] + " \n", "line 1"},
		"a blank before a hash":    {"Bob: " + horses[0] + "\n", "line 1"},
		"an alien in a hash":       {"Bob:" + horses[0][:59] + "!\n", "line 1"},
		"a hash of MD5":            {"Bob:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00\n", "line 1"},
		"a hash of the wrong sort": {"Bob:$2x" + horses[0][3:] + "\n", "line 1"},
		"a hash of days of work":   {"Bob:$2a$31" + horses[0][6:] + "\n", "at most 16"},
		"a line that is indented":  {good + "\t Bob:" + horses[0] + "\n", "line 2"},
		"a blank behind a user":    {"Bob :" + horses[0] + "\n", "line 1"},
		"a user nobody can be":     {strings.Repeat("Bob", 86) + ":" + horses[0] + "\n", "line 1"},
		"a hash of no work":        {"Bob:$2a$03" + horses[0][6:] + "\n", "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "passwords")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := OpenPasswordFile(path, nil)
			if f != nil || !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path) {
				t.Fatalf("%v, %v, want ErrInvalid that says %q", f, err, c.says)
			}
			for _, part := range []string{horse, horses[0][7:20], "$2", "Bob"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("it quotes %q: %v", part, err)
				}
			}
		})
	}
	if _, err := OpenPasswordFile(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// What passwords cost is bounded for the process, however many files there are.
func TestAllPasswordFilesCompareInOnePlace(t *testing.T) {
	one, other := newPasswordRig(t, "", Never), newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
	if one.gate != other.gate || one.gate.free != max(1, runtime.GOMAXPROCS(0)/2) {
		t.Errorf("%d places and %d of %d processors, the same ones: %v", one.gate.free, other.gate.free, runtime.GOMAXPROCS(0), one.gate == other.gate)
	}
}

// TestAFloodOfPasswordsHoldsNobodyUp has a crowd of strangers guess from one address,
// while others come in: one who has come before, and one who has not.
func TestAFloodOfPasswordsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPasswordRig(t, "Ada:"+horses[0]+"\nBob:"+horses[1]+"\n", Never)
		r.admits("Ada", horse, 1)
		const work = 100 * time.Millisecond
		busy, most := 0, 0
		r.gate = newTurnstile(2)
		r.same = func(hash string, password Secret) bool {
			r.mu.Lock()
			busy++
			most = max(most, busy)
			r.mu.Unlock()
			<-time.After(work)
			r.mu.Lock()
			busy--
			r.mu.Unlock()
			return sameHash(hash, password)
		}
		ctx, end := context.WithCancel(t.Context())
		later := 0
		var crowd sync.WaitGroup
		for i := range 500 {
			crowd.Go(func() {
				for ctx.Err() == nil {
					err := r.Authenticate(ctx, &Applicant{Mechanism: "PLAIN", Address: "198.51.100.9", Username: "Bob", Password: Secret(fmt.Sprint(i))})
					switch {
					case errors.Is(err, ErrTryLater):
						r.mu.Lock()
						later++
						r.mu.Unlock()
						<-time.After(time.Second)
					case !errors.Is(err, ErrDenied):
						t.Errorf("a stranger: %v", err)
					}
				}
			})
		}
		synctest.Wait()
		for user, bound := range map[string]time.Duration{"Ada": 0, "Bob": 3 * work} {
			begin := time.Now()
			p := &Applicant{Mechanism: "PLAIN", Address: "192.0.2.7", Username: user, Password: horse}
			if err := r.Authenticate(ctx, p); err != nil || time.Since(begin) > bound {
				t.Errorf("%s: %v after %v, want to be in after %v", user, err, time.Since(begin), bound)
			}
		}
		end()
		crowd.Wait()
		if most != 2 || later == 0 {
			t.Errorf("%d compared at a time, want 2; %d were told to come later", most, later)
		}
	})
}

// Whoever has waited in a crowd is let in by what stands in the file then.
func TestAUserWhoWasRemovedWhileHeWaitedIsNotLetIn(t *testing.T) {
	for _, interval := range []time.Duration{Never, time.Nanosecond} {
		r := newPasswordRig(t, "Ada:"+horses[0]+"\nBob:"+horses[1]+"\n", interval)
		same := r.same
		r.same = func(hash string, password Secret) bool {
			r.write("Ada:" + horses[0] + "\n")
			if interval == Never {
				if err := r.Reload(); err != nil {
					t.Error(err)
				}
			}
			return same(hash, password)
		}
		if _, err := r.asks("Bob", horse); !errors.Is(err, ErrTryLater) {
			t.Errorf("got %v, want that he may try later", err)
		}
		r.same = same
		r.denies("Bob", horse)
	}
}

func TestAComparisonThatPanicsLeavesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newPasswordRig(t, "Ada:"+horses[0]+"\n", Never)
		r.gate = newTurnstile(1)
		same := r.same
		r.same = func(string, Secret) bool { panic("oh") }
		p := &Applicant{Mechanism: "PLAIN", Address: "192.0.2.7", Username: "Ada", Password: horse}
		if err := decide(t.Context(), r.Authenticate, p); !errors.Is(err, ErrAuthenticatorFailed) {
			t.Errorf("got %v, want ErrAuthenticatorFailed", err)
		}
		r.same = same
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if err := r.Authenticate(ctx, p); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
}

// FuzzPasswordFile: what is read can be compared with.
func FuzzPasswordFile(f *testing.F) {
	f.Add("# x\n\nAda:" + horses[0] + "\r\nBob:" + horses[1])
	f.Add("Ada:" + horses[2] + "\nAda:" + horses[2])
	f.Add("Ada:$2a$31" + horses[0][6:])
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parsePasswords(text)
		if err != nil {
			if table != nil || !errors.Is(err, ErrInvalid) || len(err.Error()) > 200 {
				t.Errorf("%v, %v", table, err)
			}
			return
		}
		if len(table.all) != len(table.hashes) {
			t.Errorf("%d hashes of %d users", len(table.all), len(table.hashes))
		}
		for user, hash := range table.hashes {
			if len(hash) != 60 || user == "" || strings.ContainsAny(user, ":\n") || !strings.Contains(text, user+":"+hash) {
				t.Errorf("%q has %q", user, hash)
			}
		}
	})
}
