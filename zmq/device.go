package zmq

import "context"

// Queue binds a ROUTER to frontend, for clients, and a DEALER to backend, for
// servers, and hands on requests and replies until ctx ends or the zmq context
// does. It closes its sockets. The error is that of Bind, or of Proxy.Run. libzmq:
// ZMQ_QUEUE.
func (c *Context) Queue(ctx context.Context, frontend, backend string) error {
	return c.device(ctx, ROUTER, frontend, DEALER, backend)
}

// Forwarder is Queue with an XSUB bound to frontend, for publishers, and an XPUB to
// backend, for subscribers. libzmq: ZMQ_FORWARDER.
func (c *Context) Forwarder(ctx context.Context, frontend, backend string) error {
	return c.device(ctx, XSUB, frontend, XPUB, backend)
}

// Streamer is Queue with a PULL bound to frontend, for those who have work, and a
// PUSH to backend, for those who do it. libzmq: ZMQ_STREAMER.
func (c *Context) Streamer(ctx context.Context, frontend, backend string) error {
	return c.device(ctx, PULL, frontend, PUSH, backend)
}

func (c *Context) device(ctx context.Context, front SocketType, frontend string, back SocketType, backend string) error {
	var p Proxy
	for _, side := range []struct {
		of       **Socket
		typ      SocketType
		endpoint string
	}{{&p.Frontend, front, frontend}, {&p.Backend, back, backend}} {
		s, err := c.NewSocket(side.typ, nil)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }() // an error of unlinking a path comes too late for anybody
		if _, err := s.Bind(side.endpoint); err != nil {
			return err
		}
		*side.of = s
	}
	return p.Run(ctx)
}

// Queue is Context.Queue of DefaultContext.
func Queue(ctx context.Context, frontend, backend string) error {
	return DefaultContext().Queue(ctx, frontend, backend)
}

// Forwarder is Context.Forwarder of DefaultContext.
func Forwarder(ctx context.Context, frontend, backend string) error {
	return DefaultContext().Forwarder(ctx, frontend, backend)
}

// Streamer is Context.Streamer of DefaultContext.
func Streamer(ctx context.Context, frontend, backend string) error {
	return DefaultContext().Streamer(ctx, frontend, backend)
}
