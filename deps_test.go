// Package zeromux_test holds the house to its plan: which package may import
// which. The root of the module has no other code.
package zeromux_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

// floors is the rule of the floors: a room imports only rooms below it. No
// circles, no climbing, no side doors between the wings.
//
// "a < b" reads "b may import a", and what a may import, b may too. "a !< b"
// reads "neither a nor b imports the other", whatever else is said. A name that
// ends in /* stands for all rooms of this text in that folder. A room that nobody
// may import is a door: all folders under it belong to it.
//
// Files of every system count, and test files as well. These may also use the
// testRooms, and !< does not bind them: a test of a pattern encodes the frames
// that it puts into a pipe.
const floors = `
NONE            < internal/message, internal/trie, internal/zap, internal/filemark, zmtp, z85, iomux, transport;
NONE            < internal/model;
internal/message, zmtp                          < internal/pipe;
internal/pipe                                   < internal/routing, internal/inproc;
internal/routing, internal/trie                 < internal/pattern;
zmtp, internal/zap                              < internal/mechanism;
transport                                       < transport/tcp, transport/ipc, transport/udp, transport/pgm, transport/vsock, transport/tipc;
transport/tcp, internal/filemark               < transport/tls, transport/ws;
internal/routing, internal/pattern             !< zmtp, transport, internal/engine;
internal/pipe, internal/mechanism, transport, iomux < internal/engine;
internal/pattern, internal/inproc, internal/engine, transport/*, iomux, z85 < zmq;
zmq                                             < cmd/zmq, libzmq, examples, conformance, interop, bench;
internal/*                                     !< cmd/zmq, examples;
zmtp, transport                                 < internal/zmtptest;
transport                                       < transport/internal/transporttest;
`

// testRooms may be imported by test files alone, and by those of any room.
var testRooms = []string{"internal/zmtptest", "transport/internal/transporttest"}

// cgoRoom is the only one that may import "C": the rest builds for any system
// without a C compiler.
const cgoRoom = "libzmq"

// outside lists what the library may import beside the standard library. A
// dependency is a decision: it is written down in docs/adr before it enters here.
// The doors of outsideDoors are modules of their own and free to choose.
var (
	outside      = []string{"golang.org/x/crypto", "golang.org/x/net", "golang.org/x/sys"}
	outsideTests = []string{"go.uber.org/goleak"}
	outsideDoors = []string{"cmd/zmq", "bench"}
)

func TestTheFloorsAreKept(t *testing.T) {
	house := mustParse(t, floors)
	for _, breach := range house.breaches(t, os.DirFS(".")) {
		t.Error(breach)
	}
}

func TestABreachOfTheFloorsIsFound(t *testing.T) {
	house := mustParse(t, floors)
	cases := []struct {
		name, file, imports string
		want                string // "" when the import is allowed
	}{
		{"a floor below", "internal/pipe/pipe.go", "m/zmtp", ""},
		{"two floors below", "internal/engine/session.go", "m/internal/message", ""},
		{"the standard library", "zmtp/frame.go", "encoding/binary", ""},
		{"an allowed dependency", "internal/mechanism/curve_box.go", "golang.org/x/crypto/nacl/box", ""},
		{"a wildcard", "zmq/endpoint.go", "m/transport/tls", ""},
		{"a folder under a door", "examples/hello/main.go", "m/zmq", ""},
		{"a scripted peer in a test", "internal/engine/script_test.go", "m/internal/zmtptest", ""},
		{"an outside test", "zmq/socket_test.go", "go.uber.org/goleak", ""},
		{"a test that encodes frames", "internal/pattern/rig_test.go", "m/zmtp", ""},
		{"a package that tests itself from outside", "zmtp/frame_test.go", "m/zmtp", ""},

		{"climbing", "internal/pipe/pipe.go", "m/internal/routing", "internal/pipe/pipe.go: internal/pipe may not import internal/routing"},
		{"a side door between the wings", "internal/engine/zmtp.go", "m/internal/pattern", "internal/engine/zmtp.go: internal/engine may not import internal/pattern"},
		{"a forbidden floor below", "internal/pattern/router.go", "m/zmtp", "internal/pattern/router.go: internal/pattern may not import zmtp"},
		{"a breach in a test", "internal/trie/trie_test.go", "m/zmtp", "internal/trie/trie_test.go: internal/trie may not import zmtp"},
		{"a side door in a test", "internal/pattern/rig_test.go", "m/internal/engine", "internal/pattern/rig_test.go: internal/pattern may not import internal/engine"},
		{"a breach on another system", "iomux/other_windows.go", "m/zmtp", "iomux/other_windows.go: iomux may not import zmtp"},
		{"an example that reaches inside", "examples/hello/main.go", "m/internal/pipe", "examples/hello/main.go: examples may not import internal/pipe"},
		{"a scripted peer in the product", "internal/engine/session.go", "m/internal/zmtptest", "internal/engine/session.go: internal/engine may not import internal/zmtptest"},
		{"a room that is not in the plan", "internal/util/util.go", "fmt", "internal/util/util.go: internal/util has no floor"},
		{"an import of a room that is not there", "zmq/socket.go", "m/internal/util", "zmq/socket.go: internal/util has no floor"},
		{"cgo", "iomux/epoll_linux.go", "C", "iomux/epoll_linux.go: cgo belongs in libzmq"},
		{"a new dependency", "zmq/options.go", "gopkg.in/yaml.v3", "zmq/options.go: gopkg.in/yaml.v3 is not a dependency of the library"},
		{"a dependency of tests in the product", "zmq/options.go", "go.uber.org/goleak", "zmq/options.go: go.uber.org/goleak is not a dependency of the library"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			source := fmt.Sprintf("package x\nimport _ %q\n", c.imports)
			got := strings.Join(house.breaches(t, fstest.MapFS{
				"go.mod": {Data: []byte("module m\n")},
				c.file:   {Data: []byte(source)},
			}), "\n")
			if got != c.want {
				t.Errorf("breaches: %q, want %q", got, c.want)
			}
		})
	}
}

func TestFloorsThatMakeNoSenseAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"a circle":                  "NONE < a; a < b; b < a;",
		"a room that stands on air": "a < b;",
		"a line without a sign":     "NONE < a; a b;",
		"a wildcard for nothing":    "NONE < a; b/* < c;",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(text); err == nil {
				t.Errorf("%q is taken", text)
			}
		})
	}
}
