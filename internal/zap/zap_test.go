package zap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// frames makes frames of texts.
func frames(texts ...string) [][]byte {
	all := make([][]byte, len(texts))
	for i, text := range texts {
		all[i] = []byte(text)
	}
	return all
}

func equal(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// What libzmq 4.3.4 asks a handler, as zap-null-200, plain-200 and
// curve-rep-req-zap200 among the vectors of the mechanisms have it.
func TestRequestsAreThoseOfLibzmq(t *testing.T) {
	for name, c := range map[string]struct {
		request Request
		want    [][]byte
	}{
		"NULL": {
			Request{Domain: "dom", Address: "127.0.0.1", Mechanism: "NULL"},
			frames("", "1.0", "1", "dom", "127.0.0.1", "", "NULL"),
		},
		"PLAIN": {
			Request{Domain: "dom", Address: "127.0.0.1", Mechanism: "PLAIN", Credentials: frames("admin", "secret")},
			frames("", "1.0", "1", "dom", "127.0.0.1", "", "PLAIN", "admin", "secret"),
		},
		"PLAIN without a domain, user and password": {
			Request{Address: "::1", Mechanism: "PLAIN", Credentials: frames("", "")},
			frames("", "1.0", "1", "", "::1", "", "PLAIN", "", ""),
		},
		"CURVE, by a socket with a routing id": {
			Request{Domain: "dom", Address: "localhost:0:0:1", Identity: []byte("me"), Mechanism: "CURVE", Credentials: frames("\x8d\x28")},
			frames("", "1.0", "1", "dom", "localhost:0:0:1", "me", "CURVE", "\x8d\x28"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := AppendRequest(nil, &c.request)
			if !equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			again, id, err := ParseRequest(got[1:])
			if err != nil || string(id) != "1" || !equal(AppendRequest(nil, &again), c.want) {
				t.Errorf("read again: %q with id %q, %v", AppendRequest(nil, &again), id, err)
			}
		})
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	for name, b := range map[string][][]byte{
		"nothing":                     nil,
		"a frame too few":             frames("1.0", "1", "dom", "127.0.0.1", ""),
		"another version":             frames("2.0", "1", "dom", "127.0.0.1", "", "NULL"),
		"an empty frame before it":    frames("", "1.0", "1", "dom", "127.0.0.1", "", "NULL"),
		"a version with more than it": frames("1.0 ", "1", "dom", "127.0.0.1", "", "NULL"),
	} {
		if _, _, err := ParseRequest(b); !errors.Is(err, ErrRequest) {
			t.Errorf("%s: got %v, want %v", name, err, ErrRequest)
		}
	}
}

func TestAReplyIsRead(t *testing.T) {
	for _, want := range []Reply{
		{Status: StatusOK, Text: "OK", UserID: "joe", Metadata: []byte("\x01a\x00\x00\x00\x01b")},
		{Status: StatusOK, UserID: strings.Repeat("u", 300)},
		{Status: StatusTemporary},
		{Status: StatusDenied, Text: "no", UserID: "a\x00b"},
		{Status: StatusInternal},
	} {
		b := append([][]byte{{}}, AppendReply(nil, []byte("1"), &want)...)
		got, err := ParseReply(b)
		if err != nil || got.Status != want.Status || got.Text != want.Text || got.UserID != want.UserID ||
			!bytes.Equal(got.Metadata, want.Metadata) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

// The order is libzmq's: see which of two faults is reported.
func TestTheFirstFaultOfAReplyIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		reply [][]byte
		want  error
	}{
		"no frames":                       {nil, ErrFrames},
		"a frame too few":                 {frames("", "1.0", "1", "200", "", ""), ErrFrames},
		"a frame too many":                {frames("", "1.0", "1", "200", "", "", "", ""), ErrFrames},
		"a frame too many, all else bad":  {frames("x", "2.0", "2", "x", "", "", "", ""), ErrFrames},
		"a first frame that is not empty": {frames("x", "1.0", "1", "200", "", "", ""), ErrDelimiter},
		"that, and all else bad":          {frames("x", "2.0", "2", "x", "", "", ""), ErrDelimiter},
		"another version":                 {frames("", "1.1", "1", "200", "", "", ""), ErrVersion},
		"no version":                      {frames("", "", "1", "200", "", "", ""), ErrVersion},
		"another version and id":          {frames("", "2.0", "2", "x", "", "", ""), ErrVersion},
		"another id":                      {frames("", "1.0", "2", "200", "", "", ""), ErrRequestID},
		"no id":                           {frames("", "1.0", "", "200", "", "", ""), ErrRequestID},
		"another id, no status":           {frames("", "1.0", "2", "x", "", "", ""), ErrRequestID},
		"no status":                       {frames("", "1.0", "1", "", "", "", ""), ErrStatus},
		"a status of two digits":          {frames("", "1.0", "1", "20", "", "", ""), ErrStatus},
		"a status of four digits":         {frames("", "1.0", "1", "2000", "", "", ""), ErrStatus},
		"a status below":                  {frames("", "1.0", "1", "100", "", "", ""), ErrStatus},
		"a status above":                  {frames("", "1.0", "1", "600", "", "", ""), ErrStatus},
		"a status between":                {frames("", "1.0", "1", "201", "", "", ""), ErrStatus},
		"another status between":          {frames("", "1.0", "1", "350", "", "", ""), ErrStatus},
		"a status that is no number":      {frames("", "1.0", "1", "x00", "", "", ""), ErrStatus},
		"a status before the digits":      {frames("", "1.0", "1", "\x0200", "", "", ""), ErrStatus},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ParseReply(c.reply); err != c.want || got.Status != 0 {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestAReplyWithoutAStatusIsAMistakeOfTheHandler(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a reply without a status was written")
		}
	}()
	AppendReply(nil, nil, &Reply{})
}

func TestARequestIsPrintedWithoutItsCredentials(t *testing.T) {
	r := Request{Domain: "dom", Address: "10.0.0.1", Mechanism: "PLAIN", Credentials: frames("admin", "secret")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, r), fmt.Sprintf(verb, &r)} {
			for _, secret := range []string{"secret", "736563726574", "115 101 99", "0x73, 0x65"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s shows the password: %s", verb, text)
				}
			}
			if !strings.Contains(text, "10.0.0.1") {
				t.Errorf("%s does not tell who it is about: %s", verb, text)
			}
		}
	}
	if text, err := json.Marshal(r); err != nil || bytes.Contains(text, []byte("c2VjcmV0")) {
		t.Errorf("JSON shows the password: %s, %v", text, err)
	}
}
