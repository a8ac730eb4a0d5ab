package examples_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

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
