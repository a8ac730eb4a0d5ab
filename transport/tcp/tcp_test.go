package tcp_test

import (
	"net"
	"testing"

	"go.uber.org/goleak"
	"zeromux/transport/internal/transporttest"
	"zeromux/transport/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestBattery(t *testing.T) {
	transporttest.Run(t, transporttest.Subject{
		Transport: tcp.Transport{},
		Bind:      func(testing.TB) string { return "127.0.0.1:*" },
		Nobody:    nobody,
	})
}

// nobody returns a loopback address whose port is taken but does not listen.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
