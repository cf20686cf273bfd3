package ostoja_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"ostoja"
	"ostoja/ostojatest"
)

// asModule makes the test program itself the module that is tested.
const asModule = "OSTOJA_TEST_MODULE"

func TestMain(m *testing.M) {
	if os.Getenv(asModule) != "" {
		ostoja.Service("s", "panic", func(context.Context, *ostoja.Request) (any, error) {
			var nothing map[string]int
			nothing["x"] = 1
			return nil, nil
		})
		ostoja.Service("s", "add", func(_ context.Context, call *ostoja.Request) (any, error) {
			var params struct{ A, B int }
			if err := call.Params(&params); err != nil {
				return nil, err
			}
			return params.A + params.B, nil
		})
		ostoja.Service("s", "sometimes", func(ctx context.Context, call *ostoja.Request) (any, error) {
			if string(call.RawParams()) == "true" {
				<-ctx.Done()
			}
			return "done", nil
		})
		ostoja.Service("s", "html", func(context.Context, *ostoja.Request) (any, error) { return "<a&b>", nil })
		ostoja.Run()
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *ostojatest.Kernel {
	t.Setenv(asModule, "1")
	return ostojatest.Start(t, os.Args[0])
}

type vector struct {
	Name   string
	Line   *string
	Expect json.RawMessage
}

func vectors(t *testing.T, name string) (all []vector) {
	file, err := os.Open("../../conformance/vectors/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one vector
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		t.Fatal("no vectors")
	}
	return all
}

func TestTheFakeKernelTakesWhatTheKernelTakes(t *testing.T) {
	for _, one := range vectors(t, "codec-from-module") {
		var value any
		if err := json.Unmarshal([]byte(*one.Line), &value); err != nil {
			t.Errorf("%s: %v", one.Name, err)
		} else if fault := ostojatest.FaultOf(value); fault != "" {
			t.Errorf("%s: %s", one.Name, fault)
		}
	}
}

func TestTheFakeKernelRefusesWhatTheKernelRefusesInTheSameWords(t *testing.T) {
	for _, one := range vectors(t, "codec-invalid") {
		var expected struct{ Error string }
		if err := json.Unmarshal(one.Expect, &expected); err != nil || expected.Error == "" {
			continue // Not JSON, or no text at all.
		}
		if strings.Contains(*one.Line, `\ud800`) {
			continue // Go reads half a surrogate pair as U+FFFD, and never writes one.
		}
		var value any
		if err := json.Unmarshal([]byte(*one.Line), &value); err != nil {
			t.Errorf("%s: %v", one.Name, err)
		} else if fault := ostojatest.FaultOf(value); fault != expected.Error {
			t.Errorf("%s: %q instead of %q", one.Name, fault, expected.Error)
		}
	}
}

func TestEveryMessageOfTheKernelIsReadIntoTheGeneratedType(t *testing.T) {
	for _, one := range vectors(t, "codec-to-module") {
		var line string
		if err := json.Unmarshal(one.Expect, &line); err != nil {
			t.Fatal(err)
		}
		var frame ostoja.ToModule
		if err := json.Unmarshal([]byte(line), &frame); err != nil || frame.Type == "" {
			t.Errorf("%s: %v", one.Name, err)
		}
	}
}

func TestAPanicIsTheCallersErrorAndTheModuleLivesOn(t *testing.T) {
	kernel := start(t)
	kernel.Ready(nil)
	if answer := kernel.Request("s", "panic", nil); !strings.HasPrefix(answer["error"].(string), "panic: ") {
		t.Fatal(answer)
	}
	logged := kernel.Expect(ostojatest.Frame{"type": "log", "level": "error"})
	if stack := logged["data"].(map[string]any)["stack"].(string); !strings.Contains(stack, "ostoja_test.go") {
		t.Fatal(stack)
	}
	if answer := kernel.Request("s", "add", map[string]int{"a": 1, "b": 2}); answer["result"] != 3.0 {
		t.Fatal(answer)
	}
	kernel.Stop()
}

func TestAMethodThatWasQuickAndIsSlowHoldsNobodyUp(t *testing.T) {
	kernel := start(t)
	kernel.Ready(nil)
	for round := 0; round < 3; round++ {
		for quick := 0; quick < 5; quick++ {
			kernel.Request("s", "sometimes", nil)
		}
		slow := []string{kernel.Ask("s", "sometimes", true), kernel.Ask("s", "sometimes", true)}
		kernel.Send(ostojatest.Frame{"type": "ping"})
		kernel.Expect(ostojatest.Frame{"type": "pong"})
		if answer := kernel.Request("s", "add", map[string]int{"a": 1, "b": 2}); answer["result"] != 3.0 {
			t.Fatal(answer)
		}
		for _, id := range slow {
			kernel.Send(ostojatest.Frame{"type": "cancel", "id": id})
			kernel.Expect(ostojatest.Frame{"type": "rpc_response", "id": id, "error": "cancelled"})
		}
	}
	kernel.Stop()
}

func TestParamsThatDoNotFitAreTheCallersMistake(t *testing.T) {
	kernel := start(t)
	kernel.Ready(nil)
	answer := kernel.Request("s", "add", map[string]string{"a": "one"})
	if text, _ := answer["error"].(string); !strings.HasPrefix(text, "bad params: cannot unmarshal string") {
		t.Fatal(answer)
	}
	if answer := kernel.Request("s", "html", nil); answer["result"] != "<a&b>" {
		t.Fatal(answer)
	}
	kernel.Vanish()
}

func TestWithoutAKernelAVerbSaysWhatIsMissing(t *testing.T) {
	err := ostoja.Publish(context.Background(), "t", 1)
	if err == nil || !strings.Contains(err.Error(), "call Run first") {
		t.Fatal(err)
	}
	if err := ostoja.Call(context.Background(), strings.Repeat("x", 257), "m", nil, nil); err == nil ||
		!strings.Contains(err.Error(), "service exceeds 256 chars (257)") {
		t.Fatal(err)
	}
}

func TestAnErrorOfACallIsOfItsKind(t *testing.T) {
	timeout := error(&ostoja.CallError{Target: "s.m", Text: "deadline_exceeded"})
	if !errors.Is(timeout, ostoja.ErrTimedOut) || !errors.Is(timeout, context.DeadlineExceeded) ||
		errors.Is(timeout, ostoja.ErrCancelled) {
		t.Fatal(timeout)
	}
}
