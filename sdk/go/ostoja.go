// Package ostoja is for modules of the Ostoja kernel in Go: one package, standard library only, Go 1.19 or newer.
//
//	func main() {
//		ostoja.Service("greeter", "hello", func(ctx context.Context, call *ostoja.Request) (any, error) {
//			params := struct{ Name string }{"world"}
//			if err := call.Params(&params); err != nil {
//				return nil, err
//			}
//			return "hello " + params.Name, nil
//		})
//		ostoja.Run()
//	}
//
// The kernel starts the program as a child process and speaks JSON lines over its stdin and stdout. [Run] takes both
// away first, so that a stray print, here or in a child process, becomes a log line instead of a broken message.
//
// Which goroutine does what: one reads and answers pings; each call has its own, but for methods that are done at
// once; the hooks run one after another; the [On] handlers one after another, so that messages of one sender stay in order.
// A handler's context ends when nobody waits for it any more, and carries trace and deadline to whatever it calls.
package ostoja

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

const (
	callsRunningMax     = 1024             // calls: the kernel's own bound of unanswered calls; past it the answer is `overloaded`
	deliveriesQueuedMax = 4096             // messages: a slow On handler loses the newest, counted in the log
	streamWindow        = 16               // chunks: what may be sent before the reader of a stream grants more
	creditWait          = 30 * time.Second // a stream whose reader grants nothing for this long is given up
	callWait            = time.Hour        // the kernel answers every call long before; this ends a wait on a broken kernel
	drain               = 4 * time.Second  // for running handlers and the shutdown hooks, inside the kernel's default grace of 5 s
	lineBytesMax        = 1 << 20          // the kernel drops longer lines, so they are refused here, where the cause is known
	inboundBytesMax     = 16 << 20         // a longer line from the kernel is dropped: bounds memory on a broken pipe
	printBytesMax       = 8192             // a longer printed line becomes several log lines
	nameUnitsMax        = 256              // UTF-16 units: the contract's bound for ids, services, methods and topics
	exitMisuse          = 64               // EX_USAGE: started by hand
)

// Failure is an error whose text the caller gets as it is, without a line in the log.
type Failure string

func (f Failure) Error() string { return string(f) }

// CallError says that a call was answered with an error; Text is what came, such as `service_not_found`.
type CallError struct{ Target, Text string }

func (e *CallError) Error() string { return e.Target + ": " + e.Text }

// Is makes errors.Is(err, ErrCancelled) and errors.Is(err, ErrTimedOut) work, and those of package context.
func (e *CallError) Is(target error) bool {
	switch target {
	case ErrCancelled, context.Canceled:
		return e.Text == "cancelled"
	case ErrTimedOut, context.DeadlineExceeded:
		return e.Text == "timeout" || e.Text == "deadline_exceeded"
	}
	return false
}

var (
	// ErrCancelled says that a call was given up, by this side or by the other.
	ErrCancelled = errors.New("cancelled")
	// ErrTimedOut says that there was no answer within the time given.
	ErrTimedOut = errors.New("timeout")

	errNotRunning = Failure("not connected to a kernel: call Run first, and use OnReady for early work")
)

// checkName checks a name where it is given: the kernel would only drop the message.
func checkName(name, what string) error {
	if units := len(utf16.Encode([]rune(name))); units > nameUnitsMax {
		return Failure(fmt.Sprintf("%s exceeds %d chars (%d)", what, nameUnitsMax, units))
	}
	return nil
}

// --- What a module offers ---

// Handler serves one method. What it returns is the result, or the error that the caller gets.
type Handler func(ctx context.Context, call *Request) (any, error)

// Message is something that arrived on a topic.
type Message struct {
	ID, Topic string
	// Payload is what was published, as JSON.
	Payload json.RawMessage
}

var (
	services = map[string]map[string]*offered{}
	topics   = map[string][]func(context.Context, *Message) error{}
	methods  = map[string]func(context.Context, json.RawMessage) (any, error){}
	hooks    = map[string][]func(context.Context, ToModule) error{}
	saver    = func() (any, error) { return nil, nil }
)

// must ends a program that offers what can't be offered; that is a mistake in its code.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Service offers a method of a service. What a module offers is said before Run.
func Service(service, method string, handler Handler) {
	must(checkName(service, "service"))
	must(checkName(method, "method"))
	if services[service] == nil {
		services[service] = map[string]*offered{}
	}
	services[service][method] = &offered{handler: handler}
}

