//! Everything that can make the kernel decide: one closed enum.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{
    ExitKind, Generation, ModuleId, Name, Pattern, Payload, Permissions, RequestId, Scope, Slot, Zone,
};

use crate::context::Kept;
use crate::governor::Measured;
use crate::spec::{Grants, Manner, Settings, Spec};
use crate::word::Word;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The modules that there are now, all of them: the kernel acts on the difference to what it knew.
    Discovered(Vec<Discovered>),
    /// One more module, beside those that a discovery finds; replaces one of the same name.
    Added(Discovered),
    /// The rules of the house, at boot and after a reload.
    Settings(Settings),
    /// Sections of the configuration that changed; the host holds the values.
    ConfigChanged(Vec<String>),
    /// What is approved now, for some modules; the kernel acts on the difference. `None`: nothing any more.
    GrantsChanged(Vec<(ModuleId, Option<Grants>)>),
    /// Context variables that an earlier life of the kernel left, at boot.
    ContextRestored(Vec<(Scope, Word, Kept)>),
    /// The process of this life runs.
    Spawned(Slot, Generation),
    /// The process of this life could not be started.
    SpawnFailed(Slot, Generation, SpawnFault, String),
    /// This life's way to the network is not what the system was told at its start, but can be changed in the middle of it.
    NetCarried(Slot, Generation, NetBearer),
    /// This life has places open, named here, that it may not reach any more.
    NetStillOpen(Slot, Generation, String),
    /// A plain command showed that it is ready.
    ReadySeen(Slot, Generation),
    /// The process of this life has been reaped.
    Exited(Slot, Generation, ExitKind),
    /// A module said something.
    Said(Slot, Generation, Incoming),
    /// The target's queue was full, so this frame was not queued.
    Undelivered(Slot, Generation, Undelivered),
    /// A module's proxy refused what it may not do.
    Tried(Slot, Generation, Attempt),
    /// How many calls are open on the data plane; told before a module's question that asks for it.
    Counted(u64),
    /// What modules use now, and how the machine is.
    Measured(Measured),
    /// An operator wants something.
    Ordered(RequestId, Order),
    /// A life that makes room for another has answered all that it was asked, and nobody owes it an answer.
    Drained(Slot, Generation),
    /// What an earlier life of this module left for this one, as [`crate::Effect::Recall`] asked.
    Recalled(Slot, Generation, Option<(Payload, Word)>),
    /// This life said more than is held while a cut is made.
    Overran(Slot, Generation),
    /// How the next change of this module's files is to be taken up.
    Manner(ModuleId, Manner),
    /// The next discovery's changes of these modules, whichever of them there are, are one change: all of them become new
    /// together, or none does. To be told right before it.
    Together(Vec<ModuleId>, Manner),
    /// An operator went away: nothing more is answered or shown to it.
    Departed(RequestId),
}

/// A module that was found, and what is approved for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// What it is.
    pub spec: Spec,
    /// What is approved.
    pub grants: Grants,
    /// Why it can't be started as it is, if so.
    pub refused: Option<String>,
}

/// What holds a life to the places of the network that it may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NetBearer {
    /// What the system was told when its process began.
    #[default]
    System,
    /// Somebody who can be told otherwise at any time; but the program was told its places too, and refuses more by itself.
    BrokerAndProgram,
    /// Somebody who can be told otherwise at any time.
    Broker,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpawnFault {
    /// It might: counted like an unexpected exit.
    Failed,
    /// It can't until somebody acts: changed files, no approval, containment below what was asked.
    Refused,
}

/// The result or the error of a call, as raw JSON and plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It worked; a result may be left out.
    Result(Option<Payload>),
    /// It did not.
    Error(String),
}

/// What a call carries beside its payload.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallContext {
    /// The caller wants an answer within this many milliseconds.
    pub deadline_ms: Option<u64>,
    /// W3C Trace Context, passed on as it is.
    pub traceparent: Option<Word>,
}

