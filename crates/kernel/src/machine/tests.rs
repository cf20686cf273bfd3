//! Totality: any events in any order, at any time, never panic, always come to an end, and are repeatable.

use proptest::collection::vec as many;
use proptest::prelude::*;

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use abi::Time;

use crate::testing::{Driver, check, heard};
use crate::{Event, Kernel, Settings};
use core::time::Duration;
use expect_test::expect;

/// What a module can be, in words.
fn any_shape() -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![
        Just("provides=x strategy=all cancel stream progress"),
        Just("requires=x may=x,y hears=t cancel stream"),
        Just("plain needs=a max=0 give-up=start:b"),
        Just("provides=y requires=z watches=k give-up=shutdown max=1"),
        Just("provides=x,z needs=c unapproved section=k"),
        Just("optional=x refused=why"),
        Just("plain restart=on-failure needs=b strategy=rest max=0 give-up=stop-dependents"),
    ]
}

/// What a module can say.
fn any_saying() -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![
        Just("ready"),
        Just("pong"),
        Just("call 1 x m"),
        Just("call 1 y m deadline=5"),
        Just("publish t p"),
        Just("cancel 1"),
        Just("answer 1 r"),
        Just("answer 2 error e"),
        Just("chunk 1 0 d"),
        Just("end 1"),
        Just("credit 1 9"),
        Just("progress 1 p"),
        Just("kernel 1 config.get k"),
        Just("kernel 1 config.set security 1"),
        Just("kernel 2 permissions.request net:x"),
        Just("kernel 3 monitor.snapshot"),
        Just("nack init e"),
    ]
}

/// Lines of the driver's language about four modules, sensible or not.
fn any_line() -> impl Strategy<Value = String> {
    let id = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d")];
    let life = (id.clone(), 0u64..6)
        .prop_map(|(id, life)| if life == 0 { String::from(id) } else { format!("{id}#{life}") });
    let order = prop_oneof![
        Just("start"),
        Just("stop"),
        Just("restart"),
        Just("remove"),
        Just("start"),
        Just("stop"),
        Just("restart"),
    ];
    prop_oneof![
        (id.clone(), any_shape(), 0u8..3)
            .prop_map(|(id, shape, print)| format!("module {id} {shape} print={print}")),
        Just(String::from("discover")),
        Just(String::from("discover")),
        Just(String::from("discover nothing")),
        id.clone().prop_map(|id| format!("add {id}")),
        life.clone().prop_map(|life| format!("up {life}")),
        life.clone().prop_map(|life| format!("up {life}")),
        life.clone().prop_map(|life| format!("up {life}")),
        (life.clone(), 0u8..2).prop_map(|(life, code)| format!("exit {life} {code}")),
        life.clone().prop_map(|life| format!("spawn-fails {life} no")),
        life.clone().prop_map(|life| format!("spawn-refused {life} no")),
        (life.clone(), any_saying()).prop_map(|(life, saying)| format!("{life} says {saying}")),
        (life.clone(), any_saying()).prop_map(|(life, saying)| format!("{life} says {saying}")),
        (1u8..9, order, id.clone()).prop_map(|(request, order, id)| format!("order {request} {order} {id}")),
        (1u8..9, id.clone()).prop_map(|(request, id)| format!("order {request} grant {id} net:x")),
        (1u8..9, id.clone()).prop_map(|(request, id)| format!("order {request} revoke {id} net:x")),
        (1u8..9).prop_map(|request| format!("order {request} settle")),
        (1u8..9).prop_map(|request| format!("order {request} call x m within=7")),
        (1u8..9).prop_map(|request| format!("order {request} subscribe *")),
        (0u8..40).prop_map(|rare| String::from(if rare == 0 {
            "order 9 shutdown"
        } else {
            "order 9 settle"
        })),
        (1u8..9).prop_map(|request| format!("depart {request}")),
        id.clone().prop_map(|id| format!("grants {id} none")),
        id.clone().prop_map(|id| format!("grants {id} base=net:y")),
        Just(String::from("config k")),
        (1u8..4, life).prop_map(|(hop, life)| format!("full part {hop} {life}")),
        prop_oneof![Just(1u64), Just(1000), Just(30_000), Just(100_000)]
            .prop_map(|wait| format!("wait {wait}")),
    ]
}

