package routing

import (
	"encoding/binary"
	"math"
	"testing"

	"zeromux/internal/pipe"
)

func TestAddressBookFindsWhoWasAdded(t *testing.T) {
	ends := newBench(t).pipes(3)
	b := NewAddressBook()
	id := []byte("alice")
	if !b.Add(id, ends[0]) || b.Add([]byte("alice"), ends[1]) {
		t.Fatal("an id is not given once")
	}
	clear(id) // whoever kept the slice would be found out
	if b.Find([]byte("alice")) != ends[0] || string(ends[0].ID) != "alice" {
		t.Error("alice is not found")
	}
	if b.Find([]byte("alic")) != nil || b.Find(nil) != nil {
		t.Error("somebody is found under an id that nobody has")
	}
	ends[1].ID = []byte("alice")
	b.Remove(ends[1])
	if b.Len() != 1 {
		t.Error("who is not in the book removed somebody else")
	}
	b.Remove(ends[0])
	if b.Find([]byte("alice")) != nil || b.Len() != 0 {
		t.Error("alice is found after she has left")
	}
	if string(ends[0].ID) != "alice" {
		t.Error("who has left has lost the id")
	}
}

func TestAddressBookGeneratesIDs(t *testing.T) {
	ends := newBench(t).pipes(4)
	b := NewAddressBook()
	b.next = math.MaxUint32 - 1
	taken := binary.BigEndian.AppendUint32([]byte{0}, math.MaxUint32)
	if !b.Add(taken, ends[3]) {
		t.Fatal("an id like a generated one is refused")
	}
	want := []uint32{math.MaxUint32 - 1, 0, 1}
	for i, e := range ends[:3] {
		b.Generate(e)
		if len(e.ID) != 5 || e.ID[0] != 0 || binary.BigEndian.Uint32(e.ID[1:]) != want[i] {
			t.Errorf("id %d is %x, want 00%08x", i, e.ID, want[i])
		}
		if b.Find(e.ID) != e {
			t.Errorf("%x is not found", e.ID)
		}
	}
}

// TestAddressBooksBeginAnywhere fails once in 2^64 runs.
func TestAddressBooksBeginAnywhere(t *testing.T) {
	x, y, z := NewAddressBook(), NewAddressBook(), NewAddressBook()
	if x.next == y.next && y.next == z.next {
		t.Error("three books begin with the same id")
	}
}

func TestAddressBookRetiresUnderANewID(t *testing.T) {
	ends := newBench(t).pipes(2)
	b := NewAddressBook()
	b.Add([]byte("x"), ends[0])
	b.Retire(ends[0])
	if len(ends[0].ID) != 5 || b.Find(ends[0].ID) != nil || b.Len() != 0 {
		t.Errorf("the retired is %x, %d in the book", ends[0].ID, b.Len())
	}
	if !b.Add([]byte("x"), ends[1]) {
		t.Error("the id is not free")
	}
	b.Remove(ends[0])
	if b.Find([]byte("x")) != ends[1] {
		t.Error("the retired took the newcomer along")
	}
}

func TestAddressBookAllStopsWhenToldTo(t *testing.T) {
	b := NewAddressBook()
	for _, e := range newBench(t).pipes(5) {
		b.Generate(e)
	}
	for stop := 1; stop <= 5; stop++ {
		seen := 0
		b.All(func(*pipe.End) bool { seen++; return seen < stop })
		if seen != stop {
			t.Errorf("%d seen, want %d", seen, stop)
		}
	}
}
