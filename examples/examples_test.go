// Package examples_test runs every lesson as a user would.
package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// programs is the folder of the built lessons.
var programs string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) (code int) {
	var err error
	if programs, err = os.MkdirTemp("", "lessons"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programs)
	build := exec.Command("go", "build", "-o", programs+string(filepath.Separator), "./...")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build, err, output)
		return 1
	}
	return m.Run()
}

// lesson is the command of a lesson, which ends after a minute at most.
func lesson(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	cmd := exec.CommandContext(ctx, filepath.Join(programs, name), args...)
	cmd.Stderr = &strings.Builder{}
	return cmd
}

// said is what a lesson that ended well has printed.
func said(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	output, err := cmd.Output()
	if complaint := cmd.Stderr.(*strings.Builder).String(); err != nil || complaint != "" {
		t.Fatalf("%v\n%s%s", err, output, complaint)
	}
	return string(output)
}

// start starts a lesson that runs until it is interrupted, and returns the
// endpoint or address that the first line of its output ends in. The test ends
// it, and checks that it ends well.
func start(t *testing.T, name string, args ...string) (endpoint string) {
	t.Helper()
	line := startSaying(t, 1, name, args...)[0]
	return line[strings.LastIndexByte(line, ' ')+1:]
}

// startSaying is start that returns the first lines of the output.
func startSaying(t *testing.T, n int, name string, args ...string) (lines []string) {
	t.Helper()
	cmd := lesson(t, name, args...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	output := bufio.NewReader(stdout)
	t.Cleanup(func() {
		if runtime.GOOS == "windows" { // no process can be interrupted there
			cmd.Process.Kill()
			cmd.Wait()
			return
		}
		cmd.Process.Signal(os.Interrupt)
		io.Copy(io.Discard, output)
		if err := cmd.Wait(); err != nil || cmd.Stderr.(*strings.Builder).Len() > 0 {
			t.Errorf("%s, interrupted: %v\n%s", name, err, cmd.Stderr)
		}
	})
	for range n {
		line, err := output.ReadString('\n')
		if err != nil {
			t.Fatalf("%s said %q: %v", name, line, err)
		}
		lines = append(lines, line[:len(line)-1])
	}
	return lines
}

// lessons says what each lesson prints, as patterns for parts of its output.
var lessons = map[string][]string{
	"hello": {
		`^server: received Hello 1\n`,
		`client: received World, Hello 1\n(.*\n)*client: received World, Hello 5\n$`,
	},
	"weather": {
		`place 10001: -?\d+\.\d degrees on average of 20 reports\n`,
		`place 10002: -?\d+\.\d degrees on average of 20 reports\n`,
	},
	"workers": {
		`worker 1 did \d+ tasks\nworker 2 did \d+ tasks\nworker 3 did \d+ tasks\n`,
		`\n78498 primes below 1000000\n$`,
	},
	"broker": {
		`^(client [123]: service [12] says REQUEST [1-6] OF CLIENT [123]\n){18}$`,
		`service 1 says`, `service 2 says`,
		`client 3: service . says REQUEST 6 OF CLIENT 3\n`,
	},
	"proxy": {
		`proxy: somebody wants Berlin\n`, `proxy: somebody wants Bo\n`,
		`^(proxy: .*\n|subscriber to Bo: Bo(mbay|ston) news \d+\n|subscriber to Berlin: Berlin news \d+\n){12}$`,
		`(subscriber to Bo: .*\n(.*\n)*){5}`,
	},
	"lastvalue": {`^cache: knows 3 stocks\nlate subscriber: DEF stands at 103\n$`},
	"lazypirate": {
		`server: is busy with request 3\nclient: no reply to request 3\n`,
		`server: crashes at (request \d)\nclient: no reply to (request \d)\n`,
		`(client: received reply to request [1-7]\n(.*\n)*){7}`,
		`server: leaves\n(.*\n)*(client: no reply to request 8\n){3}client: the server seems to be gone, giving up\n$`,
	},
	"identity": {
		`^REQ "" arrives as \[00( [0-9a-f]{2}){4}\] \[\] \[hello\]\nREQ "" receives \[hello, REQ\]\n`,
		`\nREQ "Ada" arrives as \[Ada\] \[\] \[hello\]\n`,
		`\nDEALER "Bob" arrives as \[Bob\] \[hello\]\nDEALER "Bob" receives \[hello, DEALER\]\n`,
		`\nto Eve: true - nobody has that name\n$`,
	},
	"lbbroker": {`^quick worker: (2\d|3\d) requests\nslow worker: (1?\d) requests\n$`},
	"asyncsrv": {
		`^(client [123]: request [1-4]: step [1-4] of [1-4]\n){30}$`,
		`client 1: request 4: step 1 of 4\n(.*\n)*client 1: request 4: step 4 of 4\n`,
	},
	"syncpub": {`^publisher: all 5 are here\n(subscriber [1-5]: received all 10000 updates\n){5}$`},
	"espresso": {
		`^tap: somebody subscribes to B\n`,
		`(subscriber: B-\d{5}\n(.*\n)*){5}`,
		`(tap: B-\d{5}\n(.*\n)*){5}tap: nobody wants B any more\n$`,
	},
	"paranoidpirate": {
		`client: \w+ did request 3\n(.*\n)*Ada hangs\n`,
		`Ada hangs\n(.*\n)*queue: a worker is silent, and forgotten\n(.*\n)*client: Bob did request 5\nthe queue crashes`,
		`another takes its place\n(.*\n)*Bob: the queue is silent, trying again\n(.*\n)*queue: a worker is ready\n`,
		`client: Bob did request 6\nclient: Bob did request 7\n$`,
	},
	"majordomo": {
		`^client: 1000 echoes, one at a time, in .*\nclient: is there echo\? true\nclient: is there coffee\? false\n`,
		`\nclient: 1000 echoes, all on the way at once, in .*\nthe broker crashes`,
		`another takes its place\n(.*\n)*worker: the broker .*, beginning anew\n`,
		`another takes its place\n(.*\n)*client: 1000 echoes, one at a time, in .*\nclient: is there echo\? true\n`,
	},
	"freelance": {
		`^(retry: a server does not reply\n){2}retry: Carol did request\n`,
		`\nshotgun: Carol did request 1\nshotgun: Carol did request 2\nshotgun: Carol did request 3\n`,
		`\n(pings: \w+ did request 100 of asker \d+\n){10}pings: Alice crashes\n(pings: Bob did request 100 of asker \d+\n){10}$`,
	},
	"clone": {
		`^Ada: has joined at number 0, with 0 values\n`,
		`\nBob: has joined at number 3, with 2 values\n`,
		`\nBob: /fruit/apple is red\nBob: /fruit/cherry is ripe\nBob: /fruit/plum is gone\nBob: /fruit/cherry is gone\n`,
		`\nBob's copy: map\[/fruit/apple:red\]\n$`,
	},
	"binarystar": {
		`(primary: is active\nbackup: is passive\n)client: primary did request 1\n`,
		`client: primary did request 3\nthe primary crashes\nbackup: is active\nclient: backup did request 4\n`,
		`client: backup did request 6\nthe primary comes back, and then the backup crashes\nprimary: is passive\nprimary: is active\n`,
		`client: primary did request 7\nclient: primary did request 8\nclient: primary did request 9\n$`,
	},
	"titanic": {
		`^client: asks for 3 echoes, though nobody offers them\nclient: 300 for all 3\n`,
		`\ntitanic sinks, and another is built\n`,
		`\nclient: got Hello 1\nclient: got Hello 2\nclient: got Hello 3\n`,
		`\nclient: once more: 200 Hello 1\nclient: closed, and once more: 400\nleft on disk: 2 files\n$`,
	},
	"http": {`^listening on http://127\.0\.0\.1:\d+\n200 OK: Hello, browser!\n$`},
}

func TestEveryLessonTellsItsStory(t *testing.T) {
	for name, patterns := range lessons {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of them wait most of the time
			output := said(t, lesson(t, name))
			for _, pattern := range patterns {
				if !regexp.MustCompile(pattern).MatchString(output) {
					t.Errorf("the output lacks %s", pattern)
				}
			}
			if t.Failed() {
				t.Log("\n" + output)
			}
		})
	}
}