// On calls the function with every message on the topic.
func On(topic string, handler func(context.Context, *Message) error) {
	must(checkName(topic, "topic"))
	topics[topic] = append(topics[topic], handler)
}

// OnKernelCall answers a call that the kernel itself makes.
func OnKernelCall(method string, handler func(ctx context.Context, params json.RawMessage) (any, error)) {
	methods[method] = handler
}

func hook(moment string, handler func(context.Context, ToModule) error) {
	hooks[moment] = append(hooks[moment], handler)
}

func plain(handler func(context.Context) error) func(context.Context, ToModule) error {
	return func(ctx context.Context, _ ToModule) error { return handler(ctx) }
}

// OnInstall is for the first start ever.
func OnInstall(handler func(context.Context) error) { hook("install", plain(handler)) }

// OnInit comes before ready; an error fails the start.
func OnInit(handler func(context.Context) error) { hook("init", plain(handler)) }

// OnReady comes when everything the module needs is up. It has a goroutine of its own and may go on for ever.
func OnReady(handler func(context.Context) error) { hook("deps_ready", plain(handler)) }

// OnConfig comes when the module's section of the configuration has changed.
func OnConfig(handler func(context.Context) error) { hook("config:update", plain(handler)) }

// OnShutdown is the last act, within 4 s.
func OnShutdown(handler func(context.Context) error) { hook("shutdown", plain(handler)) }

// OnServiceAvailable comes when an optional service is up.
func OnServiceAvailable(handler func(ctx context.Context, service string) error) {
	hook("service_available", func(ctx context.Context, frame ToModule) error { return handler(ctx, frame.Service) })
}

// SaveState gives what is kept when the module is replaced; it needs the feature `state`.
func SaveState(handler func() (any, error)) { saver = handler }

// RestoreState gets what SaveState gave and the version that gave it, before the module goes to work.
func RestoreState(handler func(state json.RawMessage, version string) error) {
	hook("state:restore", func(_ context.Context, frame ToModule) error { return handler(frame.State, frame.Version) })
}

// --- What a module asks for ---

// Publish sends a message to every other module that listens to the topic. Nobody answers.
func Publish(ctx context.Context, topic string, payload any) error {
	if err := checkName(topic, "topic"); err != nil {
		return err
	}
	raw, err := encode(payload)
	if err != nil {
		return err
	}
	trace, deadline := outgoing(ctx)
	return send(PublishFrame{Type: "publish", Topic: topic, Payload: raw, Traceparent: trace, DeadlineMs: deadline})
}

// Call calls another module's service and waits until it is answered or the context ends. The result is decoded
// into `result`, which may be nil. The error is a *CallError when the other side, or nobody, answered.
func Call(ctx context.Context, service, method string, params, result any) error {
	waiting, err := ask(ctx, service, method, params, nil)
	if err != nil {
		return err
	}
	return waiting.wait(ctx, result)
}

