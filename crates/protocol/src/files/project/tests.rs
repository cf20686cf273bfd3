//! Project files through their seam. What is said about malformed ones stands in `conformance/vectors/project.jsonl`.

use std::fmt::Write as _;

use super::*;
use crate::files::FILE_BYTES_MAX;
use crate::files::config::settings::{Pools, Promotion, RestartBudget, Zones};
use crate::files::config::{Config, Layer};
use crate::files::policy::{Probe, Ready, StopSignal};

fn module(lines: &str) -> ProjectModule {
    let text = format!("modules:\n  m:\n    {}\n", lines.replace('\n', "\n    "));
    let project = Project::parse("ostoja.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    project.modules.into_iter().next().expect("one module")
}

fn first_complaint(text: &str) -> String {
    Project::parse("ostoja.yaml", text).expect_err("it is malformed").first().to_string()
}

#[test]
fn modules_stand_in_the_order_of_the_file() {
    let project = Project::parse("f", "modules: {z: {run: x}, a: {run: x}, m: {run: x}}").expect("a project");
    let ids: Vec<&str> = project.modules.iter().map(|module| module.id.as_str()).collect();
    assert_eq!(ids, ["z", "a", "m"]);
    assert!(project.module("a").is_some() && project.module("b").is_none());
}

#[test]
fn what_else_the_file_says_is_a_layer_of_configuration_with_its_places() {
    let text = "modules: {}\nlifecycle:\n  maxRestarts: 7\nconfig:\n  web:\n    port: 80\n";
    let project = Project::parse("ostoja.yaml", text).expect("a project");
    let below = Layer::parse("config.yaml", "web: {port: 1, host: h}").expect("a layer");
    let config = Config::merge(&[below, project.config]);
    assert_eq!(config.settings().lifecycle.max_restarts, 7);
    assert_eq!(config.section("web"), Some(&serde_json::json!({ "port": 80, "host": "h" })));
    let origin = config.origin("web.port").expect("it has one");
    assert_eq!((origin.file.as_str(), origin.at.line, origin.at.column), ("ostoja.yaml", 6, 11));
}

#[test]
fn debug_shows_no_value_of_the_environment_or_the_configuration() {
    let module = module("run: a\nenv: {TOKEN: hunter2}\nconfig: {password: hunter2}");
    assert!(!format!("{module:?}").contains("hunter2"));
    let text = "modules: {}\nconfig: {web: {password: hunter2}}\n";
    assert!(!format!("{:?}", Project::parse("f", text).expect("a project")).contains("hunter2"));
}

#[test]
fn features_are_switched_on_by_their_words() {
    let features = module("run: a\nfeatures: [cancel, stream]").features;
    assert!(features.cancel && features.stream && !features.trace && !features.progress);
    let complaint = first_complaint("modules: {m: {run: a, features: [cancle]}}");
    assert!(
        complaint.starts_with("ostoja.yaml:1:34: `features` is `cancle`, not one of cancel,"),
        "{complaint}"
    );
}

#[test]
fn readiness_is_one_thing() {
    let probe =
        |lines: &str| module(&format!("run: a\nready: {lines}")).policy.ready.map(|ready| ready.probe);
    let tcp = |host: &str, port| Some(Probe::Tcp { host: host.to_owned(), port });
    assert_eq!(probe("started"), Some(Probe::Started));
    assert_eq!(probe("{started: true}"), Some(Probe::Started));
    assert_eq!(probe("notify"), Some(Probe::Notify));
    assert_eq!(probe("{notify: true, timeout: 5s}"), Some(Probe::Notify));
    assert_eq!(probe("completed"), Some(Probe::Completed));
    assert_eq!(probe("{completed: true, timeout: 10m}"), Some(Probe::Completed));
    assert_eq!(probe("{tcp: 80}"), tcp("127.0.0.1", 80));
    assert_eq!(probe("{tcp: '80'}"), tcp("127.0.0.1", 80));
    assert_eq!(probe("{tcp: 'db:65535'}"), tcp("db", 65535));
    assert_eq!(probe("{tcp: '[::1]:80'}"), tcp("::1", 80));
    assert_eq!(probe("{log: 'listening on'}"), Some(Probe::Log("listening on".into())));
    assert_eq!(module("run: a").policy.ready, None);
    assert_eq!(Ready::default().probe, Probe::Started);
}

#[test]
fn a_probe_by_http_takes_ports_addresses_and_urls() {
    let probe =
        |lines: &str| module(&format!("run: a\nready: {lines}")).policy.ready.map(|ready| ready.probe);
    let http = |host: &str, port, path: &str, status| {
        Some(Probe::Http { host: host.to_owned(), port, path: path.to_owned(), status })
    };
    assert_eq!(probe("{http: 8080}"), http("127.0.0.1", 8080, "/", None));
    assert_eq!(probe("{http: 8080/up?x=1}"), http("127.0.0.1", 8080, "/up?x=1", None));
    assert_eq!(probe("{http: 'web:8080/up', status: 204}"), http("web", 8080, "/up", Some(204)));
    assert_eq!(probe("{status: 204, http: 'http://web/up'}"), http("web", 80, "/up", Some(204)));
    assert_eq!(probe("{http: 'http://[::1]:81'}"), http("::1", 81, "/", None));
}

#[test]
fn a_probe_by_command_takes_words_or_a_line() {
    let exec = |lines: &str| match module(&format!("run: a\nready: {lines}"))
        .policy
        .ready
        .map(|ready| ready.probe)
    {
        Some(Probe::Exec(words)) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(exec("{exec: [pg_isready, -q]}"), ["pg_isready", "-q"]);
    assert_eq!(exec("{exec: pg_isready -q}"), ["pg_isready", "-q"]);
    assert_eq!(exec("{exec: 'test -e a && b'}"), ["/bin/sh", "-c", "test -e a && b"]);
}

#[test]
fn signals_may_be_written_short() {
    for text in ["INT", "int", "SIGINT"] {
        let stop = module(&format!("run: a\nstop: {{signal: {text}}}")).policy.stop;
        assert_eq!(stop.signal, Some(StopSignal::Int));
    }
}

#[test]
fn a_thousand_modules_may_share_a_block_by_aliases() {
    let mut text =
        "x-base: &base {restart: never, limits: {files: 9}, stop: {grace: 1s}}\nmodules:\n".to_owned();
    for number in 0..1000 {
        writeln!(text, "  m{number}: {{<<: *base, run: x}}").expect("a String takes it");
    }
    let project = Project::parse("ostoja.yaml", &text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(project.modules.len(), 1000);
    assert!(project.modules.iter().all(|module| module.policy.limits.files == Some(9)));
}

#[test]
fn a_long_chain_of_needs_is_no_circle_and_no_deep_stack() {
    let mut text = "modules:\n  m0: {run: x}\n".to_owned();
    for number in 1..4000 {
        writeln!(text, "  m{number}: {{run: x, needs: [m{}]}}", number - 1).expect("a String takes it");
    }
    assert_eq!(Project::parse("f", &text).map(|project| project.modules.len()), Ok(4000));
    let closed = text.replace("m0: {run: x}", "m0: {run: x, needs: [m3999]}");
    assert_eq!(
        first_complaint(&closed),
        "ostoja.yaml:3:24: modules need each other in a circle: `m0` → `m3999` → `m3998` → `m3997` → `m3996` → `m3995` \
         → `m3994` → `m3993` → `m3992` → `m3991` → … 3989 more … → `m1` → `m0`"
    );
}

#[test]
fn deep_wide_and_long_files_are_refused() {
    let check =
        |text: &str, complaint: &str| assert_eq!(first_complaint(text), format!("ostoja.yaml:{complaint}"));
    check(&"[".repeat(100_000), "1:25: recursion limit exceeded");
    let deep: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    check(&deep, "25:25: nested deeper than 24 levels");
    let wide: String = (0..4097).map(|number| format!("x-{number}: 1\n")).collect();
    check(&wide, "1:1: a map holds more than 4096 entries");
    let many: String = (0..60_000).map(|number| format!("- [{number}, 1, 2]\n")).collect();
    check(&many, "50000:14: holds more values or aliases than any honest file");
    let long = "#".repeat(FILE_BYTES_MAX + 1);
    check(&long, "1:1: the file has 1048577 bytes, at most 1048576 are read");
    assert!(
        Project::parse("f", &format!("modules: {{}}\n{}", &long[14..])).is_ok(),
        "the limit itself is fine"
    );
}

#[test]
fn a_hundred_complaints_are_told_and_no_more() {
    let text: String = (0..500).map(|number| format!("k{number}: 1\n")).collect();
    assert_eq!(Project::parse("f", &text).expect_err("unknown fields").iter().count(), 100);
}

#[test]
fn a_complaint_shows_long_and_strange_literals_short_and_harmless() {
    let long = "x".repeat(5000);
    for text in [
        format!("modules: {{}}\n{long}: 1\n"),
        format!("modules: {{a: {{run: x, needs: [{long}]}}}}\n"),
        format!("modules: {{{long}: {{run: x}}}}\n"),
        format!("modules: {{a: {{run: x, priority: 1e{}}}}}\n", "9".repeat(3000)),
        "modules: {}\n\"\\e[2J\\u0007\": 1\n".to_owned(),
    ] {
        let complaint = first_complaint(&text);
        assert!(complaint.chars().count() < 300, "{complaint}");
        assert!(!complaint.contains(|c: char| c.is_control()), "{complaint:?}");
    }
}

#[test]
fn bounds_and_zones_are_read_in_their_units() {
    let bounds = "limits: {memory: 64M, cpu: 50%, processes: 8, queue: 1M, queue_frames: 9, messages_per_s: 10, calls_per_s: 5}";
    let policy = module(&format!("run: a\nzone: sandbox\n{bounds}")).policy;
    let limits = policy.limits;
    assert_eq!(policy.zone, Some(abi::Zone::Sandbox));
    assert_eq!(
        (limits.memory_bytes, limits.cpu_permille, limits.processes),
        (Some(64 << 20), Some(500), Some(8))
    );
    assert_eq!((limits.queue_bytes, limits.queue_frames), (Some(1 << 20), Some(9)));
    assert_eq!((limits.messages_per_s, limits.calls_per_s), (Some(10), Some(5)));
}

#[test]
fn bounds_of_nothing_below_nothing_and_in_wrong_units_are_refused_with_their_place() {
    for (field, value) in [
        ("memory", "0"),
        ("memory", "-1"),
        ("memory", "64 parsecs"),
        ("queue", "0k"),
        ("cpu", "0%"),
        ("cpu", "-50%"),
        ("cpu", "half"),
        ("processes", "0"),
        ("messages_per_s", "0"),
        ("births_per_s", "0"),
        ("messages_per_s", "-5"),
        ("calls_per_s", "1.5"),
        ("queue_frames", "many"),
    ] {
        let complaint =
            first_complaint(&format!("modules:\n  m:\n    run: a\n    limits: {{{field}: {value}}}\n"));
        assert!(complaint.starts_with("ostoja.yaml:4:"), "{field}: {value}: {complaint}");
        assert!(complaint.contains(field), "{complaint}");
    }
    let complaint = first_complaint("modules: {m: {run: a, zone: system}}");
    assert!(complaint.contains("zone") && complaint.contains("sandbox"), "{complaint}");
}

#[test]
fn how_modules_move_between_zones_is_a_section_of_a_project_too() {
    let text = "zones: {promotion: probation, probationMs: 60000}\nmodules: {a: {run: a, zone: sandbox}}\n";
    let project = Project::parse("ostoja.yaml", text).expect("valid");
    let config = Config::merge(&[project.config]);
    let zones = &config.settings().zones;
    assert_eq!((zones.promotion, zones.probation.as_secs()), (Promotion::Probation, 60));
    let layer = Layer::parse("c", "zones: {promotion: maybe, probationMs: 10, x: 1}\n").expect("YAML");
    let config = Config::merge(&[layer]);
    assert_eq!(config.settings().zones, Zones::default());
    assert_eq!(config.warnings().len(), 3, "{:?}", config.warnings());
}

#[test]
fn a_ceiling_that_can_not_be_understood_leaves_nothing() {
    let layer =
        Layer::parse("c", "zones: {sandbox: {ceiling: {net: [a]}}, stable: {ceiling: {nets: [a]}}}\n");
    let config = Config::merge(&[layer.expect("YAML")]);
    let ceilings = &config.settings().zones.ceilings;
    assert!(ceilings[&abi::Zone::Sandbox].net.contains("a"));
    assert!(ceilings[&abi::Zone::Stable].is_empty());
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
}

#[test]
fn the_pools_of_the_zones_are_a_section_of_the_configuration() {
    let text = "pools:\n  sandbox: {cap: {cpu: 1, memory: 1G}, each: {messages_per_s: 100}}\n  stable: {each: {cpu: 0}}\n";
    let layer = Layer::parse("c", text).expect("YAML");
    let config = Config::merge(&[layer]);
    let sandbox = config.settings().pools.sandbox;
    assert_eq!((sandbox.cap.cpu_permille, sandbox.cap.memory_bytes), (Some(1000), Some(1 << 30)));
    assert_eq!(sandbox.each.messages_per_s, Some(100));
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
}

/// What a configuration of one layer is warned about, and the pools and zones that it gives.
fn settings_of(text: &str) -> (Vec<String>, crate::files::config::settings::Settings) {
    let config = Config::merge(&[Layer::parse("config.yaml", text).expect("YAML")]);
    let warnings = config.warnings().iter().map(ToString::to_string).collect();
    (warnings, config.settings().clone())
}

#[test]
fn what_no_pool_can_be_held_to_is_refused_with_its_place_and_what_can_be_written() {
    for (field, value, says) in [
        ("cpu", "0", "`1%`"),
        ("cpu", "-1", "`50%`"),
        ("cpu", "64M", "`50%`"),
        ("memory", "0", "`64M`"),
        ("memory", "-64M", "`64k`"),
        ("memory", "50%", "`64k`"),
        ("memory", "lots", "`512MiB`"),
        ("processes", "0", "1 to"),
        ("processes", "-3", "whole number"),
        ("processes", "12k", "whole number"),
        ("files", "0", "1 to"),
        ("queue", "0k", "`64M`"),
        ("queue_frames", "0", "1 to"),
        ("messages_per_s", "0", "1 to"),
        ("messages_per_s", "10/s", "whole number"),
        ("calls_per_s", "-1", "whole number"),
        ("births_per_s", "0", "1 to"),
        ("core", "1M", "`each`"),
        ("cpu_seconds", "5", "`each`"),
        ("deadline", "5s", "`each`"),
        ("memroy", "64M", "unknown field"),
    ] {
        let text = format!("pools:\n  stable:\n    cap:\n      {field}: {value}\n");
        let (warnings, settings) = settings_of(&text);
        assert_eq!(warnings.len(), 1, "{field}: {value}: {warnings:?}");
        assert!(warnings[0].contains("config.yaml:4:"), "{field}: {value}: {warnings:?}");
        assert!(warnings[0].contains(field) && warnings[0].contains(says), "{field}: {value}: {warnings:?}");
        assert_eq!(settings.pools, Pools::default(), "{field}: {value}");
    }
}

#[test]
fn a_pool_a_share_and_a_budget_that_do_not_exist_are_refused_with_their_place() {
    for (text, place, says) in [
        ("pools:\n  stabel: {cap: {cpu: 1}}\n", "config.yaml:2:3", "unknown field `stabel`"),
        ("pools:\n  stable: {caps: {cpu: 1}}\n", "config.yaml:2:12", "unknown field `caps`"),
        ("pools:\n  stable: {share: 0}\n", "config.yaml:2:19", "1 to 10000"),
        ("pools:\n  stable: {share: -1}\n", "config.yaml:2:19", "whole number"),
        ("pools:\n  stable: {share: 10001}\n", "config.yaml:2:19", "1 to 10000"),
        ("pools:\n  stable: {share: 50%}\n", "config.yaml:2:19", "whole number"),
        ("zones:\n  stable: {restarts_burst: 0}\n", "config.yaml:2:28", "1 to"),
        ("zones:\n  stable: {restarts_per_s: -2}\n", "config.yaml:2:28", "whole number"),
        ("zones:\n  sandbox: {restarts: 5}\n", "config.yaml:2:13", "unknown field `restarts`"),
        ("zones:\n  system: {restarts_burst: 5}\n", "config.yaml:2:3", "system"),
    ] {
        let (warnings, settings) = settings_of(text);
        assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
        assert!(warnings[0].contains(place) && warnings[0].contains(says), "{text}: {warnings:?}");
        assert_eq!(settings.pools, Pools::default(), "{text}");
        let is_unset = |budget: &RestartBudget| *budget == RestartBudget::default();
        assert!(settings.zones.budgets.values().all(is_unset), "{text}");
    }
}

#[test]
fn a_pool_has_a_share_and_a_zone_a_budget_of_restarts() {
    let text = "pools: {stable: {share: 300, cap: {files: 500}}}\nzones: {stable: {restarts_burst: 9, restarts_per_s: 3}, sandbox: {restarts_burst: 1}}\n";
    let (warnings, settings) = settings_of(text);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!((settings.pools.stable.share, settings.pools.stable.cap.files), (Some(300), Some(500)));
    let budgets = &settings.zones.budgets;
    assert_eq!(budgets[&abi::Zone::Stable], RestartBudget { burst: Some(9), per_s: Some(3) });
    assert_eq!(budgets[&abi::Zone::Sandbox], RestartBudget { burst: Some(1), per_s: None });
}
