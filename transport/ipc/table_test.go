package ipc_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/ipc"
)

// maxPath is what the system's address of a socket holds beside its NUL.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

func TestAddressesThatCannotBe(t *testing.T) {
	dir := shortDir(t)
	tests := []struct {
		name, address string
		kind          error
	}{
		{name: "nothing", address: "", kind: transport.ErrInvalid},
		{name: "an abstract name of nothing", address: "@", kind: transport.ErrInvalid},
		{name: "a NUL", address: "a\x00b", kind: transport.ErrInvalid},
		{name: "a path that is one octet too long", address: ofLength(dir+"/", maxPath+1), kind: transport.ErrNameTooLong},
		{name: "an abstract name that is one octet too long", address: ofLength("@", maxPath+1), kind: transport.ErrNameTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := (ipc.Transport{}).CheckConnect(test.address, nil); !errors.Is(err, test.kind) {
				t.Errorf("check: got %v, want %v", err, test.kind)
			}
			if _, err := (ipc.Transport{}).Dial(t.Context(), test.address, nil); !errors.Is(err, test.kind) {
				t.Errorf("dial: got %v, want %v", err, test.kind)
			}
			if _, err := (ipc.Transport{}).Listen(t.Context(), test.address, nil); !errors.Is(err, test.kind) {
				t.Errorf("listen: got %v, want %v", err, test.kind)
			}
		})
	}
}

// ofLength lengthens prefix to n octets.
func ofLength(prefix string, n int) string {
	return prefix + strings.Repeat("x", n-len(prefix))
}

func TestLongestPath(t *testing.T) {
	checkUse(t, ofLength(shortDir(t)+"/", maxPath))
}

// checkUse binds address, connects to it and sends something.
func checkUse(t *testing.T, address string) transport.Listener {
	t.Helper()
	l := transporttest.Listen(t, ipc.Transport{}, address, nil)
	if l.Address() != address {
		t.Errorf("got address %q, want %q", l.Address(), address)
	}
	a, b := transporttest.Pair(t, ipc.Transport{}, l, nil)
	defer a.Close()
	defer b.Close()
	transporttest.Exchange(t, a, b)
	return l
}

func TestRelativePath(t *testing.T) {
	first := shortDir(t)
	t.Chdir(first)
	l := checkUse(t, "s.ipc")
	t.Chdir(shortDir(t))
	l.Close()
	if _, err := os.Lstat(filepath.Join(first, "s.ipc")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind: %v", err)
	}
}

func TestBindWhereItCannotBe(t *testing.T) {
	dir := shortDir(t)
	_, err := ipc.Transport{}.Listen(t.Context(), filepath.Join(dir, "missing", "s"), nil)
	checkErrno(t, err, syscall.ENOENT)

	_, err = ipc.Transport{}.Listen(t.Context(), dir, nil)
	checkErrno(t, err, syscall.EADDRINUSE)
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("a directory was removed: %v", err)
	}
	if !strings.Contains(err.Error(), dir) {
		t.Errorf("%q does not name the address", err)
	}
}

func TestBindWithoutPermission(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("everything is permitted to this user, or permissions are another matter on this system")
	}
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := ipc.Transport{}.Listen(t.Context(), filepath.Join(dir, "s"), nil)
	checkErrno(t, err, syscall.EACCES)
}