// WithProgress makes the calls of a context tell how far the other side is. The function must not block.
func WithProgress(ctx context.Context, report func(fraction float64, msg string)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// Stream calls a service whose result comes in pieces:
//
//	pieces, err := ostoja.Stream(ctx, "greeter", "hello_all", params)
//	defer pieces.Close()
//	for pieces.Next(&piece) { … }
//	err = pieces.Result(&result)
func Stream(ctx context.Context, service, method string, params any) (*Pieces, error) {
	pieces := &Pieces{ctx: ctx, chunks: make(chan json.RawMessage, 2*streamWindow)}
	waiting, err := ask(ctx, service, method, params, pieces)
	pieces.pending = waiting
	return pieces, err
}

// Kernel asks the kernel itself: `config.set`, `permissions.request`, `service.discover`, …
func Kernel(ctx context.Context, method string, params, result any) error {
	if err := checkName(method, "method"); err != nil {
		return err
	}
	raw, err := encodeParams(params)
	if err != nil {
		return err
	}
	waiting, err := begin(ctx, "k", method, "call:response", nil, func(id string) any {
		trace, deadline := outgoing(ctx)
		return CallFrame{Type: "call", ID: id, Method: method, Params: raw, Traceparent: trace, DeadlineMs: deadline}
	})
	if err != nil {
		return err
	}
	return waiting.wait(ctx, result)
}

// Secret gives a secret that was granted to this module.
func Secret(ctx context.Context, name string, result any) error {
	return Kernel(ctx, "secret.get", map[string]any{"name": name}, result)
}

// Context holds variables that outlive this module, kept by the kernel. Changes of watched ones come on the topic
// `kernel.context`.
var Context Variables

// Variables are the module's own, unless a session or another module is named, which needs a permission.
type Variables struct{ Session, Module string }

func (v Variables) call(ctx context.Context, method string, params map[string]any, result any) error {
	for name, scope := range map[string]string{"session": v.Session, "module": v.Module} {
		if scope != "" {
			params[name] = scope
		}
	}
	return Kernel(ctx, method, params, result)
}

// Get reads one.
func (v Variables) Get(ctx context.Context, key string, result any) error {
	return v.call(ctx, "context.get", map[string]any{"key": key}, result)
}

// Set writes one, for good or, with a time above 0, for so long.
func (v Variables) Set(ctx context.Context, key string, value any, ttl time.Duration) error {
	params := map[string]any{"key": key, "value": value}
	if ttl > 0 {
		params["ttl_ms"] = ttl.Milliseconds()
	}
	return v.call(ctx, "context.set", params, nil)
}

// Delete removes one.
func (v Variables) Delete(ctx context.Context, key string) error {
	return v.call(ctx, "context.delete", map[string]any{"key": key}, nil)
}

// List names those of a pattern, which may end in `*` after a `:` or a `.`; an empty one means all.
func (v Variables) List(ctx context.Context, pattern string, result any) error {
	return v.call(ctx, "context.list", patternParams(pattern), result)
}

// Watch asks for deliveries of changes, for those of a pattern as in List; the result is what Unwatch takes.
func (v Variables) Watch(ctx context.Context, pattern string, result any) error {
	return v.call(ctx, "context.watch", patternParams(pattern), result)
}

// Unwatch ends a watch.
func (v Variables) Unwatch(ctx context.Context, watch uint64) error {
	return Kernel(ctx, "context.unwatch", map[string]any{"watch": watch}, nil)
}

func patternParams(pattern string) map[string]any {
	if pattern == "" {
		return map[string]any{}
	}
	return map[string]any{"key": pattern}
}

var settings struct {
	sync.Mutex
	section json.RawMessage
}

// Config decodes this module's own section, or with a dotted key one value of it, into `value`, which keeps what it
// holds where there is none; it tells whether there was one.
func Config(key string, value any) bool {
	settings.Lock()
	found := settings.section
	settings.Unlock()
	for _, part := range strings.Split(key, ".") {
		if key == "" {
			break
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(found, &object) != nil || object[part] == nil {
			return false
		}
		found = object[part]
	}
	return json.Unmarshal(found, value) == nil
}

// takeConfig keeps the own section: the kernel never sends another module's.
func takeConfig(given json.RawMessage) {
	var sections map[string]json.RawMessage
	_ = json.Unmarshal(given, &sections) // What is no object has no sections.
	section, isOwn := sections[manifest.ConfigKey]
	if !isOwn {
		section = given
		for _, only := range sections {
			if len(sections) == 1 {
				section = only
			}
		}
	}
	settings.Lock()
	settings.section = section
	settings.Unlock()
}

// --- The log ---

// Log writes a log record of level info.
func Log(msg string) { LogWith(LogLevelInfo, msg, nil, "") }

// LogWith writes a log record with data (any JSON, or nil) and a topic (or none).
func LogWith(level LogLevel, msg string, data any, topic string) {
	raw, err := encodeParams(data)
	if err != nil {
		msg, raw = fmt.Sprintf("(not shown: %v)", err), nil // A log call must not break the code around it.
	}
	frame := LogFrame{Type: "log", Level: level, Msg: msg, Data: raw}
	if topic != "" {
		frame.Topic = &topic
	}
	sendLog(frame, level, msg)
}

// LogGroup writes one record with parts, shown as a tree.
func LogGroup(level LogLevel, msg string, items []LogItem) {
	if items == nil {
		items = []LogItem{}
	}
	sendLog(LogGroupFrame{Type: "log-group", Level: level, Msg: msg, Items: items}, level, msg)
}

func sendLog(frame any, level LogLevel, msg string) {
	err := send(frame)
	if errors.Is(err, errNotRunning) {
		fmt.Fprintf(os.Stderr, "%s: %s\n", level, msg)
	} else if err != nil {
		_ = send(LogFrame{Type: "log", Level: level, Msg: fmt.Sprintf("(not shown: %v)", err)})
	}
}
