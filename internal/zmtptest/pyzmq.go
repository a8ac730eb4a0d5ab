package zmtptest

import (
	"os"
	"os/exec"
	"sync"
)

// PyZMQ finds a Python that has pyzmq, through which tests speak with libzmq, or
// says why there is none. ZEROMUX_PYTHON names the only one to be tried.
var PyZMQ = sync.OnceValues(func() (path, reason string) {
	candidates := []string{"python3", "/usr/bin/python3"}
	if named := os.Getenv("ZEROMUX_PYTHON"); named != "" {
		candidates = []string{named}
	}
	for _, c := range candidates {
		if exec.Command(c, "-c", "import zmq").Run() == nil {
			return c, ""
		}
	}
	return "", "no Python with pyzmq here (Debian: apt-get install python3-zmq)"
})
