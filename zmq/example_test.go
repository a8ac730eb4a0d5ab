package zmq_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"zeromux/zmq"
)

// must keeps the examples short; a program returns its errors.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// patient is a context for an example: none of them takes ten seconds.
func patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 10*time.Second)
}

// A client asks and a server answers, in turn.
func Example() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	rep := must(zctx.NewSocket(zmq.REP, nil))
	endpoint := must(rep.Bind("tcp://127.0.0.1:*"))
	go func() {
		for m, err := range rep.Messages(ctx) {
			check(err)
			check(rep.SendString(ctx, "World, "+m.String()))
		}
	}()

	req := must(zctx.NewSocket(zmq.REQ, nil))
	check(req.Connect(endpoint))
	for _, word := range []string{"Hello", "Goodbye"} {
		check(req.SendString(ctx, word))
		fmt.Println(must(req.Recv(ctx)))
	}
	// Output:
	// World, Hello
	// World, Goodbye
}

// Tasks go to workers in turn, and their results to one sink.
func Example_pipeline() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	tasks := must(zctx.NewSocket(zmq.PUSH, nil))
	must(tasks.Bind("inproc://tasks"))
	sink := must(zctx.NewSocket(zmq.PULL, nil))
	must(sink.Bind("inproc://results"))
	for range 3 {
		in := must(zctx.NewSocket(zmq.PULL, nil))
		out := must(zctx.NewSocket(zmq.PUSH, nil))
		check(in.Connect("inproc://tasks"))
		check(out.Connect("inproc://results"))
		go func() {
			for m, err := range in.Messages(ctx) {
				check(err)
				check(out.SendString(ctx, fmt.Sprint(len(m.String()))))
			}
		}()
	}
	words := strings.Fields("whatever is worth doing is worth doing well")
	for _, word := range words {
		check(tasks.SendString(ctx, word))
	}
	octets := 0
	for range words {
		n := 0
		must(fmt.Sscan(must(sink.Recv(ctx)).String(), &n))
		octets += n
	}
	fmt.Println(octets, "letters")
	// Output: 36 letters
}

// A publisher sends to those who subscribe. An XPUB hears of subscriptions, so
// that it need not guess when its subscribers are there.
func Example_publishSubscribe() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pub := must(zctx.NewSocket(zmq.XPUB, nil))
	endpoint := must(pub.Bind("tcp://127.0.0.1:*"))
	sub := must(zctx.NewSocket(zmq.SUB, nil))
	check(sub.Subscribe("weather."))
	check(sub.Connect(endpoint))
	fmt.Printf("%q\n", must(pub.Recv(ctx)).Bytes())

	check(pub.SendString(ctx, "sport.football", "1:0"))
	check(pub.SendString(ctx, "weather.london", "rain"))
	fmt.Println(must(sub.Recv(ctx)))
	// Output:
	// "\x01weather."
	// weather.london rain
}

// A broker stands between clients and servers that do not know each other: what
// a ROUTER receives begins with the name of the client, which a DEALER hands on
// and gets back. [Context.Queue] is the same in one line.
func ExampleProxy() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	front := must(zctx.NewSocket(zmq.ROUTER, nil))
	must(front.Bind("inproc://clients"))
	back := must(zctx.NewSocket(zmq.DEALER, nil))
	must(back.Bind("inproc://servers"))
	broker := zmq.Proxy{Frontend: front, Backend: back}
	go broker.Run(ctx)

	server := must(zctx.NewSocket(zmq.REP, nil))
	check(server.Connect("inproc://servers"))
	go func() {
		for m, err := range server.Messages(ctx) {
			check(err)
			check(server.SendString(ctx, strings.ToUpper(m.String())))
		}
	}()

	client := must(zctx.NewSocket(zmq.REQ, nil))
	check(client.Connect("inproc://clients"))
	check(client.SendString(ctx, "shout"))
	fmt.Println(must(client.Recv(ctx)))
	fmt.Printf("%+v\n", broker.Stats().Backend)
	// Output:
	// SHOUT
	// {ReceivedFrames:3 ReceivedOctets:10 SentFrames:3 SentOctets:10}
}

