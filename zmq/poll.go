package zmq

import "context"

// A PollItem is a socket or a descriptor that Poll waits for. libzmq: zmq_pollitem_t.
type PollItem struct {
	Socket *Socket    // nil: FD counts
	FD     int        // a descriptor
	Events PollEvents // what is waited for; none is allowed
	Ready  PollEvents // what came of it; set by Poll
}

// Poll waits until something is ready of what the items name, sets Ready in each and
// returns in how many there is anything. The same socket or descriptor may stand in
// several items. When ctx ends first it returns ctx's error. Without an item it
// waits for that. libzmq: zmq_poll, zmq_ppoll.
//
// It takes everything up anew with each call: a program that waits again and again
// for the same does better with a Poller. Errors are those of Poller.Add and
// Poller.Wait.
func Poll(ctx context.Context, items []PollItem) (int, error) {
	return poll(items, func(p *Poller, ready []PollEvent) (int, error) { return p.Wait(ctx, ready) })
}

// TryPoll is Poll that does not wait: ErrWouldBlock says that nothing is ready.
func TryPoll(items []PollItem) (int, error) { return poll(items, (*Poller).TryWait) }

func poll(items []PollItem, wait func(*Poller, []PollEvent) (int, error)) (n int, err error) {
	p := NewPoller()
	defer func() { _ = p.Close() }() // what it owned is given back in any case
	for i := range items {
		items[i].Ready = 0
		if err := p.merge(&items[i]); err != nil {
			return 0, err
		}
	}
	ready := make([]PollEvent, max(p.Len(), 1))
	found, err := wait(p, ready)
	if err != nil {
		return 0, err
	}
	sockets, fds := make(map[*Socket]PollEvents), make(map[int]PollEvents)
	for _, e := range ready[:found] {
		if e.Socket != nil {
			sockets[e.Socket] = e.Events
		} else {
			fds[e.FD] = e.Events
		}
	}
	for i := range items {
		item := &items[i]
		switch {
		case item.Socket != nil:
			item.Ready = sockets[item.Socket] & item.Events
		case item.Events != 0:
			item.Ready = fds[item.FD] & (item.Events | PollErr)
		}
		if item.Ready != 0 {
			n++
		}
	}
	return n, nil
}

// merge adds an item, or what it wants of something that is there.
func (p *Poller) merge(item *PollItem) error {
	if item.Socket != nil {
		if w := p.sockets[item.Socket]; w != nil {
			return p.Modify(item.Socket, w.events|item.Events)
		}
		return p.Add(item.Socket, item.Events, nil)
	}
	if w := p.fds[item.FD]; w != nil {
		return p.ModifyFD(item.FD, w.events|item.Events)
	}
	return p.AddFD(item.FD, item.Events, nil)
}
