//! Stories in both languages, and the advice at their ends.

use expect_test::{Expect, expect};
use protocol::operator::ProbationStatus;
use serde_json::json;

use super::*;
use crate::samples::{NOW_MS, module, restarting, row};
use crate::theme::Glyphs;

fn crash_loop() -> Story {
    let exited = |seq| {
        row(
            seq,
            "module.exited",
            "worker",
            &[("exit", json!("exit code 1")), ("after_ms", json!(40)), ("state", json!("starting"))],
        )
    };
    Story {
        status: Some(restarting("worker")),
        records: vec![
            row(1, "order.start", "worker", &[]),
            row(2, "module.starting", "worker", &[("attempt", json!(1))]),
            exited(3),
            exited(4),
            row(
                5,
                "restart.planned",
                "worker",
                &[("wait_ms", json!(4_000)), ("attempt", json!(2)), ("max_restarts", json!(5))],
            ),
        ],
        stderr_tail: vec!["ValueError: no port".to_owned()],
    }
}

fn tell(lang: Lang, id: &str, story: &Story) -> String {
    let teller = Teller {
        theme: &Theme::plain(Glyphs::Unicode),
        lang,
        zone: &TimeZone::UTC,
        now_ms: NOW_MS,
        command: "ostoja --home /h",
    };
    teller.tell(id, story)
}

fn check(lang: Lang, id: &str, story: &Story, expected: Expect) {
    let text = tell(lang, id, story);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    expected.assert_eq(&text);
}

