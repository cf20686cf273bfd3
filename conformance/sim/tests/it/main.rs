//! Seeds, scenarios, and years, as CI runs them in small; the simulator's command runs many more.

use std::path::{Path, PathBuf};
use std::process::Command;

/// 150 seeds and 300 steps: a few seconds in an unoptimised build.
const SEEDS: u64 = 150;
const STEPS: u64 = 300;

/// Every kind of effect that a rough time has to lead to: what is never met is never tried.
const MET: &str = "config.changed, config.forbidden, config.restart, finished, forgotten, health.missed, \
    health.reported, module.back, module.changed, module.completed, module.exited, \
    module.forgotten, module.gone, module.held, module.init_failed, module.kept, module.killed, \
    module.ready, module.reaped_late, module.refused, module.spawn_failed, module.starting, \
    module.stopped, module.stopping, module.unkillable, module.waiting, order.remove, \
    order.restart, order.shutdown, order.start, order.stop, perform, permission.approved, \
    permission.applied, permission.changed, permission.denied, permission.gone, permission.granted, \
    permission.requested, permission.revoked, ready.timeout, refusals.summed_up, reply already, reply called, \
    reply denied, reply done, reply failed, reply not found, reply published, reply refused, \
    reply settled, reply shutting down, reply timed out, requires.timeout, restart.gave_up, \
    restart.now, restart.planned, restart.withheld, rpc.forbidden, save, send cancel, send chunk, \
    send credit, send deliver, send other, send progress, send rpc_request, \
    send rpc_response Module not ready, send rpc_response cancelled, send rpc_response error, \
    send rpc_response forbidden, send rpc_response module_not_ready, send rpc_response overloaded, \
    send rpc_response result, send rpc_response service_not_found, \
    send rpc_response target stopped, send rpc_response timeout, service.cycle, service.duplicate, \
    show, shutdown.begun, shutdown.done, shutdown.forced, signal, spawn, strategy.restart, \
    timeout.reported, topic.forbidden, warn, watch";

#[test]
fn many_seeds_keep_every_rule_and_repeat_exactly() {
    for seed in 0..SEEDS {
        if let Err(failure) = sim::run(seed, STEPS) {
            panic!("{failure}");
        }
    }
}

#[test]
fn on_several_cores_every_call_ends_once_in_any_order() {
    let (mut answers, mut lost) = (0, 0);
    for seed in 0..SEEDS {
        let crossing = sim::cores(seed, STEPS).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        assert_eq!(sim::cores(seed, STEPS), Ok(crossing), "seed {seed} is repeatable");
        answers += crossing.answers;
        lost += crossing.lost;
    }
    // What is never met is never tried.
    assert!(answers > SEEDS && lost > SEEDS, "{answers} answers, {lost} lost letters in {SEEDS} seeds");
}

#[test]
fn under_any_load_nobody_is_held_for_another_and_every_step_is_undone() {
    let mut met = sim::Loads::default();
    for seed in 0..SEEDS {
        let told = sim::loads(seed, STEPS).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        assert_eq!(sim::loads(seed, STEPS).as_ref(), Ok(&told), "seed {seed} is repeatable");
        (met.ups, met.downs, met.kills) =
            (met.ups + told.ups, met.downs + told.downs, met.kills + told.kills);
        met.pooled += told.pooled;
    }
    // What is never met is never tried.
    assert!(
        met.ups > SEEDS && met.downs > SEEDS && met.kills > SEEDS / 2 && met.pooled > SEEDS / 2,
        "{} {} {} {}",
        met.ups,
        met.downs,
        met.kills,
        met.pooled
    );
}

#[test]
fn no_fault_in_the_sandbox_zone_is_felt_in_the_stable_one() {
    let (mut faults, mut passed) = (0, 0);
    for seed in 0..4 * SEEDS {
        let met = sim::zones(seed, STEPS).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        (faults, passed) = (faults + met.faults, passed + met.passed);
    }
    // What is never met is never tried.
    assert!(faults > 40 * SEEDS, "{faults} faults");
    assert!(passed > SEEDS / 2, "{passed} passed their probation");
}

#[test]
fn swaps_under_traffic_and_crashes_lose_double_and_reorder_nothing_and_all_end() {
    let mut met = sim::Swaps::default();
    for seed in 0..4 * SEEDS {
        let told = sim::swaps(seed, STEPS).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        (met.done, met.refused) = (met.done + told.done, met.refused + told.refused);
        (met.fell_back, met.served) = (met.fell_back + told.fell_back, met.served + told.served);
        (met.kept, met.cut) = (met.kept + told.kept, met.cut + told.cut);
    }
    // What is never met is never tried.
    let is_met =
        met.done > SEEDS && met.refused > SEEDS && met.fell_back > SEEDS / 6 && met.served > 40 * SEEDS;
    assert!(is_met && met.kept > SEEDS / 6 && met.cut > SEEDS / 2, "{met:?}");
}

