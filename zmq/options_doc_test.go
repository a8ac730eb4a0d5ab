package zmq_test

import (
	"encoding"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"zeromux/zmq"
)

// This file holds docs/options.md to the code.

// libzmqs are the numbers and names of libzmq's options, of sockets and of
// contexts.
const libzmqs = `
4 AFFINITY 5 ROUTING_ID 6 SUBSCRIBE 7 UNSUBSCRIBE 8 RATE 9 RECOVERY_IVL 11 SNDBUF 12 RCVBUF 13 RCVMORE 14 FD
15 EVENTS 16 TYPE 17 LINGER 18 RECONNECT_IVL 19 BACKLOG 21 RECONNECT_IVL_MAX 22 MAXMSGSIZE 23 SNDHWM 24 RCVHWM
25 MULTICAST_HOPS 27 RCVTIMEO 28 SNDTIMEO 31 IPV4ONLY 32 LAST_ENDPOINT 33 ROUTER_MANDATORY 34 TCP_KEEPALIVE
35 TCP_KEEPALIVE_CNT 36 TCP_KEEPALIVE_IDLE 37 TCP_KEEPALIVE_INTVL 38 TCP_ACCEPT_FILTER 39 IMMEDIATE
40 XPUB_VERBOSE 41 ROUTER_RAW 42 IPV6 43 MECHANISM 44 PLAIN_SERVER 45 PLAIN_USERNAME 46 PLAIN_PASSWORD
47 CURVE_SERVER 48 CURVE_PUBLICKEY 49 CURVE_SECRETKEY 50 CURVE_SERVERKEY 51 PROBE_ROUTER 52 REQ_CORRELATE
53 REQ_RELAXED 54 CONFLATE 55 ZAP_DOMAIN 56 ROUTER_HANDOVER 57 TOS 58 IPC_FILTER_PID 59 IPC_FILTER_UID
60 IPC_FILTER_GID 61 CONNECT_ROUTING_ID 62 GSSAPI_SERVER 63 GSSAPI_PRINCIPAL 64 GSSAPI_SERVICE_PRINCIPAL
65 GSSAPI_PLAINTEXT 66 HANDSHAKE_IVL 68 SOCKS_PROXY 69 XPUB_NODROP 71 XPUB_MANUAL 72 XPUB_WELCOME_MSG
73 STREAM_NOTIFY 74 INVERT_MATCHING 75 HEARTBEAT_IVL 76 HEARTBEAT_TTL 77 HEARTBEAT_TIMEOUT 78 XPUB_VERBOSER
79 CONNECT_TIMEOUT 80 TCP_MAXRT 81 THREAD_SAFE 84 MULTICAST_MAXTPDU 85 VMCI_BUFFER_SIZE 86 VMCI_BUFFER_MIN_SIZE
87 VMCI_BUFFER_MAX_SIZE 88 VMCI_CONNECT_TIMEOUT 89 USE_FD 90 GSSAPI_PRINCIPAL_NAMETYPE
91 GSSAPI_SERVICE_PRINCIPAL_NAMETYPE 92 BINDTODEVICE 93 ZAP_ENFORCE_DOMAIN 94 LOOPBACK_FASTPATH 95 METADATA
96 MULTICAST_LOOP 97 ROUTER_NOTIFY 98 XPUB_MANUAL_LAST_VALUE 99 SOCKS_USERNAME 100 SOCKS_PASSWORD
101 IN_BATCH_SIZE 102 OUT_BATCH_SIZE 103 WSS_KEY_PEM 104 WSS_CERT_PEM 105 WSS_TRUST_PEM 106 WSS_HOSTNAME
107 WSS_TRUST_SYSTEM 108 ONLY_FIRST_SUBSCRIBE 109 RECONNECT_STOP 110 HELLO_MSG 111 DISCONNECT_MSG 112 PRIORITY
113 BUSY_POLL 114 HICCUP_MSG 115 XSUB_VERBOSE_UNSUBSCRIBE 116 TOPICS_COUNT 117 NORM_MODE 118 NORM_UNICAST_NACK
119 NORM_BUFFER_SIZE 120 NORM_SEGMENT_SIZE 121 NORM_BLOCK_SIZE 122 NORM_NUM_PARITY 123 NORM_NUM_AUTOPARITY
124 NORM_PUSH
context
1 IO_THREADS 2 MAX_SOCKETS 3 SOCKET_LIMIT 3 THREAD_PRIORITY 4 THREAD_SCHED_POLICY 5 MAX_MSGSZ 6 MSG_T_SIZE
7 THREAD_AFFINITY_CPU_ADD 8 THREAD_AFFINITY_CPU_REMOVE 9 THREAD_NAME_PREFIX 10 ZERO_COPY_RECV 42 IPV6 70 BLOCKY
`

