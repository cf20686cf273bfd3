//! What a dry run would have done.

use protocol::operator::Plan;

use crate::render::logs::clean;
use crate::theme::{Paint, Theme};

/// One numbered line a step; one line that says so when there is none.
pub fn plan(theme: &Theme, plan: &Plan) -> String {
    if plan.steps.is_empty() {
        return "nothing would change\n".to_owned();
    }
    let mut text = String::new();
    for (number, step) in plan.steps.iter().enumerate() {
        let who = step.module_id.as_deref().map(|id| format!("{}: ", theme.paint(Paint::Strong, id)));
        text.push_str(&format!("{:>3}. {}{}\n", number + 1, who.unwrap_or_default(), clean(&step.text)));
    }
    text
}

#[cfg(test)]
mod tests;
