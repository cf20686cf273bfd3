package ostoja

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// --- The door: two pipes, and what used to be stdout ---

var door struct {
	sync.Mutex
	out    *os.File // nil before Run.
	isGone bool     // The kernel reads no more; stdin tells us so too.
	prints sync.WaitGroup
}

// encode gives JSON on one line, with letters as they are.
func encode(value any) (json.RawMessage, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(text.Bytes(), "\n"), nil
}

// encodeParams is encode for fields that are left out without a value.
func encodeParams(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	return encode(value)
}

// send writes one frame, whole.
func send(frame any) error {
	line, err := encode(frame)
	if err != nil {
		return err
	}
	return sendLine(line)
}

// sendLine writes a frame that is JSON already.
func sendLine(line []byte) error {
	if len(line) > lineBytesMax {
		return Failure(fmt.Sprintf("a frame of %d bytes exceeds the line limit of %d", len(line), lineBytesMax))
	}
	door.Lock()
	defer door.Unlock()
	if door.out == nil {
		return errNotRunning
	}
	if !door.isGone {
		_, err := door.out.Write(append(line, '\n'))
		door.isGone = err != nil
	}
	return nil
}

// takeStdio takes both pipes away from everybody else, also from child processes.
func takeStdio() (in *os.File, err error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	inFd, err := syscall.Dup(0)
	if err != nil {
		return nil, err
	}
	outFd, err := syscall.Dup(1)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(inFd)
	syscall.CloseOnExec(outFd)
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	printed, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	if err := syscall.Dup3(int(null.Fd()), 0, 0); err != nil {
		return nil, err
	}
	if err := syscall.Dup3(int(write.Fd()), 1, 0); err != nil {
		return nil, err
	}
	door.Lock()
	door.out = os.NewFile(uintptr(outFd), "kernel")
	_, _ = door.out.WriteString("\n") // Ends a line that was printed before we came; the kernel skips blank lines.
	door.Unlock()
	door.prints.Add(1)
	go pumpPrints(printed)
	return os.NewFile(uintptr(inFd), "kernel"), nil
}

// pumpPrints makes log lines of what is printed, until nobody can print any more.
func pumpPrints(printed io.Reader) {
	defer door.prints.Done()
	reader := bufio.NewReaderSize(printed, printBytesMax)
	for {
		line, err := reader.ReadSlice('\n') // A longer line comes in pieces of the buffer's length.
		if text := strings.TrimRight(strings.ToValidUTF8(string(line), "�"), " \t\r\n"); text != "" {
			LogWith(LogLevelInfo, text, map[string]string{"source": "stdout"}, "")
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}

func isTerminal(fd uintptr) bool {
	var settings syscall.Termios
	_, _, failed := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TCGETS, uintptr(unsafe.Pointer(&settings)))
	return failed == 0
}

// --- The talk with the kernel ---

// manifest is what the module.json beside the program says, if there is one.
var manifest struct {
	raw                    map[string]any
	ID, Version, ConfigKey string
	Provides, Subscribes   []string
	Capabilities           struct{ Topics []string }
}

// book is the calls that run.
type book struct {
	sync.Mutex
	calls      map[string]*Request
	isStopping bool
	idle       chan struct{} // Closed when the last call of a stopping module is answered.
}

var (
	running    = book{calls: map[string]*Request{}, idle: make(chan struct{})}
	life       = make(chan ToModule, deliveriesQueuedMax)
	deliveries = make(chan ToModule, deliveriesQueuedMax)
	exitCode   = make(chan int, 8)
	stopping   sync.Once
	lostSoFar  uint64
)

// enter takes a call in, or gives the reason why not.
func (b *book) enter(call *Request) string {
	b.Lock()
	defer b.Unlock()
	switch {
	case b.isStopping:
		return "shutting down"
	case len(b.calls) >= callsRunningMax:
		return "overloaded"
	case call.ctx.Err() != nil:
		return "deadline_exceeded"
	}
	b.calls[call.ID] = call
	return ""
}

func (b *book) find(id string) *Request {
	b.Lock()
	defer b.Unlock()
	return b.calls[id]
}

func (b *book) forget(call *Request) {
	b.Lock()
	defer b.Unlock()
	if b.calls[call.ID] == call {
		delete(b.calls, call.ID)
		if b.isStopping && len(b.calls) == 0 {
			close(b.idle)
		}
	}
}

// stop lets no more calls in and tells whether all that ran are answered.
func (b *book) stop() bool {
	b.Lock()
	defer b.Unlock()
	b.isStopping = true
	return len(b.calls) == 0
}

// Run connects to the kernel and serves until it says shutdown or closes the pipe. It does not return: it exits 0.
func Run() {
	if isTerminal(0) {
		name := filepath.Base(os.Args[0])
		fmt.Fprintf(os.Stderr, "%s is an Ostoja module: the kernel starts it and talks to it over a pipe.\n"+
			"List it in ostoja.yaml (modules: {%s: {run: ./%s, protocol: lines}}) and type: ostoja up\n", name, name, name)
		os.Exit(exitMisuse)
	}
	readManifest()
	in, err := takeStdio()
	if err != nil {
		fmt.Fprintf(os.Stderr, "ostoja: taking stdin and stdout away: %v\n", err)
		os.Exit(1)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGPIPE) // A kernel that is gone is seen by the end of stdin.
	go func() {
		<-signals
		stop("signal")
	}()
	go func() {
		for frame := range life {
			live(frame)
		}
	}()
	go func() {
		for frame := range deliveries {
			deliver(frame)
		}
	}()
	lines := lineReader{bufio.NewReaderSize(in, 1<<16)}
	turns.wake = make(chan struct{}, 1)
	go watch(lines)
	go readLines(lines)
	code := <-exitCode
	flushPrints()
	os.Exit(code)
}

// flushPrints sends what was printed last; a child process may hold the pipe for longer than we live.
func flushPrints() {
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		_ = syscall.Dup3(int(null.Fd()), 1, 0)
	}
	done := make(chan struct{})
	go func() {
		door.prints.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(500 * time.Millisecond):
	}
}

