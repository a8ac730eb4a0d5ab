package main

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestWrongUsageIsToldInOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"an unknown flag", []string{"push", "--nope"}, "--nope"},
		{"an unknown command", []string{"posh"}, "posh"},
		{"no endpoint", []string{"pull"}, "no endpoint"},
		{"an empty endpoint", []string{"pull", "@"}, "endpoint is empty"},
		{"an endpoint without a scheme", []string{"push", "localhost"}, `"localhost"`},
		{"an endpoint without a port", []string{"push", "tcp://localhost"}, `"localhost"`},
		{"a port that is too large", []string{"pull", "tcp://*:99999"}, "99999"},
		{"an unknown transport", []string{"push", "smtp://localhost:25"}, `"smtp"`},
		{"inproc", []string{"pair", "inproc://x"}, "inproc"},
		{"inproc by flag", []string{"pair", "--bind", "inproc://x"}, "inproc"},
		{"a format that does not exist", []string{"pull", "--format", "xml", "tcp://*:1"}, "xml"},
		{"a count that is no number", []string{"pull", "--count", "many", "tcp://*:1"}, "many"},
		{"a count below zero", []string{"pull", "--count=-1", "tcp://*:1"}, "--count -1"},
		{"a timeout below zero", []string{"pull", "--timeout=-1s", "tcp://*:1"}, "--timeout -1s"},
		{"a linger below zero", []string{"pull", "--linger=-1s", "tcp://*:1"}, "--linger -1s"},
		{"a mark below zero", []string{"pull", "--hwm=-1", "tcp://*:1"}, "--hwm -1"},
		{"a wait below zero", []string{"push", "--wait=-1", "tcp://*:1"}, "--wait -1"},
		{"an interval below zero", []string{"push", "--interval=-1s", "tcp://*:1"}, "--interval -1s"},
		{"repeating below zero", []string{"push", "-m", "x", "--repeat=-1", "tcp://*:1"}, "--repeat -1"},
		{"repeating standard input", []string{"push", "--repeat", "2", "tcp://*:1"}, "--repeat"},
		{"frames of nothing", []string{"push", "--frames", "tcp://*:1"}, "--frames"},
		{"frames that are split", []string{"push", "--frames", "--split", ",", "-m", "x", "tcp://*:1"}, "--split"},
		{"split of quoted", []string{"push", "--input", "quoted", "--split", ",", "tcp://*:1"}, "--split"},
		{"join of json", []string{"pull", "--format", "json", "--join", ",", "tcp://*:1"}, "--join"},
		{"an empty split", []string{"push", "--split", "", "tcp://*:1"}, "--split"},
		{"a backslash with nothing behind it", []string{"pull", "--join", `\`, "tcp://*:1"}, "--join"},
		{"an identity of odd digits", []string{"dealer", "--identity", "0x123", "tcp://*:1"}, "0x123"},
		{"echo and reply", []string{"rep", "--echo", "--reply", "x", "tcp://*:1"}, "--echo"},
		{"echo of hex", []string{"rep", "--echo", "--input", "hex", "tcp://*:1"}, "--echo"},
		{"a reply that is not hex", []string{"rep", "--reply", "x", "--input", "hex", "tcp://*:1"}, "--reply"},
		{"counting what is not received", []string{"pair", "--send-only", "--count", "1", "tcp://*:1"}, "--send-only"},
		{"bench between two without an endpoint", []string{"bench", "--role", "local"}, "endpoint"},
		{"bench in one with an endpoint", []string{"bench", "tcp://*:1"}, "endpoint"},
		{"bench over an unknown transport", []string{"bench", "--transport", "udp"}, "udp"},
		{"bench of no messages", []string{"bench", "--count", "0"}, "--count 0"},
		{"bench of less than nothing", []string{"bench", "--size=-1"}, "--size -1"},
		{"bench that tells local the size", []string{"bench", "--role", "local", "--size", "1", "tcp://*:1"}, "--size"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start(t, c.args...).complains(exitUsage, c.want)
		})
	}
}

// A shell variable that is not set makes an empty argument. What was asked for must not be
// left out then.
func TestWhatIsGivenAndEmptyIsRefused(t *testing.T) {
	for _, flag := range []string{
		"--tls-cert", "--tls-key", "--tls-ca", "--tls-client-ca", "--tls-name", "--curve", "--curve-server", "--curve-allow",
		"--user", "--password-file", "--users", "--identity",
	} {
		start(t, "pull", "-t", "1ms", flag, "", "@tcp://127.0.0.1:*").complains(exitUsage, flag+" is empty")
		start(t, "pull", "-t", "1ms", "@tcp://127.0.0.1:*", flag+"=").complains(exitUsage, flag+" is empty")
	}
	curve, tls := byCurve(t), overTLS(t)
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"pull", "-t", "1ms", "@tcp://127.0.0.1:*", "--curve", curve.server[1], "--curve-allow", ""}, "--curve-allow is empty"},
		{append([]string{"pull", "-t", "1ms", "@" + tls.endpoint, "--tls-client-ca", ""}, tls.server[:4]...), "--tls-client-ca is empty"},
		{[]string{"proxy", "streamer", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", "--users", ""}, "--users is empty"},
		{[]string{"proxy", "streamer", "tcp://127.0.0.1:*", "tcp://127.0.0.1:*", "--control", ""}, "--control is empty"},
		{[]string{"bench", "--role", "local", "-t", "1ms", "--users", "", "tcp://127.0.0.1:*"}, "--users is empty"},
		{[]string{"keys", "new", ""}, "FILE is empty"},
		{[]string{"keys", "public", ""}, "FILE is empty"},
		{[]string{"keys", "public", "--save", ""}, "--save is empty"},
		{[]string{"password", ""}, "USER is empty"},
	} {
		p := start(t, c.args...).says("")
		p.complains(exitUsage, c.says)
		if p.stdout.String() != "" {
			t.Errorf("%v printed %q", c.args, p.stdout)
		}
	}
	start(t, "pull", "-t", "1ms", "--join", "", "@tcp://127.0.0.1:*").complains(exitTimeout, "nothing arrived")
}

func TestAMessageThatIsNotWhatInputSaysIsAMistake(t *testing.T) {
	start(t, "push", "--input", "hex", "-m", "xy", ipcEndpoint(t)).complains(exitUsage, "--message", `"xy"`)
}

func TestErrorsHaveTheirCode(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	endpoint := "tcp://" + taken.Addr().String()
	missing := filepath.Join(t.TempDir(), "missing")

	start(t, "pull", endpoint).complains(exitError, "address in use", endpoint)
	start(t, "push", "--file", missing, ipcEndpoint(t)).complains(exitError, missing)
	start(t, "push", "--input", "base64", "--linger", "0s", ipcEndpoint(t)).says("YQ==\n?\n").
		complains(exitError, "line 2", `"?"`)
}

func TestTimeoutsHaveTheirCode(t *testing.T) {
	silent := ipcEndpoint(t)
	keeper := start(t, "rep", "-v", silent) // it hears requests and says nothing
	keeper.bound()
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"pull hears nothing", []string{"pull", ipcEndpoint(t)}, "PULL: nothing arrived for 50ms"},
		{"sub hears nothing", []string{"sub", ipcEndpoint(t)}, "SUB: nothing arrived for 50ms"},
		{"push has no peer", []string{"push", "-m", "x", "@" + ipcEndpoint(t)}, "PUSH: nothing could be sent for 50ms"},
		{"push to a peer that never comes", []string{"push", "-m", "x", ipcEndpoint(t)}, "unsent messages thrown away after 50ms"},
		{"nobody subscribes", []string{"pub", "-m", "x", "--wait", "1", ipcEndpoint(t)}, "fewer than 1 peers after 50ms"},
		{"nobody connects", []string{"push", "-m", "x", "--wait", "2", "@" + ipcEndpoint(t)}, "fewer than 2 peers after 50ms"},
		{"a request that nobody takes", []string{"req", "-m", "x", "@" + ipcEndpoint(t)}, "REQ: nothing could be sent for 50ms"},
		{"a request without reply", []string{"req", "-m", "x", silent}, "REQ: no reply for 50ms"},
		{"rep hears nothing", []string{"rep", "--echo", ipcEndpoint(t)}, "REP: nothing arrived for 50ms"},
		{"dealer hears nothing", []string{"dealer", "-m", "x", ipcEndpoint(t)}, "DEALER: nothing arrived for 50ms"},
		{"bench local has no remote", []string{"bench", "--role", "local", ipcEndpoint(t)}, "bench: nothing moved for 50ms"},
		{"bench remote has no local", []string{"bench", "--role", "remote", "--count", "9", ipcEndpoint(t)}, "not delivered after 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			start(t, append(c.args, "--timeout", "50ms")...).complains(exitTimeout, c.want)
		})
	}
}

func TestVerboseTellsWhyMessagesLinger(t *testing.T) {
	e := ipcEndpoint(t)
	push := start(t, "push", "-v", "-m", "x", e)
	push.stderr.await(t, "connect retried "+e)
	start(t, "pull", "-n", "1", e).prints("x\n")
	push.prints("")
	push.stderr.await(t, "handshake succeeded "+e)
}

func TestLingerEndsTheWaitingForAPeer(t *testing.T) {
	start(t, "push", "-m", "x", "--linger", "10ms", ipcEndpoint(t)).
		complains(exitTimeout, "unsent messages thrown away after 10ms")
	start(t, "push", "-m", "x", "--linger", "0s", ipcEndpoint(t)).prints("")
}

// needSignals skips a test where no process can tell another to end.
func needSignals(t *testing.T) {
	t.Helper()
	if len(stopSignals) == 0 {
		t.Skip("no signals between processes on this system")
	}
}

func TestASignalEndsAReceiverWell(t *testing.T) {
	needSignals(t)
	for _, s := range stopSignals {
		p := start(t, "pull", "-v", ipcEndpoint(t))
		p.bound()
		p.signal(s)
		p.ends(exitDone)
	}
}

func TestASignalBeforeTheCountIsReachedIsAnError(t *testing.T) {
	needSignals(t)
	endpoint := ipcEndpoint(t)
	p := start(t, "pull", "--count", "3", endpoint)
	start(t, "push", "-m", "one", endpoint).prints("")
	p.stdout.await(t, "one")
	p.signal(os.Interrupt)
	p.complains(exitError, "PULL: interrupted after 1 of 3 messages")
}

// Of four messages in turn to a peer and to nobody, one at least is for nobody when
// the peer has two.
func TestASignalBoundsLinger(t *testing.T) {
	needSignals(t)
	e := ipcEndpoint(t)
	pull := start(t, "pull", "--join", "", e)
	push := start(t, "push", e, ipcEndpoint(t)).says("x1\nx2\nx3\nx4\n")
	first := pull.stdout.await(t, "x")
	next := map[string]string{"x1": "x3", "x2": "x4"}[first]
	pull.stdout.await(t, next)
	push.signal(os.Interrupt)
	push.complains(exitError, "interrupted: unsent messages thrown away")
}