// optionRow is a row of docs/options.md.
type optionRow struct {
	libzmq   string   // "4 AFFINITY"; empty: an option that libzmq has not
	names    []string // what it is here; none: there is only a statement
	says     string   // the statement
	standard string   // the default
	values   string
	tests    []string
}

// optionTables reads the tables of docs/options.md by their headings.
func optionTables(t *testing.T) map[string][]optionRow {
	t.Helper()
	text, err := os.ReadFile("../docs/options.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := make(map[string][]optionRow)
	heading := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = title
		}
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| nr ") || strings.HasPrefix(line, "| here ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		row := optionRow{}
		if len(cells) == 8 {
			row.libzmq, cells = cells[0]+" "+cells[1], cells[2:]
		}
		if len(cells) != 6 {
			t.Fatalf("a row of %d cells: %s", len(cells), line)
		}
		if quoted := regexp.MustCompile("`([^`]+)`"); strings.HasPrefix(cells[0], "`") {
			for _, name := range quoted.FindAllStringSubmatch(cells[0], -1) {
				row.names = append(row.names, name[1])
			}
		} else {
			row.says = cells[0]
		}
		row.standard, row.values = cells[2], cells[3]
		row.tests = strings.Fields(strings.NewReplacer("`", "", ",", " ").Replace(cells[5]))
		tables[heading] = append(tables[heading], row)
	}
	return tables
}

func TestTheListOfOptions(t *testing.T) {
	t.Setenv("ZEROMUX_MULTIPLEXER", "") // which stands in for a default
	tables := optionTables(t)
	ofSockets, ofContexts, own := tables["Options of sockets"], tables["Options of contexts"], tables["Here alone"]

	t.Run("has every option of libzmq", func(t *testing.T) {
		sockets, contexts, _ := strings.Cut(libzmqs, "context")
		hasAll(t, sockets, ofSockets)
		hasAll(t, contexts, ofContexts)
	})
	all := slices.Concat(ofSockets, ofContexts, own)
	t.Run("has every field", func(t *testing.T) {
		listed := make(map[string]bool)
		for _, row := range all {
			for _, name := range row.names {
				listed[name] = true
			}
		}
		for name := range leaves(reflect.TypeFor[zmq.Config](), "Config") {
			if !listed[name] {
				t.Errorf("%s is not in it", name)
			}
		}
		for name := range leaves(reflect.TypeFor[zmq.ContextConfig](), "ContextConfig") {
			if !listed[name] {
				t.Errorf("%s is not in it", name)
			}
		}
	})
	exported := exportedNames(t)
	for _, row := range all {
		t.Run(row.libzmq+" "+strings.Join(row.names, " "), func(t *testing.T) {
			if len(row.names) == 0 && !strings.HasPrefix(row.says, "none: ") && !strings.HasPrefix(row.says, "not yet: ") {
				t.Errorf("it says %q", row.says)
			}
			if len(row.names) > 0 && len(row.tests) == 0 {
				t.Error("no test shows what it does")
			}
			for _, test := range row.tests {
				if !hasTest(t, test) {
					t.Errorf("there is no test %s", test)
				}
			}
			for _, name := range row.names {
				switch first, field, _ := strings.Cut(name, "."); first {
				case "Config":
					checkField(t, socketFields{t}, field, row)
				case "ContextConfig":
					checkField(t, contextFields{t}, field, row)
				default:
					if !exported[name] {
						t.Errorf("there is no %s", name)
					}
				}
			}
		})
	}
}

// hasAll compares the numbers and names of rows with those of libzmq.
func hasAll(t *testing.T, want string, rows []optionRow) {
	t.Helper()
	words := strings.Fields(want)
	var wanted, got []string
	for i := 0; i < len(words); i += 2 {
		wanted = append(wanted, words[i]+" "+words[i+1])
	}
	for _, row := range rows {
		if len(got) == 0 || got[len(got)-1] != row.libzmq {
			got = append(got, row.libzmq)
		}
	}
	for i := range max(len(wanted), len(got)) {
		if i >= len(wanted) || i >= len(got) || wanted[i] != got[i] {
			t.Fatalf("row %d: libzmq has %q, the list %q", i, wanted[min(i, len(wanted)):min(i+1, len(wanted))], got[min(i, len(got)):min(i+1, len(got))])
		}
	}
}

