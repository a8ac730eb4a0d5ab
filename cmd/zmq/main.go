// Command zmq sends and receives messages from the command line: enough to try
// a socket, to script a test, and to measure a machine.
//
// It uses package zmq as any program does and knows nothing of what lies under
// it. Standard output carries messages and nothing else; errors and, when asked
// for, events go to standard error.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line. A socket type says in its help where a plain ENDPOINT
// goes, as czmq has it.
type cli struct {
	Push   pushCmd   `cmd:"" group:"sockets" help:"Send messages to peers in turn. A plain ENDPOINT is connected to."`
	Pull   pullCmd   `cmd:"" group:"sockets" help:"Print messages from all peers. A plain ENDPOINT is bound."`
	Pub    pubCmd    `cmd:"" group:"sockets" help:"Send messages to all who subscribe. A plain ENDPOINT is bound."`
	Sub    subCmd    `cmd:"" group:"sockets" help:"Print the messages subscribed to. A plain ENDPOINT is connected to."`
	Req    reqCmd    `cmd:"" group:"sockets" help:"Send requests and print each one's reply. A plain ENDPOINT is connected to."`
	Rep    repCmd    `cmd:"" group:"sockets" help:"Print requests and reply to them. A plain ENDPOINT is bound."`
	Dealer dealerCmd `cmd:"" group:"sockets" help:"Send to peers in turn, print what arrives. A plain ENDPOINT is connected to."`
	Router routerCmd `cmd:"" group:"sockets" help:"Send to the peer named first, print who sent what. A plain ENDPOINT is bound."`
	Pair   pairCmd   `cmd:"" group:"sockets" help:"Send to one peer, print what it sends. A plain ENDPOINT is connected to."`
	Xpub   xpubCmd   `cmd:"" group:"sockets" help:"Pub that prints subscriptions. A plain ENDPOINT is bound."`
	Xsub   xsubCmd   `cmd:"" group:"sockets" help:"Sub that sends its subscriptions. A plain ENDPOINT is connected to."`
	Stream streamCmd `cmd:"" group:"sockets" help:"Send and print octets of plain TCP. A plain ENDPOINT is connected to."`
	Proxy  proxyCmd  `cmd:"" help:"Hand messages on between two sockets."`
	Bench  benchCmd  `cmd:"" help:"Measure throughput and latency on this machine, or between two."`

	Keys     keysCmd     `cmd:"" help:"Make and show the keys of CURVE."`
	Password passwordCmd `cmd:"" help:"Hash a password for a password file."`

	Version kong.VersionFlag `help:"Print the version and end."`
}

const description = `Sends and receives ZeroMQ messages.

An ENDPOINT is @tcp://… to bind and '>tcp://…' to connect (quote the >); a plain one does what suits the
type. A message is a line, unless told otherwise.

Exit codes: 0 done, 1 error, 2 wrong usage, 3 timed out.`

func main() { os.Exit(run(os.Args[1:])) }

// run is the program between its arguments and its exit code.
func run(args []string) int {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	context.AfterFunc(ctx, restore) // a second signal ends the program at once

	settings := []kong.Option{
		kong.Name("zmq"), kong.Description(description),
		kong.Vars{"version": version()},
		kong.WithHyphenPrefixedParameters(true), // as getopt does: a key in Z85 may begin with one
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 110}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "sockets", Title: "Sockets:"},
			{Key: "where", Title: "Endpoints and the socket:"},
			{Key: "security", Title: "Who the peers are, and in secret:"},
			{Key: "input", Title: "What is sent:"},
			{Key: "pace", Title: "When it is sent:"},
			{Key: "output", Title: "What is printed:"},
		}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	}
	if len(args) == 0 {
		args = []string{"--help"} // but asked for by mistake
		settings = append(settings, kong.Writers(os.Stderr, os.Stderr), kong.Exit(func(int) { os.Exit(exitUsage) }))
	}
	parser, err := kong.New(&cli{}, settings...)
	if err != nil {
		return report(err) // the command line above makes no sense
	}
	command, err := parser.Parse(args)
	if err != nil {
		return report(usagef("%v (zmq --help tells more)", err))
	}
	if err := refuseEmpty(command); err != nil {
		return report(err)
	}
	return report(command.Run())
}

// refuseEmpty refuses flags and arguments that were given with nothing in them, by a shell
// variable that is not set, where the commands would take them for not given: security
// that somebody has asked for must not be left out without a word. Where an empty text
// means something, as for --join, the field is a *string, or one of a list.
func refuseEmpty(command *kong.Context) error {
	for _, given := range command.Path {
		if given.Flag == nil && given.Positional == nil {
			continue
		}
		if v := command.Value(given); v.Kind() != reflect.String || v.String() != "" {
			continue
		}
		if given.Flag != nil {
			return usagef("--%s is empty: give it a value, or leave it out", given.Flag.Name)
		}
		return usagef("%s is empty: give it a value, or leave it out", strings.ToUpper(given.Positional.Name))
	}
	return nil
}

// version tells which build this is.
func version() string {
	v := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return fmt.Sprintf("zmq %s, ZMTP 3.1", v)
}
