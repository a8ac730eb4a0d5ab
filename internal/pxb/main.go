package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/pprof"
	"strconv"
	"time"

	"zeromux/zmq"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func mk(t zmq.SocketType, e string, bind bool) *zmq.Socket {
	var c *zmq.Config
	if t == zmq.PUB || t == zmq.XPUB {
		c = &zmq.Config{PubSub: zmq.PubSub{NoDrop: true}}
	}
	s := must(zmq.NewSocket(t, c))
	if bind {
		must(s.Bind(e))
	} else if err := s.Connect(e); err != nil {
		panic(err)
	}
	return s
}

const A, B = "tcp://127.0.0.1:15801", "tcp://127.0.0.1:15802"

func main() {
	ctx := context.Background()
	ps := os.Args[1] == "ps"
	n := must(strconv.Atoi(os.Args[2]))
	role := ""
	if len(os.Args) > 3 {
		role = os.Args[3]
	}
	pick := func(a, b zmq.SocketType) zmq.SocketType {
		if ps {
			return a
		}
		return b
	}
	switch role {
	case "proxy":
		f, b := mk(pick(zmq.XSUB, zmq.ROUTER), A, true), mk(pick(zmq.XPUB, zmq.DEALER), B, true)
		ctl := must(zmq.NewSocket(zmq.PAIR, nil))
		must(ctl.Bind("inproc://ctl"))
		p := zmq.Proxy{Frontend: f, Backend: b, Control: ctl}
		if os.Getenv("PROF") != "" {
			go func() {
				time.Sleep(1500 * time.Millisecond)
				w := must(os.Create(os.Getenv("PROF")))
				pprof.StartCPUProfile(w)
				time.Sleep(1500 * time.Millisecond)
				pprof.StopCPUProfile()
				w.Close()
			}()
		}
		p.Run(ctx)
	case "send":
		s := mk(pick(zmq.PUB, zmq.DEALER), A, false)
		time.Sleep(600 * time.Millisecond)
		buf := make([]byte, 100)
		for {
			s.SendBytes(ctx, buf)
		}
	default:
		start := func(role string) *exec.Cmd {
			c := exec.Command(os.Args[0], os.Args[1], os.Args[2], role)
			c.Stderr = os.Stderr
			c.Stdout = os.Stdout
			if err := c.Start(); err != nil {
				panic(err)
			}
			return c
		}
		p := start("proxy")
		time.Sleep(200 * time.Millisecond)
		s := start("send")
		r := mk(pick(zmq.SUB, zmq.DEALER), B, false)
		if ps {
			r.Subscribe("")
		}
		var m zmq.Message
		for range n / 4 {
			r.RecvInto(ctx, &m)
		}
		t := time.Now()
		for range n {
			r.RecvInto(ctx, &m)
		}
		fmt.Printf("zeromux %s %.0f/s\n", os.Args[1], float64(n)/time.Since(t).Seconds())
		p.Process.Kill()
		s.Process.Kill()
		p.Wait()
		s.Wait()
	}
}
