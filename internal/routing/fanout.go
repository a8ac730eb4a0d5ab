package routing

import (
	"zeromux/internal/message"
	"zeromux/internal/pipe"
)

// FanOut writes one message to many pipes: it is encoded once, small bodies are
// copied and large ones shared. Everything runs under sendMu. The zero value
// is ready but for Pool.
type FanOut struct {
	// Pool is where the encoding's memory comes from.
	Pool *message.Pool

	encoding pipe.Encoding
	encoded  bool
	small    bool // to encode it costs less than to copy the encoding
	m        *message.Message
}

// Begin starts a fan-out of m.
func (f *FanOut) Begin(m *message.Message) {
	f.m, f.encoded, f.small = m, false, m.IsSmall()
}

// Write sends the message that Begin was given to e as well. Full and Closed
// mean that e does not get it.
func (f *FanOut) Write(e *pipe.End) pipe.Status {
	if f.small {
		return e.Write(f.m)
	}
	if !f.encoded {
		f.encoding.Encode(f.m, f.Pool)
		f.encoded = true
	}
	return e.WriteEncoded(&f.encoding)
}

// End closes the fan-out and lets go of the message.
func (f *FanOut) End() {
	if f.encoded {
		f.encoding.Release()
	}
	f.m, f.encoded = nil, false
}
