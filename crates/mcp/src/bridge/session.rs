//! One conversation with an MCP server: how it begins, in which revision it goes on, which tools there are.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use sdk::{Failure, Handle, LogLevel};
use serde_json::{Map, Value, json};

use super::peer::{AskError, Heard, Peer, Pending, lock};
use crate::revision::{Era, META_ABILITIES, META_CLIENT, META_VERSION, Revision};

/// 10 min for the first answer: a package runner may have to fetch the server first. The kernel's own `ready` timeout
/// comes long before, unless somebody raised it.
const BEGIN_WITHIN: Duration = Duration::from_secs(600);

/// 30 s for one page of a list.
const LIST_WITHIN: Duration = Duration::from_secs(30);

/// 64 pages of tools, then the rest is left out: a server that never ends its list must not keep us for ever.
const PAGES_MAX: usize = 64;

/// 4,096 tools; nobody can choose among more.
const TOOLS_MAX: usize = 4096;

/// 4 KiB of a line that is no message go into the log.
const NOISE_BYTES_MAX: usize = 4096;

/// The conversation.
pub(super) struct Session {
    pub(super) peer: Arc<Peer>,
    agreed: OnceLock<Agreed>,
    tools: Mutex<BTreeMap<String, Value>>,
    pub(super) news: Arc<News>,
    /// The module's name.
    pub(super) module: String,
}

/// What the reading thread leaves for the keeper.
#[derive(Default)]
pub(super) struct News {
    /// The tools are others now.
    pub(super) is_stale: AtomicBool,
    /// The server's pipe has ended.
    pub(super) is_over: Mutex<bool>,
    pub(super) changed: Condvar,
}

#[derive(Debug)]
struct Agreed {
    revision: Revision,
    /// Whether it announced tools at all.
    has_tools: bool,
    client: Value,
}

impl Session {
    pub(super) fn over(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        module: &str,
        handle: &Handle,
    ) -> Arc<Self> {
        let news = Arc::new(News::default());
        let (for_listener, log) = (news.clone(), handle.clone());
        let peer = Peer::over(input, output, move |_, heard| listen(&for_listener, &log, heard));
        let (agreed, tools) = (OnceLock::new(), Mutex::default());
        Arc::new(Self { peer, agreed, tools, news, module: module.to_owned() })
    }

    /// Agrees on a revision. `initialize` comes first: each server that knows it answers at once, and one that does not
    /// refuses it at once, while an old server may stay silent to what is new.
    pub(super) fn begin(&self, version: &str) -> Result<(), Failure> {
        let client = json!({ "name": "ostoja", "title": "Ostoja", "version": version });
        let hello = json!({
            "protocolVersion": Revision::NEWEST_WITH_SESSIONS.as_str(),
            "capabilities": {},
            "clientInfo": client,
        });
        match self.peer.ask("initialize", object(hello), BEGIN_WITHIN) {
            Ok(answer) => {
                let name = answer.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
                let known = Revision::parse(name).filter(|known| known.era() == Era::Sessions);
                let revision = known.ok_or_else(|| unknown_revision(name))?;
                self.agree(revision, &answer, client);
                self.peer.tell("notifications/initialized", Value::Null)?;
                Ok(())
            }
            Err(AskError::Refused(refused)) => {
                let meta = stateless_meta(&client);
                let asked = self.peer.ask("server/discover", object(json!({ "_meta": meta })), LIST_WITHIN);
                let answer = match asked {
                    Ok(answer) => answer,
                    // What it said to the first question is what tells.
                    Err(AskError::Refused(_)) => return Err(refused.into()),
                    Err(other) => return Err(other.into()),
                };
                let names = answer.get("supportedVersions").and_then(Value::as_array);
                let speaks =
                    names.is_some_and(|names| names.iter().any(|name| name == Revision::July2026.as_str()));
                if !speaks {
                    return Err(unknown_revision(&json!(names).to_string()));
                }
                self.agree(Revision::July2026, &answer, client);
                Ok(())
            }
            Err(other) => Err(other.into()),
        }
    }

    fn agree(&self, revision: Revision, answer: &Value, client: Value) {
        let has_tools = answer.get("capabilities").is_some_and(|abilities| abilities.get("tools").is_some());
        // A conversation begins once.
        let _first = self.agreed.set(Agreed { revision, has_tools, client });
    }

