//! Everything that the kernel can want done: one closed enum. Effects are safe to repeat, because each one that
//! touches a module carries the generation it is meant for.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{
    ExitKind, Generation, ModuleId, Name, Payload, Permissions, Reason, Record, RequestId, Scope, Slot, State,
};

use crate::cut::Cut;
use crate::event::{CallContext, FunctionCall, Outcome};
use crate::governor::Grip;
use crate::keeping::Fate;
use crate::proxy::Note;
use crate::spec::{Grants, PendingRequest};
use crate::word::Word;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write this into the journal; always comes before the act it explains.
    Record(Record),
    /// Start the process of this life, then report `Spawned` or `SpawnFailed`.
    Spawn(Slot, Generation),
    /// Queue this frame for the module, by way of its proxy. A full queue is reported as `Undelivered` for what that
    /// names, and counted for deliveries; everything else always fits.
    Send(Slot, Generation, Outgoing),
    /// Signal the whole process group, if that life still runs.
    Signal(Slot, Generation, Signal),
    /// Watch a plain command for its readiness, then report `ReadySeen`.
    Watch(Slot, Generation),
    /// Do this for a module's call and answer it with `call:response`.
    Perform(Slot, Generation, Word, Task),
    /// Keep what is approved for this module.
    SaveGrants(ModuleId, Grants),
    /// Keep this state of a life that is about to end, of this form in its words, for the module's next life.
    KeepState(Slot, Generation, Payload, Word),
    /// Look for what an earlier life of this module left, then report `Recalled`.
    Recall(Slot, Generation),
    /// What was recalled for this life has come to this.
    Settle(Slot, Generation, Fate),
    /// A line in the module's own log, from the kernel, at level warn.
    Warn(Slot, Generation, String),
    /// Answer an operator.
    Reply(RequestId, Answer),
    /// Show a message to an operator who listens.
    Show(RequestId, Word, Message),
    /// Hold this life as tight as this from now on, and no tighter.
    Grip(Slot, Generation, Grip),
    /// This life answers for its module from now on; the one that did so before runs on for now.
    Promoted(Slot, Generation),
    /// From now on this life reaches these places and no others; what it has open beyond them is told as `NetStillOpen`.
    Reach(Slot, Generation, BTreeSet<String>),
    /// Tell the proxy of this life.
    Note(Slot, Generation, Note),
    /// This module is forgotten; its slot may be used again.
    Forgotten(Slot, ModuleId),
    /// Nothing runs any more and nothing will: leave.
    Finished,
}

/// How hard a process is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The module's own stop signal, SIGTERM by default.
    Stop,
    /// SIGKILL, and everything else that it started.
    Kill,
}

/// What the kernel tells a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// It is started for the first time ever.
    Install,
    /// Its configuration and places, filled in by the host.
    Init,
    /// It is ready now.
    DepsReady,
    /// A service it likes to have is there.
    ServiceAvailable(Name),
    /// Is it alive?
    Ping,
    /// A message on a topic.
    Deliver {
        /// The delivery's own uuid.
        id: u128,
        /// Where.
        topic: Word,
        /// What.
        message: Message,
        /// W3C Trace Context, if it asked for it.
        traceparent: Option<Word>,
    },
    /// Sections it may see changed; filled in by the host.
    ConfigUpdate(Vec<String>),
    /// The answer to its call to the kernel.
    KernelAnswer {
        /// Its own number for the call.
        id: Word,
        /// What came of it.
        answer: Result<KernelResult, String>,
    },
    /// A call to one of its services.
    Call {
        /// The number that it was given for the call, which no other call of this life gets.
        hop: u64,
        /// Who calls.
        from: Word,
        /// Which service.
        service: Word,
        /// What of it.
        method: Word,
        /// With what.
        params: Option<Payload>,
        /// Beside it, as far as it asked for it.
        context: CallContext,
    },
    /// The answer to a call of its own.
    Answer {
        /// Its own number for the call.
        id: Word,
        /// What came of it.
        outcome: Outcome,
    },
    /// The caller gave up.
    Cancel {
        /// The number that it was given for the call, which no other call of this life gets.
        hop: u64,
    },
    /// How far its call has come.
    Progress {
        /// Its own number for the call.
        id: Word,
        /// Its proxy's number for the call.
        hop: u64,
        /// The members of the frame, raw.
        payload: Payload,
    },
    /// A part of a streamed result.
    Chunk {
        /// Its own number for the call.
        id: Word,
        /// Its proxy's number for the call.
        hop: u64,
        /// Which part, from 0.
        seq: u64,
        /// The part itself.
        data: Payload,
    },
    /// The stream is complete.
    End {
        /// Its own number for the call.
        id: Word,
        /// Its proxy's number for the call.
        hop: u64,
    },
    /// The caller can take more parts.
    Credit {
        /// The number that it was given for the call, which no other call of this life gets.
        hop: u64,
        /// How many.
        parts: u32,
    },
    /// Give your state.
    StateSave {
        /// The kernel's number for the question.
        number: u64,
    },
    /// Take over this state.
    StateRestore {
        /// The kernel's number for the question.
        number: u64,
        /// The state, as the other life gave it.
        state: Payload,
        /// Of which form it is, in that one's words.
        version: Word,
    },
    /// It has to end.
    Shutdown,
}

