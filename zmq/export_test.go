package zmq

import "zeromux/iomux"

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

// HoldSending takes the lock of a socket's sending side until release is called.
func HoldSending(s *Socket) (release func()) {
	s.sendMu.Lock()
	return s.sendMu.Unlock
}

// OpenAtOnce opens a file without waiting.
var OpenAtOnce = openAtOnce
