//! Evenings at the screen, played.

use protocol::operator::{LogLine, Request, Role};
use serde_json::{Value, json};

use super::meter::HISTORY_MAX;
use super::*;
use crate::samples::module;

pub(in crate::tui) fn played(role: Role) -> App {
    let mut app = App::new(Lang::En, role);
    let modules: Vec<Value> = ["api", "db", "web"]
        .into_iter()
        .zip(["ready", "crashed", "ready"])
        .map(|(id, status)| ModuleStatus { status: status.to_owned(), ..module(id) })
        .map(|module| serde_json::to_value(module).expect("a value"))
        .collect();
    app.update(Event::Answer(Tag::Modules, Ok(Value::Array(modules))));
    app
}

fn keys(app: &mut App, text: &str) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for found in text.chars() {
        let key = match found {
            '\n' => Key::Enter,
            '\x1b' => Key::Escape,
            found => Key::Char(found),
        };
        wishes = app.update(Event::Key(key));
    }
    wishes
}

fn asked(wishes: &[Wish]) -> Vec<Request> {
    let request = |wish: &Wish| match wish {
        Wish::Ask(_, request) => Some((**request).clone()),
        Wish::Quit => None,
    };
    wishes.iter().filter_map(request).collect()
}

fn line(msg: &str) -> LogLine {
    LogLine {
        ts_ms: 0,
        module_id: "api".to_owned(),
        generation: 1,
        level: "info".to_owned(),
        source: "stdout".to_owned(),
        msg: msg.to_owned(),
        data: None,
        topic: None,
    }
}

#[test]
fn the_choice_stays_within_the_table() {
    let mut app = played(Role::Admin);
    keys(&mut app, "kkk");
    assert_eq!(app.chosen().as_deref(), Some("api"));
    keys(&mut app, "jjjjjj");
    assert_eq!(app.chosen().as_deref(), Some("web"));
    keys(&mut app, "g");
    assert_eq!(app.chosen().as_deref(), Some("api"));
    keys(&mut app, "G");
    assert_eq!(app.chosen().as_deref(), Some("web"));
    app.update(Event::Answer(Tag::Modules, Ok(json!([]))));
    assert_eq!(app.chosen(), None);
    assert!(keys(&mut app, "dlsxr\n").is_empty());
}

#[test]
fn a_filter_narrows_while_it_is_typed_and_escape_takes_it_back() {
    let mut app = played(Role::Admin);
    keys(&mut app, "/cra");
    assert_eq!(app.chosen().as_deref(), Some("db"));
    keys(&mut app, "\n");
    assert_eq!((app.shown().len(), &app.input), (1, &None));
    keys(&mut app, "\x1b");
    assert_eq!(app.shown().len(), 3);
    keys(&mut app, "/web\x1b");
    assert_eq!(app.shown().len(), 3);
}

#[test]
fn a_change_waits_for_a_yes_and_only_then_is_asked_for() {
    let mut app = played(Role::Operator);
    assert!(keys(&mut app, "r").is_empty());
    assert!(app.question.is_some());
    assert!(keys(&mut app, "n").is_empty());
    assert_eq!((app.question.is_none(), app.notice.as_deref()), (true, Some("nothing was changed")));
    let wishes = keys(&mut app, "xy");
    assert_eq!(asked(&wishes), [Request::ModuleStop { module_id: "api".to_owned(), dry_run: false }]);
    let tag = Tag::Changed("done".to_owned());
    assert!(!app.update(Event::Answer(tag, Ok(Value::Null))).is_empty(), "it looks again");
    assert_eq!(app.notice.as_deref(), Some("done"));
}

#[test]
fn who_may_only_look_is_asked_nothing() {
    for role in [Role::Viewer, Role::Developer] {
        let mut app = played(role);
        for change in ["s", "x", "r", ":restart api\n", ":stop\n"] {
            assert!(keys(&mut app, change).is_empty());
            assert!(app.question.is_none() && app.notice.is_some(), "{change}");
        }
    }
}

#[test]
fn commands_lead_everywhere_and_mistyped_ones_say_so() {
    let mut app = played(Role::Admin);
    for (typed, view) in [
        (":zones\n", View::Zones),
        (":ap\n", View::Approvals),
        (":help\n", View::Help),
        (":mo\n", View::Modules),
        (":logs db\n", View::Logs),
        (":describe web\n", View::Describe),
    ] {
        keys(&mut app, typed);
        assert_eq!(app.view, view, "{typed}");
    }
    keys(&mut app, ":lgos\n");
    assert_eq!(app.notice.as_deref(), Some("there is no command `lgos`; ? helps"));
    keys(&mut app, ":logs nobody\n");
    assert_eq!(app.notice.as_deref(), Some("there is no module `nobody`"));
    assert_eq!(keys(&mut app, ":q\n"), [Wish::Quit]);
}

