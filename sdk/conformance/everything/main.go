// One module that offers everything that `test_door.py` asks for, on the SDK for Go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"ostoja"
)

type object = map[string]any

var released = make(chan struct{})

func logData(msg string, data any) { ostoja.LogWith(ostoja.LogLevelInfo, msg, data, "") }

func main() {
	fmt.Print("printed before run")
	echo()
	work()
	relay()
	out()
	life()
	ostoja.Run()
}

func echo() {
	ostoja.Service("echo", "same", func(_ context.Context, call *ostoja.Request) (any, error) {
		return call.RawParams(), nil
	})
	ostoja.Service("echo", "fail", func(context.Context, *ostoja.Request) (any, error) {
		return nil, errors.New("bad luck")
	})
	ostoja.Service("echo", "refuse", func(context.Context, *ostoja.Request) (any, error) {
		return nil, ostoja.Failure("not today")
	})
	ostoja.Service("echo", "odd", func(context.Context, *ostoja.Request) (any, error) { return func() {}, nil })
	ostoja.Service("echo", "big", func(context.Context, *ostoja.Request) (any, error) {
		return strings.Repeat("x", 2<<20), nil
	})
	ostoja.Service("echo", "who", func(_ context.Context, call *ostoja.Request) (any, error) {
		return []string{call.From, call.Service, call.Method, call.ID}, nil
	})
}

func work() {
	ostoja.Service("work", "hold", func(ctx context.Context, call *ostoja.Request) (any, error) {
		logData("holding", object{"id": call.ID})
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second):
		}
		logData("noticed", object{"cancelled": ctx.Err() != nil})
		return "too late", nil
	})
	ostoja.Service("work", "wait", func(context.Context, *ostoja.Request) (any, error) {
		ostoja.Log("waiting")
		<-released
		return "waited", nil
	})
	ostoja.Service("work", "release", func(context.Context, *ostoja.Request) (any, error) {
		close(released)
		return nil, nil
	})
	ostoja.Service("work", "report", func(_ context.Context, call *ostoja.Request) (any, error) {
		call.Progress(0.5, "half")
		call.Progress(-1, "nearly")
		return "done", nil
	})
	ostoja.Service("work", "left", func(ctx context.Context, _ *ostoja.Request) (any, error) {
		if ends, isBounded := ctx.Deadline(); isBounded {
			return time.Until(ends).Milliseconds(), nil
		}
		return nil, nil
	})
	count := func(_ context.Context, call *ostoja.Request) (any, error) {
		var params struct{ To int }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		for n := 0; n < params.To; n++ {
			if err := call.Emit(n); err != nil {
				return nil, err
			}
		}
		return "counted", nil
	}
	ostoja.Service("work", "count", count)
	ostoja.Service("work", "emit", count)
}

func kindOf(err error) string {
	switch {
	case errors.Is(err, ostoja.ErrCancelled):
		return "Cancelled"
	case errors.Is(err, ostoja.ErrTimedOut):
		return "TimedOut"
	}
	return "CallError"
}

func relay() {
	ostoja.Service("relay", "call", func(ctx context.Context, call *ostoja.Request) (any, error) {
		var params struct {
			Service, Method string
			Given           any
			TimeoutMs       int
		}
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		if params.TimeoutMs > 0 {
			limited, cancel := context.WithTimeout(ctx, time.Duration(params.TimeoutMs)*time.Millisecond)
			defer cancel()
			ctx = limited
		}
		ctx = ostoja.WithProgress(ctx, func(fraction float64, msg string) { logData("progress", []any{fraction, msg}) })
		var result any
		err := ostoja.Call(ctx, params.Service, params.Method, params.Given, &result)
		var answered *ostoja.CallError
		if errors.As(err, &answered) {
			return object{"kind": kindOf(err), "error": answered.Text, "text": err.Error()}, nil
		}
		return result, err
	})
	ostoja.Service("relay", "pass", func(ctx context.Context, _ *ostoja.Request) (any, error) {
		return nil, ostoja.Call(ctx, "other", "thing", nil, nil)
	})
	ostoja.Service("relay", "stream", func(ctx context.Context, call *ostoja.Request) (any, error) {
		var params struct{ StopAt int }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		pieces, err := ostoja.Stream(ctx, "other", "pieces", nil)
		if err != nil {
			return nil, err
		}
		defer pieces.Close()
		taken := []any{}
		for {
			var piece any
			if !pieces.Next(&piece) {
				break
			}
			if taken = append(taken, piece); len(taken) == params.StopAt {
				return taken, nil
			}
		}
		var result any
		err = pieces.Result(&result)
		return []any{taken, result}, err
	})
	ostoja.Service("relay", "kernel", func(ctx context.Context, call *ostoja.Request) (result any, err error) {
		var params struct {
			Method string
			Given  any
		}
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		err = ostoja.Kernel(ctx, params.Method, params.Given, &result)
		return result, err
	})
	ostoja.Service("relay", "secret", func(ctx context.Context, call *ostoja.Request) (result any, err error) {
		var params struct{ Name string }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		err = ostoja.Secret(ctx, params.Name, &result)
		return result, err
	})
	ostoja.Service("relay", "context", func(ctx context.Context, call *ostoja.Request) (result any, err error) {
		var params struct {
			Key   string
			Value any
		}
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		if err := ostoja.Context.Set(ctx, params.Key, params.Value, 0); err != nil {
			return nil, err
		}
		err = ostoja.Context.Get(ctx, params.Key, &result)
		return result, err
	})
}

