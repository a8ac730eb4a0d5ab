package zmtptest

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Vector is a recorded conversation of libzmq, as zmtp/testdata/README.md explains
// it.
type Vector struct {
	Name      string
	Libzmq    string // the version that was recorded
	Transport string
	Note      string // what there is to see

	// Scripted is the direction that is not libzmq's; empty where both are.
	Scripted Direction

	Server, Client Side
	Steps          []Step
	API            []Call

	// ZAP is what a handler was asked, as a REP sees it, and Status what it said each
	// time. No handler: none.
	ZAP    [][][]byte
	Status string

	// Secrets are the secret keys of CURVE that were fixed, by whose they are:
	// "server", "client", "server_ephemeral", "client_ephemeral". Decoded is what was
	// in the boxes: texts are octets, but for names.
	Secrets map[string][]byte
	Decoded map[string]any

	// Outcome holds what was observed at the end, by its name in the file, such as
	// "libzmq_closed_connection" or "libzmq_reconnects". Not every file has each.
	Outcome map[string]bool
}

// Direction is one of the two streams of a connection.
type Direction string

// The directions, as the files call them.
const (
	ClientToServer Direction = "c2s" // from the connecting side to the binding side
	ServerToClient Direction = "s2c"
)

// Other returns the opposite direction.
func (d Direction) Other() Direction {
	if d == ClientToServer {
		return ServerToClient
	}
	return ClientToServer
}

// Side is what is known of one side of a conversation. Of one that was scripted
// nothing is.
type Side struct {
	Socket  string // libzmq's type of the socket, such as "PUSH"
	Options Options
	Events  []Event
}

// Event is something that a monitor of libzmq reported, such as HANDSHAKE_FAILED_PROTOCOL.
type Event struct {
	Name  string
	Value uint32
}

// Step is a recorded unit, and without octets the end of the stream.
type Step struct {
	Dir    Direction
	Octets []byte
	What   string // "greeting", "frame: message more, body 2", "end of stream"
}

// Call is what an application did with a libzmq socket.
type Call struct {
	Side   string // "server" or "client"
	Op     string // "send", "recv", or "recv-timeout": nothing came
	Frames [][]byte
	// Metadata are properties of a message that was received; those that it did
	// not have are empty.
	Metadata map[string]string
}

// Options are socket options by their names, as the files have them.
type Options map[string]any

// Number returns an option that is a number.
func (o Options) Number(name string) (n int, ok bool) {
	f, ok := o[name].(float64)
	return int(f), ok
}

// Texts returns the values of an option that is octets, of which SUBSCRIBE may have
// several.
func (o Options) Texts(name string) []string {
	var texts []string
	switch value := o[name].(type) {
	case string:
		texts = []string{value}
	case []any:
		for _, each := range value {
			text, _ := each.(string)
			texts = append(texts, text)
		}
	}
	for i, text := range texts {
		if digits, ok := strings.CutPrefix(text, "hex:"); ok {
			octets, _ := hex.DecodeString(digits) // readOptions has seen that they are
			texts[i] = string(octets)
		}
	}
	return texts
}

// Octets returns what was sent in a direction, unit by unit.
func (v *Vector) Octets(d Direction) [][]byte {
	var units [][]byte
	for _, step := range v.Steps {
		if step.Dir == d && len(step.Octets) > 0 {
			units = append(units, step.Octets)
		}
	}
	return units
}

// LoadVectors reads all vectors in a folder and in the folders below it, in the
// order of their paths.
func LoadVectors(folder string) ([]*Vector, error) {
	var all []*Vector
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		v, err := LoadVector(path)
		all = append(all, v)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s: no vectors", folder)
	}
	return all, err
}

