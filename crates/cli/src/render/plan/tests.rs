//! What would happen, step by step.

use protocol::operator::PlannedStep;

use super::*;
use crate::theme::Glyphs;

#[test]
fn steps_are_numbered_and_none_is_said() {
    let theme = Theme::plain(Glyphs::Unicode);
    let step = |module: Option<&str>, text: &str| PlannedStep {
        module_id: module.map(str::to_owned),
        code: "module.stopping".to_owned(),
        text: text.to_owned(),
    };
    let steps =
        vec![step(Some("web"), "told to end: hot-swap"), step(None, "the configuration changes: web")];
    let text = plan(&theme, &Plan { steps });
    assert_eq!(text, "  1. web: told to end: hot-swap\n  2. the configuration changes: web\n");
    assert_eq!(plan(&theme, &Plan { steps: Vec::new() }), "nothing would change\n");
}
