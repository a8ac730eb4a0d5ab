package zmq

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"zeromux/internal/inproc"
	"zeromux/internal/message"
	"zeromux/internal/pipe"
	"zeromux/internal/zap"
)

// This file asks the ZAP handler of a context, whoever has bound a REP or ROUTER to
// ZAPEndpoint. Each question has a pipe of its own to the handler, as from a socket that
// connects, asks once and goes. So a ROUTER may answer in any order, though all
// questions have the same id, and who gives up leaves nothing behind.

// zapName is the name that a handler is bound to.
var zapName = strings.TrimPrefix(zap.Endpoint, inprocScheme+"://")

// errHandlerGone is why a question has no answer that was put to a handler.
var errHandlerGone = errors.New("the ZAP handler went away before it answered")

// A zapAsker is a question to the handler, in the eyes of the handler a socket.
type zapAsker struct {
	pool *message.Pool
	hub  pipe.Hub
	end  *pipe.End
	met  bool // the handler has taken the pipe
}

// askHandler puts a question to the handler of the context. The error wraps
// zap.ErrNoHandler when there is none, is one of zap.ParseReply, ctx's own, or
// errHandlerGone.
func (c *Context) askHandler(ctx context.Context, q *zap.Request) (*zap.Reply, error) {
	a := &zapAsker{pool: c.env.Pool}
	link := c.registry.ConnectBound(zapName, a, mayHandle)
	if link == nil {
		return nil, zap.ErrNoHandler
	}
	defer func() {
		a.end.Withdraw(nil) // or strangers who come and go would fill the memory of a handler that is slow
		link.Close(a.end)
	}()
	if !a.met {
		return nil, zap.ErrNoHandler // it is being closed
	}
	a.end.Write(&message.Message{Frames: zap.AppendRequest(nil, q)}) // if it cannot take it, neither can we read
	later := a.hub.Later()
	later.Now()
	var m message.Message
	if err := a.await(ctx, &m); err != nil {
		return nil, err
	}
	reply, err := zap.ParseReply(m.Frames)
	if err != nil {
		return nil, err
	}
	reply.Metadata = bytes.Clone(reply.Metadata) // which is the pipe's
	return &reply, nil
}

// mayHandle reports whether a socket of this type answers questions. libzmq: REP, ROUTER
// and SERVER.
func mayHandle(peer *message.Peer) bool {
	return peer.SocketType == REP.String() || peer.SocketType == ROUTER.String()
}

// await waits for the answer.
func (a *zapAsker) await(ctx context.Context, m *message.Message) error {
	w := pipe.NewWaiter()
	for {
		count := a.hub.RecvCount()
		switch a.end.Read(m) {
		case pipe.OK:
			return nil
		case pipe.Closed:
			return errHandlerGone
		}
		if !a.hub.AwaitReceive(w, count) {
			continue
		}
		select {
		case <-w.C:
		case <-ctx.Done():
			a.hub.LeaveReceive(w)
			return ctx.Err()
		}
	}
}

// Peer implements inproc.Side.
func (a *zapAsker) Peer() *message.Peer {
	return &message.Peer{SocketType: DEALER.String(), Inproc: true}
}

// Pipe implements inproc.Side. One message goes each way, which no mark keeps back.
func (a *zapAsker) Pipe() pipe.Config { return pipe.Config{Pool: a.pool} }

// Attach implements inproc.Side.
func (a *zapAsker) Attach(e *pipe.End, _ *inproc.Link) bool {
	e.Join(&a.hub)
	a.end = e
	return true
}

// Online implements inproc.Side.
func (a *zapAsker) Online(*pipe.End, *message.Peer) bool {
	a.met = true
	return true
}

// Detach implements inproc.Side: what the handler has sent can be read, and then that
// its end is closed.
func (a *zapAsker) Detach(*pipe.End, *inproc.Link) {}
