//! What `backup:` says, and what is wrong in it.

use super::super::super::{Config, Layer};
use super::*;

fn config(text: &str) -> Config {
    Config::merge(&[Layer::parse("config.yaml", text).unwrap()])
}

#[test]
fn a_component_has_its_own_rule_above_that_of_all() {
    let config = config(
        "backup:\n  every: 6h\n  hourly: 12\n  without: [cache]\n  components:\n    kernel: {every: 1h}\n    \
         module/web: {every: off, daily: 2, without: [data/tmp]}\n",
    );
    assert_eq!(config.warnings(), []);
    let backup = &config.settings().backup;
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    assert_eq!((backup.rule("kernel").every, backup.rule("kernel").hourly), (hours(1), Some(12)));
    let web = backup.rule("module/web");
    assert_eq!((web.every, web.hourly, web.daily), (hours(0), Some(12), Some(2)));
    assert_eq!(web.without, ["cache", "data/tmp"]);
    assert_eq!(backup.rule("module/other").every, hours(6));
}

#[test]
fn nothing_is_backed_up_by_itself_unless_it_is_said() {
    assert_eq!(Config::default().settings().backup.rule("kernel").every, None);
}

#[test]
fn what_is_wrong_is_told_and_left_out() {
    let config =
        config("backup:\n  every: 5s\n  hourly: -1\n  montly: 3\n  components: {kernel: {dayly: 1}}\n");
    assert_eq!(config.warnings().len(), 4, "{:?}", config.warnings());
    assert_eq!(config.settings().backup.all, BackupRule::default());
}
