//! Pictures of played states, in several sizes, languages and alphabets.

use jiff::tz::TimeZone;
use protocol::operator::{Role, Story};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};

use super::*;
use crate::lang::Lang;
use crate::samples::{module, row};
use crate::theme::{Colors, Glyphs, Theme};
use crate::tui::keys::Key;
use crate::tui::look::Palette;
use crate::tui::state::tests::played;
use crate::tui::state::{Event, Tag};
use crate::tui::words::Word;

fn dressed(palette: Palette, theme: Theme) -> Look {
    Look::new(palette, theme, TimeZone::UTC, "ostoja")
}

fn look(glyphs: Glyphs, colors: Colors) -> Look {
    dressed(Palette::System, Theme { colors, ..Theme::plain(glyphs) })
}

fn picture(app: &App, width: u16, height: u16, look: &Look) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(frame, app, look)).expect("it is drawn");
    let buffer = terminal.backend().buffer();
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>();
    (0..height).map(row).collect()
}

fn plain(app: &App, width: u16, height: u16) -> Vec<String> {
    picture(app, width, height, &look(Glyphs::Unicode, Colors::Off))
}

fn press(app: &mut App, key: char) {
    app.update(Event::Key(Key::Char(key)));
}

#[test]
fn the_table_fits_80_by_24_with_all_its_columns() {
    let mut app = played(Role::Admin);
    for ts_ms in [0, 1000] {
        let row = json!({
            "id": "api", "status": "ready", "pid": 1, "cpuPercent": null, "cpuMs": ts_ms / 4, "rssBytes": 12_582_912,
            "frames": ts_ms / 10, "framesPerS": null,
        });
        app.update(Event::Answer(Tag::Usage, Ok(json!({ "tsMs": ts_ms, "kernel": row, "modules": [row] }))));
    }
    let shown = plain(&app, 80, 24);
    assert!(shown[0].starts_with("ostoja modules  2/3 ready"), "{shown:#?}");
    for heading in ["NAME", "STATE", "CPU", "MEM", "RST", "MSG/s", "CPU, 1 min"] {
        assert!(shown[1].contains(heading), "{heading}: {shown:#?}");
    }
    assert!(
        shown[2].starts_with("api") && shown[2].contains("● ready") && shown[2].contains("12.0M"),
        "{shown:#?}"
    );
    assert!(shown[2].contains("25") && shown[2].contains('▂'), "{shown:#?}");
    assert!(shown[3].contains("✗ crashed"), "{shown:#?}");
    assert!(shown[23].contains("? help"), "{shown:#?}");
}

#[test]
fn forty_columns_and_ten_rows_hold_what_matters() {
    let mut app = played(Role::Viewer);
    let shown = plain(&app, 40, 10);
    assert!(shown[0].contains("[read-only]"), "{shown:#?}");
    assert!(
        shown[1].contains("NAME") && shown[1].contains("STATE") && !shown[1].contains("RST"),
        "{shown:#?}"
    );
    assert!(shown[3].contains("db") && shown[3].contains("crashed"), "{shown:#?}");
    press(&mut app, '?');
    assert!(plain(&app, 40, 10)[1].contains("arrows"));
}

#[test]
fn every_view_draws_in_every_size() {
    for role in [Role::Viewer, Role::Admin] {
        for view in ['m', 'l', 'd', 'a', 'z', '?', ':', '/', 'r'] {
            for (width, height) in [(1, 1), (2, 3), (10, 2), (40, 10), (80, 24), (200, 60)] {
                let mut app = played(role);
                press(&mut app, view);
                assert_eq!(plain(&app, width, height).len(), usize::from(height));
            }
        }
    }
}

#[test]
fn a_question_stands_in_a_frame_and_a_typed_line_below() {
    let mut app = played(Role::Admin);
    press(&mut app, 'r');
    let shown = plain(&app, 80, 24).join("\n");
    assert!(shown.contains("restart api? [y/n]") && shown.contains('┌'), "{shown}");
    let ascii = picture(&app, 80, 24, &look(Glyphs::Ascii, Colors::Off)).join("\n");
    assert!(ascii.contains('+') && ascii.is_ascii(), "{ascii}");
    press(&mut app, 'n');
    press(&mut app, ':');
    press(&mut app, 'z');
    assert!(plain(&app, 80, 24)[23].starts_with(":z_"));
}

