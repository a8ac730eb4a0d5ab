package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zeromux/zmq"
)

// lingerAfterSignal is the longest that a program which was told to end waits
// for its messages to go out.
const lingerAfterSignal = time.Second

// use makes a socket, opens its endpoints, lets work have it, and closes it.
// What work has sent goes out first, for as long as the flags allow.
func (f *socketFlags) use(ctx context.Context, t zmq.SocketType, adjust func(*zmq.Config), work func(*zmq.Socket) error) error {
	if err := f.check(); err != nil {
		return err
	}
	places, err := f.places(t)
	if err != nil {
		return err
	}
	if err := f.goWith(places); err != nil {
		return err
	}
	config, err := f.config(ctx)
	if err != nil {
		return err
	}
	if adjust != nil {
		adjust(config)
	}
	s, stop, err := f.newSocket("", t, config)
	if err != nil {
		return wrongEndpoint(err)
	}
	defer stop()
	for _, p := range places {
		if err = p.open(s); err != nil {
			break
		}
	}
	if err == nil {
		err = work(s)
	}
	return f.close(ctx, s, err)
}

// newSocket makes a socket, called name where there are several, and has it watched if
// the flags say so, until stop is called on the closed socket.
func (f *socketFlags) newSocket(name string, t zmq.SocketType, config *zmq.Config) (s *zmq.Socket, stop func(), err error) {
	if s, err = sockets().NewSocket(t, config); err != nil {
		return nil, nil, err
	}
	if !f.Verbose {
		return s, func() {}, nil
	}
	w := newWatcher(name)
	w.watch(s)
	return s, w.stop, nil
}

// close ends the socket after work, which has ended with err.
func (f *socketFlags) close(ctx context.Context, s *zmq.Socket, err error) error {
	linger := f.linger()
	if codeOf(err) == exitTimeout {
		linger = 0
	}
	if ctx.Err() != nil {
		linger = min(linger, lingerAfterSignal)
	}
	closing, cancel := context.WithCancel(context.Background())
	defer cancel()
	if linger == 0 {
		cancel()
	} else if linger != zmq.Forever {
		defer time.AfterFunc(linger, cancel).Stop()
	}
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lingerAfterSignal, cancel) })()

	lost := s.CloseContext(closing)
	switch {
	case err != nil:
		return err
	case lost == nil || linger == 0:
		return nil
	case !errors.Is(lost, context.Canceled):
		return lost
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: unsent messages thrown away")
	}
	return timeoutf("unsent messages thrown away after %v", linger)
}

// wrongEndpoint tells a mistake in the arguments from a misfortune.
func wrongEndpoint(err error) error {
	for _, mistake := range []error{zmq.ErrInvalid, zmq.ErrUnknownScheme, zmq.ErrIncompatible} {
		if errors.Is(err, mistake) {
			return &fault{exitUsage, err}
		}
	}
	return err
}

// awaitPeers waits until n peers are connected.
func (f *socketFlags) awaitPeers(ctx context.Context, s *zmq.Socket, n int) error {
	return f.await(ctx, n, s.WaitPeers)
}

// await waits for n peers by the means of wait, within the timeout.
func (f *socketFlags) await(ctx context.Context, n int, wait func(context.Context, int) error) error {
	if n == 0 {
		return nil
	}
	limited := ctx
	if f.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, f.Timeout)
		defer cancel()
	}
	err := wait(limited, n)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted while waiting for peers")
	case limited.Err() != nil:
		return timeoutf("fewer than %d peers after %v", n, f.Timeout)
	}
	return err
}
