package zmq

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"sync"

	"zeromux/internal/engine"
	"zeromux/internal/inproc"
	"zeromux/internal/message"
	"zeromux/internal/pattern"
)

// defaultMaxSockets is libzmq's ZMQ_MAX_SOCKETS_DFLT.
const defaultMaxSockets = 1023

// SocketLimit is the most that ContextConfig.MaxSockets can be. libzmq:
// ZMQ_SOCKET_LIMIT.
const SocketLimit = math.MaxInt32

// maxIOThreads bounds ContextConfig.IOThreads: more cannot be meant.
const maxIOThreads = 1024

// A Context owns sockets, inproc names and timers. Most programs never make
// one: NewSocket uses DefaultContext.
type Context struct {
	config   ContextConfig
	env      *engine.Env
	registry inproc.Registry
	waiters  waiters

	// consulted are the policies that are being asked about peers, and the ZAP handlers.
	// Nothing joins them once mu was held with dead set and env has ended.
	consulted sync.WaitGroup

	mu      sync.Mutex // guards all below
	sockets map[*Socket]struct{}
	dead    bool          // shut down
	empty   chan struct{} // closed when dead and no socket is left
}

// ContextConfig is what a context is made with. The zero value is libzmq's
// default.
type ContextConfig struct {
	// MaxSockets is the most sockets at a time, those that linger included.
	// Zero is the default, 1023; below zero and beyond SocketLimit is an error of
	// NewSocket.
	// libzmq: ZMQ_MAX_SOCKETS.
	MaxSockets int `json:"max_sockets" yaml:"max_sockets" toml:"max_sockets"`
	// NotBlocky makes NoLinger the default of the sockets' Linger. libzmq:
	// ZMQ_BLOCKY, the other way round.
	NotBlocky bool `json:"not_blocky" yaml:"not_blocky" toml:"not_blocky"`
	// IPv6 makes Network.IPv6 the default of the sockets. libzmq: ZMQ_IPV6.
	IPv6 bool `json:"ipv6" yaml:"ipv6" toml:"ipv6"`
	// IOThreads is how many loops share the connections of the context, at most
	// 1024. Zero is the default, 1. They are made when they are needed, and a socket
	// with one connection needs none. NoIOThreads leaves inproc alone: every other
	// endpoint is ErrNoIOThreads. libzmq: ZMQ_IO_THREADS, where zero means none.
	IOThreads int `json:"io_threads" yaml:"io_threads" toml:"io_threads"`
	// Multiplexer names what waits for the descriptors of connections: "epoll",
	// "kqueue", "poll" and "select" are loops over a back end of package iomux,
	// "runtime" is a goroutine for each connection, "stream" are two. Empty is the
	// default: what suits best, and the connection of a socket that has only one
	// is read by the application itself. The environment variable
	// ZEROMUX_MULTIPLEXER stands in when it is empty. libzmq decides when it is
	// built.
	Multiplexer string `json:"multiplexer" yaml:"multiplexer" toml:"multiplexer"`
	// Logger gets a record of every event of every socket: a warning where a peer
	// was refused, or has refused us or broken the protocol, in its handshake, and
	// else for debugging; and a warning where files of TLS have changed and cannot be
	// used. Nil is the default: silence.
	Logger *slog.Logger `json:"-" yaml:"-" toml:"-"`
}

// multiplexerVariable stands in for ContextConfig.Multiplexer.
const multiplexerVariable = "ZEROMUX_MULTIPLEXER"

// NewContext makes a context. Nil is the default configuration.
func NewContext(config *ContextConfig) *Context {
	c := &Context{sockets: make(map[*Socket]struct{}), empty: make(chan struct{})}
	if config != nil {
		c.config = *config
	}
	if c.config.MaxSockets == 0 {
		c.config.MaxSockets = defaultMaxSockets
	}
	if c.config.Multiplexer == "" {
		c.config.Multiplexer = os.Getenv(multiplexerVariable)
	}
	c.env = &engine.Env{
		// For tests: memory that is used after it was released shows at once.
		Pool:   &message.Pool{Poison: os.Getenv("ZEROMUX_POISON") != ""},
		Wheel:  engine.NewWheel(engine.SystemClock()),
		Logger: c.config.Logger,

		Multiplexer: c.config.Multiplexer,
		Loops:       c.config.IOThreads,
	}
	return c
}

var defaultContext = sync.OnceValue(func() *Context { return NewContext(nil) })

// DefaultContext returns the context of NewSocket, which is made at the first
// call.
func DefaultContext() *Context { return defaultContext() }

// NewSocket makes a socket in DefaultContext. Nil is the default configuration.
func NewSocket(t SocketType, config *Config) (*Socket, error) {
	return DefaultContext().NewSocket(t, config)
}

// Term is Context.Term of DefaultContext; afterwards NewSocket fails.
func Term(ctx context.Context) error { return DefaultContext().Term(ctx) }

// Config returns the configuration of the context with its defaults written out.
// libzmq: zmq_ctx_get.
func (c *Context) Config() ContextConfig {
	config := c.config
	standard(&config.IOThreads, 1)
	return config
}