func out() {
	ostoja.Service("config", "read", func(_ context.Context, call *ostoja.Request) (any, error) {
		var params struct{ Key string }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		var value any
		if !ostoja.Config(params.Key, &value) {
			return "none", nil
		}
		return value, nil
	})
	ostoja.Service("out", "prints", func(context.Context, *ostoja.Request) (any, error) {
		fmt.Println("from the language")
		_, err := syscall.Write(1, []byte("from the stream\n"))
		fmt.Println(strings.Repeat("x", 20_000))
		fmt.Println("   ")
		fmt.Print("no newline, sent at the end")
		return nil, err
	})
	ostoja.Service("out", "children", func(context.Context, *ostoja.Request) (any, error) {
		child := exec.Command("sh", "-c", "echo from a child; echo from a library")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		return nil, child.Run()
	})
	ostoja.Service("out", "logs", func(context.Context, *ostoja.Request) (any, error) {
		ostoja.Log("plain")
		ostoja.LogWith(ostoja.LogLevelWarn, "careful", object{"n": 1}, "")
		ostoja.LogGroup(ostoja.LogLevelError, "tree", []ostoja.LogItem{{Msg: "leaf", Data: json.RawMessage("2")}})
		ostoja.LogWith(ostoja.LogLevelInfo, "topical", nil, "t")
		logData("unsendable", func() {})
		return nil, nil
	})
	ostoja.Service("out", "publish", func(ctx context.Context, call *ostoja.Request) (any, error) {
		var params struct{ Topic string }
		if err := call.Params(&params); err != nil {
			return nil, err
		}
		return nil, ostoja.Publish(ctx, params.Topic, object{"n": 1})
	})
	ostoja.On("news", func(_ context.Context, message *ostoja.Message) error {
		logData("news", message.Payload)
		return nil
	})
	ostoja.On("news", func(ctx context.Context, message *ostoja.Message) error {
		switch string(message.Payload) {
		case `"fail"`:
			return errors.New("cannot")
		case `"relay"`:
			return ostoja.Publish(ctx, "more", message.Topic)
		}
		return nil
	})
	ostoja.OnKernelCall("kernel.asks", func(_ context.Context, params json.RawMessage) (any, error) {
		return []any{"answer", params}, nil
	})
}

func life() {
	ostoja.OnInstall(func(context.Context) error { ostoja.Log("hook install"); return nil })
	ostoja.OnInit(func(context.Context) error {
		var section json.RawMessage
		ostoja.Config("", &section)
		logData("hook init", section)
		if fails := false; ostoja.Config("fail", &fails) && fails {
			return ostoja.Failure("no database")
		}
		return nil
	})
	ostoja.OnReady(func(context.Context) error { ostoja.Log("hook ready"); return nil })
	ostoja.OnServiceAvailable(func(_ context.Context, service string) error { logData("hook service", service); return nil })
	ostoja.OnConfig(func(context.Context) error {
		var section json.RawMessage
		ostoja.Config("", &section)
		logData("hook config", section)
		return nil
	})
	ostoja.SaveState(func() (any, error) { return object{"kept": 1}, nil })
	ostoja.RestoreState(func(state json.RawMessage, version string) error {
		if version == "bad" {
			return ostoja.Failure("cannot read that")
		}
		logData("hook restore", state)
		return nil
	})
	ostoja.OnShutdown(func(context.Context) error { ostoja.Log("hook shutdown"); return nil })
}