#[test]
fn escape_and_q_lead_back_and_q_at_the_table_ends() {
    let mut app = played(Role::Admin);
    for way in ["\x1b", "q", "h"] {
        keys(&mut app, "l");
        assert_eq!(app.view, View::Logs);
        assert!(keys(&mut app, way).is_empty());
        assert_eq!(app.view, View::Modules);
    }
    assert_eq!(keys(&mut app, "q"), [Wish::Quit]);
    assert_eq!(app.update(Event::Key(Key::Interrupt)), [Wish::Quit]);
}

#[test]
fn a_log_follows_until_somebody_looks_back_and_finds_what_is_searched() {
    let mut app = played(Role::Admin);
    let wishes = keys(&mut app, "l");
    assert!(matches!(&asked(&wishes)[..], [Request::Logs(request)] if request.modules == ["api"]));
    let page = LogPage { lines: ["one", "error two", "three", "ERROR four"].map(line).to_vec(), lost: 0 };
    let data = serde_json::to_value(&page).expect("a value");
    app.update(Event::Answer(Tag::Logs("db".to_owned()), Ok(data.clone())));
    assert!(app.log.lines.is_empty(), "it is of another module");
    app.update(Event::Answer(Tag::Logs("api".to_owned()), Ok(data)));
    keys(&mut app, "/error\n");
    assert_eq!(app.log.back, 0);
    keys(&mut app, "n");
    assert_eq!(app.log.back, 2);
    keys(&mut app, "n");
    assert_eq!(app.log.back, 2, "there is none further back");
    keys(&mut app, "N");
    assert_eq!(app.log.back, 0);
    keys(&mut app, "kkkkkkkk");
    assert_eq!(app.log.back, 3);
    keys(&mut app, "f");
    assert_eq!(app.log.back, 0);
}

#[test]
fn rates_are_differences_and_a_minute_of_them_is_kept() {
    let mut app = played(Role::Viewer);
    let table = |ts_ms: u64, cpu_ms: u64| {
        let row = json!({
            "id": "api", "status": "ready", "pid": 1, "cpuPercent": null, "cpuMs": cpu_ms, "rssBytes": 7,
            "frames": cpu_ms, "framesPerS": null,
        });
        json!({ "tsMs": ts_ms, "kernel": row, "modules": [row] })
    };
    for second in 0..100 {
        app.update(Event::Answer(Tag::Usage, Ok(table(second * 1000, second * 500))));
    }
    let meter = &app.meters["api"];
    assert_eq!((meter.cpu_percent, meter.frames_per_s), (Some(50.0), Some(500.0)));
    assert_eq!(meter.history.len(), HISTORY_MAX);
    assert!(meter.history.iter().all(|percent| *percent == 50));
    // A clock that went back, or a life that began anew, gives no nonsense.
    app.update(Event::Answer(Tag::Usage, Ok(table(1000, 0))));
    assert_eq!(app.meters["api"].cpu_percent, Some(50.0));
}

#[test]
fn wishes_are_granted_by_an_admin_after_a_yes() {
    let row = json!([{ "requestId": "r1", "moduleId": "api", "permissions": { "net": ["a"] }, "reason": "why not" }]);
    let mut app = played(Role::Admin);
    keys(&mut app, "a");
    app.update(Event::Answer(Tag::Pending, Ok(row.clone())));
    let wishes = keys(&mut app, "yy");
    assert!(
        matches!(&asked(&wishes)[..], [Request::PermissionsGrant(change)] if change.request_id.as_deref() == Some("r1"))
    );
    let wishes = keys(&mut app, "ny");
    assert!(matches!(&asked(&wishes)[..], [Request::PermissionsDeny(_)]));
    let mut app = played(Role::Operator);
    keys(&mut app, "a");
    app.update(Event::Answer(Tag::Pending, Ok(row)));
    assert!(keys(&mut app, "y").is_empty() && app.question.is_none());
}

#[test]
fn a_kernel_that_goes_is_said_and_one_that_is_back_is_shown_at_once() {
    let mut app = played(Role::Admin);
    app.update(Event::Gone("no kernel answers".to_owned()));
    assert!(app.gone.is_some());
    assert!(!app.update(Event::Tick).is_empty(), "it goes on asking");
    app.update(Event::Answer(Tag::Modules, Ok(json!([]))));
    assert!(app.gone.is_none());
}

#[test]
fn no_answer_and_no_key_panics() {
    let mut app = played(Role::Admin);
    let odd = [Ok(json!(7)), Ok(json!({ "steps": 1 })), Ok(Value::Null), Err("no".to_owned())];
    let tags = [
        Tag::Kernel,
        Tag::Modules,
        Tag::Usage,
        Tag::Pending,
        Tag::Permissions,
        Tag::Detail("a".to_owned()),
        Tag::Story("a".to_owned()),
        Tag::Logs(String::new()),
    ];
    for tag in tags {
        for answer in &odd {
            app.update(Event::Answer(tag.clone(), answer.clone()));
        }
    }
    let all =
        [Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Enter, Key::Backspace];
    for view in ["", "l", "d", "a", "z", "?"] {
        keys(&mut app, "\x1b");
        keys(&mut app, view);
        for key in all {
            app.update(Event::Key(key));
        }
    }
}
