// Code generated from schema/module-door.json by `cargo xtask schema`. DO NOT EDIT.

package ostoja

import "encoding/json"

// TransportKind: The ways on which frames can go.
type TransportKind string

const (
	// Two rings in shared memory.
	TransportKindShm TransportKind = "shm"
)

// LogLevel: How urgent a log record is, in the door's own words.
type LogLevel string

const (
	// Every step.
	LogLevelTrace LogLevel = "trace"
	// What helps to find a fault.
	LogLevelDebug LogLevel = "debug"
	// What happened.
	LogLevelInfo LogLevel = "info"
	// Handled, worth a look.
	LogLevelWarn LogLevel = "warn"
	// Someone must act.
	LogLevelError LogLevel = "error"
	// The module cannot go on.
	LogLevelFatal LogLevel = "fatal"
)

// LaneOffer: A lane that the kernel has made for this life of the module.
type LaneOffer struct {
	// What it is.
	Kind TransportKind `json:"kind"`
	// The number of the descriptor that the module was started with.
	Fd int32 `json:"fd"`
	// The length of each ring, in bytes.
	Bytes uint32 `json:"bytes"`
	// Which layout the memory has.
	Layout uint32 `json:"layout"`
}

// LogItem: One entry of a `log-group`.
type LogItem struct {
	// What.
	Msg string `json:"msg"`
	// More about it.
	Data json.RawMessage `json:"data,omitempty"`
}

// ToModule: What the kernel says: which fields are set depends on Type.
type ToModule struct {
	// Which message it is.
	Type string `json:"type"`
	// The names of the sections that changed.
	ChangedSections []string `json:"changedSections"`
	// The module's own section under its `configKey`, or an empty object.
	Config json.RawMessage `json:"config"`
	// The piece.
	Data json.RawMessage `json:"data,omitempty"`
	// How long the caller waits, in milliseconds.
	DeadlineMs *uint64 `json:"deadline_ms,omitempty"`
	// Why nothing came of it.
	Error *string `json:"error,omitempty"`
	// 0 to 1.
	Fraction *float64 `json:"fraction,omitempty"`
	// The calling module.
	From string `json:"from"`
	// New for each delivery.
	ID string `json:"id"`
	// Which way.
	Kind TransportKind `json:"kind"`
	// What to do.
	Method string `json:"method"`
	// What is being done.
	Msg *string `json:"msg,omitempty"`
	// How many.
	N uint64 `json:"n"`
	// With what.
	Params json.RawMessage `json:"params,omitempty"`
	// What was published.
	Payload json.RawMessage `json:"payload,omitempty"`
	// The home folder too.
	ProjectRoot string `json:"projectRoot"`
	// The door's version, `major.minor`.
	ProtocolVersion string `json:"protocolVersion"`
	// What came of it.
	Result json.RawMessage `json:"result,omitempty"`
	// The piece's number, from 0.
	Seq uint64 `json:"seq"`
	// Which one.
	Service string `json:"service"`
	// What the former life saved.
	State json.RawMessage `json:"state,omitempty"`
	// The topic.
	Topic string `json:"topic"`
	// W3C Trace Context; only for modules that asked for `trace`.
	Traceparent *string `json:"traceparent,omitempty"`
	// A faster way than the pipes; only for modules that asked for it.
	Transport *LaneOffer `json:"transport,omitempty"`
	// The version of the module that saved it.
	Version string `json:"version"`
	// The home folder.
	WorkspacePath string `json:"workspacePath"`
}

// ReadyFrame: `ready`. The module has initialised itself.
type ReadyFrame struct {
	// Always "ready".
	Type string `json:"type"`
	// Ignored for decisions: the file on disk counts.
	Manifest json.RawMessage `json:"manifest,omitempty"`
	// Ignored for decisions: the stored approvals count.
	Capabilities json.RawMessage `json:"capabilities,omitempty"`
	// The module has taken the offer of `init`: this is its last line on the pipe.
	Transport *TransportKind `json:"transport,omitempty"`
}

// LogFrame: `log`. A log record.
type LogFrame struct {
	// Always "log".
	Type string `json:"type"`
	// How urgent.
	Level LogLevel `json:"level"`
	// What.
	Msg string `json:"msg"`
	// More about it.
	Data json.RawMessage `json:"data,omitempty"`
	// A word to sort by.
	Topic *string `json:"topic,omitempty"`
}

// LogGroupFrame: `log-group`. Several records under one heading, shown as a tree.
type LogGroupFrame struct {
	// Always "log-group".
	Type string `json:"type"`
	// How urgent.
	Level LogLevel `json:"level"`
	// The heading.
	Msg string `json:"msg"`
	// More about it.
	Data json.RawMessage `json:"data,omitempty"`
	// What stands under the heading.
	Items []LogItem `json:"items"`
}

// AckFrame: `ack`. A delivery was dealt with. Information only.
type AckFrame struct {
	// Always "ack".
	Type string `json:"type"`
	// The delivery.
	ID string `json:"id"`
}