fn trace(lines: &[String]) -> Vec<String> {
    let mut driver = Driver::new();
    let mut all = Vec::new();
    for line in lines {
        // A line that names a life which is not there is no event.
        all.extend(driver.step(line).unwrap_or_default());
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_events_are_handled_and_the_same_ones_alike(lines in many(any_line(), 1..120)) {
        prop_assert_eq!(trace(&lines), trace(&lines));
    }

    #[test]
    fn any_settings_and_any_jump_of_time_come_to_an_end(
        intervals in many(0u64..3, 8), numbers in many(0u32..3, 4), jumps in many(any::<u64>(), 1..6),
    ) {
        let mut driver = Driver::new();
        let time = |at: usize| Duration::from_millis(intervals[at]);
        driver.happen(Event::Settings(Settings {
            health_interval: time(0), ping_timeout: time(1), ready_timeout: time(2), requires_timeout: time(3),
            shutdown_grace: time(4), restart_base: time(5), restart_backoff_max: time(6), rpc_timeout: time(7),
            health_max_failures: numbers[0], max_restarts: numbers[1], machine_restarts_burst: numbers[2],
            machine_restarts_per_s: numbers[3], ..Settings::default()
        }));
        for line in ["module a requires=x", "module b provides=x", "module c plain needs=b", "discover", "up a b c"] {
            let _nobody = driver.step(line);
        }
        for jump in jumps {
            driver.now = Time(jump);
            driver.kernel.handle_timeout(driver.now);
            while driver.kernel.poll_effect().is_some() {}
            let _nobody = driver.step("up a");
        }
    }
}

#[test]
fn time_never_goes_back() {
    let mut kernel = Kernel::new(1);
    kernel.handle_timeout(Time(1000));
    kernel.handle_timeout(Time(10));
    kernel.handle(Time(20), Event::ConfigChanged(Vec::new()));
    assert_eq!(kernel.poll_timeout(), None);
    assert!(kernel.poll_effect().is_none());
}

#[test]
fn a_preview_tells_what_would_be_decided_and_changes_nothing() {
    let mut driver = Driver::new();
    for line in ["module a", "discover", "up a"] {
        driver.step(line).expect("a line of the language");
    }
    let id = abi::ModuleId::parse("a").expect("a slug");
    let stop = Event::Ordered(abi::RequestId(1), crate::Order::Stop(id));
    let codes: Vec<&str> = driver.kernel.preview(driver.now, stop).iter().map(|record| record.code).collect();
    assert_eq!(codes, ["order.stop", "module.stopping"]);
    assert!(driver.kernel.poll_effect().is_none());
    assert_eq!(driver.step("view a").expect("it is known"), ["view a ready restarts=0 note=\"\""]);
}

#[test]
fn a_view_tells_what_can_be_seen() {
    let mut driver = Driver::new();
    for line in ["module a provides=x requires=y needs=b may=z version=3", "discover", "up a", "wait 5"] {
        driver.step(line).expect("a line of the language");
    }
    let views = driver.kernel.views();
    expect![[r#"
        [
            View {
                slot: Slot(
                    0,
                ),
                id: "a",
                version: "3",
                state: Waiting,
                is_completed: false,
                generation: Some(
                    Generation(
                        1,
                    ),
                ),
                since: Time(
                    0,
                ),
                restart_count: 0,
                restarts_total: 0,
                restart_at: None,
                reason: None,
                note: "waits for `y`, `b`",
                provides: [
                    "x",
                ],
                waiting_for: [
                    "y",
                    "b",
                ],
                zone: Stable,
                bounds: Bounds(
                    [
                        None,
                        None,
                        None,
                        None,
                        None,
                        None,
                        None,
                        None,
                        None,
                    ],
                ),
                step: Free,
                probation: None,
                swap: None,
                warm: None,
                falls_back: 0,
                calls_pending: 0,
            },
        ]"#]]
    .assert_eq(&format!("{views:#?}"));
}

#[test]
fn a_count_is_no_more_after_a_healthy_minute() {
    let views = heard(
        "settings restart_base=1 health_interval=600000
         module a
         discover
         up a
         exit a 1
         wait 10
         up a
         view a
         wait 60000
         order 1 settle
         view a",
        &["view"],
    );
    assert!(views[0].contains("restarts=1") && views[1].contains("restarts=0"), "{views:?}");
}

#[test]
fn a_seat_is_used_again_without_what_belonged_to_its_last_module() {
    check(
        "module a provides=x hears=t
         module b provides=x may=x hears=t
         discover a
         up a
         order 1 subscribe t
         order 2 start a
         discover nothing
         order 3 restart a
         exit a 0
         discover b
         quiet
         up b
         b#1 says call 1 x m
         exit b#1 0
         b says call 1 x m
         order 4 publish t hello
         wait 31000",
        expect![[r#"
            > up b
              save b base=[nothing] dynamic=[nothing] denied=[nothing] pending=0 spawned
              b#2 <- install
              b#2 <- init
              journal module.ready b#2 after_ms=0
              b#2 <- deps_ready
            > b#1 says call 1 x m
            > exit b#1 0
            > b says call 1 x m
              b#2 <- rpc_request hop-1 from=b x.m
            > order 4 publish t hello
              b#2 <- deliver t hello
              show 1 t hello
              reply 4 published 1
            > wait 31000
              at 30.000s
              b#2 <- rpc_response 1 error: timeout
              b#2 <- ping
        "#]],
    );
}
