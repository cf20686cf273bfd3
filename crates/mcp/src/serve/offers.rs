//! Changes that wait for a yes: what would be done, the word that confirms it, the question to the user.

use std::collections::VecDeque;
use std::time::Duration;

use protocol::operator::{Plan, Request};
use serde_json::{Value, json};

use super::tools::Tool;

/// 32 changes wait for a yes at once; the oldest gives way, since nobody came back for it.
pub(super) const OFFERS_MAX: usize = 32;

/// 5 min: what was planned then may not be what would happen now.
const OFFER_LIFE: Duration = Duration::from_secs(300);

/// The name of our one question in an answer that asks for input.
pub(super) const QUESTION: &str = "confirm";

pub(super) const CALL_AGAIN: &str =
    "nothing has been changed yet; call this tool again with the same arguments and this `confirm` to go on";
pub(super) const NO_SUCH_WORD: &str =
    "this confirmation is unknown, spent, older than five minutes or for another change; nothing was changed";
pub(super) const DECLINED: &str = "the user did not agree; nothing was changed";

/// A change that waits for a yes.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) tool: Tool,
    /// The request that does it.
    pub(super) real: Box<Request>,
    /// What it would do.
    pub(super) plan: Plan,
}

impl Offer {
    /// The steps, a sentence each.
    pub(super) fn told(&self) -> Vec<String> {
        let sentence = |step: &protocol::operator::PlannedStep| match &step.module_id {
            Some(module) => format!("{module}: {}", step.text),
            None => step.text.clone(),
        };
        match self.plan.steps.as_slice() {
            [] => vec!["nothing would change".to_owned()],
            steps => steps.iter().map(sentence).collect(),
        }
    }

    /// The params of `elicitation/create`.
    pub(super) fn question(&self) -> Value {
        let message = format!("Ostoja is asked to {}:\n{}", self.tool.as_str(), self.told().join("\n"));
        let schema = json!({
            "type": "object",
            "properties": { "yes": { "type": "boolean", "title": "Do it", "default": false } },
            "required": ["yes"],
        });
        json!({ "mode": "form", "message": message, "requestedSchema": schema })
    }
}

/// Whether an answer to our question agrees.
pub(super) fn is_yes(said: &Value) -> bool {
    let content = said.get("content").and_then(|content| content.get("yes"));
    said.get("action").and_then(Value::as_str) == Some("accept")
        && content.and_then(Value::as_bool) == Some(true)
}

/// Offers by their words. A word is good for one use.
#[derive(Debug)]
pub(super) struct Offers {
    kept: VecDeque<(String, Duration, Offer)>,
    state: u64,
}

impl Offers {
    pub(super) fn new(seed: u64) -> Self {
        Self { kept: VecDeque::new(), state: seed }
    }

    /// Keeps an offer and gives its word.
    pub(super) fn keep(&mut self, now: Duration, offer: Offer) -> String {
        if self.kept.len() >= OFFERS_MAX {
            self.kept.pop_front();
        }
        let word = format!("{:016x}", self.draw());
        self.kept.push_back((word.clone(), now + OFFER_LIFE, offer));
        word
    }

    /// The offer of this word, which is spent by that.
    pub(super) fn take(&mut self, now: Duration, word: &str) -> Option<Offer> {
        self.kept.retain(|(_, until, _)| *until > now);
        let at = self.kept.iter().position(|(kept, _, _)| kept == word)?;
        self.kept.remove(at).map(|(_, _, offer)| offer)
    }

    /// splitmix64. A word keeps a client from agreeing to what it has not been told; it is no key: whoever reads the plan
    /// reads the word too, and may only what the role may.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
