package zmq

import (
	"os"
	"testing"

	"zeromux/iomux"
)

// NewPollerOn makes a poller whose descriptors are in a Mux on a certain back end.
func NewPollerOn(backend iomux.Backend) (*Poller, error) {
	p := NewPoller()
	return p, p.openFiles(backend)
}

// ReactorOn makes a reactor of a poller.
func ReactorOn(p *Poller) *Reactor {
	r := NewReactor()
	r.poller = p
	return r
}

// CertificateText is what Save writes, of a secret certificate where there is a secret
// key.
func CertificateText(c *CurveCertificate) ([]byte, error) { return c.text() }

// CreateFile makes a file where nothing is, on a file system that makes links by link.
func CreateFile(path string, content []byte, link func(from, to string) error) error {
	d, err := writeDraft(path, content, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(d.temporary)
	return d.create(link)
}

// CreateFiles makes files where nothing is, all of them or none.
func CreateFiles(paths ...string) error {
	var drafts []draft
	for _, path := range paths {
		d, err := writeDraft(path, nil, 0o600)
		if err != nil {
			return err
		}
		defer os.Remove(d.temporary)
		drafts = append(drafts, d)
	}
	return createAll(drafts)
}

// Marked is how many registrations a poller has word of.
func Marked(p *Poller) int {
	p.marks.mu.Lock()
	defer p.marks.mu.Unlock()
	return len(p.marks.list)
}

// RemoveAndTell removes a socket, whose hub then tells the poller once more, as it may.
func RemoveAndTell(t testing.TB, p *Poller, s *Socket) {
	t.Helper()
	p.mu.Lock()
	w := p.sockets[s]
	p.mu.Unlock()
	if err := p.Remove(s); err != nil {
		t.Fatal(err)
	}
	w.Noticed()
}

// EventReaders is how many readers of a socket's events there are, those included that
// nobody has ranged over yet.
func EventReaders(s *Socket) int {
	s.monitors.mu.Lock()
	defer s.monitors.mu.Unlock()
	return len(s.monitors.readers)
}

// HasPutBack reports whether a proxy has put a message back that waits in s.
func HasPutBack(s *Socket) bool {
	s.recvMu.Lock()
	defer s.recvMu.Unlock()
	return s.back.waits
}

// HoldSending takes the lock of a socket's sending side until release is called.
func HoldSending(s *Socket) (release func()) {
	s.sendMu.Lock()
	return s.sendMu.Unlock
}
