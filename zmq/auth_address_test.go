package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"zeromux/zmq"
)

func addresses(t *testing.T, list ...string) *zmq.AddressSet {
	t.Helper()
	s, err := zmq.ParseAddressSet(list...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhoIsInASetOfAddresses(t *testing.T) {
	nowhere := []string{ // so that nobody can tell that a peer is not in the set
		"", "localhost", "192.0.2.7:5555",
		"localhost:5555", "localhost:1:2", "localhost:1:2:", "localhost:1:2:3:4", "localhost:1:example.org:443",
	}
	all := addresses(t, "192.0.2.7", "10.0.0.0/8", "10.1.0.0/16", "::ffff:198.51.100.0/120", "2001:db8::7", "fe80::/10", "2001:db8:1::/48")
	ipc := addresses(t, "ipc", "127.0.0.1")
	for _, c := range []struct {
		set     *zmq.AddressSet
		address string
		in      bool
	}{
		{all, "192.0.2.7", true},
		{all, "192.0.2.8", false},
		{all, "::ffff:192.0.2.7", true},
		{all, "10.0.0.0", true},
		{all, "10.255.255.255", true},
		{all, "11.0.0.0", false},
		{all, "9.255.255.255", false},
		{all, "::ffff:10.2.3.4", true},
		{all, "::10.2.3.4", false},
		{all, "198.51.100.200", true},
		{all, "198.51.101.0", false},
		{all, "2001:db8::7", true},
		{all, "2001:0db8:0:0:0:0:0:7", true},
		{all, "2001:db8::8", false},
		{all, "2001:db8:1:2::3", true},
		{all, "fe80::1%eth0", true},
		{all, "fec0::1%eth0", false},
		{all, "localhost:1000:1000:4711", false},
		{all, "", false},
		{all, "localhost", false},
		{all, "192.0.2.7:5555", false},
		{ipc, "localhost:1000:1000:4711", true},
		{ipc, "localhost:", true},
		{ipc, "localhost:5555", false},
		{ipc, "localhost:1:2", false},
		{ipc, "localhost:1:2:", false},
		{ipc, "localhost:1:2:3:4", false},
		{ipc, "localhost:1:example.org:443", false},
		{ipc, "127.0.0.1", true},
		{ipc, "127.0.0.2", false},
		{addresses(t, "0.0.0.0/0"), "255.255.255.255", true},
		{addresses(t, "0.0.0.0/0"), "::1", false},
		{addresses(t, "::/0"), "::1", true},
		{addresses(t, "::/0"), "127.0.0.1", false},
		{addresses(t, "::/0"), "::ffff:127.0.0.1", false},
		{addresses(t, "::ffff:0:0/96"), "127.0.0.1", true},
		{addresses(t), "127.0.0.1", false},
		{&zmq.AddressSet{}, "127.0.0.1", false},
	} {
		if got := c.set.Contains(c.address); got != c.in {
			t.Errorf("%+v, %q: %v, want %v", c.set, c.address, got, c.in)
		}
		p := &zmq.Applicant{Address: c.address}
		if err := c.set.Allow(t.Context(), p); (err == nil) != c.in || err != nil && !errors.Is(err, zmq.ErrDenied) {
			t.Errorf("%+v, %q: Allow says %v", c.set, c.address, err)
		}
		known := !slices.Contains(nowhere, c.address)
		if err := c.set.Deny(t.Context(), p); (err == nil) != (!c.in && known) || err != nil && !errors.Is(err, zmq.ErrDenied) {
			t.Errorf("%+v, %q: Deny says %v", c.set, c.address, err)
		}
	}
}

// On some systems nobody knows who is at the other end of a Unix socket.
func TestAPeerOverIPCIsOneEvenIfNobodyKnowsWho(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		set      []string
		allow    bool
		deny     bool
	}{
		{"ipc:///tmp/x", []string{"ipc"}, true, false},
		{"ipc:///tmp/x", []string{"10.0.0.0/8"}, false, true},
		{"tcp://*:1", []string{"ipc"}, false, false},
		{"", []string{"ipc"}, false, false},
	} {
		set, p := addresses(t, c.set...), &zmq.Applicant{Endpoint: c.endpoint}
		if allow, deny := set.Allow(t.Context(), p), set.Deny(t.Context(), p); (allow == nil) != c.allow || (deny == nil) != c.deny {
			t.Errorf("%+v: allow %v, deny %v", c, allow, deny)
		}
	}
}

func TestAnAddressThatMeansNothingIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"":                     "",
		"localhost":            "localhost",
		"10.0.0.0/33":          "10.0.0.0/33",
		"10.0.0.1/8":           "10.0.0.0/8",
		"10.0.0/8":             "10.0.0/8",
		"010.0.0.1":            "010.0.0.1",
		"fe80::1%eth0":         "eth0",
		"fe80::%eth0/64":       "fe80",
		"::ffff:0:0/90":        "96",
		"2001:db8::1/64":       "2001:db8::/64",
		"192.0.2.7:5555":       "192.0.2.7:5555",
		"::ffff:10.0.0.1/104":  "10.0.0.0/8",
		"IPC":                  "IPC",
		" 192.0.2.7":           "192.0.2.7",
		"192.0.2.0/24, ::1/64": "192.0.2.0",
	} {
		if set, err := zmq.ParseAddressSet("127.0.0.1", text); set != nil || !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("%q: got %v, %v", text, set, err)
		}
	}
}
