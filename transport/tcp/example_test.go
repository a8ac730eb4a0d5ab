package tcp_test

import (
	"context"
	"fmt"
	"io"

	"zeromux/transport/tcp"
)

func ExampleTransport() {
	ctx := context.Background()
	l, err := tcp.Transport{}.Listen(ctx, "127.0.0.1:*", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	near, err := tcp.Transport{}.Dial(ctx, l.Address(), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(near, "hello")
	near.Close()

	far, err := l.Accept()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer far.Close()
	text, err := io.ReadAll(far)
	fmt.Println(string(text), err)
	// Output: hello <nil>
}

func ExampleTransport_CheckConnect() {
	fmt.Println(tcp.Transport{}.CheckConnect("example.org:5555", nil))
	fmt.Println(tcp.Transport{}.CheckConnect("example.org:70000", nil))
	// Output:
	// <nil>
	// address "example.org:70000": port 70000 is above 65535
}