func TestNoLessonIgnoresAnArgument(t *testing.T) {
	for name := range lessons {
		t.Run(name, func(t *testing.T) {
			cmd := lesson(t, name, "stray")
			output, _ := cmd.Output()
			complaint := cmd.Stderr.(*strings.Builder).String()
			if code := cmd.ProcessState.ExitCode(); code != 2 || len(output) > 0 {
				t.Errorf("exit code %d, want 2; printed %q", code, output)
			}
			for _, want := range []string{`unexpected argument "stray"`, "Usage of "} {
				if !strings.Contains(complaint, want) {
					t.Errorf("the complaint %q lacks %s", complaint, want)
				}
			}
		})
	}
}

func TestEveryLessonIsInTheTable(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("*/main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, main := range folders {
		name := filepath.Dir(main)
		if !strings.Contains(string(readme), "| ["+name+"]("+name+"/main.go) |") {
			t.Errorf("README.md does not list %s", name)
		}
		if _, tested := lessons[name]; !tested && name != "wordcount" {
			t.Errorf("no test runs %s", name)
		}
	}
}

func TestRolesMayRunInTerminalsOfTheirOwn(t *testing.T) {
	t.Run("hello", func(t *testing.T) {
		server := start(t, "hello", "-bind", "tcp://127.0.0.1:*")
		for range 2 {
			if got := said(t, lesson(t, "hello", "-connect", server)); strings.Count(got, "client: received World, Hello") != 5 {
				t.Errorf("the client says %q", got)
			}
		}
	})
	t.Run("weather", func(t *testing.T) {
		station := start(t, "weather", "-bind", "tcp://127.0.0.1:*")
		got := said(t, lesson(t, "weather", "-connect", station, "-place", "10042"))
		if !strings.HasPrefix(got, "place 10042: ") {
			t.Errorf("the subscriber says %q", got)
		}
	})
	t.Run("workers", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("the endpoints of this test are ipc")
		}
		folder, err := os.MkdirTemp("", "w")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		role := func(role string) *exec.Cmd {
			return lesson(t, "workers", "-role", role, "-tasks", "ipc://"+folder+"/t", "-results", "ipc://"+folder+"/r")
		}
		ventilator, worker := role("ventilator"), role("worker")
		for _, cmd := range []*exec.Cmd{ventilator, worker} { // the sink comes last
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
		}
		got := said(t, role("sink"))
		if !regexp.MustCompile(`^worker \d+ did 100 tasks\n78498 primes below 1000000\n$`).MatchString(got) {
			t.Errorf("the sink says %q", got)
		}
		if err := ventilator.Wait(); err != nil {
			t.Errorf("ventilator: %v %s", err, ventilator.Stderr)
		}
		worker.Process.Signal(os.Interrupt)
		if err := worker.Wait(); err != nil {
			t.Errorf("worker: %v %s", err, worker.Stderr)
		}
	})
}