// leaves are the fields of a struct that are no structs, by name.
func leaves(typ reflect.Type, prefix string) map[string]reflect.Type {
	found := make(map[string]reflect.Type)
	for i := range typ.NumField() {
		f := typ.Field(i)
		name := prefix + "." + f.Name
		if f.Type.Kind() == reflect.Struct && !f.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
			for name, typ := range leaves(f.Type, name) {
				found[name] = typ
			}
			continue
		}
		found[name] = f.Type
	}
	return found
}

// fields is a configuration that a test can try values of.
type fields interface {
	// standard is the configuration of a new socket or context, defaults written out.
	standard() reflect.Value
	// try makes one with a configuration and returns it as it came to be.
	try(change func(config reflect.Value)) (reflect.Value, error)
}

type socketFields struct{ t *testing.T }

func (f socketFields) standard() reflect.Value {
	c := zmq.NewContext(nil)
	defer term(f.t, c)
	s := newSocket(f.t, c, zmq.PUSH, nil)
	return reflect.ValueOf(s.Effective())
}

// try makes sockets of every type until one takes it, and changes another that is
// there.
func (f socketFields) try(change func(config reflect.Value)) (got reflect.Value, err error) {
	c := newContext(f.t)
	for _, typ := range allTypes {
		var config zmq.Config
		change(reflect.ValueOf(&config).Elem())
		live := newSocket(f.t, c, typ, nil)
		changed := live.Configure(func(c *zmq.Config) { change(reflect.ValueOf(c).Elem()) })
		s, failed := c.NewSocket(typ, &config)
		if (changed == nil) != (failed == nil) || changed == nil && !reflect.DeepEqual(live.Effective(), s.Effective()) {
			f.t.Errorf("%v: a new socket says %v, a live one %v", typ, failed, changed)
		}
		if err = failed; err == nil {
			return reflect.ValueOf(s.Config()), nil
		}
		if !reflect.DeepEqual(live.Config(), zmq.Config{}) {
			f.t.Errorf("%v: the live socket has changed", typ)
		}
	}
	return reflect.Value{}, err
}

type contextFields struct{ t *testing.T }

func (f contextFields) standard() reflect.Value {
	c := zmq.NewContext(nil)
	defer term(f.t, c)
	return reflect.ValueOf(c.Config())
}

func (f contextFields) try(change func(config reflect.Value)) (reflect.Value, error) {
	var config zmq.ContextConfig
	change(reflect.ValueOf(&config).Elem())
	c := zmq.NewContext(&config)
	defer term(f.t, c)
	s, err := c.NewSocket(zmq.PAIR, nil)
	if err != nil {
		return reflect.Value{}, err
	}
	return reflect.ValueOf(c.Config()), s.Close()
}

// companions set what a field does not go without.
var companions = map[string]func(*zmq.Config){
	"Security.Curve.Server":        func(c *zmq.Config) { c.Security.Curve.SecretKey = ownKey },
	"Security.Plain.StandardError": func(c *zmq.Config) { c.Security.Plain.Server = true },
}

// ownKey is a secret key.
var ownKey = func() zmq.CurveSecretKey {
	_, key, err := zmq.NewCurveKeyPair()
	if err != nil {
		panic(err)
	}
	return key
}()

