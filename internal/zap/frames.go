package zap

import (
	"errors"
	"fmt"
)

// version and requestID stand in every request. There is one request under way on a
// connection, so that libzmq gives all of them the same id, and so do we.
const (
	version   = "1.0"
	requestID = "1"
)

// Frames of a request as the handler sees them: those before the credentials.
const requestFrames = 6

// replyFrames is how many frames a reply has for the asker, the empty one included.
const replyFrames = 7

// ErrRequest: the frames are not those of a request. It is for handlers.
var ErrRequest = errors.New("malformed ZAP request")

// The ways in which a reply can be wrong, in the order in which [ParseReply] looks
// for them. Whether the metadata can be read is for who knows their encoding.
// libzmq: ZMQ_PROTOCOL_ERROR_ZAP_*.
var (
	// ErrFrames: not seven of them, with the empty one.
	ErrFrames = errors.New("ZAP reply with a wrong number of frames")
	// ErrDelimiter: the first frame is not empty.
	ErrDelimiter = errors.New("ZAP reply without an empty frame before it")
	// ErrVersion: another version than 1.0.
	ErrVersion = errors.New("ZAP reply of another version")
	// ErrRequestID: the answer to another question.
	ErrRequestID = errors.New("ZAP reply to another request")
	// ErrStatus: a status that is none of 200, 300, 400 and 500.
	ErrStatus = errors.New("ZAP reply with an impossible status")
)

// The side that asks sees an empty frame before each request and each reply, as
// DEALER does. To the handler a REP shows none, and of what a ROUTER shows it cuts
// off everything up to the empty frame, and puts it back before the reply.

// AppendRequest appends the frames of a request for the side that asks. Those of
// the credentials and the identity are r's own, not copies.
func AppendRequest(frames [][]byte, r *Request) [][]byte {
	frames = append(frames, nil, []byte(version), []byte(requestID),
		[]byte(r.Domain), []byte(r.Address), r.Identity, []byte(r.Mechanism))
	return append(frames, r.Credentials...)
}

// ParseRequest reads the frames of a request for the handler, and returns the id
// that its reply must have. It returns ErrRequest for frames that are none. What
// the request has of octets lies in the frames.
func ParseRequest(frames [][]byte) (r Request, id []byte, err error) {
	if len(frames) < requestFrames || string(frames[0]) != version {
		return Request{}, nil, ErrRequest
	}
	return Request{
		Domain:      string(frames[2]),
		Address:     string(frames[3]),
		Identity:    frames[4],
		Mechanism:   string(frames[5]),
		Credentials: frames[requestFrames:len(frames):len(frames)],
	}, frames[1], nil
}

// AppendReply appends the frames of a reply for the handler, with the id of the
// request. It panics for a status that no reply can have: a handler that has none
// means [StatusInternal].
func AppendReply(frames [][]byte, id []byte, r *Reply) [][]byte {
	if !isStatus(r.Status) {
		panic(fmt.Sprintf("zap: status %d", r.Status))
	}
	return append(frames, []byte(version), id,
		[]byte(fmt.Sprint(r.Status)), []byte(r.Text), []byte(r.UserID), r.Metadata)
}

// ParseReply reads the frames of a reply for the side that asked with
// AppendRequest. The first thing that is wrong decides on the error: ErrFrames,
// ErrDelimiter, ErrVersion, ErrRequestID, ErrStatus. The metadata lie in the
// frames.
func ParseReply(frames [][]byte) (Reply, error) {
	switch {
	case len(frames) != replyFrames:
		return Reply{}, ErrFrames
	case len(frames[0]) > 0:
		return Reply{}, ErrDelimiter
	case string(frames[1]) != version:
		return Reply{}, ErrVersion
	case string(frames[2]) != requestID:
		return Reply{}, ErrRequestID
	}
	status, ok := parseStatus(frames[3])
	if !ok {
		return Reply{}, ErrStatus
	}
	return Reply{
		Status:   status,
		Text:     string(frames[4]),
		UserID:   string(frames[5]),
		Metadata: frames[6],
	}, nil
}

// parseStatus reads one of the four statuses.
func parseStatus(b []byte) (status int, ok bool) {
	if len(b) != 3 || b[1] != '0' || b[2] != '0' {
		return 0, false
	}
	status = int(b[0]-'0') * 100
	return status, isStatus(status)
}

func isStatus(status int) bool {
	switch status {
	case StatusOK, StatusTemporary, StatusDenied, StatusInternal:
		return true
	}
	return false
}
