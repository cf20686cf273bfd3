//! Effects as lines of text, so that a test can state what it expects and a person can read a trace.
//!
//! The kernel's own tests and the simulator share this file by source: a crate's unit tests see another build of the
//! kernel than the crates that depend on it, so no crate could hold it for both. Payloads are shown here, and only
//! here, because tests make them up.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use abi::{Fact, Generation, Name, Payload, Record, Slot};
use kernel::{
    Answer, CallContext, Change, Effect, Ensemble, Grants, KernelResult, Message, ModuleRow, Notice, Outcome,
    Outgoing, PendingRequest, Signal, Task, VariableRow, Word,
};

/// The names that lines use instead of seats and of random numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    modules: BTreeMap<Slot, String>,
    wishes: Vec<u128>,
}

impl Names {
    /// Looks up who sits where; call after every event, because a forgotten seat loses its name.
    pub(crate) fn learn(&mut self, kernel: &Ensemble) {
        for view in kernel.views() {
            self.modules.insert(view.slot, view.id.to_string());
        }
    }

    /// The number of a wish by its place in the order of appearance, from 1.
    pub(crate) fn wish(&self, place: usize) -> Option<u128> {
        self.wishes.get(place.checked_sub(1)?).copied()
    }

    /// One effect as one line.
    pub(crate) fn line(&mut self, effect: &Effect) -> String {
        self.note_wishes(effect);
        let mut line = self.plain_line(effect);
        for (at, id) in self.wishes.iter().enumerate() {
            line = line.replace(&uuid_text(*id), &format!("wish-{}", at + 1));
        }
        line
    }

    fn note_wishes(&mut self, effect: &Effect) {
        let Effect::Record(record) = effect else { return };
        for (name, fact) in &record.facts {
            if let Fact::Text(text) = fact
                && *name == "request"
                && let Ok(id) = u128::from_str_radix(&text.replace('-', ""), 16)
            {
                self.wishes.push(id);
            }
        }
    }

    fn plain_line(&self, effect: &Effect) -> String {
        match effect {
            Effect::Record(record) => record_text(record),
            Effect::Spawn(slot, generation) => format!("spawn {}", self.life(*slot, *generation)),
            Effect::Send(slot, generation, frame) => {
                format!("{} <- {}", self.life(*slot, *generation), frame_text(frame))
            }
            Effect::Signal(slot, generation, signal) => {
                let word = match signal {
                    Signal::Stop => "stop",
                    Signal::Kill => "kill",
                };
                format!("signal {} {word}", self.life(*slot, *generation))
            }
            Effect::Watch(slot, generation) => format!("watch {}", self.life(*slot, *generation)),
            Effect::Perform(slot, generation, id, task) => {
                format!("perform {} {id} {}", self.life(*slot, *generation), task_text(task))
            }
            Effect::SaveGrants(id, grants) => format!("save {id} {}", grants_text(grants)),
            Effect::KeepState(slot, generation, state, version) => {
                let life = self.life(*slot, *generation);
                format!("keep-state {life} {} version={version}", payload_text(state))
            }
            Effect::Recall(slot, generation) => format!("recall {}", self.life(*slot, *generation)),
            Effect::Settle(slot, generation, fate) => {
                format!("settle {} {fate:?}", self.life(*slot, *generation))
            }
            Effect::Warn(slot, generation, text) => format!("warn {} {text}", self.life(*slot, *generation)),
            Effect::Reply(request, answer) => format!("reply {} {}", request.0, answer_text(answer)),
            Effect::Show(request, topic, message) => {
                format!("show {} {topic} {}", request.0, message_text(message))
            }
            Effect::Grip(slot, generation, grip) => {
                let per_s = grip.messages_per_s.map(|per_s| format!(" messages={per_s}")).unwrap_or_default();
                let cpu = grip.cpu_permille.map(|cpu| format!(" cpu={cpu}")).unwrap_or_default();
                format!("grip {} {}{per_s}{cpu}", self.life(*slot, *generation), grip.step.as_str())
            }
            Effect::Reach(slot, generation, places) => {
                let places: Vec<&str> = places.iter().map(String::as_str).collect();
                format!("reach {} {}", self.life(*slot, *generation), places.join(","))
            }
            Effect::Note(slot, generation, note) => {
                format!("note {} {note:?}", self.life(*slot, *generation))
            }
            Effect::Promoted(slot, generation) => format!("promoted {}", self.life(*slot, *generation)),
            Effect::Forgotten(_, id) => format!("forgotten {id}"),
            Effect::Finished => String::from("finished"),
        }
    }

