package zmq

import (
	"testing"

	"zeromux/internal/message"
)

// Records of peers outlive their peers, so none of them may be large.
func TestRecordsOfWordyPeersAreNotKept(t *testing.T) {
	var s slab
	short := &message.Peer{Properties: []message.Property{{Name: "X-A", Value: []byte("a")}}}
	wordy := &message.Peer{Properties: []message.Property{{Name: "X-A", Value: make([]byte, 1<<20)}}}
	named := &message.Peer{RoutingID: make([]byte, 1<<20)} // as 2.0 allows
	many := &message.Peer{Properties: make([]message.Property, 1000)}
	for _, p := range []*message.Peer{short, wordy, named, many, short} {
		if x := s.extra(p); len(x.peer.properties) != len(p.Properties) {
			t.Errorf("the record has %d properties, want %d", len(x.peer.properties), len(p.Properties))
		}
	}
	if len(s.extras) != 1 || s.extras[short] == nil {
		t.Errorf("%d records are kept, want the short one", len(s.extras))
	}
}
