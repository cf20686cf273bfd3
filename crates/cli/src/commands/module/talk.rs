//! `module check --talk`: the conversation that a kernel may hold with a module, held by one that only plays a kernel.
//!
//! The module runs outside of any containment, with the rights of who types this: its files are not what is checked
//! here, but its manners. Each scene says what was seen and, where that was wrong, what to change.

use std::path::Path;
use std::time::Duration;

use protocol::files::manifest::{Manifest, Runtime};
use protocol::files::policy::Protocol;
use serde_json::{Map, Value, json};

use crate::environment::Variable;
use crate::failure::Outcome;
use crate::offline;
use crate::output::{Finding, Grade};

mod voice;

use voice::Ended;
pub(crate) use voice::{Manner, Voice};

/// 10 s: what the kernel's `pingTimeoutMs` and most starts take at their defaults.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// 5 s: the kernel's `shutdownGraceMs` at its default.
const GRACE_DEFAULT: Duration = Duration::from_secs(5);

/// 900 KiB: below the longest line that a module may send back, above every pipe and most buffers.
const LONG_BYTES: usize = 900 << 10;

fn finding(what: &str, grade: Grade, text: impl Into<String>, help: Option<&str>) -> Finding {
    let help = help.map(str::to_owned);
    Finding { area: "conversation".to_owned(), what: what.to_owned(), grade, text: text.into(), help }
}

/// Everything that was seen.
///
/// # Errors
/// When the module's program can't be started at all.
pub(super) fn hold(folder: &Path, manifest: &Manifest) -> Outcome<Vec<Finding>> {
    let talks = manifest.policy.protocol.is_none_or(|protocol| protocol == Protocol::Lines);
    if manifest.runtime == Runtime::Wasm || !talks {
        let text = "it does not talk on its pipes; `ostoja up` tries it";
        return Ok(vec![finding("conversation", Grade::Absent, text, None)]);
    }
    let mut scenes = Scenes { manifest, config: config(folder, manifest), findings: Vec::new() };
    let state = scenes.first_life(Voice::start(folder, &command(folder, manifest))?);
    if !scenes.is_bad() {
        scenes.second_life(Voice::start(folder, &command(folder, manifest))?, state.as_ref());
    }
    Ok(scenes.findings)
}

/// Its command, as the kernel would start it.
pub(crate) fn command(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let twin = Path::new(&manifest.entry).with_extension("js");
    let entry = if folder.join(&manifest.entry).is_file() { Path::new(&manifest.entry) } else { &twin };
    let entry = folder.join(entry);
    let entry = entry.canonicalize().unwrap_or(entry).display().to_string();
    let mut words: Vec<String> =
        offline::program_of(manifest.runtime).map(str::to_owned).into_iter().collect();
    match manifest.runtime {
        Runtime::Deno => {
            words.extend(["run", "--quiet", "--no-prompt", "--unstable-sloppy-imports"].map(str::to_owned));
            let permissions = &manifest.permissions;
            for (flag, values) in [
                ("net", &permissions.net),
                ("read", &permissions.read),
                ("write", &permissions.write),
                ("sys", &permissions.sys),
            ] {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                words.extend((!values.is_empty()).then(|| format!("--allow-{flag}={}", values.join(","))));
            }
            words.push("--allow-env".to_owned());
        }
        Runtime::Bun => words.push("run".to_owned()),
        _ => {}
    }
    words.push(entry);
    words
}

/// Its section with the defaults of its schema, as a kernel without configuration would send it.
fn config(folder: &Path, manifest: &Manifest) -> Value {
    let Some(key) = &manifest.config_key else { return json!({}) };
    let schema = manifest.config_schema.as_ref().and_then(|file| std::fs::read(folder.join(file)).ok());
    let schema: Value = schema.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or(Value::Null);
    let mut section = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(default) = property.get("default") {
            section.insert(name.clone(), default.clone());
        }
    }
    json!({ key: section })
}

/// The scenes of one module, and what was seen in them.
struct Scenes<'m> {
    manifest: &'m Manifest,
    config: Value,
    findings: Vec<Finding>,
}