    fn life(&self, slot: Slot, generation: Generation) -> String {
        match self.modules.get(&slot) {
            Some(name) => format!("{name}#{generation}"),
            None => format!("slot-{}#{generation}", slot.0),
        }
    }
}

fn record_text(record: &Record) -> String {
    let mut line = format!("journal {}", record.code);
    if let Some(module) = &record.module {
        line += &format!(" {module}");
    }
    if let Some(generation) = record.generation {
        line += &format!("#{generation}");
    }
    for (name, fact) in &record.facts {
        line += &match fact {
            Fact::Number(number) => format!(" {name}={number}"),
            Fact::Text(text) => format!(" {name}={text:?}"),
        };
    }
    line
}

fn frame_text(frame: &Outgoing) -> String {
    match frame {
        Outgoing::Install => String::from("install"),
        Outgoing::Init => String::from("init"),
        Outgoing::DepsReady => String::from("deps_ready"),
        Outgoing::ServiceAvailable(service) => format!("service_available {service}"),
        Outgoing::Ping => String::from("ping"),
        Outgoing::Deliver { topic, message, traceparent, .. } => {
            format!("deliver {topic} {}{}", message_text(message), optional(" trace=", traceparent.as_ref()))
        }
        Outgoing::ConfigUpdate(sections) => format!("config:update {}", sections.join(",")),
        Outgoing::KernelAnswer { id, answer } => match answer {
            Ok(result) => format!("call:response {id} {}", result_text(result)),
            Err(error) => format!("call:response {id} error: {error}"),
        },
        Outgoing::Call { hop, from, service, method, params, context } => {
            let params = params.as_ref().map(|params| format!(" {}", payload_text(params)));
            let (params, context) = (params.unwrap_or_default(), context_text(context));
            format!("rpc_request hop-{hop} from={from} {service}.{method}{params}{context}")
        }
        Outgoing::Answer { id, outcome } => format!("rpc_response {id} {}", outcome_text(outcome)),
        Outgoing::Cancel { hop } => format!("cancel hop-{hop}"),
        Outgoing::Progress { id, hop, payload } => {
            format!("progress {id} hop-{hop} {}", payload_text(payload))
        }
        Outgoing::Chunk { id, hop, seq, data } => {
            format!("chunk {id} hop-{hop} seq={seq} {}", payload_text(data))
        }
        Outgoing::End { id, hop } => format!("end {id} hop-{hop}"),
        Outgoing::Credit { hop, parts } => format!("credit hop-{hop} {parts}"),
        Outgoing::StateSave { number } => format!("state:save {number}"),
        Outgoing::StateRestore { number, state, version } => {
            format!("state:restore {number} {} version={version}", payload_text(state))
        }
        Outgoing::Shutdown => String::from("shutdown"),
    }
}

fn context_text(context: &CallContext) -> String {
    let deadline = context.deadline_ms.map(|ms| format!(" deadline_ms={ms}")).unwrap_or_default();
    deadline + &optional(" trace=", context.traceparent.as_ref())
}

fn optional(before: &str, name: Option<&Word>) -> String {
    name.map(|name| format!("{before}{name}")).unwrap_or_default()
}

fn payload_text(payload: &Payload) -> String {
    String::from_utf8_lossy(payload.as_bytes()).into_owned()
}

fn outcome_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Result(Some(result)) => format!("result {}", payload_text(result)),
        Outcome::Result(None) => String::from("result"),
        Outcome::Error(error) => format!("error: {error}"),
    }
}

fn message_text(message: &Message) -> String {
    match message {
        Message::Raw(payload) => payload_text(payload),
        Message::Notice(Notice::Ready { module, provides, version }) => {
            format!("{{{module} provides=[{}] version={version}}}", names_text(provides))
        }
        Message::Notice(Notice::Stopping { module, tier }) => format!("{{{module} tier={tier}}}"),
        Message::Notice(Notice::Stopped { module, reason }) => format!("{{{module} reason={reason}}}"),
        Message::Notice(Notice::Crashed { module, exit, restart_count }) => {
            let exit = exit.map_or_else(|| String::from("none"), |exit| exit.to_string());
            format!("{{{module} exit={exit} restarts={restart_count}}}")
        }
        Message::Notice(Notice::PermissionPending { module, request }) => {
            format!("{{{module} {}}}", wish_text(request))
        }
        Message::Notice(Notice::Rpc { from, service, method, id }) => {
            format!("{{{from} {service}.{method} id={id}}}")
        }
        Message::Notice(Notice::Context { watch, scope, key, change }) => {
            let change = match change {
                Change::Set { value, version } => format!("= {} v{version}", payload_text(value)),
                Change::Deleted => String::from("deleted"),
                Change::Expired => String::from("expired"),
            };
            format!("{{watch-{watch} {scope} {key} {change}}}")
        }
    }
}

