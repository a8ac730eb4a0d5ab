package transport_test

import (
	"errors"
	"fmt"
	"syscall"

	"zeromux/transport"
)

func ExampleSplitEndpoint() {
	scheme, address, err := transport.SplitEndpoint("ipc:///tmp/feed.ipc")
	fmt.Println(scheme, address, err)

	_, _, err = transport.SplitEndpoint("tcp:127.0.0.1")
	fmt.Println(err)
	fmt.Println(errors.Is(err, transport.ErrInvalid), errors.Is(err, syscall.EINVAL))
	// Output:
	// ipc /tmp/feed.ipc <nil>
	// address "tcp:127.0.0.1": an endpoint reads "scheme://address"
	// true true
}

func ExampleParseConnect() {
	source, destination, err := transport.ParseConnect("eth0:*;[fe80::1%eth0]:5555")
	fmt.Println(source, destination, err)
	// Output: eth0:0 [fe80::1%eth0]:5555 <nil>
}