// hasLoop reports whether there is a loop for a connection, or would be, of those
// whose bits affinity has.
func (c *ContextConfig) hasLoop(affinity uint64) bool {
	switch {
	case c.IOThreads == NoIOThreads:
		return false
	case affinity == 0, c.IOThreads >= 64:
		return true
	}
	return affinity&(1<<max(c.IOThreads, 1)-1) != 0
}

// check returns what is wrong with the configuration.
func (c *ContextConfig) check() error {
	if c.MaxSockets < 0 || c.MaxSockets > SocketLimit {
		return fmt.Errorf("%w: ContextConfig.MaxSockets is %d, must be 0 to %d", ErrInvalid, c.MaxSockets, SocketLimit)
	}
	if c.IOThreads < NoIOThreads || c.IOThreads > maxIOThreads {
		return fmt.Errorf("%w: ContextConfig.IOThreads is %d, must be %d to %d", ErrInvalid, c.IOThreads, NoIOThreads, maxIOThreads)
	}
	return engine.CheckMultiplexer(c.Multiplexer)
}

// NewSocket makes a socket. Nil is the default configuration. The error wraps
// ErrInvalid, ErrTooManySockets, ErrTerminated, or errors.ErrUnsupported when the
// context asks for a multiplexer that the system does not have.
func (c *Context) NewSocket(t SocketType, config *Config) (*Socket, error) {
	return c.newSocket(t, config, nil)
}

// newSocket is NewSocket. A socket that is about to close may make room for it; nil:
// none.
func (c *Context) newSocket(t SocketType, config *Config, inPlaceOf *Socket) (*Socket, error) {
	row, ok := pattern.Lookup(pattern.Type(t))
	if !ok {
		return nil, fmt.Errorf("zmq: new socket: %w: no socket type %d", ErrInvalid, int(t))
	}
	if config == nil {
		config = &Config{}
	}
	if err := config.check(t); err != nil {
		return nil, &OpError{Op: "new socket", Socket: t, Err: err}
	}
	if err := c.config.check(); err != nil {
		return nil, &OpError{Op: "new socket", Socket: t, Err: err}
	}
	if err := config.checkContext(&c.config); err != nil {
		return nil, &OpError{Op: "new socket", Socket: t, Err: err}
	}
	s := newSocket(c, row, config)
	c.mu.Lock()
	defer c.mu.Unlock()
	others := len(c.sockets)
	if _, counts := c.sockets[inPlaceOf]; counts {
		others--
	}
	switch {
	case c.dead:
		return nil, &OpError{Op: "new socket", Socket: t, Err: ErrTerminated}
	case others >= c.config.MaxSockets:
		return nil, &OpError{Op: "new socket", Socket: t, Err: ErrTooManySockets}
	}
	c.sockets[s] = struct{}{}
	return s, nil
}

// remove forgets a socket of which nothing is left.
func (c *Context) remove(s *Socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sockets, s)
	if c.dead && len(c.sockets) == 0 {
		c.closeEmpty()
	}
}

// closeEmpty says that no socket is left. c.mu is held.
func (c *Context) closeEmpty() {
	select {
	case <-c.empty:
	default:
		close(c.empty)
	}
}

// list returns the sockets of this moment.
func (c *Context) list() []*Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*Socket, 0, len(c.sockets))
	for s := range c.sockets {
		list = append(list, s)
	}
	return list
}

// Shutdown makes every blocked and every further call on the context's sockets
// return ErrTerminated, but for Close. It does not wait. libzmq:
// zmq_ctx_shutdown.
func (c *Context) Shutdown() {
	c.mu.Lock()
	c.dead = true
	if len(c.sockets) == 0 {
		c.closeEmpty()
	}
	c.mu.Unlock()
	for _, s := range c.list() {
		s.stop(ErrTerminated)
	}
}

// Term shuts the context down, closes every socket that is still open, and
// waits until what they had to send is out, as their Linger allows. When ctx
// ends first, the rest is thrown away and ctx's error returned. After Term no
// goroutine, descriptor, file or timer of the context is left, unless it is that of an
// [Authenticator] which has not returned when ctx ends, nor a moment later: that is left
// to itself, and is an error that wraps ctx's own. So an Authenticator must not call Term.
//
// With the default Linger it waits for ever for a message whose peer is gone
// and does not come back, as when both were sockets of this context: give ctx a
// deadline, or the socket a Linger. libzmq: zmq_ctx_term, which waits for the application to close the sockets instead.
func (c *Context) Term(ctx context.Context) error {
	c.Shutdown()
	for _, s := range c.list() {
		_ = s.close(ErrTerminated) // an error of unlinking a path; the socket is closed all the same
	}
	err := c.waitEmpty(ctx)
	if err != nil {
		for _, s := range c.list() {
			s.abandon()
		}
		<-c.empty
	}
	c.env.Wait()
	c.env.Wheel.Close()
	if left := c.awaitConsulted(ctx); err == nil {
		err = left
	}
	return err
}

// waitEmpty waits until no socket is left, or ctx ends before that.
func (c *Context) waitEmpty(ctx context.Context) error {
	select {
	case <-c.empty: // whatever has become of ctx
		return nil
	default:
	}
	select {
	case <-c.empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("zmq: term: unsent messages thrown away: %w", ctx.Err())
	}
}