fn wish_text(request: &PendingRequest) -> String {
    let reason = request.reason.as_ref().map(|reason| format!(" because {reason:?}")).unwrap_or_default();
    format!("{} [{}]{reason}", uuid_text(request.id), request.permissions)
}

fn names_text(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(",")
}

fn rows_text(rows: &[ModuleRow]) -> String {
    let row = |row: &ModuleRow| format!("{}:{}:[{}]", row.id, row.state, names_text(&row.provides));
    rows.iter().map(row).collect::<Vec<_>>().join(" ")
}

fn services_text(services: &[(Name, abi::ModuleId)]) -> String {
    services.iter().map(|(service, id)| format!("{service}@{id}")).collect::<Vec<_>>().join(" ")
}

fn row_text(row: &VariableRow) -> String {
    let ttl = row.ttl_ms.map(|ms| format!(" ttl={ms}")).unwrap_or_default();
    format!("{{{} bytes={} v{}{ttl}}}", row.key, row.bytes, row.version)
}

fn result_text(result: &KernelResult) -> String {
    match result {
        KernelResult::Modules(rows) => format!("modules {}", rows_text(rows)),
        KernelResult::Services(services) => format!("services {}", services_text(services)),
        KernelResult::Provider(id) => format!("provider {id}"),
        KernelResult::Checked { granted, missing } => format!("granted=[{granted}] missing=[{missing}]"),
        KernelResult::Granted => String::from("granted"),
        KernelResult::Denied => String::from("denied"),
        KernelResult::Pending(id) => format!("pending {}", uuid_text(*id)),
        KernelResult::Variable(None) => String::from("no variable"),
        KernelResult::Variable(Some((value, row))) => format!("{} {}", payload_text(value), row_text(row)),
        KernelResult::Variables(rows) => {
            format!("variables {}", rows.iter().map(row_text).collect::<Vec<_>>().join(" "))
        }
        KernelResult::Version(version) => format!("version {version}"),
        KernelResult::Deleted(was_there) => format!("deleted {was_there}"),
        KernelResult::Watching(number) => format!("watching {number}"),
        KernelResult::PendingList(id, wishes) => {
            let wishes: Vec<String> = wishes.iter().map(wish_text).collect();
            format!("pending of {id}: {}", wishes.join("; "))
        }
        KernelResult::Snapshot { modules, services, pending, uptime_ms } => format!(
            "snapshot modules=({}) services=({}) pending={pending} uptime_ms={uptime_ms}",
            rows_text(modules),
            services_text(services)
        ),
    }
}

fn task_text(task: &Task) -> String {
    match task {
        Task::ConfigGet(key) => format!("config.get {key}"),
        Task::ConfigSet(key, value) => format!("config.set {key} {}", payload_text(value)),
        Task::ConfigSections => String::from("config.sections"),
        Task::ModuleCommands => String::from("module.commands"),
        Task::SecretGet(name) => format!("secret.get {name}"),
        Task::Function(call, _) => String::from(call.method()),
    }
}

fn grants_text(grants: &Grants) -> String {
    let base = grants.base.as_ref().map_or_else(|| String::from("none"), |base| format!("[{base}]"));
    let spawned = if grants.spawned_before { " spawned" } else { "" };
    let quarantined = if grants.is_quarantined { " quarantined" } else { "" };
    let zone = grants.zone.map_or_else(String::new, |zone| format!(" zone={zone}"));
    format!(
        "base={base} dynamic=[{}] denied=[{}] pending={}{spawned}{quarantined}{zone}",
        grants.dynamic,
        grants.denied,
        grants.pending.len()
    )
}

fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Done => String::from("done"),
        Answer::Swapped(bytes) => format!("swapped {bytes}"),
        Answer::Cut(cut) => {
            let given = |given: &kernel::Given| match &given.state {
                Ok((state, version)) => {
                    format!(" {}#{}={} {version}", given.module, given.life, payload_text(state))
                }
                Err(why) => format!(" {}#{} {why:?}", given.module, given.life),
            };
            let all: Vec<String> = cut.modules.iter().map(given).collect();
            format!("cut within {}{}", cut.pause_ms, all.concat())
        }
        Answer::Already => String::from("already"),
        Answer::Failed(failure, why) => format!("failed {failure:?}: {why}"),
        Answer::Called(outcome) => format!("called {}", outcome_text(outcome)),
        Answer::Published(receivers) => format!("published {receivers}"),
        Answer::Settled(failed) => {
            let failed: Vec<&str> = failed.iter().map(abi::ModuleId::as_str).collect();
            format!("settled [{}]", failed.join(","))
        }
    }
}

fn uuid_text(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
