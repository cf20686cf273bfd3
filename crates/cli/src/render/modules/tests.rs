//! The table of modules within 80 columns, and one module in full.

use expect_test::{Expect, expect};
use protocol::operator::ModuleDetail;

use super::*;
use crate::samples::{NOW_MS, module, restarting};
use crate::theme::Glyphs;

fn modules() -> Vec<ModuleStatus> {
    let waiting = ModuleStatus {
        status: "waiting".to_owned(),
        waiting_for: vec!["service db".to_owned()],
        ..module("shop-front-end-with-a-long-name")
    };
    let lossy =
        ModuleStatus { dropped: 12_345, bad_lines: 3, restarts_total: 1_000, ..module("log-shipper") };
    let refused = ModuleStatus {
        status: "stopped".to_owned(),
        pid: None,
        rss_bytes: None,
        cpu_ms: None,
        note: "not approved: run `ostoja module approve mailer` after a look at what it asks for".to_owned(),
        ..module("mailer")
    };
    vec![module("web"), waiting, restarting("worker"), lossy, refused]
}

fn check(theme: &Theme, columns: Columns, expected: Expect) {
    let text = table(theme, columns, &modules(), NOW_MS);
    if columns == Columns::Short {
        for line in text.lines() {
            assert!(line.chars().count() <= theme.width, "{line}");
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn the_short_table_fits_80_columns() {
    check(
        &Theme::plain(Glyphs::Unicode),
        Columns::Short,
        expect![[r#"
            NAME      STATE          PID      UP  RESTARTS    CPU    MEM  NOTE
            web       ● ready       4711  10m00s         0  0.42s  12.3M
            shop-fr…  ◌ waiting     4711  10m00s         0  0.42s  12.3M  waits for service
                                                                          db
            worker    ↻ restarting     –       –         7  0.42s      –  exit code 1 after
                                                                          40 ms; again in 4s
            log-shi…  ● ready       4711  10m00s      1000  0.42s  12.3M  12.3k dropped; 3
                                                                          bad lines
            mailer    ○ stopped        –       –         0      –      –  not approved: run
                                                                          `ostoja module
                                                                          approve mailer`
                                                                          after a look at…
        "#]],
    );
}

#[test]
fn the_short_table_in_ascii() {
    let text = table(&Theme::plain(Glyphs::Ascii), Columns::Short, &modules(), NOW_MS);
    assert!(text.is_ascii(), "{text}");
}

#[test]
fn the_wide_table_shows_everything() {
    check(
        &Theme::plain(Glyphs::Unicode),
        Columns::Wide,
        expect![[r#"
            NAME                             STATE          PID      UP  RESTARTS    CPU    MEM  RUNTIME  VERSION  LIFE  IN  OUT  DROPPED  CONTAINMENT  PROVIDES                         NOTE
            web                              ● ready       4711  10m00s         0  0.42s  12.3M  python   1.2.0       3  12   34        –  full         web
            shop-front-end-with-a-long-name  ◌ waiting     4711  10m00s         0  0.42s  12.3M  python   1.2.0       3  12   34        –  full         shop-front-end-with-a-long-name  waits for service db
            worker                           ↻ restarting     –       –         7  0.42s      –  python   1.2.0       3  12   34        –  full         worker                           exit code 1 after 40 ms; again in 4s
            log-shipper                      ● ready       4711  10m00s      1000  0.42s  12.3M  python   1.2.0       3  12   34    12.3k  full         log-shipper                      12.3k dropped; 3 bad lines
            mailer                           ○ stopped        –       –         0      –      –  python   1.2.0       3  12   34        –  full         mailer                           not approved: run `ostoja module approve mailer` after a look at what it asks for
        "#]],
    );
}

#[test]
fn names_stand_alone() {
    check(
        &Theme::plain(Glyphs::Unicode),
        Columns::Name,
        expect![[r#"
        web
        shop-front-end-with-a-long-name
        worker
        log-shipper
        mailer
    "#]],
    );
}

#[test]
fn one_module_in_full() {
    let detail = ModuleDetail {
        status: restarting("worker"),
        folder: Some("/home/a/modules/worker".to_owned()),
        command: vec!["python3".to_owned(), "/home/a/modules/worker/my main.py".to_owned()],
        requires: vec!["greeter".to_owned()],
        needs: Vec::new(),
        topics: vec!["orders:new".to_owned()],
        may_call: vec!["greeter".to_owned()],
        config_key: Some("worker".to_owned()),
        declared: [("net".to_owned(), vec!["a.example:443".to_owned()])].into(),
        effective: [("net".to_owned(), vec!["a.example:443".to_owned()])].into(),
        manifest_hash: Some("ab".repeat(32)),
        confinement: vec!["landlock: files".to_owned(), "seccomp: 40 calls denied".to_owned()],
        stderr_tail: vec!["Traceback:".to_owned(), "ValueError: \u{1b}[31mno port\u{1b}[0m".to_owned()],
    };
    expect![[r#"
        module     worker
        state      ↻ restarting
        note       exit code 1 after 40 ms; again in 4s
        restarts   7
        runtime    python
        version    1.2.0
        command    python3 '/home/a/modules/worker/my main.py'
        folder     /home/a/modules/worker
        provides   worker
        requires   greeter
        may call   greeter
        topics     orders:new
        config key worker
        asks for   net a.example:443
        may touch  net a.example:443
        manifest   abababababababababababababababababababababababababababababababab
        zone       stable
        contained  full
                   landlock: files
                   seccomp: 40 calls denied
        frames     12 in, 34 out, 0 dropped
        stderr     its last lines
                   Traceback:
                   ValueError: no port
    "#]]
    .assert_eq(&super::detail(&Theme::plain(Glyphs::Unicode), &detail, NOW_MS));
}

#[test]
fn the_wide_table_leaves_out_what_no_row_has_and_sums_up_the_containment() {
    let plain = |id: &str| ModuleStatus {
        version: String::new(),
        provides: Vec::new(),
        containment: "partial (missing: landlock net, namespaces, net broker)".to_owned(),
        runtime: "command".to_owned(),
        ..module(id)
    };
    let text = table(&Theme::plain(Glyphs::Unicode), Columns::Wide, &[plain("web"), plain("db")], NOW_MS);
    expect![[r#"
        NAME  STATE     PID      UP  RESTARTS    CPU    MEM  RUNTIME  LIFE  IN  OUT  CONTAINMENT
        web   ● ready  4711  10m00s         0  0.42s  12.3M  command     3  12   34  partial
        db    ● ready  4711  10m00s         0  0.42s  12.3M  command     3  12   34  partial
    "#]]
    .assert_eq(&text);
}

#[test]
fn headings_and_names_are_in_the_persons_language() {
    let theme = Theme { lang: crate::lang::Lang::Pl, ..Theme::plain(Glyphs::Unicode) };
    let text = table(&theme, Columns::Short, &modules(), NOW_MS);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    expect!["NAZWA     STAN           PID  DZIAŁA  RESTARTY    CPU    PAM  UWAGA"]
        .assert_eq(text.lines().next().unwrap_or_default());
}