// LoadVector reads a vector from a file.
func LoadVector(file string) (*Vector, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	v, err := parseVector(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// vectorFile is the form of a file. Fields of the outcome are read apart.
type vectorFile struct {
	Name          string    `json:"name"`
	Libzmq        string    `json:"libzmq"`
	Pattern       string    `json:"pattern"`
	Transport     string    `json:"transport"`
	Scripted      Direction `json:"scripted"`
	Note          string    `json:"note"`
	ServerOptions Options   `json:"server_options"`
	ClientOptions Options   `json:"client_options"`
	Options       Options   `json:"options"`
	Steps         []struct {
		Dir  Direction `json:"dir"`
		Hex  string    `json:"hex"`
		What string    `json:"what"`
	} `json:"steps"`
	API []struct {
		Side     string            `json:"side"`
		Op       string            `json:"op"`
		Frames   []string          `json:"frames"`
		Metadata map[string]string `json:"metadata"`
	} `json:"api"`
	Events any `json:"events"` // a text where nobody listened
	ZAP    struct {
		Requests [][]string `json:"requests"`
		Status   string     `json:"reply_status"`
	} `json:"zap"`
	Keys map[string]struct {
		Secret string `json:"secret_hex"`
	} `json:"keys"`
	Decoded map[string]any `json:"decoded"`
}

var (
	bothPattern = regexp.MustCompile(`^(\w+) \(binds\) <- (\w+) \(connects\)$`)
	onePattern  = regexp.MustCompile(`^(\w+) is libzmq; the (client|server) is scripted$`)
)

func parseVector(text []byte) (*Vector, error) {
	var f vectorFile
	var rest map[string]any
	if err := errors.Join(json.Unmarshal(text, &f), json.Unmarshal(text, &rest)); err != nil {
		return nil, err
	}
	v := &Vector{
		Name: f.Name, Libzmq: f.Libzmq, Transport: f.Transport, Note: f.Note,
		Scripted: f.Scripted, Outcome: make(map[string]bool),
		Status: f.ZAP.Status, Secrets: make(map[string][]byte), Decoded: f.Decoded,
	}
	for name, value := range rest {
		if yes, ok := value.(bool); ok {
			v.Outcome[name] = yes
		}
	}
	if err := errors.Join(v.readSides(&f), v.readEvents(f.Events), v.readSteps(&f), v.readAPI(&f), v.readSecurity(&f)); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *Vector) readSides(f *vectorFile) error {
	both, one := bothPattern.FindStringSubmatch(f.Pattern), onePattern.FindStringSubmatch(f.Pattern)
	switch {
	case both != nil && f.Scripted == "":
		v.Server = Side{Socket: both[1], Options: f.ServerOptions}
		v.Client = Side{Socket: both[2], Options: f.ClientOptions}
	case one != nil && one[2] == "client" && f.Scripted == ClientToServer:
		v.Server = Side{Socket: one[1], Options: f.Options}
	case one != nil && one[2] == "server" && f.Scripted == ServerToClient:
		v.Client = Side{Socket: one[1], Options: f.Options}
	default:
		return fmt.Errorf("pattern %q with scripted %q", f.Pattern, f.Scripted)
	}
	return nil
}

// readEvents reads what a monitor heard: lists of events by the name of the side.
func (v *Vector) readEvents(sides any) error {
	lists, _ := sides.(map[string]any)
	for name, list := range lists {
		side := &v.Server
		if name == "client" {
			side = &v.Client
		}
		events, _ := list.([]any)
		for _, each := range events {
			event, _ := each.(map[string]any)
			text, _ := event["event"].(string)
			value, err := parseValue(event["value"])
			if err != nil {
				return fmt.Errorf("event %q: %w", text, err)
			}
			side.Events = append(side.Events, Event{text, value})
		}
	}
	return nil
}

// parseValue reads the value of an event: a number, or hexadecimal as a string.
func parseValue(value any) (uint32, error) {
	switch value := value.(type) {
	case nil:
		return 0, nil
	case float64:
		return uint32(value), nil
	case string:
		n, err := strconv.ParseUint(value, 0, 32)
		return uint32(n), err
	}
	return 0, fmt.Errorf("no value: %v", value)
}

func (v *Vector) readSteps(f *vectorFile) error {
	for i, step := range f.Steps {
		octets, err := hex.DecodeString(step.Hex)
		switch {
		case err != nil:
			return fmt.Errorf("step %d: %w", i, err)
		case step.Dir != ClientToServer && step.Dir != ServerToClient:
			return fmt.Errorf("step %d: direction %q", i, step.Dir)
		case (len(octets) == 0) != (step.What == "end of stream"):
			return fmt.Errorf("step %d: %q with %d octets", i, step.What, len(octets))
		}
		v.Steps = append(v.Steps, Step{step.Dir, octets, step.What})
	}
	return nil
}

func (v *Vector) readSecurity(f *vectorFile) error {
	for i, request := range f.ZAP.Requests {
		frames, err := octetsOf(request)
		if err != nil {
			return fmt.Errorf("request %d: %w", i, err)
		}
		v.ZAP = append(v.ZAP, frames)
	}
	for name, pair := range f.Keys {
		secret, err := hex.DecodeString(pair.Secret)
		if err != nil {
			return fmt.Errorf("key %s: %w", name, err)
		}
		v.Secrets[name] = secret
	}
	return nil
}

// octetsOf reads a list of frames in hexadecimal.
func octetsOf(texts []string) (frames [][]byte, err error) {
	for _, text := range texts {
		octets, err := hex.DecodeString(text)
		if err != nil {
			return nil, err
		}
		frames = append(frames, octets)
	}
	return frames, nil
}

func (v *Vector) readAPI(f *vectorFile) error {
	for i, call := range f.API {
		c := Call{Side: call.Side, Op: call.Op, Metadata: call.Metadata}
		frames, err := octetsOf(call.Frames)
		if err != nil {
			return fmt.Errorf("api %d: %w", i, err)
		}
		c.Frames = frames
		v.API = append(v.API, c)
	}
	return nil
}