// NackFrame: `nack`. A delivery could not be dealt with; with the id `init`, the module's initialisation failed.
type NackFrame struct {
	// Always "nack".
	Type string `json:"type"`
	// The delivery, or `init`.
	ID string `json:"id"`
	// Why.
	Error *string `json:"error,omitempty"`
}

// PublishFrame: `publish`. A message for a topic's subscribers.
type PublishFrame struct {
	// Always "publish".
	Type string `json:"type"`
	// The topic.
	Topic string `json:"topic"`
	// The message.
	Payload json.RawMessage `json:"payload,omitempty"`
	// How long the message is worth delivering, in milliseconds.
	DeadlineMs *uint64 `json:"deadline_ms,omitempty"`
	// W3C Trace Context.
	Traceparent *string `json:"traceparent,omitempty"`
}

// CallFrame: `call`. The module calls the kernel. Answered by `call:response`.
type CallFrame struct {
	// Always "call".
	Type string `json:"type"`
	// Names the call in its answer.
	ID string `json:"id"`
	// A method of the kernel API.
	Method string `json:"method"`
	// With what.
	Params json.RawMessage `json:"params,omitempty"`
	// How long the caller waits, in milliseconds.
	DeadlineMs *uint64 `json:"deadline_ms,omitempty"`
	// W3C Trace Context.
	Traceparent *string `json:"traceparent,omitempty"`
}

// CallResponseFrame: `call:response`. The answer to the kernel's `call`.
type CallResponseFrame struct {
	// Always "call:response".
	Type string `json:"type"`
	// The call's id.
	ID string `json:"id"`
	// What came of it.
	Result json.RawMessage `json:"result,omitempty"`
	// Why nothing came of it.
	Error *string `json:"error,omitempty"`
}

// PongFrame: `pong`. Alive. Answers all outstanding pings.
type PongFrame struct {
	// Always "pong".
	Type string `json:"type"`
}

// RpcRequestFrame: `rpc_request`. The module calls a service of another one. Answered by `rpc_response`.
type RpcRequestFrame struct {
	// Always "rpc_request".
	Type string `json:"type"`
	// The caller's own name for the call.
	ID string `json:"id"`
	// The service.
	Service string `json:"service"`
	// What to do.
	Method string `json:"method"`
	// With what.
	Params json.RawMessage `json:"params,omitempty"`
	// How long the caller waits, in milliseconds.
	DeadlineMs *uint64 `json:"deadline_ms,omitempty"`
	// W3C Trace Context.
	Traceparent *string `json:"traceparent,omitempty"`
}

// RpcResponseFrame: `rpc_response`. The answer to an `rpc_request` that the kernel forwarded.
type RpcResponseFrame struct {
	// Always "rpc_response".
	Type string `json:"type"`
	// The call's id, as it came.
	ID string `json:"id"`
	// What came of it.
	Result json.RawMessage `json:"result,omitempty"`
	// Why nothing came of it.
	Error *string `json:"error,omitempty"`
}

// CancelFrame: `cancel`. The module gives up a call of its own.
type CancelFrame struct {
	// Always "cancel".
	Type string `json:"type"`
	// The call given up.
	ID string `json:"id"`
}

// ProgressFrame: `progress`. How far the module has come with a call.
type ProgressFrame struct {
	// Always "progress".
	Type string `json:"type"`
	// The call.
	ID string `json:"id"`
	// 0 to 1.
	Fraction *float64 `json:"fraction,omitempty"`
	// What is being done.
	Msg *string `json:"msg,omitempty"`
}

// ChunkFrame: `chunk`. One piece of a streamed result.
type ChunkFrame struct {
	// Always "chunk".
	Type string `json:"type"`
	// The call.
	ID string `json:"id"`
	// The piece's number, from 0.
	Seq uint64 `json:"seq"`
	// The piece.
	Data json.RawMessage `json:"data,omitempty"`
}

// EndFrame: `end`. The last piece was sent.
type EndFrame struct {
	// Always "end".
	Type string `json:"type"`
	// The call.
	ID string `json:"id"`
}

// CreditFrame: `credit`. So many more pieces may be sent.
type CreditFrame struct {
	// Always "credit".
	Type string `json:"type"`
	// The call.
	ID string `json:"id"`
	// How many.
	N uint64 `json:"n"`
}

// StateSavedFrame: `state:saved`. The module's state, as asked for by `state:save`.
type StateSavedFrame struct {
	// Always "state:saved".
	Type string `json:"type"`
	// The request's id.
	ID string `json:"id"`
	// What the next life needs to go on.
	State json.RawMessage `json:"state,omitempty"`
	// The version of the module that saved it.
	Version string `json:"version"`
}

// StateRestoredFrame: `state:restored`. The state was taken over.
type StateRestoredFrame struct {
	// Always "state:restored".
	Type string `json:"type"`
	// The request's id.
	ID string `json:"id"`
}
