// Package ostojatest is a kernel for tests: it starts one module, in any language, and plays the kernel's side of the
// module door.
//
//	kernel := ostojatest.Start(t, "go", "run", ".")
//	kernel.Ready(nil)
//	answer := kernel.Request("greeter", "hello", map[string]string{"name": "Ada"})
//	// answer["result"] == "hello Ada"
//	kernel.Stop()
//
// Nothing here sleeps: every wait is for a frame or an exit, and ends after 20 s with all that was received. What a
// module may not say fails the test, in the words in which the kernel would drop it.
package ostojatest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"reflect"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
)

const (
	deadline     = 20 * time.Second // a loaded machine starts a program in far less; a hang ends the test, not the day
	nameUnitsMax = 256              // UTF-16 units: the contract's bound for ids, services, methods and topics
	lineBytesMax = 16 << 20         // a longer line of a module ends the reading
)

// Frame is a message as it came, numbers as float64.
type Frame = map[string]any

// names is what a module may say, with the names that must be there, in the order in which the kernel looks at them.
var names = map[string][]string{
	"ready": {}, "log": {}, "log-group": {}, "pong": {}, "ack": {"id"}, "nack": {"id"}, "publish": {"topic"},
	"call": {"id", "method"}, "call:response": {"id"}, "rpc_request": {"id", "service", "method"},
	"rpc_response": {"id"}, "cancel": {"id"}, "progress": {"id"}, "chunk": {"id"}, "end": {"id"}, "credit": {"id"},
	"state:saved": {"id", "version"}, "state:restored": {"id"},
}

var counts = map[string]string{"chunk": "seq", "credit": "n"}

func isWhole(value any) bool {
	number, isNumber := value.(float64)
	return isNumber && number >= 0 && number < 1<<53 && number == math.Trunc(number)
}

// FaultOf tells why the kernel would drop a message that is JSON; nothing when it would not.
func FaultOf(value any) string {
	frame, isObject := value.(Frame)
	if !isObject {
		return "not an object"
	}
	given, isThere := frame["type"]
	kind, isText := given.(string)
	if !isThere {
		return "type is missing"
	} else if !isText {
		return "type is not a string"
	}
	fields, isKnown := names[kind]
	if !isKnown {
		return "unknown type: " + kind
	}
	for _, field := range fields {
		if fault := nameFault(frame, field); fault != "" {
			return fmt.Sprintf("%s: %s %s", kind, field, fault)
		}
	}
	return restFault(kind, frame)
}

func nameFault(frame Frame, field string) string {
	value, isThere := frame[field]
	text, isText := value.(string)
	if !isThere {
		return "is missing"
	} else if !isText {
		return "is not a string"
	}
	if units := len(utf16.Encode([]rune(text))); units > nameUnitsMax {
		return fmt.Sprintf("exceeds %d chars (%d)", nameUnitsMax, units)
	}
	return ""
}

func restFault(kind string, frame Frame) string {
	if count, isNeeded := counts[kind]; isNeeded {
		if value, isThere := frame[count]; !isThere {
			return kind + ": " + count + " is missing"
		} else if !isWhole(value) {
			return kind + ": " + count + " is not a whole number"
		}
	}
	switch kind {
	case "rpc_request", "call", "publish":
		if value := frame["deadline_ms"]; value != nil && !isWhole(value) {
			return kind + ": deadline_ms is not a whole number"
		}
	case "progress":
		if _, isNumber := frame["fraction"].(float64); frame["fraction"] != nil && !isNumber {
			return "progress: fraction is not a number"
		}
	case "log-group":
		items, isList := frame["items"].([]any)
		for _, item := range items {
			_, isObject := item.(Frame)
			isList = isList && isObject
		}
		if _, isThere := frame["items"]; isThere && !isList {
			return "log-group: items is not an array of objects"
		}
	}
	return ""
}

// Kernel is one module process and what it has said so far.
type Kernel struct {
	t       testing.TB
	command *exec.Cmd
	stdin   io.WriteCloser
	stderr  bytes.Buffer
	lastID  int
	exited  chan struct{}

	lock    sync.Mutex
	frames  []Frame
	taken   []bool
	garbage []string
	faults  []string
	heard   chan struct{} // Has something when there is something new.
}

// Start starts a module; it is killed at the end of the test.
func Start(t testing.TB, program string, args ...string) *Kernel {
	t.Helper()
	return StartCommand(t, exec.Command(program, args...))
}