#[test]
fn updates_and_falls_leave_one_active_version_and_nothing_without_evidence() {
    let mut met = sim::Updates::default();
    // Their file is read and written with every step.
    for seed in 0..SEEDS / 4 {
        let told = sim::updates(seed, STEPS).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        (met.committed, met.rolled_back) =
            (met.committed + told.committed, met.rolled_back + told.rolled_back);
        (met.falls, met.refused) = (met.falls + told.falls, met.refused + told.refused);
        met.cleaned += told.cleaned;
    }
    // What is never met is never tried.
    let least = [met.committed, met.rolled_back, met.falls, met.refused, met.cleaned];
    assert!(least.iter().all(|count| *count > SEEDS), "{met:?}");
}

#[test]
fn every_kind_of_decision_is_met() {
    let seen = sim::tally(0..4 * SEEDS, STEPS).unwrap_or_else(|failure| panic!("{failure}"));
    let missing: Vec<&str> = MET.split(", ").filter(|kind| !seen.contains_key(kind)).collect();
    assert!(missing.is_empty(), "never met in {} seeds: {missing:?}", 4 * SEEDS);
}

/// 30,000 decisions here; `cargo xtask sim --rights 10000000` makes ten million.
#[test]
fn rights_are_decided_as_a_naive_model_decides_them() {
    let decided = sim::rights(1, 30_000).unwrap_or_else(|why| panic!("{why}"));
    assert!(decided >= 30_000, "{decided}");
}

#[test]
fn years_of_quiet_leave_nothing_behind() {
    let lived = sim::years(7, 5).unwrap_or_else(|rule| panic!("{rule}"));
    assert!(lived.steps > 50_000, "{lived:?}");
}

#[test]
fn the_scenarios_of_the_contract_hold() {
    let mut checked = 0;
    for path in scenario_files() {
        let text = std::fs::read_to_string(&path).expect("a scenario file can be read");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            let anew = sim::rewrite(&text).expect("a scenario file can be understood");
            std::fs::write(&path, anew).expect("a scenario file can be written");
            continue;
        }
        for scenario in sim::scenarios(&text).expect("a scenario file can be understood") {
            if let Err(mismatch) = scenario.check() {
                panic!("{}\nrewrite with: UPDATE_EXPECT=1 cargo test -p sim\n{mismatch}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 80 || std::env::var_os("UPDATE_EXPECT").is_some(), "{checked} scenarios only");
}

fn scenario_files() -> [PathBuf; 7] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    ["rpc", "topics", "api", "permissions", "life", "swap", "state"]
        .map(|part| folder.join(format!("kernel-{part}.jsonl")))
}

#[test]
fn a_scenario_that_expects_something_else_is_a_mismatch() {
    let text = r#"{"name":"n","contract":"c","steps":[["module a"],["discover","spawn b#1"]]}"#;
    let scenarios = sim::scenarios(text).expect("it is well formed");
    let mismatch = scenarios[0].check().expect_err("nothing is called b");
    assert_eq!(mismatch.step, "discover");
    assert_eq!(mismatch.found, ["journal module.starting a#1 attempt=0", "spawn a#1"]);
}

#[test]
fn a_scenario_line_that_is_not_json_is_named_by_its_number() {
    let error = sim::scenarios("\n{\"name\":").expect_err("it is cut off");
    assert!(error.starts_with("line 2: "), "{error}");
}

fn sim_command(words: &[&str]) -> (Option<i32>, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_sim")).args(words).output().expect("the simulator starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn one_seed_gives_the_same_trace_in_two_processes() {
    let (first, second) = (sim_command(&["--seed", "5"]), sim_command(&["--seed", "5"]));
    assert_eq!(first.0, Some(0));
    assert!(first.1.contains("trace "), "{}", first.1);
    assert_eq!(first.1, second.1);
}

#[test]
fn misuse_is_told_with_the_usage() {
    for words in [&["--sed", "5"][..], &["--seed"], &["--seed", "x"]] {
        let (code, told, why) = sim_command(words);
        assert_eq!((code, told.as_str()), (Some(2), ""), "{words:?}");
        assert!(why.contains("usage: sim"), "{why}");
    }
}

#[test]
fn plans_keep_their_bounds_through_any_week_and_every_kind_of_end_is_seen() {
    let mut sum = sim::Plans::default();
    for seed in 0..60 {
        let week = sim::plans(seed).unwrap_or_else(|rule| panic!("seed {seed}: {rule}"));
        assert_eq!(sim::plans(seed), Ok(week), "seed {seed} is repeatable");
        sum.quiet += week.quiet;
        sum.late += week.late;
        sum.given_up += week.given_up;
    }
    assert!(sum.quiet > 100 && sum.late > 50 && sum.given_up > 100, "the weeks saw too little: {sum:?}");
}
