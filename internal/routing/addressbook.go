package routing

import (
	"crypto/rand"
	"encoding/binary"

	"zeromux/internal/pipe"
)

// AddressBook finds the pipe of a routing id. Generated ids are five octets, a
// zero and a counter that begins at a random number. Changes run under sendMu
// and recvMu, look-ups under either. Use NewAddressBook.
type AddressBook struct {
	ends map[string]*pipe.End
	next uint32
}

// NewAddressBook returns an empty book.
func NewAddressBook() AddressBook {
	var seed [4]byte
	_, _ = rand.Read(seed[:]) // never fails
	return AddressBook{ends: make(map[string]*pipe.End), next: binary.BigEndian.Uint32(seed[:])}
}

// Find returns the pipe of id, or nil.
func (b *AddressBook) Find(id []byte) *pipe.End { return b.ends[string(id)] }

// Add enters e under id and reports whether id was free.
func (b *AddressBook) Add(id []byte, e *pipe.End) bool {
	if b.ends[string(id)] != nil {
		return false
	}
	e.ID = append([]byte(nil), id...)
	b.ends[string(e.ID)] = e
	return true
}

// Generate enters e under an id of its own.
func (b *AddressBook) Generate(e *pipe.End) { b.Add(b.fresh(), e) }

// Retire strikes e out and gives it a new id all the same, under which nobody
// finds it: for what it sent before.
func (b *AddressBook) Retire(e *pipe.End) {
	b.Remove(e)
	e.ID = b.fresh()
}

// fresh returns a generated id that is not in the book.
func (b *AddressBook) fresh() []byte {
	id := make([]byte, 5)
	for {
		binary.BigEndian.PutUint32(id[1:], b.next)
		b.next++
		if b.Find(id) == nil {
			return id
		}
	}
}

// Remove strikes e out, if it is in the book.
func (b *AddressBook) Remove(e *pipe.End) {
	if e.ID != nil && b.ends[string(e.ID)] == e {
		delete(b.ends, string(e.ID))
	}
}

// Len is the number of entries.
func (b *AddressBook) Len() int { return len(b.ends) }

// All calls f for every pipe in the book until it returns false.
func (b *AddressBook) All(f func(*pipe.End) bool) {
	for _, e := range b.ends {
		if !f(e) {
			return
		}
	}
}
