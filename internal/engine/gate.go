package engine

// A gate stops a reader that is a goroutine of its own while the high-water mark
// is reached.
type gate struct {
	*connection
	room chan struct{} // reading may go on
	dead chan struct{} // closed when the connection is given up
}

func newGate(c *connection) gate {
	return gate{c, make(chan struct{}, 1), make(chan struct{})}
}

// push signals without waiting.
func push(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// resume is the driver's.
func (g *gate) resume() { push(g.room) }

// unsent is the driver's.
func (g *gate) unsent() bool { return unsent(g.conn()) }

// isClosed reports whether the connection is given up.
func (g *gate) isClosed() bool {
	select {
	case <-g.dead:
		return true
	default:
		return false
	}
}

// receive handles n octets, and waits while the mark is reached. It reports
// whether it had to.
func (g *gate) receive(n int) (waited bool, err error) {
	waiting, err := g.handle(n)
	if err != nil || !waiting {
		return false, err
	}
	g.heart.pause()
	defer func() { g.heart.resume() }() // which may be made meanwhile
	g.held.Store(true)
	defer g.held.Store(false)
	for err == nil && waiting {
		select {
		case <-g.room:
			waiting, err = g.handle(heldBack)
		case <-g.dead:
			return true, g.cause
		}
	}
	return true, err
}
