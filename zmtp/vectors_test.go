package zmtp

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A vector is one recorded conversation; testdata/README.md explains the fields.
type vector struct {
	Name          string         `json:"name"`
	Pattern       string         `json:"pattern"`
	Scripted      string         `json:"scripted"`
	ServerOptions map[string]any `json:"server_options"`
	ClientOptions map[string]any `json:"client_options"`
	Options       map[string]any `json:"options"`
	Steps         []struct {
		Dir  string `json:"dir"`
		Hex  string `json:"hex"`
		What string `json:"what"`
	} `json:"steps"`
}

// A direction is what one side of a vector sent, and what is known of that side.
type direction struct {
	name    string // vector/direction
	units   []unit
	libzmq  bool   // not scripted
	socket  string // type of the socket, where it is libzmq's
	options map[string]any
	peer    *direction // the other one
}

// A unit is a recorded step: a greeting, a frame, or what one read brought.
type unit struct {
	what   string
	octets []byte
}

// vectorFiles is how many files each folder holds. A vector that is added or lost
// without a change here fails the tests.
var vectorFiles = map[string]int{"base": 27, "older": 15, "odd": 38}

// directions returns both directions of every vector.
func directions(tb testing.TB) []*direction {
	tb.Helper()
	var all []*direction
	folders, err := os.ReadDir("testdata/vectors")
	if err != nil {
		tb.Fatal(err)
	}
	if len(folders) != len(vectorFiles) {
		tb.Fatalf("got %d folders of vectors, want %d", len(folders), len(vectorFiles))
	}
	for folder, want := range vectorFiles {
		files, err := filepath.Glob(filepath.Join("testdata/vectors", folder, "*.json"))
		if err != nil {
			tb.Fatal(err)
		}
		if len(files) != want {
			tb.Fatalf("%s: got %d vectors, want %d", folder, len(files), want)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				tb.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				tb.Fatalf("%s: %v", file, err)
			}
			if v.Name+".json" != filepath.Base(file) {
				tb.Fatalf("%s calls itself %q", file, v.Name)
			}
			all = append(all, v.directions(tb)...)
		}
	}
	return all
}

var (
	bothPattern = regexp.MustCompile(`^(\w+) \(binds\) <- (\w+) \(connects\)$`)
	onePattern  = regexp.MustCompile(`^(\w+) is libzmq; the (?:client|server) is scripted$`)
)

func (v *vector) directions(tb testing.TB) []*direction {
	tb.Helper()
	client := &direction{name: v.Name + "/c2s", libzmq: v.Scripted != "c2s", options: v.Options}
	server := &direction{name: v.Name + "/s2c", libzmq: v.Scripted != "s2c", options: v.Options}
	client.peer, server.peer = server, client
	if m := bothPattern.FindStringSubmatch(v.Pattern); m != nil && v.Scripted == "" {
		server.socket, client.socket = m[1], m[2]
		server.options, client.options = v.ServerOptions, v.ClientOptions
	} else if m := onePattern.FindStringSubmatch(v.Pattern); m != nil && v.Scripted != "" {
		server.socket, client.socket = m[1], m[1]
	} else {
		tb.Fatalf("%s: pattern %q with scripted %q", v.Name, v.Pattern, v.Scripted)
	}
	for _, step := range v.Steps {
		octets, err := hex.DecodeString(step.Hex)
		if err != nil {
			tb.Fatalf("%s: %v", v.Name, err)
		}
		if (len(octets) == 0) != (step.What == "end of stream") {
			tb.Fatalf("%s: step %q has %d octets", v.Name, step.What, len(octets))
		}
		if len(octets) == 0 {
			continue
		}
		switch step.Dir {
		case "c2s":
			client.units = append(client.units, unit{step.What, octets})
		case "s2c":
			server.units = append(server.units, unit{step.What, octets})
		default:
			tb.Fatalf("%s: direction %q", v.Name, step.Dir)
		}
	}
	return []*direction{client, server}
}

// stream returns all octets of the direction.
func (d *direction) stream() []byte {
	var b []byte
	for _, u := range d.units {
		b = append(b, u.octets...)
	}
	return b
}

// option returns a text option of the side that sent this direction.
func (d *direction) option(name string) string {
	text, _ := d.options[name].(string)
	return strings.TrimPrefix(text, "hex:")
}

// limit is the limit of frames at the side that received this direction.
func (d *direction) limit() int64 {
	if n, ok := d.peer.options["MAXMSGSIZE"].(float64); ok && d.peer.libzmq {
		return int64(n)
	}
	return -1
}

// version is in whose terms the direction is to be read. Each side speaks as its
// own octets say, but libzmq goes down to an older peer.
func (d *direction) version(tb testing.TB) Version {
	tb.Helper()
	if peer, err := Detect(d.peer.stream()); err == nil && d.libzmq && peer < V30 {
		return peer
	}
	own, err := Detect(d.stream())
	if err != nil {
		tb.Fatalf("%s: %v", d.name, err)
	}
	return own
}

// A transcript is what came of reading a direction.
type transcript struct {
	greeting []byte
	frames   []Frame
	ends     []int // where each frame ended in the stream
	err      error
	inFrame  bool // the stream ended within a frame
}

// read takes the stream of a direction in segments of at most size octets, as an
// engine would: the greeting first, then frames by a Decoder.
func read(tb testing.TB, stream []byte, version Version, limit int64, size int) transcript {
	tb.Helper()
	var t transcript
	d := NewDecoder(version, limit)
	at := 0
	for rest := stream; len(rest) > 0; {
		segment := rest[:min(size, len(rest))]
		rest = rest[len(segment):]
		n := min(len(segment), version.GreetingSize()-len(t.greeting))
		t.greeting = append(t.greeting, segment[:n]...)
		at += n
		for segment = segment[n:]; len(segment) > 0; {
			f, n, err := d.Next(segment)
			segment = segment[n:]
			at += n
			if err == ErrShort {
				break
			}
			if err != nil {
				t.err = err
				return t
			}
			t.frames = append(t.frames, Frame{f.Flags, append([]byte{}, f.Body...)})
			t.ends = append(t.ends, at)
		}
	}
	t.err = ErrShort
	t.inFrame = d.inBody || d.nhead > 0
	return t
}