/// What a module can say, as far as the kernel is concerned; logs never come here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// It is ready.
    Ready,
    /// It is alive.
    Pong,
    /// A delivery was taken.
    Ack,
    /// Its state, as it was asked for.
    StateSaved {
        /// The kernel's number for the question.
        id: Word,
        /// The state, opaque.
        state: Payload,
        /// Of which form it is, in the module's own words.
        version: Word,
    },
    /// It has taken the state over.
    StateRestored {
        /// The kernel's number for the question.
        id: Word,
    },
    /// A delivery, a question for state or, with the id `init`, its own start failed.
    Nack {
        /// Of the delivery or the question, or `init`.
        id: Word,
        /// Its own words.
        error: String,
    },
    /// A message for everyone who listens.
    Publish {
        /// Where.
        topic: Word,
        /// What.
        payload: Payload,
        /// Beside it.
        context: CallContext,
    },
    /// A call to the kernel itself.
    KernelCall {
        /// The module's own number for it.
        id: Word,
        /// What it wants.
        call: KernelCall,
    },
    /// An answer to a call of the kernel's.
    KernelAnswer {
        /// The kernel's number for it.
        id: Word,
    },
    /// A call to a service.
    Call {
        /// The module's own number for it.
        id: Word,
        /// Which service.
        service: Word,
        /// What of it.
        method: Word,
        /// With what.
        params: Option<Payload>,
        /// Beside it.
        context: CallContext,
    },
    /// An answer to a call that the kernel passed on.
    Answer {
        /// The kernel's number for that hop.
        id: Word,
        /// What came of it.
        outcome: Outcome,
    },
    /// The caller gives up a call of its own.
    Cancel {
        /// The module's own number for it.
        id: Word,
    },
    /// How far a call has come.
    Progress {
        /// The kernel's number for that hop.
        id: Word,
        /// The rest of the frame, as raw JSON members.
        payload: Payload,
    },
    /// A part of a streamed result.
    Chunk {
        /// The kernel's number for that hop.
        id: Word,
        /// Which part, from 0.
        seq: u64,
        /// The part itself.
        data: Payload,
    },
    /// The stream is complete; the answer follows.
    End {
        /// The kernel's number for that hop.
        id: Word,
    },
    /// The caller can take this many parts more.
    Credit {
        /// The module's own number for the call.
        id: Word,
        /// How many.
        parts: u32,
    },
}

/// The kernel's own methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelCall {
    /// Read a configuration value by its dotted key.
    ConfigGet(Word),
    /// Change one.
    ConfigSet(Word, Payload),
    /// The sections it may see.
    ConfigSections,
    /// All modules.
    ModuleList,
    /// All commands that modules offer.
    ModuleCommands,
    /// All services.
    ServiceDiscover,
    /// Who offers a service.
    ServiceResolve(Word),
    /// Which of these it has.
    PermissionsCheck(Permissions),
    /// A wish for more.
    PermissionsRequest(Permissions, Option<String>),
    /// Its unanswered wishes.
    PermissionsPending,
    /// Numbers about the system.
    MonitorSnapshot,
    /// Something about context variables.
    Context(ContextCall),
    /// The value of a secret.
    SecretGet(Word),
    /// Something about functions.
    Function(FunctionCall),
    /// No such method.
    Unknown(Word),
    /// A known method with unusable parameters, and what is wrong with them.
    Bad(String),
}

/// A module's call about context variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextCall {
    /// Whose variables; its own when left out.
    pub scope: Option<Scope>,
    /// What about them.
    pub verb: ContextVerb,
}

/// What can be done with context variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextVerb {
    /// Read one.
    Get(Word),
    /// Keep one, for this long.
    Set {
        /// Its key.
        key: Word,
        /// Its value, opaque.
        value: Payload,
        /// For how many milliseconds; for ever, or for a session's default, when left out.
        ttl_ms: Option<u64>,
    },
    /// Remove one.
    Delete(Word),
    /// All whose keys match; simply all when left out.
    List(Option<Pattern>),
    /// Be told of changes of those.
    Watch(Option<Pattern>),
    /// Be told no more, by the number that the watch was given.
    Unwatch(u64),
}

/// What a module can want of the function cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionCall {
    /// Run one.
    Run {
        /// Its name.
        name: Word,
        /// What it is given, as raw JSON.
        input: Option<Payload>,
        /// Give up after this many milliseconds, instead of the host's bound.
        timeout_ms: Option<u64>,
    },
    /// All of them.
    List,
    /// Keep one under a name.
    Put {
        /// Its name.
        name: Word,
        /// WebAssembly as text.
        source: Payload,
        /// The most that it may ever do.
        permissions: Permissions,
    },
    /// Forget one of its own.
    Remove {
        /// Its name.
        name: Word,
    },
}