// readManifest reads the module.json beside the program; a module that is listed in an ostoja.yaml has none.
func readManifest() {
	manifest.raw = map[string]any{}
	program, err := os.Executable()
	if err != nil {
		return
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), "module.json"))
	if err == nil && json.Unmarshal(text, &manifest.raw) == nil {
		_ = json.Unmarshal(text, &manifest) // Fields of the wrong type are the kernel's to complain about.
	}
}

// nameError says that a field which is always a text is none.
func nameError(err error) bool {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return true
	}
	switch wrong.Field {
	case "", "type", "id", "topic", "service", "method", "from":
		return true
	}
	return false
}

// takeLine deals with a line; a call that it gives has to be run, and may take its time.
func takeLine(line []byte) *work {
	var frame ToModule
	err := json.Unmarshal(line, &frame)
	var wrong *json.UnmarshalTypeError
	if err != nil && !errors.As(err, &wrong) {
		LogWith(LogLevelWarn, "the kernel sent a line that is not JSON", map[string]int{"bytes": len(line)}, "")
	} else if err != nil && nameError(err) {
		LogWith(LogLevelWarn, "the kernel sent a message that is not of the module door", nil, "")
	} else {
		if err != nil { // A field of the wrong type is as if it were not there; as a deadline it would read as 0.
			frame.DeadlineMs = nil
		}
		return take(frame)
	}
	return nil
}