#[test]
fn a_kernel_that_is_gone_is_said_in_the_first_line() {
    let mut app = played(Role::Admin);
    app.update(Event::Gone("no kernel answers".to_owned()));
    assert!(plain(&app, 80, 24)[0].contains("the kernel does not answer"));
}

#[test]
fn an_approval_shows_what_is_new_beside_what_is_there() {
    let mut app = played(Role::Admin);
    press(&mut app, 'a');
    let wish = json!([{ "requestId": "r1", "moduleId": "api", "permissions": { "net": ["b:2"] }, "reason": "new peer" }]);
    app.update(Event::Answer(Tag::Pending, Ok(wish)));
    let row = json!([{
        "moduleId": "api", "approved": true, "base": { "net": ["a:1"] }, "dynamic": {}, "denied": {}, "pending": [],
    }]);
    app.update(Event::Answer(Tag::Permissions, Ok(row)));
    let shown = plain(&app, 80, 24).join("\n");
    assert!(
        shown.contains("+ net: b:2") && shown.contains("  net: a:1") && shown.contains("new peer"),
        "{shown}"
    );
}

#[test]
fn a_module_is_described_by_its_story_its_permissions_and_its_limits() {
    let mut app = played(Role::Viewer);
    press(&mut app, 'd');
    let status = serde_json::to_value(module("api")).expect("a value");
    let mut detail = json!({
        "folder": null, "command": ["api", "--fast"], "requires": [], "needs": [], "topics": [], "mayCall": [],
        "configKey": null, "declared": {}, "effective": { "net": ["a:1"] }, "manifestHash": null,
        "confinement": ["layers  seccomp"], "stderrTail": [],
    });
    detail.as_object_mut().expect("a map").extend(status.as_object().expect("a map").clone());
    detail["limits"] = json!({ "memory": 64 });
    app.update(Event::Answer(Tag::Detail("api".to_owned()), Ok(detail)));
    let story = Story {
        status: Some(module("api")),
        records: vec![row(1, "module.ready", "api", &[])],
        stderr_tail: Vec::new(),
    };
    let story = serde_json::to_value(story).expect("a value");
    app.update(Event::Answer(Tag::Story("api".to_owned()), Ok(story)));
    let shown = plain(&app, 80, 40).join("\n");
    for text in ["api  stable", "● ready", "api --fast", "net: a:1", "memory: 64", "layers  seccomp"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
}

#[test]
fn colours_are_there_only_when_they_are_wanted() {
    let app = played(Role::Admin);
    let colors = |look: &Look| {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).expect("a terminal");
        terminal.draw(|frame| draw(frame, &app, look)).expect("it is drawn");
        let buffer = terminal.backend().buffer().clone();
        buffer.content().iter().any(|cell| cell.fg != ratatui::style::Color::Reset)
    };
    assert!(colors(&look(Glyphs::Unicode, Colors::On)));
    assert!(!colors(&look(Glyphs::Unicode, Colors::Off)));
    let none = dressed(Palette::None, Theme { colors: Colors::On, ..Theme::plain(Glyphs::Unicode) });
    assert!(!colors(&none));
}

#[test]
fn what_modules_write_moves_no_cursor() {
    let mut app = played(Role::Admin);
    press(&mut app, 'l');
    let line = json!({
        "tsMs": 0, "moduleId": "api", "generation": 1, "level": "info", "source": "stdout",
        "msg": "\u{1b}[2Jboo\u{7}",
    });
    let page: Value = json!({ "lines": [line], "lost": 0 });
    app.update(Event::Answer(Tag::Logs("api".to_owned()), Ok(page)));
    let shown = plain(&app, 80, 24).join("");
    assert!(shown.contains("boo") && !shown.contains('\u{1b}') && !shown.contains('\u{7}'), "{shown}");
}

#[test]
fn both_languages_have_every_word_with_the_same_places() {
    for word in Word::ALL {
        let (english, polish) = (word.text(Lang::En), word.text(Lang::Pl));
        assert!(!english.is_empty() && !polish.is_empty());
        assert_eq!(english.matches("{0}").count(), polish.matches("{0}").count(), "{english}");
    }
    assert_eq!(words::help(Lang::En).len(), words::help(Lang::Pl).len());
}