// checkField holds a row to a field: its default, its bounds, and that a value is
// kept.
func checkField(t *testing.T, of fields, field string, row optionRow) {
	t.Helper()
	path := strings.Split(field, ".")
	at := func(config reflect.Value) reflect.Value {
		for _, name := range path {
			if config = config.FieldByName(name); !config.IsValid() {
				t.Fatalf("there is no field %s", field)
			}
		}
		return config
	}
	standard := at(of.standard())
	if got := wordsOf(standard); got != row.standard && row.standard != "the interval" {
		if d, err := time.ParseDuration(row.standard); err != nil || standard.Type() != reflect.TypeFor[time.Duration]() || time.Duration(standard.Int()) != d {
			t.Errorf("%s is %s by default, the list says %q", field, got, row.standard)
		}
	}
	// with tries a value and reports what came of it.
	with := func(value any) error {
		got, err := of.try(func(config reflect.Value) {
			if along := companions[field]; along != nil && !reflect.ValueOf(value).IsZero() {
				along(config.Addr().Interface().(*zmq.Config))
			}
			f := at(config)
			f.Set(reflect.ValueOf(value).Convert(f.Type()))
		})
		if err == nil && !reflect.ValueOf(value).IsZero() && !reflect.DeepEqual(at(got).Interface(), reflect.ValueOf(value).Convert(standard.Type()).Interface()) {
			t.Errorf("%s is %v, %v was put there", field, at(got), value)
		}
		return err
	}
	accepts := func(value any) {
		t.Helper()
		if err := with(value); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", field, err)
		}
	}
	refuses := func(value any, bounds ...string) {
		t.Helper()
		err := with(value)
		if !is(err, zmq.ErrInvalid) || !containsText(err, "Config."+field) {
			t.Errorf("%s, %.30v: got %v, want ErrInvalid and the name", field, value, err)
		}
		for _, bound := range bounds {
			if !containsText(err, bound) {
				t.Errorf("%v does not tell the range, %s", err, bound)
			}
		}
	}
	switch standard.Kind() {
	case reflect.Bool:
		if row.values != "on, off" {
			t.Errorf("%s is on or off, the list says %q", field, row.values)
		}
		accepts(true)
		accepts(false)
	case reflect.String:
		var most int
		if n, _ := fmt.Sscanf(row.values, "0 to %d octets", &most); n == 1 {
			accepts(strings.Repeat("x", most))
			refuses(strings.Repeat("x", most+1), strconv.Itoa(most))
		}
	case reflect.Int, reflect.Int64:
		least, most, bounded := boundsOf(t, row.values, standard.Type())
		accepts(least)
		refuses(least-1, rangeWords(least, standard.Type()))
		if bounded {
			accepts(most)
			refuses(most+1, rangeWords(least, standard.Type()), rangeWords(most, standard.Type()))
		}
	}
}

// wordsOf writes a value as the list does.
func wordsOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return map[bool]string{true: "on", false: "off"}[v.Bool()]
	case reflect.String, reflect.Slice, reflect.Map, reflect.Pointer, reflect.Func:
		if v.IsZero() {
			return "none"
		}
	case reflect.Struct, reflect.Array:
		if v.IsZero() {
			return "none"
		}
	case reflect.Int64:
		if v.Type() == reflect.TypeFor[time.Duration]() && v.Int() == int64(zmq.Forever) {
			return "Forever"
		}
	}
	return fmt.Sprint(v.Interface())
}

// boundsOf reads "LEAST to MOST" and "LEAST or more".
func boundsOf(t *testing.T, text string, typ reflect.Type) (least, most int64, bounded bool) {
	t.Helper()
	low, high, bounded := strings.Cut(text, " to ")
	if !bounded {
		var found bool
		if low, found = strings.CutSuffix(text, " or more"); !found {
			t.Fatalf("%q is no range", text)
		}
	}
	read := func(text string) int64 {
		if typ == reflect.TypeFor[time.Duration]() {
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			return int64(d)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if bounded {
		most = read(high)
	}
	return read(low), most, bounded
}

// rangeWords writes a bound as errors do.
func rangeWords(n int64, typ reflect.Type) string {
	if typ == reflect.TypeFor[time.Duration]() {
		return time.Duration(n).String()
	}
	return strconv.FormatInt(n, 10)
}

// exportedNames are those of package zmq: "Name", and "Type.Method".
func exportedNames(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	eachDeclaration(t, ".", func(name string) bool { return !strings.HasSuffix(name, "_test.go") }, func(d ast.Decl) {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				typ := d.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				name = fmt.Sprint(typ) + "." + name
			}
			names[name] = true
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if values, ok := spec.(*ast.ValueSpec); ok {
					for _, name := range values.Names {
						names[name.Name] = true
					}
				}
			}
		}
	})
	return names
}

// testsOf are the tests of each folder that was asked for.
var testsOf = make(map[string]map[string]bool)

// hasTest reports whether a folder has a test: "internal/engine.TestX". Files of
// every system count.
func hasTest(t *testing.T, name string) bool {
	t.Helper()
	folder, test, _ := strings.Cut(name, ".")
	if testsOf[folder] == nil {
		tests := make(map[string]bool)
		eachDeclaration(t, filepath.Join("..", folder), func(name string) bool { return strings.HasSuffix(name, "_test.go") }, func(d ast.Decl) {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				tests[f.Name.Name] = true
			}
		})
		testsOf[folder] = tests
	}
	return strings.HasPrefix(test, "Test") && testsOf[folder][test]
}

// eachDeclaration reads the files of a folder.
func eachDeclaration(t *testing.T, folder string, wanted func(name string) bool, look func(ast.Decl)) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || !wanted(entry.Name()) || entry.Type()&fs.ModeType != 0 {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, entry.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			look(d)
		}
	}
}