// take deals with every kind of frame; unknown kinds come from a newer kernel and are skipped.
func take(frame ToModule) *work {
	switch frame.Type {
	case "ping":
		_ = send(PongFrame{Type: "pong"})
	case "rpc_request":
		return takeRequest(frame)
	case "rpc_response", "call:response":
		if waiting := waitingFor(frame.ID); waiting != nil && waiting.answerType == frame.Type {
			var err error
			if frame.Error != nil {
				err = &CallError{waiting.target, *frame.Error}
			}
			waiting.settle(frame.Result, err)
		}
	case "deliver":
		select {
		case deliveries <- frame:
		default:
			lostSoFar++
			if lostSoFar&(lostSoFar-1) == 0 { // Told at 1, 2, 4, 8: a flood must not flood the log.
				LogWith(LogLevelWarn, "messages lost, the handlers are too slow", map[string]uint64{"lost": lostSoFar}, "")
			}
		}
	case "call":
		go serveKernel(frame)
	case "cancel":
		if waiting := waitingFor(frame.ID); waiting != nil {
			waiting.settle(nil, &CallError{waiting.target, "cancelled"})
		}
		if call := running.find(frame.ID); call != nil {
			cancelled := "cancelled"
			call.answer(nil, &cancelled)
			call.cancel()
		}
	case "credit":
		if call := running.find(frame.ID); call != nil && frame.N > 0 {
			call.grant(uint64(frame.N))
		}
	case "progress":
		if waiting := waitingFor(frame.ID); waiting != nil && waiting.report != nil {
			fraction, msg := -1.0, ""
			if frame.Fraction != nil {
				fraction = *frame.Fraction
			}
			if frame.Msg != nil {
				msg = *frame.Msg
			}
			waiting.report(fraction, msg)
		}
	case "chunk":
		if waiting := waitingFor(frame.ID); waiting != nil && waiting.pieces != nil {
			waiting.pieces.push(frame.Data)
		} else if waiting != nil {
			// Called without Stream: the pieces are not wanted, and the sender must not wait for us.
			_ = send(CreditFrame{Type: "credit", ID: frame.ID, N: 1})
		}
	case "shutdown":
		running.stop() // At once, so that no call behind this line gets in.
		go stop("shutdown")
	case "install", "init", "deps_ready", "service_available", "config:update", "state:save", "state:restore":
		life <- frame
	}
	return nil
}

func waitingFor(id string) *pending {
	if found, isThere := unanswered.Load(id); isThere {
		return found.(*pending)
	}
	return nil
}

func takeRequest(frame ToModule) *work {
	call := newRequest(frame)
	refuse := func(why string) {
		call.answer(nil, &why)
		call.cancel()
	}
	methods, isService := services[frame.Service]
	method, isMethod := methods[frame.Method]
	if !isService {
		refuse("service_not_found")
	} else if !isMethod {
		refuse("Unknown method: " + frame.Method)
	} else if why := running.enter(call); why != "" {
		refuse(why)
	} else {
		return &work{call, method}
	}
	return nil
}

func serve(call *Request, handler Handler) {
	defer call.cancel()
	var result any
	err := guarded(func() (err error) {
		result, err = handler(call.ctx, call)
		return err
	})
	if err != nil {
		text := explain(err, call.Service+"."+call.Method)
		if call.ctx.Err() == context.Canceled {
			text = "cancelled"
		}
		call.answer(nil, &text)
	} else {
		call.answer(result, nil)
	}
}

// panicked is the error of a handler that panicked.
type panicked struct {
	value any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// guarded makes an error of a panic: one handler's mistake is its caller's answer, never the end of the module.
func guarded(act func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicked{value, string(debug.Stack())}
		}
	}()
	return act()
}

// explain gives the text for the other side; what was not said on purpose also goes to the log.
func explain(err error, where string) string {
	var failure Failure
	var answered *CallError
	if errors.As(err, &failure) || errors.As(err, &answered) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return err.Error()
	}
	var data any
	var broken *panicked
	if errors.As(err, &broken) {
		data = map[string]string{"stack": broken.stack}
	}
	LogWith(LogLevelError, where+" failed: "+err.Error(), data, "")
	return err.Error()
}

func serveKernel(frame ToModule) {
	answer := CallResponseFrame{Type: "call:response", ID: frame.ID}
	err := guarded(func() error {
		handler := methods[frame.Method]
		if handler == nil {
			return Failure("Unknown method: " + frame.Method)
		}
		ctx, cancel := incoming(frame)
		defer cancel()
		result, err := handler(ctx, frame.Params)
		if err == nil {
			answer.Result, err = encode(result)
		}
		return err
	})
	if err != nil {
		text := explain(err, "kernel call "+frame.Method)
		answer.Error = &text
	}
	_ = send(answer)
}

