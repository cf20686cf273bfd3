package ostoja

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// What a context carries: the trace of what is being handled, and who wants to hear of progress.
type (
	traceKey    struct{}
	progressKey struct{}
)

// outgoing gives the trace and the deadline of a frame that is sent from inside a handler, or with a time limit.
func outgoing(ctx context.Context) (trace *string, deadline *uint64) {
	if parent, isTraced := ctx.Value(traceKey{}).(string); isTraced {
		if parts := strings.Split(parent, "-"); len(parts) >= 4 {
			var span [8]byte
			_, _ = rand.Read(span[:]) // It does not fail on Linux; and a span of zeros is only left out.
			parts[2] = hex.EncodeToString(span[:])
			joined := strings.Join(parts, "-")
			trace = &joined
		}
	}
	if ends, isBounded := ctx.Deadline(); isBounded {
		// On the wire: how long from now. Rounded up, since a whole limit has lost some of itself on its way here.
		left := uint64(math.Max(1, math.Ceil(float64(time.Until(ends))/float64(time.Millisecond))))
		deadline = &left
	}
	return trace, deadline
}

// incoming is the context in which something that arrived is handled.
func incoming(frame ToModule) (context.Context, context.CancelFunc) {
	ctx := context.Background()
	if frame.Traceparent != nil {
		ctx = context.WithValue(ctx, traceKey{}, *frame.Traceparent)
	}
	if frame.DeadlineMs != nil {
		const longest = uint64(math.MaxInt64 / int64(time.Millisecond))
		left := *frame.DeadlineMs
		if left > longest {
			left = longest
		}
		return context.WithTimeout(ctx, time.Duration(left)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

// Request is one call of a service of this module. Its handler's context ends when nobody waits for the result any more.
type Request struct {
	ID, From, Service, Method string

	params json.RawMessage
	ctx    context.Context
	cancel context.CancelFunc

	lock       sync.Mutex
	isAnswered bool
	credit     uint64
	granted    chan struct{} // Has something when credit came.
	seq        uint64
}

func newRequest(frame ToModule) *Request {
	ctx, cancel := incoming(frame)
	return &Request{ID: frame.ID, From: frame.From, Service: frame.Service, Method: frame.Method, params: frame.Params,
		ctx: ctx, cancel: cancel, credit: streamWindow, granted: make(chan struct{}, 1)}
}

// Params decodes the params; an error is fit for being returned. Without params `into` keeps what it holds.
func (c *Request) Params(into any) error {
	if len(c.params) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.params, into); err != nil {
		return Failure("bad params: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// RawParams gives the params as they came; nil without any.
func (c *Request) RawParams() json.RawMessage { return c.params }

// Progress tells the caller how far the work is: fraction from 0 to 1 (below 0: unknown), msg for people.
func (c *Request) Progress(fraction float64, msg string) {
	frame := ProgressFrame{Type: "progress", ID: c.ID}
	if fraction >= 0 {
		frame.Fraction = &fraction
	}
	if msg != "" {
		frame.Msg = &msg
	}
	c.lock.Lock()
	defer c.lock.Unlock()
	if !c.isAnswered {
		_ = send(frame) // Nobody to tell when the kernel is gone.
	}
}

// Emit sends one piece of a streamed result; it waits while the caller has not taken what was sent before.
func (c *Request) Emit(data any) error {
	raw, err := encode(data)
	if err != nil {
		return err
	}
	timer := time.NewTimer(creditWait)
	defer timer.Stop()
	for {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		c.lock.Lock()
		if c.credit > 0 {
			c.credit--
			defer c.lock.Unlock()
			if c.isAnswered {
				return context.Canceled
			}
			frame := ChunkFrame{Type: "chunk", ID: c.ID, Seq: c.seq, Data: raw}
			c.seq++
			return send(frame)
		}
		c.lock.Unlock()
		select {
		case <-c.granted:
		case <-c.ctx.Done():
		case <-timer.C:
			return Failure("the caller does not read the stream")
		}
	}
}

func (c *Request) grant(count uint64) {
	c.lock.Lock()
	if c.credit < math.MaxUint32 {
		c.credit += count % math.MaxUint32
	}
	c.lock.Unlock()
	select {
	case c.granted <- struct{}{}:
	default: // It is known already.
	}
}

// answer sends the one answer; whatever comes after it is not sent.
func (c *Request) answer(result any, failure *string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.isAnswered {
		return
	}
	c.isAnswered = true
	var err error
	if failure != nil {
		err = send(RpcResponseFrame{Type: "rpc_response", ID: c.ID, Error: failure})
	} else {
		err = c.sendResult(result)
	}
	if err != nil {
		text := "bad result: " + err.Error()
		_ = send(RpcResponseFrame{Type: "rpc_response", ID: c.ID, Error: &text})
	}
	running.forget(c)
}

// sendResult writes the frame by hand, so that a large result is not gone through twice.
func (c *Request) sendResult(result any) error {
	raw, err := encode(result)
	if err != nil {
		return err
	}
	id, err := encode(c.ID)
	if err != nil {
		return err
	}
	if c.seq > 0 {
		if err := send(EndFrame{Type: "end", ID: c.ID}); err != nil {
			return err
		}
	}
	line := make([]byte, 0, len(raw)+len(id)+48)
	line = append(append(line, `{"type":"rpc_response","id":`...), id...)
	return sendLine(append(append(append(line, `,"result":`...), raw...), '}'))
}

// pending is a call of ours that is not answered yet.
type pending struct {
	id, target, answerType string
	report                 func(float64, string)
	pieces                 *Pieces
	once                   sync.Once
	done                   chan struct{}
	result                 json.RawMessage
	err                    error
}

var (
	lastID     atomic.Uint64
	unanswered sync.Map // string to *pending
)

func ask(ctx context.Context, service, method string, params any, pieces *Pieces) (*pending, error) {
	if err := checkName(service, "service"); err != nil {
		return nil, err
	}
	if err := checkName(method, "method"); err != nil {
		return nil, err
	}
	raw, err := encodeParams(params)
	if err != nil {
		return nil, err
	}
	return begin(ctx, "r", service+"."+method, "rpc_response", pieces, func(id string) any {
		trace, deadline := outgoing(ctx)
		return RpcRequestFrame{Type: "rpc_request", ID: id, Service: service, Method: method, Params: raw,
			Traceparent: trace, DeadlineMs: deadline}
	})
}

// begin sends a request and remembers who waits.
func begin(ctx context.Context, kind, target, answerType string, pieces *Pieces, frame func(id string) any) (*pending, error) {
	id := kind + strconv.FormatUint(lastID.Add(1), 10)
	waiting := &pending{id: id, target: target, answerType: answerType, pieces: pieces, done: make(chan struct{})}
	waiting.report, _ = ctx.Value(progressKey{}).(func(float64, string))
	if pieces != nil {
		pieces.pending = waiting
	}
	if err := ctx.Err(); err != nil {
		return nil, waiting.contextError(err)
	}
	unanswered.Store(id, waiting)
	if err := send(frame(id)); err != nil {
		unanswered.Delete(id)
		return nil, err
	}
	return waiting, nil
}

func (p *pending) settle(result json.RawMessage, err error) {
	p.once.Do(func() {
		unanswered.Delete(p.id)
		p.result, p.err = result, err
		close(p.done)
	})
}

// giveUp stops waiting and tells the other side, which may stop working.
func (p *pending) giveUp(err error) {
	if _, isWaiting := unanswered.LoadAndDelete(p.id); isWaiting {
		_ = send(CancelFrame{Type: "cancel", ID: p.id})
		p.settle(nil, err)
	}
}

func (p *pending) contextError(err error) error {
	if err == context.DeadlineExceeded {
		return &CallError{p.target, "timeout"}
	}
	return &CallError{p.target, "cancelled"}
}

// wait waits for the answer and decodes it.
func (p *pending) wait(ctx context.Context, result any) error {
	timer := time.NewTimer(callWait)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.giveUp(p.contextError(ctx.Err()))
		<-p.done
	case <-timer.C:
		p.giveUp(&CallError{p.target, "timeout"})
		<-p.done
	}
	if p.err != nil || result == nil || len(p.result) == 0 {
		return p.err
	}
	if err := json.Unmarshal(p.result, result); err != nil {
		return fmt.Errorf("%s: decoding the result: %w", p.target, err)
	}
	return nil
}

// Pieces are the parts of a streamed result.
type Pieces struct {
	ctx     context.Context
	pending *pending
	chunks  chan json.RawMessage
	taken   int
	err     error
}

// push takes a chunk; the channel holds twice what the sender may send without credit.
func (p *Pieces) push(chunk json.RawMessage) {
	select {
	case p.chunks <- chunk:
	default: // The sender ignores its credit: a stream with a hole would be worse than none.
		p.pending.giveUp(&CallError{p.pending.target, "stream overrun"})
	}
}

// Next waits for one piece and decodes it; false at the end, after which Result tells how it ended.
func (p *Pieces) Next(piece any) bool {
	if p.err != nil {
		return false
	}
	var chunk json.RawMessage
	select {
	case chunk = <-p.chunks:
	default:
		select {
		case chunk = <-p.chunks:
		case <-p.ctx.Done():
			return false
		case <-p.pending.done:
			select { // The answer comes after the last piece, but both may be there.
			case chunk = <-p.chunks:
			default:
				return false
			}
		}
	}
	p.taken++
	if p.taken%(streamWindow/2) == 0 {
		if _, isWaiting := unanswered.Load(p.pending.id); isWaiting {
			_ = send(CreditFrame{Type: "credit", ID: p.pending.id, N: streamWindow / 2})
		}
	}
	if chunk == nil {
		chunk = json.RawMessage("null")
	}
	if p.err = json.Unmarshal(chunk, piece); p.err != nil {
		p.Close()
	}
	return p.err == nil
}

// Result waits for the end and decodes what the handler returned after its last piece; result may be nil.
func (p *Pieces) Result(result any) error {
	if p.err != nil {
		return p.err
	}
	return p.pending.wait(p.ctx, result)
}

// Close gives the call up, if it still runs.
func (p *Pieces) Close() {
	if p.pending != nil {
		p.pending.giveUp(&CallError{p.pending.target, "cancelled"})
	}
}