// StartCommand is Start with a folder or an environment of one's own.
func StartCommand(t testing.TB, command *exec.Cmd) *Kernel {
	t.Helper()
	kernel := &Kernel{t: t, command: command, exited: make(chan struct{}), heard: make(chan struct{}, 1)}
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	kernel.stdin, command.Stderr = stdin, &kernel.stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go kernel.read(stdout)
	t.Cleanup(func() {
		_ = command.Process.Kill() // It may have left already.
		<-kernel.exited
	})
	return kernel
}

func (k *Kernel) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, lineBytesMax)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var value any
		k.lock.Lock()
		if json.Unmarshal(line, &value) != nil {
			k.garbage = append(k.garbage, string(line))
		} else if fault := FaultOf(value); fault != "" {
			k.faults = append(k.faults, fault)
		} else {
			k.frames, k.taken = append(k.frames, value.(Frame)), append(k.taken, false)
		}
		k.lock.Unlock()
		k.wake()
	}
	_ = k.command.Wait() // Its exit code is asked for by Stop.
	close(k.exited)
}

func (k *Kernel) wake() {
	select {
	case k.heard <- struct{}{}:
	default:
	}
}

// Send sends one frame, which must have a `type`.
func (k *Kernel) Send(frame Frame) {
	k.t.Helper()
	line, err := json.Marshal(frame)
	if err != nil {
		k.t.Fatal(err)
	}
	_, _ = k.stdin.Write(append(line, '\n')) // A module that has left reads no more; the next wait says so.
}

// Ready takes the module to ready and gives its `ready` frame.
func (k *Kernel) Ready(config Frame) Frame {
	k.t.Helper()
	if config == nil {
		config = Frame{}
	}
	k.Send(Frame{"type": "init", "protocolVersion": "1.0", "config": config, "workspacePath": "/home", "projectRoot": "/home"})
	ready := k.Expect(Frame{"type": "ready"})
	k.Send(Frame{"type": "deps_ready"})
	return ready
}

// Ask sends an `rpc_request` and gives its id.
func (k *Kernel) Ask(service, method string, params any) string {
	k.t.Helper()
	k.lastID++
	id := fmt.Sprintf("q%d", k.lastID)
	frame := Frame{"type": "rpc_request", "id": id, "from": "caller", "service": service, "method": method}
	if params != nil {
		frame["params"] = params
	}
	k.Send(frame)
	return id
}

// Request sends an `rpc_request` and waits for its `rpc_response`.
func (k *Kernel) Request(service, method string, params any) Frame {
	k.t.Helper()
	return k.Expect(Frame{"type": "rpc_response", "id": k.Ask(service, method, params)})
}

// Expect waits for a frame whose fields have these values; each frame is given once.
func (k *Kernel) Expect(fields Frame) Frame {
	k.t.Helper()
	limit := time.NewTimer(deadline)
	defer limit.Stop()
	for isOver := false; ; {
		if found := k.take(fields); found != nil {
			return found
		}
		if isOver {
			break
		}
		select {
		case <-k.heard:
		case <-k.exited:
			isOver = true // Once more, for what came last.
		case <-limit.C:
			isOver = true
		}
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	k.t.Fatalf("expected %v; the module said %v, not JSON: %q", fields, k.frames, k.garbage)
	return nil
}

// take looks for a frame; what the kernel would have dropped fails the test.
func (k *Kernel) take(fields Frame) Frame {
	k.t.Helper()
	k.lock.Lock()
	defer k.lock.Unlock()
	if len(k.faults) > 0 {
		k.t.Fatal(k.faults)
	}
	for at, frame := range k.frames {
		fits := !k.taken[at]
		for name, value := range fields {
			fits = fits && reflect.DeepEqual(frame[name], value)
		}
		if fits {
			k.taken[at] = true
			return frame
		}
	}
	return nil
}

// Stop asks the module to finish; it fails the test when the module does not leave with 0.
func (k *Kernel) Stop() {
	k.t.Helper()
	k.Send(Frame{"type": "shutdown"})
	k.expectExit()
}

// Vanish closes the pipe, as when the kernel dies; it fails the test when the module does not leave with 0.
func (k *Kernel) Vanish() {
	k.t.Helper()
	_ = k.stdin.Close()
	k.expectExit()
}

func (k *Kernel) expectExit() {
	k.t.Helper()
	select {
	case <-k.exited:
	case <-time.After(deadline):
		k.t.Fatal(errors.New("the module does not leave"))
	}
	if code := k.command.ProcessState.ExitCode(); code != 0 {
		k.t.Fatalf("the module left with %d: %s", code, k.stderr.String())
	}
}
