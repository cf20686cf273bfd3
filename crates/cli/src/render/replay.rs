//! What a replay came to.

use crate::output::Replayed;
use crate::render::logs::clean;

/// 400 characters of a frame: enough to see where two differ, not so much that a screen is full.
const FRAME_CHARACTERS_MAX: usize = 400;

/// A line for each difference, and the sum.
pub fn replayed(told: &Replayed) -> String {
    let mut text = String::new();
    for difference in &told.differences {
        let cut = |value: &serde_json::Value| {
            clean(&value.to_string()).chars().take(FRAME_CHARACTERS_MAX).collect::<String>()
        };
        let got = difference.got.as_ref().map_or_else(|| "nothing".to_owned(), cut);
        text.push_str(&format!(
            "frame {}\n  then: {}\n  now:  {got}\n",
            difference.number,
            cut(&difference.expected)
        ));
    }
    let same = told.expected - told.differences.len();
    text.push_str(&format!(
        "{same} of {} frames as they were; {} told to the module\n",
        told.expected, told.told
    ));
    text
}
