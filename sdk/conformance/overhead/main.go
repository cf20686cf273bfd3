// Command overhead measures what an SDK costs per call: the time of one call of `echo.same` over the pipes of a module
// on the SDK, beside that of a loop written by hand in the same language. Run it on a quiet machine:
//
//	go run . [calls]
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"time"
)

// Rounds of a module, alternating with its neighbour, so that a slow moment of the machine hits both.
const rounds = 5

type module struct {
	name    string
	command []string
	times   []time.Duration
}

func main() {
	calls := 4000
	if len(os.Args) > 1 {
		calls, _ = strconv.Atoi(os.Args[1]) // No number is none, and is said below.
	}
	if calls < 100 {
		fail(fmt.Errorf("usage: go run . [calls, at least 100]"))
	}
	folder, err := os.MkdirTemp("", "ostoja-overhead-")
	fail(err)
	defer os.RemoveAll(folder)
	for program, source := range map[string]string{"loop": "./loop", "sdk": "../everything"} {
		build := exec.Command("go", "build", "-o", filepath.Join(folder, program), ".")
		build.Dir, build.Stderr = source, os.Stderr
		fail(build.Run())
	}
	pairs := [][2]*module{
		{{name: "go, by hand", command: []string{filepath.Join(folder, "loop")}},
			{name: "go, SDK", command: []string{filepath.Join(folder, "sdk")}}},
		pair("node", "mjs", "node"), pair("deno", "mjs", "deno", "run", "-A", "--quiet"), pair("bun", "mjs", "bun", "run"),
		pair("python", "py", "python3"),
	}
	for _, both := range pairs {
		if _, err := exec.LookPath(both[0].command[0]); err != nil {
			fmt.Printf("%s is not here\n", both[0].command[0])
			continue
		}
		for round := 0; round < rounds; round++ {
			for _, one := range both {
				one.measure(calls)
			}
		}
		byHand, sdk := both[0].median(), both[1].median()
		fmt.Printf("%-16s %8.1f us   %-12s %8.1f us   %.2f times\n", both[0].name, micros(byHand), both[1].name, micros(sdk),
			float64(sdk)/float64(byHand))
	}
}

func pair(name, ending string, command ...string) [2]*module {
	with := func(file string) []string { return append(append([]string{}, command...), file) }
	return [2]*module{{name: name + ", by hand", command: with("loop/loop." + ending)},
		{name: name + ", SDK", command: with("../everything." + ending)}}
}

// measure starts the module once, warms it up, and times calls one after another.
func (m *module) measure(calls int) {
	command := exec.Command(m.command[0], m.command[1:]...)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	fail(err)
	stdout, err := command.StdoutPipe()
	fail(err)
	fail(command.Start())
	lines := bufio.NewReaderSize(stdout, 1<<16)
	say(stdin, `{"type":"init","protocolVersion":"1.0","config":{},"workspacePath":"/","projectRoot":"/"}`)
	await(lines, `"ready"`)
	say(stdin, `{"type":"deps_ready"}`)
	for call := 0; call < calls+calls/4; call++ {
		id := strconv.Itoa(call)
		began := time.Now()
		say(stdin, `{"type":"rpc_request","id":"`+id+`","from":"bench","service":"echo","method":"same","params":{"name":"Ada","n":[1,2,3]}}`)
		await(lines, `"id":"`+id+`"`)
		if call >= calls/4 {
			m.times = append(m.times, time.Since(began))
		}
	}
	stdin.Close()
	fail(command.Wait())
}

func (m *module) median() time.Duration {
	sort.Slice(m.times, func(a, b int) bool { return m.times[a] < m.times[b] })
	return m.times[len(m.times)/2]
}

func micros(time time.Duration) float64 { return float64(time.Nanoseconds()) / 1000 }

func say(stdin io.Writer, line string) {
	_, err := io.WriteString(stdin, line+"\n")
	fail(err)
}

// await reads up to a line with this in it.
func await(lines *bufio.Reader, wanted string) {
	for {
		line, err := lines.ReadBytes('\n')
		fail(err)
		if bytes.Contains(line, []byte(wanted)) {
			return
		}
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}
