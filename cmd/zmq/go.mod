module zeromux/cmd/zmq

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
	zeromux v0.0.0
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
)

replace zeromux => ../..
