package main

import (
	"context"
	"time"

	"zeromux/zmq"
)

// socketFlags say where a socket meets its peers and how it behaves.
type socketFlags struct {
	Endpoint []string `arg:"" optional:"" help:"Endpoints: @tcp://… binds, '>tcp://…' connects, a plain one does what suits the type."`

	Bind     []string       `short:"b" sep:"none" placeholder:"ENDPOINT" help:"Bind this endpoint, such as tcp://*:5555 or ipc:///tmp/x. May be repeated."`
	Connect  []string       `short:"c" sep:"none" placeholder:"ENDPOINT" help:"Connect to this endpoint; the peer may come later. May be repeated."`
	Count    int            `short:"n" placeholder:"N" help:"End after N messages: received, or sent by push and pub, or answered by req and rep."`
	Timeout  time.Duration  `short:"t" placeholder:"TIME" help:"End with exit code 3 when nothing can be sent, or nothing arrives, for this long, such as 500ms or 2s."`
	Linger   *time.Duration `placeholder:"TIME" help:"At the end, wait this long for messages to go out. Default: as long as --timeout says, or for ever."`
	HWM      int            `name:"hwm" default:"1000" placeholder:"N" help:"High-water mark: how many messages may wait for a peer, and from one. 0: no mark. Default: 1000."`
	Identity string         `placeholder:"ID" help:"Routing id under which a router knows this socket; 0x and digits for octets."`
	IPv6     bool           `name:"ipv6" help:"Admit IPv6 addresses."`
	Verbose  bool           `short:"v" help:"Print events on standard error: listening, connected, disconnected, dropped."`

	securityFlags `group:"security"`
}

// check refuses values that mean nothing.
func (f *socketFlags) check() error {
	switch {
	case f.Count < 0:
		return usagef("--count %d is below zero", f.Count)
	case f.Timeout < 0:
		return usagef("--timeout %v is below zero", f.Timeout)
	case f.Linger != nil && *f.Linger < 0:
		return usagef("--linger %v is below zero", *f.Linger)
	case f.HWM < 0:
		return usagef("--hwm %d is below zero", f.HWM)
	}
	return f.securityFlags.check()
}

// config is the configuration that the flags ask for.
func (f *socketFlags) config(ctx context.Context) (*zmq.Config, error) {
	id, err := readID(f.Identity)
	if err != nil {
		return nil, usagef("--identity: %w", err)
	}
	c := &zmq.Config{
		HighWater:   zmq.HighWater{Send: f.HWM, Recv: f.HWM},
		SendTimeout: f.Timeout,
		RecvTimeout: f.Timeout,
		RoutingID:   string(id),
		Network:     zmq.Network{IPv6: f.IPv6},
	}
	if f.HWM == 0 {
		c.HighWater = zmq.HighWater{Send: zmq.Unlimited, Recv: zmq.Unlimited}
	}
	return c, f.secure(ctx, c)
}

// linger is how long the end waits for messages to go out.
func (f *socketFlags) linger() time.Duration {
	switch {
	case f.Linger != nil:
		return *f.Linger
	case f.Timeout > 0:
		return f.Timeout
	}
	return zmq.Forever
}

// inputFlags say what is sent.
type inputFlags struct {
	Message []string `short:"m" sep:"none" xor:"source" placeholder:"TEXT" help:"Send this instead of the lines of standard input. May be repeated."`
	File    []string `short:"f" sep:"none" xor:"source" placeholder:"PATH" help:"Send this file, octet by octet, as one message; - is standard input. May be repeated."`
	Frames  bool     `help:"Make one message of all --message or --file, a frame each."`
	Split   *string  `placeholder:"SEP" help:"Cut each message into frames at SEP; \\t, \\x00 and such are understood."`
	Input   string   `short:"i" enum:"text,quoted,hex,base64,json,raw" default:"text" placeholder:"FORMAT" help:"How lines and --message are written: text, quoted, hex, base64, json, or raw (all of standard input is one message). Default: text."`
}

// paceFlags say when it is sent.
type paceFlags struct {
	Wait     int           `short:"w" placeholder:"N" help:"Wait for N peers before sending; pub waits for N who have subscribed."`
	Interval time.Duration `placeholder:"TIME" help:"Pause between messages."`
	Repeat   int           `default:"1" placeholder:"N" help:"Send what --message or --file say N times; 0: until the end. Default: 1."`
}

func (f *paceFlags) check() error {
	switch {
	case f.Wait < 0:
		return usagef("--wait %d is below zero", f.Wait)
	case f.Interval < 0:
		return usagef("--interval %v is below zero", f.Interval)
	case f.Repeat < 0:
		return usagef("--repeat %d is below zero", f.Repeat)
	}
	return nil
}

// outputFlags say how messages are printed.
type outputFlags struct {
	Format string  `short:"F" enum:"text,quoted,hex,base64,json,raw" default:"text" placeholder:"FORMAT" help:"How messages are printed: text, quoted, hex, base64, json (an array a line), or raw (the octets alone). Default: text."`
	Join   *string `placeholder:"SEP" help:"What stands between frames in text, hex, base64 and raw. Default: a tab; nothing for raw."`
}
