package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"zeromux/zmq"
)

// What is said besides updates. 12/CHP "State Synchronization" and "Server-to-Client
// Updates".
const (
	wantSnapshot = "ICANHAZ?"
	endSnapshot  = "KTHXBAI"
	signOfLife   = "HUGZ"
)

// A change is a value that somebody has set. An empty value deletes the key.
type change struct {
	key, value string
	number     uint64        // in the order of the server; zero from a client
	id         string        // 16 random octets, or empty
	ttl        time.Duration // how long the value lives, in whole seconds; zero is for ever
}

// message is the five frames that carry a change, a snapshot's value, its end and a
// sign of life. The key comes first, and so a subscription to a key's beginning is
// one to a part of the map.
func (c change) message() zmq.Message {
	properties := ""
	if c.ttl > 0 {
		properties = fmt.Sprintf("ttl=%d\n", int(c.ttl.Seconds()))
	}
	number := binary.BigEndian.AppendUint64(nil, c.number)
	return zmq.NewMessage([]byte(c.key), number, []byte(c.id), []byte(properties), []byte(c.value))
}

var errMessage = errors.New("not a message of CHP")

func parseChange(m zmq.Message) (c change, err error) {
	if len(m.Frames) != 5 || len(m.Frames[1]) != 8 {
		return change{}, errMessage
	}
	c = change{
		key:    string(m.Frames[0]),
		number: binary.BigEndian.Uint64(m.Frames[1]),
		id:     string(m.Frames[2]),
		value:  string(m.Frames[4]),
	}
	for line := range strings.Lines(string(m.Frames[3])) {
		if text, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ttl="); found {
			seconds, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				return change{}, errMessage
			}
			c.ttl = time.Duration(seconds) * time.Second
		}
	}
	return c, nil
}
