// Http is an HTTP server of twenty lines on a STREAM socket, which sends and
// receives plain octets: each message is the name of a connection and what came
// or goes over it, and an empty one says that it was opened or closed, or
// closes it.
//
//	go run ./examples/http                             # asks itself once
//	go run ./examples/http -bind tcp://127.0.0.1:8080  # until interrupted; try curl or a browser
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"

	"zeromux/zmq"
)

const page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n\r\nHello, browser!\n"

// longest is the most octets that the head of a request may have.
const longest = 8 << 10

// serve answers every request with the page, on any number of connections. Who
// has gone, or does not read what he gets, misses it.
func serve(ctx context.Context, stream *zmq.Socket) error {
	heads := make(map[string]string) // of requests that are not whole, by connection
	for m, err := range stream.Messages(ctx) {
		if err != nil {
			return err
		}
		id, octets := string(m.Frames[0]), string(m.Frames[1])
		requests := strings.Split(heads[id]+octets, "\r\n\r\n")
		whole, head := len(requests)-1, requests[len(requests)-1]
		for range whole {
			_ = stream.TrySend(zmq.NewStringMessage(id, page))
		}
		switch heads[id] = head; {
		case octets == "": // opened or closed
			delete(heads, id)
		case len(head) > longest:
			delete(heads, id)
			_ = stream.TrySend(zmq.NewStringMessage(id, ""))
		}
	}
	return nil
}

func main() {
	bind := flag.String("bind", "", "serve at this `endpoint` until interrupted")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Printf("unexpected argument %q", flag.Arg(0))
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *bind); err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, bind string) error {
	stream, err := zmq.NewSocket(zmq.STREAM, nil)
	if err != nil {
		return err
	}
	defer stream.Close()
	endpoint := bind
	if bind == "" {
		endpoint = "tcp://127.0.0.1:*"
	}
	bound, err := stream.Bind(endpoint)
	if err != nil {
		return err
	}
	url := "http" + strings.TrimPrefix(bound, "tcp")
	fmt.Println("listening on", url)
	if bind != "" {
		return serve(ctx, stream)
	}
	served := make(chan error, 1)
	go func() { served <- serve(ctx, stream) }()
	if err := get(ctx, url); err != nil {
		return err
	}
	stream.Close() // ends Messages
	return <-served
}

// get is a client: the one of the standard library.
func get(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Printf("%s: %s", response.Status, body)
	return err
}
