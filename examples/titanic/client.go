package main

import (
	"context"
	"fmt"
	"time"

	"zeromux/examples/majordomo/mdp"
)

// A client of Titanic is one of Majordomo.
type client struct{ mdp.Client }

// ask asks one of Titanic's services. The status begins with three digits.
func (c *client) ask(ctx context.Context, service string, body ...string) (status string, rest []string, err error) {
	var frames [][]byte
	for _, b := range body {
		frames = append(frames, []byte(b))
	}
	reply, err := c.Ask(ctx, service, frames...)
	if err != nil {
		return "", nil, err
	}
	for _, frame := range reply[1:] {
		rest = append(rest, string(frame))
	}
	return string(reply[0]), rest, nil
}

// askForEchoes leaves requests for a service that is not there, and returns their ids.
func (c *client) askForEchoes(ctx context.Context, n int) (ids []string, err error) {
	fmt.Println("client: asks for", n, "echoes, though nobody offers them")
	for i := range n {
		status, id, err := c.ask(ctx, "titanic.request", "echo", fmt.Sprint("Hello ", i+1))
		if err != nil {
			return nil, err
		}
		if status != statusOK || len(id) != 1 {
			return nil, fmt.Errorf("titanic.request says %s", status)
		}
		ids = append(ids, id[0])
	}
	for _, id := range ids {
		status, _, err := c.ask(ctx, "titanic.reply", id)
		if err != nil {
			return nil, err
		}
		if status != statusPending {
			return nil, fmt.Errorf("titanic.reply says %s", status)
		}
	}
	fmt.Println("client:", statusPending, "for all", n)
	return ids, nil
}

// collect asks for the replies until they are there, and closes the first request.
func (c *client) collect(ctx context.Context, ids []string) error {
	again := time.NewTicker(beat)
	defer again.Stop()
	for _, id := range ids {
		for {
			status, reply, err := c.ask(ctx, "titanic.reply", id)
			if err != nil {
				return err
			}
			if status == statusOK {
				fmt.Println("client: got", reply[0])
				break
			}
			<-again.C
		}
	}
	status, reply, err := c.ask(ctx, "titanic.reply", ids[0])
	if err != nil {
		return err
	}
	fmt.Println("client: once more:", status, reply[0])
	if _, _, err := c.ask(ctx, "titanic.close", ids[0]); err != nil {
		return err
	}
	status, _, err = c.ask(ctx, "titanic.reply", ids[0])
	fmt.Println("client: closed, and once more:", status)
	return err
}
