package zmq_test

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"zeromux/zmq"
)

// hello is all that a peer of ZMTP 3.1 says in a handshake without security.
func hello(socketType string) []byte {
	greeting := "\xff\x00\x00\x00\x00\x00\x00\x00\x00\x7f\x03\x01NULL"
	greeting += strings.Repeat("\x00", 64-len(greeting))
	ready := "\x05READY\x0bSocket-Type\x00\x00\x00" + string(rune(len(socketType))) + socketType
	return []byte(greeting + "\x04" + string(rune(len(ready))) + ready)
}

// heap is how much memory is reachable, in octets and in objects.
func heap() (octets, objects int) {
	for range 3 { // what a sync.Pool holds outlives the first
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc), int(m.HeapObjects)
}

// A server has one such connection for each of its clients, whether they speak or
// not.
func TestAnIdleConnectionTakesLittleMemory(t *testing.T) {
	switch os.Getenv("ZEROMUX_MULTIPLEXER") {
	case "stream", "runtime":
		t.Skip("a connection has a goroutine of its own")
	}
	if raceEnabled || runtime.GOOS == "windows" {
		t.Skip("a connection takes more")
	}
	const (
		connections = 400
		mostOctets  = 2 << 10
		mostObjects = 12
	)
	// The runtime keeps the records of goroutines that have ended, of as many as ever
	// ran at once: closing must not need more of them than there are.
	var crowd sync.WaitGroup
	all := make(chan struct{})
	for range 4 * connections {
		crowd.Go(func() { <-all })
	}
	close(all)
	crowd.Wait()
	for typ, peer := range map[zmq.SocketType]string{zmq.ROUTER: "DEALER", zmq.PULL: "PUSH"} {
		t.Run(typ.String(), func(t *testing.T) {
			c := newContext(t)
			s := newSocket(t, c, typ, nil)
			address := strings.TrimPrefix(bind(t, s, "tcp://127.0.0.1:*"), "tcp://")
			clients := make([]net.Conn, connections)
			for i := range clients {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write(hello(peer)); err != nil {
					t.Fatal(err)
				}
				clients[i] = conn
			}
			peers(t, s, connections)
			octets, objects := heap()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			term(t, c)
			without, fewer := heap()
			runtime.KeepAlive(clients)
			octets, objects = (octets-without)/connections, (objects-fewer)/connections
			t.Logf("%d octets in %d objects", octets, objects)
			if octets > mostOctets || objects > mostObjects {
				t.Errorf("a connection takes %d octets in %d objects, want at most %d in %d", octets, objects, mostOctets, mostObjects)
			}
		})
	}
}
