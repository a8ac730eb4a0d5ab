// Command report runs the tests of libzmq's checklist and writes docs/conformance.md:
// for each line what it is about, the tests that show it, and what became of them.
// make conformance runs it in the folder of the module.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// page is what is written, from the folder of the module.
const page = "docs/conformance.md"

func main() {
	drivers := flag.String("drivers", defaultDrivers(), "the multiplexers to run under, besides the default")
	flag.Parse()
	if err := run(strings.Fields(*drivers)); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// defaultDrivers are those that this system has.
func defaultDrivers() string {
	if runtime.GOOS == "linux" {
		return "stream runtime epoll poll select"
	}
	return "stream"
}

// run runs every test under the default multiplexer, and those of package conformance
// under the others as well, and writes the page. A test that fails is an error, and
// stands on the page.
func run(drivers []string) error {
	r := newResults()
	for folder, names := range byFolder(allLines()) {
		if err := r.test(folder, names, ""); err != nil {
			return err
		}
	}
	for _, driver := range drivers {
		if err := r.test(home, byFolder(allLines())[home], driver); err != nil {
			return err
		}
	}
	if err := os.WriteFile(page, []byte(render(r, drivers)), 0o644); err != nil {
		return err
	}
	if n := len(r.failed()); n > 0 {
		return fmt.Errorf("%d tests failed: %s", n, strings.Join(r.failed(), ", "))
	}
	return nil
}

// test runs some tests of one folder and takes note of what becomes of them.
func (r *results) test(folder string, names []string, driver string) error {
	fmt.Fprintf(os.Stderr, "%s %s\n", folder, driver)
	pattern := "^(" + strings.Join(names, "|") + ")$"
	cmd := exec.Command("go", "test", "-count=1", "-timeout=15m", "-json", "-run", pattern, "./"+folder)
	cmd.Env = append(os.Environ(), "ZEROMUX_MULTIPLEXER="+driver)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	wrong := r.read(out, folder, driver)
	if err := cmd.Wait(); err != nil && said.Len() > 0 {
		return fmt.Errorf("%s: %w\n%s", folder, err, &said)
	}
	return wrong // that a test has failed is in the results
}
