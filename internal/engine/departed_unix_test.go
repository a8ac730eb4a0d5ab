//go:build unix

package engine

import (
	"errors"
	"net"
	"testing"
)

// known is a connection between two addresses.
type known struct {
	net.Conn
	local, remote net.Addr
}

func (k known) LocalAddr() net.Addr  { return k.local }
func (k known) RemoteAddr() net.Addr { return k.remote }

func TestWhatIsLeftOfAConnectionKnowsItsEnds(t *testing.T) {
	tcp := func(text string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	mapped := &net.TCPAddr{IP: net.ParseIP("192.0.2.1").To16(), Port: 5}
	for _, k := range []known{
		{local: tcp("127.0.0.1:1"), remote: tcp("192.0.2.1:65535")},
		{local: tcp("[::1]:1"), remote: tcp("[fe80::1%7]:2")},
		{local: mapped, remote: mapped},
		{local: tcp("127.0.0.1:1")}, // the peer went before it was asked for
		{local: &net.UnixAddr{Name: "/run/socket", Net: "unix"}, remote: &net.UnixAddr{Net: "unix"}},
	} {
		left := departedFrom(k)
		for _, pair := range [][2]net.Addr{{left.LocalAddr(), k.local}, {left.RemoteAddr(), k.remote}} {
			got, want := pair[0], pair[1]
			if addressOf(got) != addressOf(want) || want != nil && got.Network() != want.Network() {
				t.Errorf("%v is left of %v", got, want)
			}
		}
		if _, err := left.Read(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("it can be read: %v", err)
		}
	}
}