/// A message on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// From a module or an operator, opaque.
    Raw(Payload),
    /// From the kernel.
    Notice(Notice),
}

/// What the kernel itself publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `system:module:ready`.
    Ready {
        /// Who.
        module: ModuleId,
        /// Its services.
        provides: Vec<Name>,
        /// Its version.
        version: String,
    },
    /// `system:module:stopping`, before the `shutdown`.
    Stopping {
        /// Who.
        module: ModuleId,
        /// Its place in the order of a whole shutdown, from 0; 0 when it stops alone.
        tier: u32,
    },
    /// `system:module:stopped`.
    Stopped {
        /// Who.
        module: ModuleId,
        /// Why.
        reason: Reason,
    },
    /// `system:module:crashed`, at every crash.
    Crashed {
        /// Who.
        module: ModuleId,
        /// How; nothing when it could not even be started.
        exit: Option<ExitKind>,
        /// How often it has been started again since it was last well.
        restart_count: u32,
    },
    /// `kernel.permissions.pending`, and, on `outbound:ws`, with a type `permission:request`.
    PermissionPending {
        /// Who asks.
        module: ModuleId,
        /// The wish.
        request: PendingRequest,
    },
    /// `system:rpc`; the host adds the time.
    Rpc {
        /// Who calls.
        from: Word,
        /// Which service.
        service: Word,
        /// What of it.
        method: Word,
        /// The caller's own number for it.
        id: Word,
    },
    /// `kernel.context`: a variable that the module watches is another one now.
    Context {
        /// The number that the watch was given.
        watch: u64,
        /// Whose variable.
        scope: Scope,
        /// Which.
        key: Word,
        /// What became of it.
        change: Change,
    },
}

/// What became of a context variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It has this value.
    Set {
        /// The value.
        value: Payload,
        /// Its version.
        version: u64,
    },
    /// Somebody deleted it.
    Deleted,
    /// Its end has come.
    Expired,
}

/// A result of the kernel's own methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelResult {
    /// `module.list`.
    Modules(Vec<ModuleRow>),
    /// `service.discover`.
    Services(Vec<(Name, ModuleId)>),
    /// `service.resolve`.
    Provider(ModuleId),
    /// `permissions.check`.
    Checked {
        /// What it has.
        granted: Permissions,
        /// What it has not.
        missing: Permissions,
    },
    /// `permissions.request`: it has all of it.
    Granted,
    /// `permissions.request`: it was refused before.
    Denied,
    /// `permissions.request`: an operator has to say.
    Pending(u128),
    /// `permissions.pending`.
    PendingList(ModuleId, Vec<PendingRequest>),
    /// `monitor.snapshot`.
    Snapshot {
        /// All modules.
        modules: Vec<ModuleRow>,
        /// All services.
        services: Vec<(Name, ModuleId)>,
        /// Calls not answered yet.
        pending: u64,
        /// Milliseconds since the kernel started.
        uptime_ms: u64,
    },
    /// `context.get`: the value and what is known of it; nothing when there is none.
    Variable(Option<(Payload, VariableRow)>),
    /// `context.list`.
    Variables(Vec<VariableRow>),
    /// `context.set`: the version that it has now.
    Version(u64),
    /// `context.delete` and `context.unwatch`: whether there was one.
    Deleted(bool),
    /// `context.watch`: the number that its deliveries carry.
    Watching(u64),
}

/// A context variable without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableRow {
    /// Its key.
    pub key: Word,
    /// How long its value is.
    pub bytes: usize,
    /// Which change made it what it is; higher is later.
    pub version: u64,
    /// For how many milliseconds more, if it has an end.
    pub ttl_ms: Option<u64>,
}

/// One module as other modules may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleRow {
    /// Who.
    pub id: ModuleId,
    /// Where in its life.
    pub state: State,
    /// Its services.
    pub provides: Vec<Name>,
}

/// What the host does for a module's call; it was already allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Answer with the value at this dotted key.
    ConfigGet(Word),
    /// Change the value at this dotted key.
    ConfigSet(Word, Payload),
    /// Answer with the module's own sections.
    ConfigSections,
    /// Answer with all commands that modules offer.
    ModuleCommands,
    /// Answer with the value of this secret.
    SecretGet(Word),
    /// Do this with functions, for a module that may touch these.
    Function(FunctionCall, Permissions),
}

/// The end of an operator's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// It was so before.
    Already,
    /// Another life answers now; so many bytes of state went over.
    Swapped(u64),
    /// The states of all modules at one moment.
    Cut(Box<Cut>),
    /// It came to this instead; the text says why.
    Failed(Failure, String),
    /// What a called service answered.
    Called(Outcome),
    /// A message went to this many modules.
    Published(u64),
    /// All modules are at rest; these are not ready though they should be.
    Settled(Vec<ModuleId>),
}

/// What kind of failure an order met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// There is no module, wish or service of that name.
    NotFound,
    /// It is not approved, or is forbidden.
    Denied,
    /// It did not become what was wanted.
    Failed,
    /// It took too long.
    TimedOut,
    /// The system is being shut down.
    ShuttingDown,
    /// The order makes no sense in this state.
    Refused,
}