// A proxy is steered by messages, from this process or another.
func ExampleProxy_control() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	in, out := must(zctx.NewSocket(zmq.PULL, nil)), must(zctx.NewSocket(zmq.PUSH, nil))
	must(in.Bind("inproc://in"))
	must(out.Bind("inproc://out"))
	control := must(zctx.NewSocket(zmq.REP, nil))
	must(control.Bind("inproc://control"))
	ended := make(chan error)
	go func() {
		proxy := zmq.Proxy{Frontend: in, Backend: out, Control: control}
		ended <- proxy.Run(ctx)
	}()

	req := must(zctx.NewSocket(zmq.REQ, nil))
	check(req.Connect("inproc://control"))
	for _, command := range []string{"PAUSE", "STATISTICS", "TERMINATE"} {
		check(req.SendString(ctx, command))
		fmt.Println(command, len(must(req.Recv(ctx)).Frames))
	}
	fmt.Println(<-ended)
	// Output:
	// PAUSE 1
	// STATISTICS 8
	// TERMINATE 1
	// <nil>
}

// Three workers serve one socket, and stop when their context ends.
func ExampleSocket_Handle() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	rep := must(zctx.NewSocket(zmq.REP, nil))
	must(rep.Bind("inproc://shouting"))
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		ended <- rep.Handle(serving, 3, func(_ context.Context, m zmq.Message) zmq.Message {
			return zmq.NewStringMessage(strings.ToUpper(m.String()))
		})
	}()

	req := must(zctx.NewSocket(zmq.REQ, nil))
	check(req.Connect("inproc://shouting"))
	check(req.SendString(ctx, "hello"))
	fmt.Println(must(req.Recv(ctx)))
	stop()
	fmt.Println(<-ended)
	// Output:
	// HELLO
	// zmq: REP: handle: context canceled
}

// Many goroutines ask at once, and each gets its own answer. A server that does
// not answer is not waited for.
func ExampleRequester() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	dealer := must(zctx.NewSocket(zmq.DEALER, nil))
	for i := range 2 {
		endpoint := fmt.Sprint("inproc://squares", i)
		rep := must(zctx.NewSocket(zmq.REP, nil))
		must(rep.Bind(endpoint))
		check(dealer.Connect(endpoint))
		if i == 0 {
			continue // it stays silent
		}
		go rep.Handle(ctx, 4, func(_ context.Context, m zmq.Message) zmq.Message {
			n := must(strconv.Atoi(m.String()))
			return zmq.NewStringMessage(strconv.Itoa(n * n))
		})
	}
	requester := must(zmq.NewRequester(dealer, zmq.Retry{Attempts: 3, Timeout: 100 * time.Millisecond}))

	squares := make([]string, 5)
	var all sync.WaitGroup
	for i := range squares {
		all.Go(func() {
			reply := must(requester.Do(ctx, zmq.NewStringMessage(strconv.Itoa(i))))
			squares[i] = reply.String()
		})
	}
	all.Wait()
	fmt.Println(squares)
	// Output: [0 1 4 9 16]
}

// A publisher that must not begin alone waits for its subscribers.
func ExampleSocket_WaitSubscribers() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pub := must(zctx.NewSocket(zmq.PUB, nil))
	endpoint := must(pub.Bind("tcp://127.0.0.1:*"))
	sub := must(zctx.NewSocket(zmq.SUB, nil))
	check(sub.Subscribe("news."))
	check(sub.Connect(endpoint))
	check(pub.WaitSubscribers(ctx, "news.today", 1))
	check(pub.SendString(ctx, "news.today", "nobody missed it"))
	fmt.Println(must(sub.Recv(ctx)))
	// Output: news.today nobody missed it
}

// A ROUTER sends to the peer that the first frame names.
func Example_router() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	router := must(zctx.NewSocket(zmq.ROUTER, &zmq.Config{Router: zmq.Router{Mandatory: true}}))
	endpoint := must(router.Bind("tcp://127.0.0.1:*"))
	for _, name := range []string{"alice", "bob"} {
		dealer := must(zctx.NewSocket(zmq.DEALER, &zmq.Config{RoutingID: name}))
		check(dealer.Connect(endpoint))
		check(dealer.SendString(ctx, "here I am"))
		fmt.Println(must(router.Recv(ctx)))
		check(router.SendString(ctx, name, "hello, "+name))
		fmt.Println(must(dealer.Recv(ctx)))
	}
	fmt.Println(router.SendString(ctx, "carol", "are you there?"))
	// Output:
	// alice here I am
	// hello, alice
	// bob here I am
	// hello, bob
	// zmq: ROUTER: send: no such peer
}

// A PAIR joins two goroutines.
func Example_pair() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	ours := must(zctx.NewSocket(zmq.PAIR, nil))
	must(ours.Bind("inproc://done"))
	go func() {
		theirs := must(zctx.NewSocket(zmq.PAIR, nil))
		defer theirs.Close()
		check(theirs.Connect("inproc://done"))
		check(theirs.SendString(ctx, "done"))
	}()
	fmt.Println(must(ours.Recv(ctx)))
	// Output: done
}

