package tcp

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"zeromux/transport"
	"zeromux/transport/internal/transporttest"
)

func TestAmongPrefixes(t *testing.T) {
	for name, test := range map[string]struct {
		peer     string
		prefixes []string
		want     bool
	}{
		"in a network":                      {"10.1.2.3", []string{"10.0.0.0/8"}, true},
		"beside a network":                  {"11.1.2.3", []string{"10.0.0.0/8"}, false},
		"in the second of two":              {"11.1.2.3", []string{"10.0.0.0/8", "11.0.0.0/8"}, true},
		"one address":                       {"10.1.2.3", []string{"10.1.2.3/32"}, true},
		"one address, and another":          {"10.1.2.4", []string{"10.1.2.3/32"}, false},
		"bits behind the prefix do nothing": {"10.9.9.9", []string{"10.1.2.3/8"}, true},
		"nine bits":                         {"10.128.0.1", []string{"10.0.0.0/9"}, false},
		"no bits are everybody":             {"10.1.2.3", []string{"0.0.0.0/0"}, true},
		"IPv4 on a socket of both":          {"::ffff:10.1.2.3", []string{"10.0.0.0/8"}, true},
		"IPv4 by a mapped prefix":           {"10.1.2.3", []string{"::ffff:10.0.0.0/104"}, true},
		"IPv6":                              {"2001:db8::1", []string{"2001:db8::/32"}, true},
		"IPv6 beside a network":             {"2001:db9::1", []string{"2001:db8::/32"}, false},
		"IPv6 with a zone":                  {"fe80::1%lo", []string{"fe80::/10"}, true},
		"IPv6 is not IPv4":                  {"2001:db8::1", []string{"0.0.0.0/0"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := isAmong(netip.MustParseAddr(test.peer), prefixes(test.prefixes...)); got != test.want {
				t.Errorf("%s among %v: got %v", test.peer, test.prefixes, got)
			}
		})
	}
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// TestWhoIsNotAmongThemIsTurnedAway closes his connection, and the listener goes
// on with the next.
func TestWhoIsNotAmongThemIsTurnedAway(t *testing.T) {
	for name, o := range map[string]*transport.Options{
		"IPv4 alone":    {AcceptFrom: prefixes("127.0.0.8/32")},
		"both families": {AcceptFrom: prefixes("127.0.0.8/32"), IPv6: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := transporttest.Listen(t, Transport{}, "*:*", o)
			_, port, err := net.SplitHostPort(l.Address())
			if err != nil {
				t.Fatal(err)
			}
			stranger, err := Transport{}.Dial(t.Context(), "127.0.0.7:*;127.0.0.1:"+port, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer stranger.Close()
			_, err = l.Accept()
			if !errors.Is(err, transport.ErrTurnedAway) || !errors.Is(err, syscall.EACCES) || !strings.Contains(err.Error(), "127.0.0.7") {
				t.Errorf("got %v, want ErrTurnedAway and who it was", err)
			}
			if n, err := stranger.Read(make([]byte, 1)); n != 0 || err == nil {
				t.Error("his connection is open")
			}
			friend, err := Transport{}.Dial(t.Context(), "127.0.0.8:*;127.0.0.1:"+port, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer friend.Close()
			accepted, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer accepted.Close()
			transporttest.Exchange(t, friend, accepted)
		})
	}
}

func TestAPrefixOfNothingIsRefused(t *testing.T) {
	o := &transport.Options{AcceptFrom: []netip.Prefix{{}}}
	if err := (Transport{}).CheckConnect("127.0.0.1:1", o); !errors.Is(err, transport.ErrInvalid) || !strings.Contains(err.Error(), "AcceptFrom") {
		t.Errorf("got %v", err)
	}
}