#[test]
fn a_crash_loop_in_english() {
    check(
        Lang::En,
        "worker",
        &crash_loop(),
        expect![[r#"
            Now
              worker: ↻ restarting for 2s
              exit code 1 after 40 ms
              it is started again in 4s

            What happened
              10:29:01  an operator asked to start it
              10:29:02  starting
              10:29:03  exit code 1 after 40 ms, while starting (×2)
              10:29:05  restarts after 4.0 s (attempt 2 of 5)

            What it was refused, and what would allow it
              files, programs and system calls that it was refused are seen only in a life
              that is observed, as its second restart in a row is; to look now:
                ostoja --home /h module profile worker

            Its last words on stderr
              │ ValueError: no port

            What to do
              read what it said: ostoja --home /h logs worker
              then: ostoja --home /h restart worker
        "#]],
    );
}

#[test]
fn a_crash_loop_in_polish() {
    check(
        Lang::Pl,
        "worker",
        &crash_loop(),
        expect![[r#"
        Teraz
          worker: ↻ restarting od 2s
          exit code 1 after 40 ms
          ruszy ponownie za 4s

        Co się stało
          10:29:01  operator kazał uruchomić
          10:29:02  start
          10:29:03  zakończył się sam (exit code 1) po 40 ms, w stanie starting (×2)
          10:29:05  ruszy ponownie po 4.0 s (próba 2 z 5)

        Czego mu odmówiono i co by na to pozwoliło
          pliki, programy i wywołania systemowe, których mu odmówiono, widać tylko w
          życiu obserwowanym, jakim jest jego drugi restart z rzędu; aby spojrzeć teraz:
            ostoja --home /h module profile worker

        Ostatnie słowa na stderr
          │ ValueError: no port

        Co zrobić
          przeczytaj, co mówił: ostoja --home /h logs worker
          potem: ostoja --home /h restart worker
    "#]],
    );
}

#[test]
fn a_module_that_works_needs_nothing() {
    let story = Story { status: Some(module("web")), records: Vec::new(), stderr_tail: Vec::new() };
    check(
        Lang::En,
        "web",
        &story,
        expect![[r#"
        Now
          web: ● ready for 10m00s

        What happened
          the journal knows nothing of it yet

        What to do
          nothing: it works
    "#]],
    );
}

#[test]
fn a_module_that_was_never_approved_is_to_be_approved() {
    let status =
        ModuleStatus { status: "stopped".to_owned(), note: "not approved".to_owned(), ..module("mailer") };
    let records = vec![row(1, "module.refused", "mailer", &[("why", json!("not approved"))])];
    let story = Story { status: Some(status), records, stderr_tail: Vec::new() };
    let text = tell(Lang::En, "mailer", &story);
    assert!(text.contains("ostoja --home /h module approve mailer"), "{text}");
}

#[test]
fn an_open_wish_is_told_even_of_a_module_that_works() {
    let wish =
        |code: &str| row(1, code, "web", &[("permissions", json!("net a:1")), ("request", json!("4f0c"))]);
    let story =
        |code| Story { status: Some(module("web")), records: vec![wish(code)], stderr_tail: Vec::new() };
    let open = tell(Lang::En, "web", &story("permission.requested"));
    assert!(open.contains("then: ostoja --home /h permissions grant 4f0c"), "{open}");
    let answered = tell(Lang::En, "web", &story("permission.denied"));
    assert!(answered.ends_with("  nothing: it works\n"), "{answered}");
}

#[test]
fn who_is_on_probation_is_told_what_it_lacks() {
    let lacks = "well for 180 of 600 s since it left a ping unanswered".to_owned();
    let probation = Some(ProbationStatus { well_ms: 180_000, wanted_ms: 600_000, lacks });
    let status = ModuleStatus { zone: "sandbox".to_owned(), probation, ..module("web") };
    let story = Story { status: Some(status), records: Vec::new(), stderr_tail: Vec::new() };
    let told = tell(Lang::En, "web", &story);
    let words: Vec<&str> = told.split_whitespace().collect();
    assert!(
        words.join(" ").contains("on probation in the sandbox zone, 3m00s of 10m00s: well for 180 of 600 s"),
        "{told}"
    );
    assert!(tell(Lang::Pl, "web", &story).contains("okres próbny"));
}

#[test]
fn what_was_refused_is_told_with_the_grant_that_would_allow_it() {
    let access =
        |seq| row(seq, "access.refused", "web", &[("kind", json!("read")), ("value", json!("/data/a"))]);
    let story = Story {
        status: Some(module("web")),
        records: vec![
            access(1),
            row(2, "call.refused", "web", &[("call", json!("bpf"))]),
            row(3, "net.refused", "web", &[("act", json!("connect")), ("grant", json!("a.example:443"))]),
            access(4),
        ],
        stderr_tail: Vec::new(),
    };
    let told = tell(Lang::En, "web", &story);
    let section =
        told.split("\n\n").find(|part| part.starts_with("What it was refused")).expect("it is there");
    expect![[r#"
        What it was refused, and what would allow it
          was refused the system call bpf, which no permission allows
          was refused the network: connect a.example:443
            ostoja --home /h permissions grant web net=a.example:443
          was refused, while it was observed: read /data/a
            ostoja --home /h permissions grant web read=/data/a"#]]
    .assert_eq(section);
}

#[test]
fn a_module_that_fails_unobserved_is_told_what_nobody_could_see() {
    let status = |state: &str, runtime: &str| {
        Some(ModuleStatus { status: state.to_owned(), runtime: runtime.to_owned(), ..module("web") })
    };
    let told = |status, records| {
        tell(Lang::En, "web", &Story { status, records, stderr_tail: Vec::new() })
            .contains("module profile web")
    };
    assert!(told(status("crashed", "python"), Vec::new()));
    assert!(!told(status("ready", "python"), Vec::new()));
    assert!(!told(status("crashed", "wasm"), Vec::new()));
    let seen = row(1, "access.refused", "web", &[("kind", json!("read")), ("value", json!("/data/a"))]);
    assert!(!told(status("crashed", "python"), vec![seen]));
}

#[test]
fn a_service_that_was_refused_is_told_with_where_to_ask_for_it() {
    let records = vec![row(1, "rpc.forbidden", "web", &[("service", json!("db"))])];
    let told =
        tell(Lang::En, "web", &Story { status: Some(module("web")), records, stderr_tail: Vec::new() });
    assert!(told.contains("add \"db\" to optionalRequires"), "{told}");
}