    /// Sends a request in the agreed revision.
    pub(super) fn start(&self, method: &str, params: Map<String, Value>) -> Result<Pending, AskError> {
        self.peer.start(method, self.in_revision(params))
    }

    /// A sign of life; a revision without `ping` has `server/discover` for it.
    pub(super) fn ping(&self) -> Result<Pending, AskError> {
        let method = match self.era() {
            Era::Sessions => "ping",
            Era::Stateless => "server/discover",
        };
        self.start(method, Map::new())
    }

    /// Fetches the list of tools.
    pub(super) fn list_tools(&self) -> Result<(), Failure> {
        self.news.is_stale.store(false, Ordering::SeqCst);
        if !self.agreed.get().is_some_and(|agreed| agreed.has_tools) {
            return Ok(());
        }
        let mut tools = BTreeMap::new();
        let mut cursor: Option<Value> = None;
        for _ in 0..PAGES_MAX {
            let params = cursor.take().map_or_else(Map::new, |cursor| object(json!({ "cursor": cursor })));
            let mut page = self.peer.ask("tools/list", self.in_revision(params), LIST_WITHIN)?;
            for tool in page.get("tools").and_then(Value::as_array).into_iter().flatten() {
                if let Some(name) = tool.get("name").and_then(Value::as_str)
                    && tools.len() < TOOLS_MAX
                {
                    tools.insert(name.to_owned(), tool.clone());
                }
            }
            cursor = page.get_mut("nextCursor").map(Value::take).filter(Value::is_string);
            if cursor.is_none() {
                break;
            }
        }
        *lock(&self.tools) = tools;
        Ok(())
    }

    /// The tools as the server describes them.
    pub(super) fn tools(&self) -> Vec<Value> {
        lock(&self.tools).values().cloned().collect()
    }

    /// The names of its tools.
    pub(super) fn tool_names(&self) -> Vec<String> {
        lock(&self.tools).keys().cloned().collect()
    }

    /// Whether there is such a tool.
    pub(super) fn has_tool(&self, name: &str) -> bool {
        lock(&self.tools).contains_key(name)
    }

    pub(super) fn era(&self) -> Era {
        self.agreed.get().map_or(Era::Sessions, |agreed| agreed.revision.era())
    }

    fn in_revision(&self, mut params: Map<String, Value>) -> Map<String, Value> {
        if let Some(agreed) = self.agreed.get()
            && agreed.revision.era() == Era::Stateless
        {
            params.insert("_meta".to_owned(), stateless_meta(&agreed.client));
        }
        params
    }
}

fn stateless_meta(client: &Value) -> Value {
    json!({ META_VERSION: Revision::July2026.as_str(), META_CLIENT: client, META_ABILITIES: {} })
}

fn unknown_revision(name: &str) -> Failure {
    Failure::new(format!("the MCP server speaks the revision `{name}`, which this program does not know"))
}

/// A map that was written as one.
pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What the server says unasked. A log that can't be written has nobody who reads it.
fn listen(news: &News, log: &Handle, heard: Heard) {
    match heard {
        Heard::Notification { method, params } if method == "notifications/message" => {
            let level = params.get("level").and_then(Value::as_str).unwrap_or_default();
            let text = match params.get("data") {
                Some(Value::String(text)) => text.clone(),
                Some(data) => data.to_string(),
                None => String::new(),
            };
            let _unread = log.log(log_level(level), &text);
        }
        Heard::Notification { method, .. } if method == "notifications/tools/list_changed" => {
            news.is_stale.store(true, Ordering::SeqCst);
            news.changed.notify_all();
        }
        Heard::Notification { .. } => {}
        Heard::Noise(line) => {
            let end = (0..=line.len().min(NOISE_BYTES_MAX)).rev().find(|end| line.is_char_boundary(*end));
            let _unread = log.log(LogLevel::Warn, &line[..end.unwrap_or(0)]);
        }
        Heard::TooLong => {
            let _unread = log.log(LogLevel::Warn, "a line of the MCP server was too long and was dropped");
        }
        Heard::End => {
            *lock(&news.is_over) = true;
            news.changed.notify_all();
        }
    }
}

/// MCP's levels are those of syslog.
fn log_level(word: &str) -> LogLevel {
    match word {
        "debug" => LogLevel::Debug,
        "warning" => LogLevel::Warn,
        "error" => LogLevel::Error,
        "critical" | "alert" | "emergency" => LogLevel::Fatal,
        _ => LogLevel::Info,
    }
}
