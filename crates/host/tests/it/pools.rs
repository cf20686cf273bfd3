//! Pools with real processes: what all modules of a zone use together is bounded, told, and nobody else's matter.

use std::time::Instant;

use serde_json::{Value, json};

use crate::kernel::{Kernel, eventually, python};

/// The row of a zone's pool.
fn pool(kernel: &Kernel, zone: &str) -> Value {
    let usage = kernel.data(json!({ "cmd": "usage" }));
    let pools = usage["pools"].as_array().expect("every answer has them").clone();
    pools.into_iter().find(|pool| pool["zone"] == zone).expect("each zone has one")
}

/// The v2 group of a module's process, below those of the kernel; nothing where there are no groups.
fn group(kernel: &Kernel, module: &str) -> Option<String> {
    let pid = kernel.module_pid(module)?;
    let all = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let own = all.lines().find_map(|line| line.strip_prefix("0::"))?;
    own.contains("/ostoja/home-").then(|| own.to_owned())
}

#[test]
fn two_that_compute_without_end_get_their_pools_share_of_a_processor_and_no_more() {
    let kernel = Kernel::home("");
    let burn = kernel.file("burn.py", "while True: pass\n");
    let entry = format!("{{run: python3 {}, zone: sandbox}}", burn.display());
    let project = format!(
        "pools: {{sandbox: {{cap: {{cpu: 40%}}}}}}\nmodules:\n  a: {entry}\n  b: {entry}\n  other: {{run: sleep 1000}}\n"
    );
    kernel.file("ostoja.yaml", &project);
    let mut kernel = kernel;
    kernel.start();
    kernel.settle();
    let cpu = || pool(&kernel, "sandbox")["used"]["cpu"].as_u64().unwrap_or_default();
    eventually("they are held to their pool's share", || (1..=600).contains(&cpu()));
    let row = pool(&kernel, "sandbox");
    assert_eq!((&row["limits"]["cpu"], &row["modules"], &row["share"]), (&json!(400), &json!(2), &json!(20)));
    let stable = pool(&kernel, "stable");
    assert_eq!(
        (&stable["limits"], &stable["modules"], &stable["share"]),
        (&Value::Null, &json!(1), &json!(100))
    );
    let codes = kernel.codes("other");
    assert!(!codes.iter().any(|code| code.starts_with("governor.")), "{codes:?}");
}

#[test]
fn a_module_that_is_promoted_lives_on_in_the_group_of_its_new_pool() {
    let kernel = Kernel::settled("modules:\n  m: {run: sleep 1000, zone: sandbox}\n");
    let Some(before) = group(&kernel, "m") else { return };
    assert!(before.ends_with("/sandbox/m"), "{before}");
    kernel.data(json!({ "cmd": "zone.promote", "moduleId": "m" }));
    kernel.wait_for_state("m", "ready");
    eventually("it is born into the other pool", || {
        group(&kernel, "m").is_some_and(|group| group.ends_with("/stable/m"))
    });
}

#[test]
fn another_cap_holds_at_once_for_those_that_run() {
    let kernel =
        Kernel::settled("pools: {stable: {cap: {processes: 50}}}\nmodules:\n  m: {run: sleep 1000}\n");
    let pid = kernel.module_pid("m");
    assert_eq!(pool(&kernel, "stable")["limits"], json!({ "processes": 50 }));
    let other = "pools: {stable: {share: 300, cap: {processes: 40, memory: 512M}}}\nmodules:\n  m: {run: sleep 1000}\n";
    kernel.file("ostoja.yaml", other);
    kernel.data(json!({ "cmd": "kernel.reload" }));
    let row = pool(&kernel, "stable");
    assert_eq!(row["limits"], json!({ "processes": 40, "memory": 512 << 20 }));
    assert_eq!((&row["share"], kernel.module_pid("m")), (&json!(300), pid), "its life goes on");
}

#[test]
fn all_frames_of_a_pool_are_heard_no_faster_than_it_gives() {
    let body = "\
line=(json.dumps(dict(type='publish',topic='noise',payload=1))+'\\n').encode()
for f in frames():
    if f['type']=='init':
        say(type='ready')
        for _ in range(60): os.write(1,line*50)
    if f['type']=='ping': say(type='pong')
";
    let mut kernel = Kernel::home("");
    let flood = kernel.file("flood.py", &python(body));
    let project = format!(
        "pools: {{stable: {{cap: {{messages_per_s: 1000}}}}}}\nmodules:\n  m: {{run: python3 {}, protocol: lines, publishes: [noise]}}\n",
        flood.display()
    );
    kernel.file("ostoja.yaml", &project);
    kernel.start();
    kernel.settle();
    let begun = Instant::now();
    eventually("all is heard", || kernel.status("m")["framesIn"].as_u64() >= Some(3000));
    // A second of them may come at once; what is beyond that takes its time.
    assert!(begun.elapsed().as_millis() >= 900, "{:?}", begun.elapsed());
}
