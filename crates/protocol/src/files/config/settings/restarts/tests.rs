//! What `restarts:` says, and that half a plan is none.

use super::super::super::{Config, Layer};
use super::*;

fn config(text: &str) -> Config {
    Config::merge(&[Layer::parse("config.yaml", text).unwrap()])
}

#[test]
fn a_plan_is_read_whole() {
    let config = config(
        "restarts:\n  cooldown: 10m\n  per_day: 2\n  schedules:\n    nightly:\n      what: module/web\n      \
         cron: '0 3 * * *'\n      zone: Europe/Warsaw\n      load: 50%\n      idle: 10m\n      deadline: 2h\n      \
         late: go_on\n    weekly: { what: zone/sandbox, cron: '0 4 * * 1' }\n",
    );
    assert_eq!(config.warnings(), []);
    let restarts = &config.settings().restarts;
    assert_eq!((restarts.cooldown, restarts.per_day), (Duration::from_secs(600), 2));
    assert_eq!(restarts.uptime_min, Duration::from_secs(60));
    let nightly = &restarts.schedules["nightly"];
    assert_eq!(nightly.what, Target::Module(ModuleId::parse("web").unwrap()));
    assert_eq!((nightly.load_permille_max, nightly.late), (Some(500), Late::GoOn));
    assert_eq!(nightly.zone.as_deref(), Some("Europe/Warsaw"));
    let weekly = &restarts.schedules["weekly"];
    assert_eq!((&weekly.what, weekly.deadline), (&Target::Zone(Zone::Sandbox), Duration::from_secs(3600)));
}

#[test]
fn half_a_plan_is_told_and_left_out() {
    for plan in [
        "{ what: module/web }",
        "{ cron: '0 3 * * *' }",
        "{ what: everything, cron: '0 3 * * *', late: soon }",
        "{ what: zone/system, cron: '0 3 * * *' }",
        "{ what: everything, cron: '0 3 * * *', lod: 50% }",
    ] {
        let config = config(&format!("restarts: {{ schedules: {{ nightly: {plan} }} }}"));
        assert_eq!(config.warnings().len(), 1, "{plan}: {:?}", config.warnings());
        assert!(config.settings().restarts.schedules.is_empty(), "{plan}");
    }
}