func deliver(frame ToModule) {
	ctx, cancel := incoming(frame)
	defer cancel()
	payload := frame.Payload
	if payload == nil {
		payload = json.RawMessage("null")
	}
	for _, handler := range topics[frame.Topic] {
		err := guarded(func() error {
			return handler(ctx, &Message{ID: frame.ID, Topic: frame.Topic, Payload: payload})
		})
		if err != nil {
			text := explain(err, "handler of topic "+frame.Topic)
			_ = send(NackFrame{Type: "nack", ID: frame.ID, Error: &text})
			return
		}
	}
	_ = send(AckFrame{Type: "ack", ID: frame.ID})
}

// --- The module's life ---

// live does one step of the life, one after another.
func live(frame ToModule) {
	err := guarded(func() error {
		switch frame.Type {
		case "init", "config:update":
			takeConfig(frame.Config)
		case "deps_ready":
			for _, handler := range hooks["deps_ready"] {
				go runReady(handler, frame)
			}
			return nil
		case "state:save":
			state, err := saver()
			if err != nil {
				return err
			}
			raw, err := encode(state)
			if err != nil {
				return err
			}
			return send(StateSavedFrame{Type: "state:saved", ID: frame.ID, State: raw, Version: version()})
		}
		if err := runHooks(frame); err != nil {
			return err
		}
		switch frame.Type {
		case "init":
			raw, err := encode(readyManifest())
			if err != nil {
				return err
			}
			return send(ReadyFrame{Type: "ready", Manifest: raw})
		case "state:restore":
			return send(StateRestoredFrame{Type: "state:restored", ID: frame.ID})
		}
		return nil
	})
	if err == nil {
		return
	}
	text := explain(err, frame.Type)
	switch frame.Type {
	case "init":
		_ = send(NackFrame{Type: "nack", ID: "init", Error: &text})
		exitCode <- 1
	case "state:save", "state:restore":
		_ = send(NackFrame{Type: "nack", ID: frame.ID, Error: &text})
	}
}

func runHooks(frame ToModule) error {
	for _, handler := range hooks[frame.Type] {
		if err := handler(context.Background(), frame); err != nil {
			return err
		}
	}
	return nil
}

func runReady(handler func(context.Context, ToModule) error, frame ToModule) {
	if err := guarded(func() error { return handler(context.Background(), frame) }); err != nil {
		explain(err, "ready hook")
	}
}

func version() string {
	if manifest.Version == "" {
		return "0"
	}
	return manifest.Version
}

// readyManifest gives the manifest of module.json; what the code offers and the file does not say is worth a warning.
func readyManifest() map[string]any {
	declare := func(field string, declared []string, offered []string) {
		sort.Strings(offered)
		var missing []string
		for _, one := range offered {
			if !contains(declared, one) && !contains(manifest.Capabilities.Topics, one) {
				missing = append(missing, one)
			}
		}
		if manifest.ID != "" && len(missing) > 0 {
			text := fmt.Sprintf("module.json lacks %s in `%s`: the kernel will not know", strings.Join(missing, ", "), field)
			LogWith(LogLevelWarn, text, nil, "")
		}
		if manifest.raw[field] == nil {
			manifest.raw[field] = offered
		}
	}
	declare("provides", manifest.Provides, keys(services))
	declare("subscribes", manifest.Subscribes, keys(topics))
	return manifest.raw
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}

func keys[T any](all map[string]T) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	return names
}

// stop ends the module, once. On "eof" nobody hears us any more, so running calls are not waited for.
func stop(why string) {
	stopping.Do(func() {
		time.AfterFunc(drain, func() { exitCode <- 0 })
		if isIdle := running.stop(); !isIdle && why != "eof" {
			select {
			case <-running.idle:
			case <-time.After(drain / 2):
			}
		}
		unanswered.Range(func(_, value any) bool {
			waiting := value.(*pending)
			waiting.settle(nil, &CallError{waiting.target, "shutting down"})
			return true
		})
		if err := guarded(func() error { return runHooks(ToModule{Type: "shutdown"}) }); err != nil {
			explain(err, "shutdown")
		}
		exitCode <- 0
	})
}