impl Scenes<'_> {
    fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.grade == Grade::Bad)
    }

    fn note(&mut self, what: &str, grade: Grade, text: impl Into<String>, help: Option<&str>) {
        self.findings.push(finding(what, grade, text, help));
    }

    /// From the handshake to the end in its grace; gives the state that it handed over.
    fn first_life(&mut self, mut voice: Voice) -> Option<Value> {
        if !self.handshake(&mut voice) {
            voice.end(Duration::ZERO);
            return None;
        }
        voice.say(&json!({ "type": "deps_ready" }));
        self.is_alive(
            &mut voice,
            "ping",
            "a ping",
            "answer each `ping` with a `pong`, also while a call is worked on",
        );
        self.unknown_method(&mut voice);
        voice.say(&json!({ "type": "no-such-frame", "id": 1, "more": [] }));
        self.is_alive(
            &mut voice,
            "unknown frame",
            "a frame of an unknown type",
            "ignore frames whose `type` is unknown",
        );
        if let Some(key) = self.manifest.config_key.clone() {
            voice.say(&json!({ "type": "config:update", "config": self.config, "changedSections": [key] }));
            self.is_alive(
                &mut voice,
                "config change",
                "a change of its configuration",
                "take `config:update` without ending",
            );
        }
        if self.manifest.features.cancel {
            voice.say(&json!({ "type": "cancel", "id": "nobody-asked" }));
            self.is_alive(
                &mut voice,
                "cancel",
                "a cancel of a call that is over",
                "ignore a `cancel` whose id is unknown",
            );
        }
        let topic =
            self.manifest.subscribes.first().map_or_else(|| "check.long".to_owned(), ToString::to_string);
        voice.say(&json!({ "type": "deliver", "id": "00000000-0000-4000-8000-000000000001", "topic": topic, "payload": { "text": "x".repeat(LONG_BYTES) } }));
        self.is_alive(
            &mut voice,
            "long line",
            "a line of 900 KiB",
            "read whole lines, however long; many readers stop at 64 KiB",
        );
        let state = if self.manifest.features.state { self.save(&mut voice) } else { None };
        self.shutdown(voice);
        state
    }

    /// The successor takes over; then the kernel vanishes.
    fn second_life(&mut self, mut voice: Voice, state: Option<&Value>) {
        if !self.handshake_quietly(&mut voice) {
            self.note(
                "second start",
                Grade::Bad,
                "it did not become ready again",
                Some("leave nothing behind that keeps the next start from working"),
            );
            voice.end(Duration::ZERO);
            return;
        }
        if let Some(state) = state {
            voice.say(&json!({ "type": "state:restore", "id": "restore-1", "state": state["state"], "version": state["version"] }));
            match voice.wait(ANSWER_MAX, |frame| frame["type"] == "state:restored" || frame["type"] == "nack")
            {
                Some(frame) if frame["type"] == "state:restored" => {
                    self.note(
                        "state restored",
                        Grade::Good,
                        "the state of the life before was taken over",
                        None,
                    );
                }
                Some(frame) => {
                    let text = format!(
                        "it refused its own state: {}",
                        frame["error"].as_str().unwrap_or("without a reason")
                    );
                    self.note(
                        "state restored",
                        Grade::Bad,
                        text,
                        Some("take the state that `state:saved` gave out"),
                    );
                }
                None => self.note(
                    "state restored",
                    Grade::Bad,
                    "no answer to `state:restore`",
                    Some("answer with `state:restored` and the same id, or with `nack`"),
                ),
            }
        }
        voice.say(&json!({ "type": "deps_ready" }));
        voice.hang_up();
        let printed = voice.strays();
        match voice.end(self.grace()) {
            Ended::Code(0) => {
                self.note("kernel gone", Grade::Good, "it leaves with 0 when its stdin ends", None)
            }
            Ended::Code(code) => self.note(
                "kernel gone",
                Grade::Weak,
                format!("it leaves with {code} when its stdin ends"),
                Some("exit with 0 at the end of stdin"),
            ),
            Ended::Killed => self.note(
                "kernel gone",
                Grade::Bad,
                "it goes on when its stdin ends, and would be left behind",
                Some("exit when stdin ends"),
            ),
        }
        self.strays(&printed);
    }

    fn handshake(&mut self, voice: &mut Voice) -> bool {
        if self.handshake_quietly(voice) {
            self.note("handshake", Grade::Good, "`init` was answered with `ready`", None);
            return true;
        }
        let words = voice.last_words();
        let text = match words.is_empty() {
            true => format!("no `ready` within {} s of `init`", ANSWER_MAX.as_secs()),
            false => format!("no `ready`; its last words: {words}"),
        };
        self.note(
            "handshake",
            Grade::Bad,
            text,
            Some("answer `init` with `{\"type\": \"ready\"}` on stdout, and flush it"),
        );
        false
    }

    fn handshake_quietly(&self, voice: &mut Voice) -> bool {
        voice.say(&json!({ "type": "init", "protocolVersion": "1.0", "config": self.config, "workspacePath": voice.folder(), "projectRoot": voice.folder() }));
        voice.wait(ANSWER_MAX, |frame| frame["type"] == "ready").is_some()
    }

    /// A pong behind something tells that it was survived.
    fn is_alive(&mut self, voice: &mut Voice, what: &str, behind: &str, help: &str) {
        voice.say(&json!({ "type": "ping" }));
        match voice.wait(ANSWER_MAX, |frame| frame["type"] == "pong") {
            Some(_) => self.note(what, Grade::Good, format!("answers after {behind}"), None),
            None => self.note(what, Grade::Bad, format!("does not answer after {behind}"), Some(help)),
        }
    }

    fn unknown_method(&mut self, voice: &mut Voice) {
        let Some(service) = self.manifest.provides.first().map(ToString::to_string) else { return };
        voice.say(&json!({ "type": "rpc_request", "id": "check-1", "from": "check", "service": service, "method": "no-such-method", "params": {} }));
        match voice.wait(ANSWER_MAX, |frame| frame["type"] == "rpc_response" && frame["id"] == "check-1") {
            Some(frame) if frame["error"].is_string() => {
                self.note("unknown method", Grade::Good, "is answered with an error", None);
            }
            Some(_) => {
                let text = format!("`{service}` answers a method that it can't know, without an error");
                self.note("unknown method", Grade::Weak, text, Some("answer unknown methods with `error`"));
            }
            None => {
                let text = format!("a call of `{service}` got no answer");
                self.note(
                    "unknown method",
                    Grade::Bad,
                    text,
                    Some("answer every `rpc_request` with an `rpc_response` of the same id"),
                );
            }
        }
    }

    fn save(&mut self, voice: &mut Voice) -> Option<Value> {
        voice.say(&json!({ "type": "state:save", "id": "save-1" }));
        let saved = voice.wait(ANSWER_MAX, |frame| frame["type"] == "state:saved" && frame["id"] == "save-1");
        match &saved {
            Some(_) => self.note("state saved", Grade::Good, "its state was handed over", None),
            None => self.note(
                "state saved",
                Grade::Bad,
                "no answer to `state:save`",
                Some("answer with `state:saved`, or take `state` out of `features`"),
            ),
        }
        saved
    }

    fn shutdown(&mut self, mut voice: Voice) {
        voice.say(&json!({ "type": "shutdown" }));
        let printed = voice.strays();
        match voice.end(self.grace()) {
            Ended::Code(0) => self.note("shutdown", Grade::Good, "it leaves with 0 in its grace", None),
            Ended::Code(code) => self.note(
                "shutdown",
                Grade::Bad,
                format!("it leaves with {code} when asked to finish"),
                Some("exit with 0 after `shutdown`"),
            ),
            Ended::Killed => self.note(
                "shutdown",
                Grade::Bad,
                format!("still there {} s after `shutdown`", self.grace().as_secs()),
                Some("finish and exit with 0; `stop: { grace: … }` gives more time"),
            ),
        }
        self.strays(&printed);
    }

    fn grace(&self) -> Duration {
        self.manifest.policy.stop.grace.unwrap_or(GRACE_DEFAULT)
    }

    /// What came on stdout and was no frame.
    fn strays(&mut self, strays: &voice::Strays) {
        if strays.printed > 0 {
            let text = format!("lines on stdout that are no frames: {}", strays.printed);
            self.note(
                "stdout",
                Grade::Weak,
                text,
                Some("stdout is the kernel's; print to stderr, or by `log`"),
            );
        }
        for reason in &strays.refused {
            self.note(
                "frames",
                Grade::Bad,
                format!("a kernel would drop a frame of it: {reason}"),
                Some("see docs/reference of the module door"),
            );
        }
    }
}

/// The variables that every module sees, from this command's own.
fn environment() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    [Variable::Path, Variable::Home, Variable::Lang, Variable::Term]
        .into_iter()
        .filter_map(|variable| Some((variable.name(), variable.value()?)))
}