// A STREAM speaks with programs that know nothing of ZeroMQ.
func Example_stream() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	s := must(zctx.NewSocket(zmq.STREAM, nil))
	endpoint := must(s.Bind("tcp://127.0.0.1:*"))
	go func() {
		for m, err := range s.Messages(ctx) {
			check(err)
			id, octets := m.Frames[0], m.Frames[1]
			if len(octets) == 0 { // a connection has come or gone
				continue
			}
			check(s.SendFrames(ctx, id, []byte(strings.ToUpper(string(octets)))))
			check(s.SendFrames(ctx, id, nil)) // ends the connection
		}
	}()
	conn := must(net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://")))
	defer conn.Close()
	must(io.WriteString(conn, "hello"))
	fmt.Printf("%s\n", must(io.ReadAll(conn)))
	// Output: HELLO
}

// Options that change on a live socket.
func ExampleSocket_Configure_atOnce() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	push := must(zctx.NewSocket(zmq.PUSH, nil))
	check(push.Configure(func(c *zmq.Config) { c.SendTimeout, c.HighWater.Send = zmq.NoWait, 10 }))
	fmt.Println(push.SendString(ctx, "nobody is there"))
	fmt.Println(push.Configure(func(c *zmq.Config) { c.HighWater.Send = -5 }))
	fmt.Println(push.Config().HighWater.Send)
	// Output:
	// zmq: PUSH: send: timed out
	// zmq: PUSH: configure: invalid argument: Config.HighWater.Send is -5, must be -1 to 2147483647
	// 10
}

// What concerns connections counts for endpoints that come later.
func ExampleSocket_Configure() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pull := must(zctx.NewSocket(zmq.PULL, nil))
	check(pull.Configure(func(c *zmq.Config) {
		c.Limits.MessageSize = 1 << 20
		c.TCP.AcceptFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}))
	must(pull.Bind("tcp://127.0.0.1:*"))
	fmt.Println(pull.Configure(func(c *zmq.Config) { c.TCP.TOS = 256 }))
	fmt.Println(pull.Config().TCP.TOS, pull.Effective().HighWater.Recv)
	// Output:
	// zmq: PULL: configure: invalid argument: Config.TCP.TOS is 256, must be 0 to 255
	// 0 1000
}

// A socket that somebody else has opened, such as systemd, is an endpoint.
func ExampleSocket_BindFile() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	listener := must(net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}))
	file := must(listener.File()) // as os.NewFile(3, "") of systemd
	check(listener.Close())

	pull := must(zctx.NewSocket(zmq.PULL, nil))
	endpoint := must(pull.BindFile("tcp://*", file))
	check(file.Close())
	push := must(zctx.NewSocket(zmq.PUSH, nil))
	check(push.Connect(endpoint))
	check(push.SendString(ctx, "hello"))
	fmt.Println(must(pull.Recv(ctx)))
	// Output: hello
}

// RecvInto in a loop allocates nothing.
func ExampleSocket_RecvInto() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pull := must(zctx.NewSocket(zmq.PULL, nil))
	must(pull.Bind("inproc://numbers"))
	push := must(zctx.NewSocket(zmq.PUSH, nil))
	check(push.Connect("inproc://numbers"))
	go func() {
		for i := range 1000 {
			check(push.SendBytes(ctx, []byte{byte(i)}))
		}
	}()
	var m zmq.Message
	sum := 0
	for range 1000 {
		check(pull.RecvInto(ctx, &m))
		sum += int(m.Bytes()[0])
	}
	fmt.Println(sum)
	// Output: 124716
}

// Events tell why a connection did not come up.
func ExampleSocket_Events() {
	ctx, cancel := patient()
	defer cancel()
	zctx := zmq.NewContext(nil)
	defer zctx.Term(ctx)

	pull := must(zctx.NewSocket(zmq.PULL, nil))
	endpoint := must(pull.Bind("tcp://127.0.0.1:*"))
	pub := must(zctx.NewSocket(zmq.PUB, nil)) // which does not go with PULL
	happens := pull.Events(ctx)
	check(pub.Connect(endpoint))
	for e := range happens {
		fmt.Println(e.Kind)
		if e.Kind == zmq.EventDisconnected {
			break
		}
	}
	// Output:
	// accepted
	// disconnected
}
