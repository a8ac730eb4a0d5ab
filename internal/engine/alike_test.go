package engine

import (
	"slices"
	"testing"
	"unsafe"

	"zeromux/internal/message"
)

// said makes a peer that says so of itself, in memory of its own.
func said(address string, properties ...string) *message.Peer {
	p := &message.Peer{Address: string([]byte(address)), SocketType: string([]byte("DEALER"))}
	for i := 0; i < len(properties); i += 2 {
		p.Properties = append(p.Properties, message.Property{Name: string([]byte(properties[i])), Value: []byte(properties[i+1])})
	}
	return p
}

func TestPeersThatSayTheSameShareIt(t *testing.T) {
	var a alike
	first, second := said("here", "Socket-Type", "DEALER", "X-A", "a"), said("here", "Socket-Type", "DEALER", "X-A", "a")
	a.share(first)
	a.share(second)
	if unsafe.SliceData(first.Properties) != unsafe.SliceData(second.Properties) {
		t.Error("there are two lists of the same properties")
	}
	if unsafe.StringData(first.Address) != unsafe.StringData(second.Address) {
		t.Error("there are two texts of the same address")
	}
}

func TestPeersThatDifferKeepWhatIsTheirs(t *testing.T) {
	var a alike
	all := []*message.Peer{
		said("here", "Socket-Type", "DEALER", "Identity", "one"),
		said("there", "Socket-Type", "DEALER", "Identity", "two"),
		said("here", "Socket-Type", "DEALER"),
		said("here"),
		said("here", "Identity", "one", "Socket-Type", "DEALER"),
		said("here", "Socket-Type", "DEALER", "Identity", ""),
	}
	for _, p := range all {
		want := said(p.Address)
		for _, property := range p.Properties {
			want.Properties = append(want.Properties, message.Property{Name: property.Name, Value: slices.Clone(property.Value)})
		}
		a.share(p)
		same := func(a, b message.Property) bool { return a.Name == b.Name && string(a.Value) == string(b.Value) }
		if p.Address != want.Address || !slices.EqualFunc(p.Properties, want.Properties, same) {
			t.Errorf("%+v has become %+v", want, p)
		}
	}
	if value := unsafe.SliceData(all[0].Properties[0].Value); value != unsafe.SliceData(all[1].Properties[0].Value) {
		t.Error("what is the same of two lists is there twice")
	}
}

func TestAPeerOfManyWordsIsNotKept(t *testing.T) {
	var a alike
	a.share(said("here", "X-A", string(make([]byte, 1<<20))))
	if a.last.Load() != nil {
		t.Error("a peer with 1 MiB of metadata was kept for the next one")
	}
}
