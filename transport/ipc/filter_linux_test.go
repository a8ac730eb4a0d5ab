package ipc_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/ipc"
)

// dialAs is the environment variable that makes this test program connect to an
// address and wait for the end, as the process that the filters look at.
const dialAs = "ZEROMUX_TEST_DIAL"

// TestDialler is no test, but the other process.
func TestDialler(t *testing.T) {
	address := os.Getenv(dialAs)
	if address == "" {
		t.Skip("it is part of other tests")
	}
	conn, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Println("connected")
	_, _ = conn.Read(make([]byte, 1)) // until it is closed
}

func TestFiltersAdmitAndRefuse(t *testing.T) {
	me, my, mine := int32(os.Getpid()), uint32(os.Geteuid()), uint32(os.Getegid())
	for name, test := range map[string]struct {
		o    transport.Options
		want bool
	}{
		"no filter":                       {transport.Options{}, true},
		"our process":                     {transport.Options{AcceptPIDs: []int32{me}}, true},
		"another process":                 {transport.Options{AcceptPIDs: []int32{me + 1}}, false},
		"our user":                        {transport.Options{AcceptUIDs: []uint32{my + 1, my}}, true},
		"another user":                    {transport.Options{AcceptUIDs: []uint32{my + 1}}, false},
		"our group":                       {transport.Options{AcceptGIDs: []uint32{mine}}, true},
		"another group":                   {transport.Options{AcceptGIDs: []uint32{4_000_000_000}}, false},
		"another process, but our user":   {transport.Options{AcceptPIDs: []int32{me + 1}, AcceptUIDs: []uint32{my}}, true},
		"nothing of it":                   {transport.Options{AcceptPIDs: []int32{me + 1}, AcceptUIDs: []uint32{my + 1}, AcceptGIDs: []uint32{4_000_000_000}}, false},
		"an abstract name and our user":   {transport.Options{AcceptUIDs: []uint32{my}}, true},
		"an abstract name and not a user": {transport.Options{AcceptUIDs: []uint32{my + 1}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			address := path(t)
			if strings.HasPrefix(name, "an abstract name") {
				address = abstract(t)
			}
			l := transporttest.Listen(t, ipc.Transport{}, address, &test.o)
			conn, err := ipc.Transport{}.Dial(t.Context(), l.Address(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			admitted(t, l, test.want)
		})
	}
}

// admitted accepts once and checks whether the peer may come in.
func admitted(t *testing.T, l transport.Listener, want bool) {
	t.Helper()
	accepted, err := l.Accept()
	if err == nil {
		defer accepted.Close()
	}
	switch {
	case want && err != nil:
		t.Errorf("turned away: %v", err)
	case !want && (!errors.Is(err, transport.ErrTurnedAway) || !errors.Is(err, syscall.EACCES)):
		t.Errorf("got %v, want ErrTurnedAway", err)
	case !want && !strings.Contains(err.Error(), "localhost:"):
		t.Errorf("%q does not tell who it was", err)
	}
}

// TestFiltersLookAtTheOtherGroupsOfAProcess needs another process, which is in
// groups that the first is not in.
func TestFiltersLookAtTheOtherGroupsOfAProcess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives a process groups of another user")
	}
	const who, group, further = 61001, 61002, 61003
	many := []uint32{further}
	for i := range uint32(100) { // more than are asked for at first
		many = append(many, 62000+i)
	}
	for name, test := range map[string]struct {
		o    transport.Options
		want bool
	}{
		"its user":                  {transport.Options{AcceptUIDs: []uint32{who}}, true},
		"its first group":           {transport.Options{AcceptGIDs: []uint32{group}}, true},
		"a further group":           {transport.Options{AcceptGIDs: []uint32{further}}, true},
		"the last of many":          {transport.Options{AcceptGIDs: []uint32{62099}}, true},
		"a group that it is not in": {transport.Options{AcceptGIDs: []uint32{61004}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := transporttest.Listen(t, ipc.Transport{}, abstract(t), &test.o)
			dialler(t, l.Address(), &syscall.Credential{Uid: who, Gid: group, Groups: many})
			admitted(t, l, test.want)
		})
	}
}

// TestFiltersLookAtTheGroupsOfAUser needs a user of the system's book of groups,
// whose process is in none of them.
func TestFiltersLookAtTheGroupsOfAUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root starts processes of other users")
	}
	uid, gid, ok := someMember()
	if !ok {
		t.Skip("no user of this system is in a further group")
	}
	for name, test := range map[string]struct {
		group uint32
		want  bool
	}{"the user's": {gid, true}, "another": {4_000_000_000, false}} {
		t.Run(name, func(t *testing.T) {
			l := transporttest.Listen(t, ipc.Transport{}, abstract(t), &transport.Options{AcceptGIDs: []uint32{test.group}})
			dialler(t, l.Address(), &syscall.Credential{Uid: uid, Gid: 61002})
			admitted(t, l, test.want)
		})
	}
}

// someMember finds a user who is in a group, in the system's book.
func someMember() (uid, gid uint32, ok bool) {
	book, err := os.Open("/etc/group")
	if err != nil {
		return 0, 0, false
	}
	defer book.Close()
	for lines := bufio.NewScanner(book); lines.Scan(); {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) != 4 || fields[3] == "" {
			continue
		}
		member, err := user.Lookup(strings.Split(fields[3], ",")[0])
		if err != nil {
			continue
		}
		u, err1 := strconv.ParseUint(member.Uid, 10, 32)
		g, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(u), uint32(g), true
		}
	}
	return 0, 0, false
}

// dialler starts a process of other credentials that connects to an address.
func dialler(t *testing.T, address string, as *syscall.Credential) {
	t.Helper()
	program := readable(t)
	cmd := exec.Command(program, "-test.run=^TestDialler$", "-test.v")
	cmd.Env = append(os.Environ(), dialAs+"="+address)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Skipf("no process of another user: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // however
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "connected" {
			return
		}
	}
	t.Fatal("the other process does not connect")
}

// readable is a copy of this test program that other users may start.
func readable(t *testing.T) string {
	t.Helper()
	own, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	dir := shortDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := dir + "/dialler"
	if err := os.WriteFile(name, own, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}
