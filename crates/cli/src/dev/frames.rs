//! Frames of the module door for a person's eyes, and on disk for `replay`.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use host::{FrameTold, Way};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::render::logs::clean;
use crate::theme::{Paint, Theme};

/// 12 columns for the kind: the longest frequent one, `rpc_response`.
const KIND_COLUMNS: usize = 12;

/// 100,000 frames are read from a record: an hour of a busy module, and 100 MB at most in memory.
const FRAMES_MAX: usize = 100_000;

/// One frame as `dev --json` prints it and `--record` keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DevFrame {
    /// When, in milliseconds since the epoch.
    pub ts_ms: u64,
    /// Whose.
    pub module_id: String,
    /// Which life of it.
    pub generation: u64,
    /// From where to where.
    pub way: DevWay,
    /// The frame itself.
    pub frame: Value,
}

/// From where to where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DevWay {
    /// The module said it.
    FromModule,
    /// It was told to the module.
    ToModule,
}

impl DevFrame {
    /// What passed the door; nothing for a line that is no frame, which is a log line then.
    pub(crate) fn of(told: &FrameTold) -> Option<Self> {
        let frame: Value = serde_json::from_str(&told.line).ok().filter(Value::is_object)?;
        let way = match told.way {
            Way::FromModule => DevWay::FromModule,
            Way::ToModule => DevWay::ToModule,
        };
        let (module_id, generation) = (told.module_id.clone(), told.generation);
        Some(Self { ts_ms: told.ts_ms, module_id, generation, way, frame })
    }

    /// What it is: its `type`.
    pub(crate) fn kind(&self) -> &str {
        self.frame["type"].as_str().unwrap_or_default()
    }

    /// Whether it says nothing that is not shown otherwise, or nothing at all: log lines, and the kernel's own care.
    pub(crate) fn is_small_talk(&self) -> bool {
        matches!(self.kind(), "log" | "log-group" | "ping" | "pong" | "ack")
    }
}

/// One line, as wide as there is room: `→ rpc_request  greeter.hello #1 {"name":"Ada"}`.
pub(crate) fn shown(theme: &Theme, frame: &DevFrame, columns: usize) -> String {
    let (arrow, paint) = match frame.way {
        DevWay::ToModule => (theme.glyph("→", ">"), Paint::Dim),
        DevWay::FromModule => (theme.glyph("←", "<"), Paint::Good),
    };
    let kind = format!("{:<KIND_COLUMNS$}", clean(frame.kind()));
    let rest = clean(&words(&frame.frame));
    let room = columns.saturating_sub(KIND_COLUMNS.max(kind.chars().count()) + 3);
    let end = theme.glyph("…", "~");
    let is_long = rest.chars().count() > room;
    let rest: String = if is_long { rest.chars().take(room.saturating_sub(1)).collect() } else { rest };
    let end = if is_long { end } else { "" };
    format!("{} {rest}{end}", theme.paint(paint, &format!("{arrow} {kind}")))
}

/// What it is about, then what it carries.
fn words(frame: &Value) -> String {
    let empty = Map::new();
    let fields = frame.as_object().unwrap_or(&empty);
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let about = match (text("service"), text("method"), text("topic")) {
        (Some(service), Some(method), _) => format!("{service}.{method}"),
        (None, Some(method), _) => method.to_owned(),
        (Some(service), None, _) => service.to_owned(),
        (_, _, Some(topic)) => topic.to_owned(),
        _ => String::new(),
    };
    let id = text("id").map(|id| format!("#{}", id.chars().take(8).collect::<String>())).unwrap_or_default();
    let named = [
        "type",
        "id",
        "service",
        "method",
        "topic",
        "from",
        "traceparent",
        "protocolVersion",
        "workspacePath",
        "projectRoot",
        "manifest",
    ];
    let carried: Vec<(&String, &Value)> =
        fields.iter().filter(|(name, _)| !named.contains(&name.as_str())).collect();
    let carried = match carried.as_slice() {
        [] => String::new(),
        // What nearly all carry needs no name.
        [(name, value)] if matches!(name.as_str(), "params" | "payload" | "result" | "data") => {
            value.to_string()
        }
        several => {
            several.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
    };
    [about, id, carried].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Keeps frames in a file, one a line.
#[derive(Debug)]
pub(crate) struct Recorder {
    file: File,
    path: PathBuf,
}

impl Recorder {
    /// Begins a file; one that is there is written anew.
    ///
    /// # Errors
    /// When it can't be written. Others can't read it: it holds what passes between modules.
    pub(crate) fn begin(path: &Path) -> Outcome<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let opened = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file = opened.map_err(|error| Failure::io("write", path, &error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Adds one frame.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(crate) fn keep(&mut self, frame: &DevFrame) -> Outcome<()> {
        let mut line = crate::ctx::to_value(frame)?.to_string();
        line.push('\n');
        Ok(self.file.write_all(line.as_bytes()).map_err(|error| Failure::io("write", &self.path, &error))?)
    }
}

/// Reads what was kept.
///
/// # Errors
/// When it can't be read, or a line of it is no frame; `cli::replay::broken` names the line.
pub(crate) fn read(path: &Path) -> Outcome<Vec<DevFrame>> {
    let file = File::open(path).map_err(|error| Failure::io("read", path, &error))?;
    let mut frames = Vec::new();
    for (number, line) in BufReader::new(file).lines().enumerate().take(FRAMES_MAX) {
        let line = line.map_err(|error| Failure::io("read", path, &error))?;
        let frame = serde_json::from_str(&line).map_err(|error| {
            let place = format!("{}:{}:{}", path.display(), number + 1, error.column());
            let failure = Failure::new("cli::replay::broken", format!("{place}: it is no frame of a record"));
            failure
                .caused_by(error.to_string())
                .help("make one with: ostoja dev DIR --record FILE")
                .exit(Exit::Failed)
        })?;
        frames.push(frame);
    }
    Ok(frames)
}

#[cfg(test)]
mod tests;
