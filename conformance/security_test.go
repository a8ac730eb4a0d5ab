package conformance

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"zeromux/internal/zmtptest"
	"zeromux/zmq"
	"zeromux/zmtp"
)

// securityVectors are the recorded conversations of PLAIN, CURVE and ZAP.
func securityVectors(t testing.TB) []*zmtptest.Vector {
	t.Helper()
	all, err := zmtptest.LoadVectors(filepath.Join("..", "internal", "mechanism", "testdata", "vectors"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// handle answers the questions of ZAP as the recorded handler did, and keeps them. What
// it said of the user is seen in the messages.
func (o *ours) handle() {
	var user, metadata []byte
	for _, call := range o.vector.API {
		if id := call.Metadata["User-Id"]; id != "" {
			user = []byte(id)
		}
		if value := call.Metadata["X-zap"]; value != "" {
			metadata = zmtp.AppendProperty(nil, "X-zap", []byte(value))
		}
	}
	handler, err := o.ctx.NewSocket(zmq.REP, nil)
	if err == nil {
		_, err = handler.Bind(zmq.ZAPEndpoint)
	}
	if err != nil {
		o.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := handler.Recv(context.Background())
			if err != nil {
				return
			}
			o.mu.Lock()
			o.asked = append(o.asked, slices.Clone(m.Frames))
			o.mu.Unlock()
			_ = handler.SendFrames(context.Background(), []byte("1.0"), m.Frames[1], []byte(o.vector.Status), nil, user, metadata)
		}
	}()
	stop := o.stop
	o.stop = func() {
		stop()
		<-done
	}
}

// checkQuestions compares what the handler was asked with what libzmq asked. Over a pipe
// the address is another.
func (o *ours) checkQuestions(w wire) {
	o.Helper()
	if !asServer(o.dir) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, want := range o.vector.ZAP[:min(len(o.vector.ZAP), 1)] { // more came from who connected anew
		if len(o.asked) == 0 {
			o.Error("nobody was asked")
			return
		}
		got := slices.Clone(o.asked[i])
		if w.name == "a pipe" {
			got[3] = want[3]
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			o.Errorf("asked %q, libzmq %q", got, want)
		}
	}
}

// sealedVectors need more than a replay, for both sides of CURVE draw keys anew each time:
// internal/mechanism opens their boxes. What a server does with a HELLO for another
// server is there to be seen all the same.
func isSealed(v *zmtptest.Vector, dir zmtptest.Direction) bool {
	return strings.HasPrefix(v.Name, "curve-") && (v.Name != "curve-wrong-server-key" || !asServer(dir))
}

// Our sockets say what libzmq's said with PLAIN, with ZAP and where mechanisms differ,
// octet for octet; they ask the same questions, and tell their monitors the same.
// RFC 24, RFC 27.
func TestSecureSocketsSayWhatLibzmqSaid(t *testing.T) {
	replayed, sealed := 0, 0
	for _, v := range securityVectors(t) {
		for _, dir := range []zmtptest.Direction{zmtptest.ClientToServer, zmtptest.ServerToClient} {
			switch {
			case v.Scripted == dir, v.Name == "plain-error-standard-form":
				continue // the last one has a test of its own
			case isSealed(v, dir):
				sealed++
				continue
			}
			replayed++
			for _, w := range wires {
				t.Run(fmt.Sprintf("%s/%s over %s", v.Name, dir, w.name), func(t *testing.T) {
					w.play(t, func(t *testing.T) { replay(t, v, dir, w) })
				})
			}
		}
	}
	if replayed != 30 || sealed != 18 {
		t.Errorf("%d sides replayed and %d of CURVE left out", replayed, sealed)
	}
}

// A client of PLAIN understands the ERROR of RFC 37 too. libzmq's takes it for a breach of
// the protocol.
func TestTheStandardErrorOfPlainIsUnderstood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, v := range securityVectors(t) {
			if v.Name != "plain-error-standard-form" {
				continue
			}
			o := newOurs(t, v, zmtptest.ClientToServer, wires[0].open)
			peer := zmtptest.NewPeer(wires[0].begin(o))
			if err := peer.Replay(v, zmtptest.ServerToClient); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			want := []zmtptest.Event{{Name: "HANDSHAKE_FAILED_AUTH", Value: 400}, {Name: "DISCONNECTED"}}
			if got := o.heard(); !slices.Equal(got, want) {
				t.Errorf("events %v, want %v", got, want)
			}
			_ = peer.Close()
			o.close()
			return
		}
		t.Error("there is no such vector")
	})
}
