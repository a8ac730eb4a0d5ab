package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"zeromux/zmq"
)

// sockets is the context of all sockets of the command, which tells of files that have
// changed and cannot be used.
var sockets = sync.OnceValue(func() *zmq.Context {
	return zmq.NewContext(&zmq.ContextConfig{Logger: slog.New(&notices{})})
})

// notices are a log that is printed on standard error, a line a record, whether --verbose
// is given or not: of files that say who may come in. Events, which a context logs as
// well, are not among them: those are for --verbose, and one line tells of each.
type notices struct {
	muted *atomic.Bool // nil: never
	attrs []slog.Attr
}

// eventRecord begins a record of an event.
const eventRecord = "zmq: "

// Enabled implements slog.Handler: what is for debugging is for nobody here.
func (n *notices) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (n *notices) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, eventRecord) || n.muted != nil && n.muted.Load() {
		return nil
	}
	text := r.Message
	add := func(a slog.Attr) bool {
		value := strings.TrimPrefix(a.Value.String(), "zmq: ")
		if a.Key != "err" {
			value = a.Key + "=" + value
		}
		text += ": " + value
		return true
	}
	for _, a := range n.attrs {
		add(a)
	}
	r.Attrs(add)
	say("%s", text)
	return nil
}

// WithAttrs implements slog.Handler.
func (n *notices) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &notices{n.muted, append(n.attrs[:len(n.attrs):len(n.attrs)], attrs...)}
}

// WithGroup implements slog.Handler: a line has no groups.
func (n *notices) WithGroup(string) slog.Handler { return n }

// followed are files that a policy follows.
type followed interface{ Err() error }

// follow opens files that a policy follows, with a log of what becomes of them later.
// What is wrong with them at once, but no reason not to open them, is told here: a file
// in a folder, which flag names.
func follow[F followed](flag, path string, open func(string, *zmq.ReloadConfig) (F, error)) (F, error) {
	muted := new(atomic.Bool)
	muted.Store(true) // the error is told by whoever calls
	files, err := open(path, &zmq.ReloadConfig{Logger: slog.New(&notices{muted: muted})})
	if err != nil {
		return files, err
	}
	if wrong := files.Err(); wrong != nil {
		say("%s: not all of it can be used: %s", flag, strings.TrimPrefix(wrong.Error(), "zmq: "))
	}
	muted.Store(false)
	return files, nil
}
