package main

import (
	"strings"
	"testing"
)

func TestProxyStandsBetweenClientsAndServers(t *testing.T) {
	front, back, control := ipcEndpoint(t), ipcEndpoint(t), ipcEndpoint(t)
	proxy := start(t, "proxy", "queue", "--control", control, front, back)
	rep := start(t, "rep", "--echo", "-n", "2", "--connect", back)
	start(t, "req", "-m", "one", "-m", "two", front).prints("one\ntwo\n")
	rep.prints("one\ntwo\n")
	start(t, "req", "-m", "PAUSE", "-m", "nonsense", "-m", "TERMINATE", control).prints("\n\n\n")
	proxy.ends(exitDone)
}

func TestProxyCapturesWhatPasses(t *testing.T) {
	front, back, copies := ipcEndpoint(t), ipcEndpoint(t), ipcEndpoint(t)
	start(t, "proxy", "streamer", "--capture", copies, front, back)
	sub := start(t, "sub", "-s", "", "-n", "1", copies)
	pull := start(t, "pull", "--connect", back)
	push := start(t, "push", front)
	for !strings.Contains(sub.stdout.String(), "news") { // until the subscription has come
		push.types("news\n")
		pull.stdout.await(t, "news")
	}
	sub.prints("news\n")
}

func TestProxyRefusesWhatItCannotDo(t *testing.T) {
	for name, args := range map[string][]string{
		"no device":         {"proxy", "mixer", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
		"one endpoint":      {"proxy", "queue", "tcp://127.0.0.1:*"},
		"an empty one":      {"proxy", "queue", "tcp://127.0.0.1:*", ""},
		"inproc":            {"proxy", "queue", "tcp://127.0.0.1:*", "inproc://x"},
		"a mark below zero": {"proxy", "queue", "--hwm", "-1", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
	} {
		t.Run(name, func(t *testing.T) { start(t, args...).ends(exitUsage) })
	}
}