impl FunctionCall {
    /// The method's name on the door.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Run { .. } => "fn.run",
            Self::List => "fn.list",
            Self::Put { .. } => "fn.put",
            Self::Remove { .. } => "fn.rm",
        }
    }

    /// The value of the permission `run` without which a module may not do it.
    pub fn needs(&self) -> &'static str {
        match self {
            Self::Run { .. } | Self::List => "kernel.fn",
            Self::Put { .. } | Self::Remove { .. } => "kernel.fn.put",
        }
    }
}

/// What a module tried, may not, and was refused by its proxy; it is answered by control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// A call to a service that it has no capability for.
    Call {
        /// Its own number for it.
        id: Word,
        /// Which service.
        service: Word,
    },
    /// A message on a topic of the kernel's own.
    Publish {
        /// Which topic.
        topic: Word,
    },
    /// To write into its lane what no frame is: it can't be heard any more, nor told anything.
    BreakLane {
        /// What was found there.
        fault: String,
    },
}

/// A frame that did not fit into its target's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undelivered {
    /// A call to a service, by the number that the module was to be given for it.
    Call(u64),
    /// A part of a stream on its way to the caller, by the number in its frame.
    Part(u64),
}

/// What an operator says of the state that a swap hands over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry {
    /// What both lives offer; a module that says nothing of its state is not swapped.
    AsOffered,
    /// Nothing: the new life begins without.
    Nothing,
}

/// What an operator can want from the kernel itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Start a module; answered when it is ready or has failed.
    Start(ModuleId),
    /// Stop a module; answered when it is gone.
    Stop(ModuleId),
    /// Stop and start a module; answered when it is ready or has failed.
    Restart(ModuleId),
    /// The same, and what it has in its memory is not asked for: its next life gets what is kept for it now.
    Reinstate(ModuleId),
    /// Make one consistent cut through the states of all modules and of the kernel; answered by [`crate::Answer::Cut`].
    Cut,
    /// Put a new life beside the one that runs, hand its state over, and let the new one answer from then on; answered
    /// when that is done or has failed.
    Swap(ModuleId, Carry),
    /// Answered when no swap of this module is under way any more: `Already`, if there is none.
    AwaitSwap(ModuleId),
    /// The life before the last swap is not needed any more.
    Release(ModuleId),
    /// Forget a module that was added by hand; stops it first.
    Remove(ModuleId),
    /// Stop everything in order; answered when nothing runs any more. A second one does not wait for anybody.
    Shutdown,
    /// End every module but the system's own and start none until [`Order::Resume`]; for this reason.
    SafeMode(String),
    /// Leave safe mode: start what starts at boot.
    Resume,
    /// Move a module to the stable zone, and out of quarantine.
    Promote(ModuleId),
    /// Give every module of a zone that runs a new life.
    RestartZone(Zone),
    /// Begin a zone anew: counts are forgotten, what runs gets a new life, what was given up another try.
    ResetZone(Zone),
    /// Answer as soon as no module is on its way to being ready.
    Settle,
    /// Approve more for a module.
    Grant(ModuleId, Permissions),
    /// Approve one wish.
    GrantRequest(u128),
    /// Refuse one wish.
    DenyRequest(u128),
    /// Refuse these for the future.
    Deny(ModuleId, Permissions),
    /// Take back what was approved later than at installation.
    Revoke(ModuleId, Permissions),
    /// Call a service.
    Call {
        /// Which service.
        service: Word,
        /// What of it.
        method: Word,
        /// With what.
        params: Option<Payload>,
        /// Give up after this many milliseconds, instead of the house's bound.
        timeout_ms: Option<u64>,
    },
    /// Send a message to everyone who listens.
    Publish {
        /// Where.
        topic: Word,
        /// What.
        payload: Payload,
    },
    /// Hear these topics until departure; `*` at the end of one stands for the rest.
    Subscribe(Vec<Name>),
    /// Set or delete a context variable; reading is done from [`crate::Kernel::context`].
    Context(Scope, ContextVerb),
}

crate::saved::keep_variants!(NetBearer { System {}, BrokerAndProgram {}, Broker {} });