func TestBindRemovesWhatIsThere(t *testing.T) {
	tests := []struct {
		name string
		put  func(t *testing.T, path string)
	}{
		{name: "the socket of a process that died", put: func(t *testing.T, path string) {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err != nil {
				t.Fatal(err)
			}
			l.SetUnlinkOnClose(false)
			l.Close()
		}},
		{name: "an empty file", put: func(t *testing.T, path string) {
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "a link to nowhere", put: func(t *testing.T, path string) {
			if err := os.Symlink("nowhere", path); err != nil {
				t.Skip(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := path(t)
			test.put(t, p)
			l := checkUse(t, p)
			l.Close()
			if _, err := os.Lstat(p); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is left behind: %v", err)
			}
		})
	}
}

// Who binds the wrong path by mistake loses nothing by it.
func TestBindLeavesAFileThatIsNotEmpty(t *testing.T) {
	p := path(t)
	if err := os.WriteFile(p, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := ipc.Transport{}.Listen(t.Context(), p, nil)
	if err == nil {
		l.Close()
		t.Error("bound in place of the file")
	} else if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v, want the address in use", err)
	}
	if b, err := os.ReadFile(p); string(b) != "mine" {
		t.Errorf("the file holds %q: %v", b, err)
	}
}

// A living listener loses its path to the next, keeps its connections, and
// does not take the path away when it closes.
func TestTakeOver(t *testing.T) {
	p := path(t)
	old := transporttest.Listen(t, ipc.Transport{}, p, nil)
	a, b := transporttest.Pair(t, ipc.Transport{}, old, nil)
	defer a.Close()
	defer b.Close()

	next := checkUse(t, p)
	transporttest.Exchange(t, a, b)
	old.Close()
	c, d := transporttest.Pair(t, ipc.Transport{}, next, nil)
	defer c.Close()
	defer d.Close()
	transporttest.Exchange(t, c, d)
	next.Close()
	if _, err := os.Lstat(p); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind: %v", err)
	}
}

func TestCloseWithoutItsFile(t *testing.T) {
	p := path(t)
	l := transporttest.Listen(t, ipc.Transport{}, p, nil)
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := os.Lstat(p); err != nil {
		t.Errorf("somebody else's file was removed: %v", err)
	}
}

func TestWildcard(t *testing.T) {
	first, second := shortDir(t), shortDir(t)
	missing := filepath.Join(first, "missing")
	tests := []struct {
		name                 string
		tmpdir, tempdir, tmp string
		want                 string
	}{
		{name: "TMPDIR comes first", tmpdir: first, tempdir: second, tmp: second, want: first},
		{name: "TEMPDIR comes second", tempdir: first, tmp: second, want: first},
		{name: "TMP comes third", tmp: first, want: first},
		{name: "what does not exist is passed over", tmpdir: missing, tempdir: first, want: first},
		{name: "the working directory comes last", want: "."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("TMPDIR", test.tmpdir)
			t.Setenv("TEMPDIR", test.tempdir)
			t.Setenv("TMP", test.tmp)
			t.Chdir(second)
			l := transporttest.Listen(t, ipc.Transport{}, "*", nil)
			dir := filepath.Dir(l.Address())
			if filepath.Dir(dir) != test.want || filepath.Base(l.Address()) != "socket" {
				t.Errorf("got %q, want a socket in a directory in %q", l.Address(), test.want)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the directory: %v, %v; want permissions 0700", info, err)
			}
			a, b := transporttest.Pair(t, ipc.Transport{}, l, nil)
			transporttest.Exchange(t, a, b)
			a.Close()
			b.Close()
			t.Chdir(first)
			l.Close()
			t.Chdir(second)
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the directory is left behind: %v", err)
			}
		})
	}
}

func TestWildcardMayBeFollowedByAnything(t *testing.T) {
	t.Setenv("TMPDIR", shortDir(t))
	l := transporttest.Listen(t, ipc.Transport{}, "*.ipc", nil)
	if filepath.Base(l.Address()) != "socket" {
		t.Errorf("got %q, want a path that ends in socket", l.Address())
	}
}

func TestWildcardThatIsTooLong(t *testing.T) {
	dir := filepath.Join(shortDir(t), strings.Repeat("d", maxPath))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	_, err := ipc.Transport{}.Listen(t.Context(), "*", nil)
	checkErrno(t, err, syscall.ENAMETOOLONG)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A star means nothing to one who connects.
func TestConnectToAStar(t *testing.T) {
	t.Chdir(shortDir(t))
	if err := (ipc.Transport{}).CheckConnect("*", nil); err != nil {
		t.Errorf("check: %v", err)
	}
	_, err := ipc.Transport{}.Dial(t.Context(), "*", nil)
	checkErrno(t, err, syscall.ENOENT)
	l, err := net.Listen("unix", "*")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	conn, err := ipc.Transport{}.Dial(t.Context(), "*", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

func checkErrno(t *testing.T, err error, want syscall.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
