package engine

import "sync"

// count is how many sessions, listeners and what they started have not ended. It is a
// sync.WaitGroup that may go up from zero while somebody waits: an application
// may connect in the moment in which another goroutine terminates the context.
// The zero value is none.
type count struct {
	mu   sync.Mutex // a leaf; guards what follows
	n    int
	zero chan struct{} // closed when n becomes zero; nil: nobody waits
}

func (c *count) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

func (c *count) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 && c.zero != nil {
		close(c.zero)
		c.zero = nil
	}
}

// wait returns when n is or becomes zero.
func (c *count) wait() {
	c.mu.Lock()
	if c.n > 0 && c.zero == nil {
		c.zero = make(chan struct{})
	}
	zero := c.zero
	c.mu.Unlock()
	if zero != nil {
		<-zero
	}
}
