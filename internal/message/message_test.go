package message

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestMessageSizeAndProperties(t *testing.T) {
	m := Message{Frames: [][]byte{nil, []byte("ab"), []byte("c")}}
	if m.Size() != 3 {
		t.Errorf("size %d", m.Size())
	}
	p := &Peer{Properties: []Property{{"A", []byte("1")}, {"a", []byte("2")}, {"A", []byte("3")}}}
	if v, ok := p.Property("A"); !ok || string(v) != "1" {
		t.Errorf("the first A is %q, %v", v, ok)
	}
	if v, ok := p.Property("a"); !ok || string(v) != "2" {
		t.Errorf("names differ by case: %q, %v", v, ok)
	}
	if _, ok := p.Property("B"); ok {
		t.Error("there is a B")
	}
	if _, ok := (*Peer)(nil).Property("A"); ok {
		t.Error("nobody has a property")
	}
}

func TestALogSaysWhoAPeerIs(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, test := range []struct {
		name string
		peer *Peer
		want string
	}{
		{"nobody", nil, ""},
		{
			"somebody",
			&Peer{Address: "192.0.2.1", SocketType: "DEALER", RoutingID: []byte("id \x00"), UserID: "joe"},
			`peer.address=192.0.2.1 peer.type=DEALER peer.routing_id="id \x00" peer.user_id=joe`,
		},
		{
			"a very long routing id",
			&Peer{RoutingID: []byte(long)},
			`peer.address="" peer.type="" peer.routing_id=` + long[:255] + ` peer.user_id=""`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "peer", test.peer)
			if _, got, _ := strings.Cut(strings.TrimSpace(b.String()), "msg=x"); strings.TrimSpace(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
