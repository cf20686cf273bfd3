//! A record played to a module: it is told what it was told then, and what it says is held against what it said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::frames::{DevFrame, DevWay, read};
use crate::commands::module::{Manner, Voice, command};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::offline;
use crate::output::{Replayed, ReplayedFrame};

/// 5 s: a module that answered then answers now; a slow machine is forgiven a lot.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// 5 s: the kernel's grace at its default.
const GRACE: Duration = Duration::from_secs(5);

/// Fields that are of that one conversation: numbers given anew, traces, where it ran.
const PASSING: [&str; 3] = ["id", "traceparent", "manifest"];

/// Plays the record of one module to the module in the folder.
///
/// # Errors
/// A record that can't be read or holds no frame of the module; a module that can't be started.
pub(crate) fn run(ctx: &Ctx, record: &Path, folder: &Path) -> Outcome {
    let manifest = offline::manifest(folder)?;
    let folder = folder.canonicalize().map_err(|error| Failure::io("read", folder, &error))?;
    let frames = first_life(read(record)?, manifest.id.as_str());
    if frames.is_empty() {
        let message = format!("`{}` holds no frame of `{}`", record.display(), manifest.id);
        return Err(Failure::new("cli::replay::nothing", message)
            .help("ostoja dev DIR --record FILE")
            .into());
    }
    let mut voice = Voice::start(&folder, &command(&folder, &manifest))?;
    voice.take_manner(Manner::Silent);
    let mut replay =
        Replay { voice, numbers: BTreeMap::new(), given: BTreeSet::new(), told: Replayed::default() };
    for (number, frame) in frames.iter().enumerate() {
        replay.play(number + 1, frame);
    }
    replay.voice.hang_up();
    replay.voice.end(GRACE);
    let told = replay.told;
    ctx.show(&told, crate::render::replay::replayed)?;
    Ok(if told.differences.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The frames of one module's first life in the record; later lives are other conversations.
fn first_life(frames: Vec<DevFrame>, id: &str) -> Vec<DevFrame> {
    let of_module: Vec<DevFrame> = frames.into_iter().filter(|frame| frame.module_id == id).collect();
    let Some(first) = of_module.first().map(|frame| frame.generation) else { return of_module };
    of_module.into_iter().filter(|frame| frame.generation == first).collect()
}

struct Replay {
    voice: Voice,
    /// The module's own numbers: of then, and of now.
    numbers: BTreeMap<String, String>,
    /// Numbers that a frame of now has been taken for.
    given: BTreeSet<String>,
    told: Replayed,
}

impl Replay {
    fn play(&mut self, number: usize, frame: &DevFrame) {
        match frame.way {
            DevWay::ToModule => {
                let mut said = frame.frame.clone();
                let now = said["id"].as_str().and_then(|id| self.numbers.get(id)).cloned();
                if let (Some(now), "rpc_response" | "call:response" | "chunk" | "end" | "progress") =
                    (now, frame.kind())
                {
                    said["id"] = Value::String(now);
                }
                self.voice.say(&said);
                self.told.told += 1;
            }
            DevWay::FromModule if frame.is_small_talk() => {}
            DevWay::FromModule => self.expect(number, frame),
        }
    }

    /// Waits for the same kind of frame; an answer has to be that of the same call.
    fn expect(&mut self, number: usize, frame: &DevFrame) {
        let kind = frame.kind().to_owned();
        let is_answer = matches!(
            kind.as_str(),
            "rpc_response"
                | "call:response"
                | "nack"
                | "state:saved"
                | "state:restored"
                | "chunk"
                | "end"
                | "progress"
                | "credit"
        );
        let id = frame.frame["id"].clone();
        let given = &self.given;
        let is_wanted = |heard: &Value| {
            let is_new = heard["id"].as_str().is_none_or(|id| !given.contains(id));
            heard["type"] == kind.as_str() && if is_answer { heard["id"] == id } else { is_new }
        };
        let heard = self.voice.wait(ANSWER_MAX, is_wanted);
        self.told.expected += 1;
        if let (false, Some(then), Some(now)) =
            (is_answer, id.as_str(), heard.as_ref().and_then(|heard| heard["id"].as_str()))
        {
            self.numbers.insert(then.to_owned(), now.to_owned());
            self.given.insert(now.to_owned());
        }
        let is_same = heard.as_ref().is_some_and(|heard| lasting(heard) == lasting(&frame.frame));
        if !is_same {
            let got = heard.map(|heard| lasting(&heard));
            self.told.differences.push(ReplayedFrame { number, expected: lasting(&frame.frame), got });
        }
    }
}

/// The frame without what differs each time.
fn lasting(frame: &Value) -> Value {
    let mut frame = frame.clone();
    if let Some(fields) = frame.as_object_mut() {
        fields.retain(|name, _| !PASSING.contains(&name.as_str()));
    }
    frame
}