const page = "Hello, browser!\n"

func TestTheHTTPServerAnswersAThousandRequestsOfTwentyConnectionsAtOnce(t *testing.T) {
	url := start(t, "http", "-bind", "tcp://127.0.0.1:*")
	client := &http.Client{
		Transport: &http.Transport{MaxConnsPerHost: 20, MaxIdleConnsPerHost: 20},
		Timeout:   time.Minute,
	}
	defer client.CloseIdleConnections()
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for i := range 50 {
				if got, err := get(client, url); err != nil || got != page {
					t.Errorf("request %d: %q, %v", i, got, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

func get(client *http.Client, url string) (body string, err error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	return string(b), err
}

func TestTheHTTPServerAnswersCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	url := start(t, "http", "-bind", "tcp://127.0.0.1:*")
	output, err := exec.Command(curl, "--silent", "--show-error", "--max-time", "60", url, url).CombinedOutput()
	if err != nil || string(output) != page+page {
		t.Errorf("curl says %q, %v", output, err)
	}
}

func TestTheHTTPServerSurvivesBadManners(t *testing.T) {
	url := start(t, "http", "-bind", "tcp://127.0.0.1:*")
	address := strings.TrimPrefix(url, "http://")
	dial := func(send string) net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(time.Minute))
		if _, err := io.WriteString(conn, send); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	for range 50 {
		dial("GET / HTTP/1.1\r\n\r\n").Close()
		dial("GET / HT").Close()
	}

	endless := dial("GET /" + strings.Repeat("x", 10_000))
	defer endless.Close()
	if b, err := io.ReadAll(endless); len(b) > 0 {
		t.Errorf("a head without end is answered with %q, %v", b, err)
	}

	split := dial("GET / HTTP/1.1\r")
	defer split.Close()
	if _, err := io.WriteString(split, "\n\r\nGET / HTTP/1.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(split)
	for i := range 2 {
		response, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", i, err)
		}
		if b, err := io.ReadAll(response.Body); err != nil || string(b) != page {
			t.Errorf("answer %d: %q, %v", i, b, err)
		}
	}
}
