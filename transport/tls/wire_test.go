package tls

import (
	"net"
	"testing"
)

// heard is a connection from which so much comes at a time.
type heard struct {
	net.Conn
	octets []byte
	size   int
}

func (h *heard) Read(b []byte) (int, error) {
	n := copy(b[:min(h.size, len(b))], h.octets)
	h.octets = h.octets[n:]
	return n, nil
}

// An alert is found at the end of what has come, however it came.
func TestTheLastWordOfAPeerIsFound(t *testing.T) {
	for name, test := range map[string]struct{ octets, want string }{
		"an alert":                     {"\x15\x03\x03\x00\x02\x02\x30", "remote error: tls: unknown certificate authority"},
		"a warning":                    {"\x15\x03\x03\x00\x02\x01\x00", "remote error: tls: close notify"},
		"behind other records":         {"\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x02\x02\x2a", "remote error: tls: bad certificate"},
		"one that means nothing":       {"\x15\x03\x03\x00\x02\x02\xfe", "remote error: tls: alert(254)"},
		"before another record":        {"\x15\x03\x03\x00\x02\x02\x30\x14\x03\x03\x00\x01\x01", ""},
		"an alert that is encrypted":   {"\x15\x03\x03\x00\x1a\x02\x30aaaaaaaaaaaaaaaaaaaaaaaa", ""},
		"half of one":                  {"\x15\x03\x03\x00\x02\x02", ""},
		"nothing":                      {"", ""},
		"of a level that there is not": {"\x15\x03\x03\x00\x02\x07\x30", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for size := 1; size <= len(test.octets)+1; size++ {
				from := &heard{octets: []byte(test.octets), size: size}
				w := &wire{Conn: from}
				for len(from.octets) > 0 {
					if _, err := w.Read(make([]byte, 100)); err != nil {
						t.Fatal(err)
					}
				}
				got := ""
				if err := w.Alert(); err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("by %d octets: got %q, want %q", size, got, test.want)
				}
			}
		})
	}
}
