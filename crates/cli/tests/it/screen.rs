//! On a terminal: what takes it over gives it back on every way out, and questions are asked.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::runner::{Ran, World, finish};
use crate::stage::{Played, shop};

/// A terminal of 80 by 24: the person's side and the program's.
struct Terminal {
    person: File,
    program: OwnedFd,
}

impl Terminal {
    fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let name = ptsname(&person, Vec::new()).expect("a name");
        let name = name.to_str().expect("text");
        let program = OpenOptions::new().read(true).write(true).open(name).expect("its other side");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&person, size).expect("a size");
        Self { person: File::from(person), program: program.into() }
    }

    fn spawn(&self, world: &World, line: &str) -> Child {
        let end = || Stdio::from(self.program.try_clone().expect("a second handle"));
        let mut command = world.command(line.split_whitespace());
        command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end());
        command.spawn().expect("the binary runs")
    }

    /// Reads what is shown until this text is there.
    fn read_until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        let mut part = [0; 4096];
        loop {
            let count = self.person.read(&mut part).expect("something is shown");
            all.extend_from_slice(&part[..count]);
            let shown = String::from_utf8_lossy(&all);
            if shown.contains(text) {
                return shown.into_owned();
            }
        }
    }

    fn is_echoing(&self) -> bool {
        let modes = tcgetattr(self.program.as_fd()).expect("it is a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

/// Runs `top` on a terminal until it shows its table, then ends it in some way.
fn top(end: impl FnOnce(&mut Terminal, &Child)) -> (Ran, Terminal) {
    let world = World::new();
    let _kernel = Played::on(&world.home(), forever);
    let mut terminal = Terminal::new();
    let child = terminal.spawn(&world, "top");
    terminal.read_until("kernel");
    assert!(!terminal.is_echoing(), "keys come one by one");
    end(&mut terminal, &child);
    let ran = finish(child);
    terminal.read_until(LEAVE);
    (ran, terminal)
}

/// The played shop, whose usage never ends.
fn forever(request: &protocol::operator::Request) -> (protocol::operator::Response, Vec<serde_json::Value>) {
    let (response, mut events) = shop(request);
    if matches!(request, protocol::operator::Request::Usage { .. }) {
        events.pop();
        events.push(crate::stage::stay());
    }
    (response, events)
}

#[test]
fn top_gives_the_terminal_back_after_q() {
    let (ran, terminal) = top(|terminal, _| terminal.person.write_all(b"q").expect("a key"));
    assert_eq!(ran.code, 0);
    assert!(terminal.is_echoing());
}

#[test]
fn top_gives_the_terminal_back_after_ctrl_c() {
    let (ran, terminal) = top(|terminal, _| terminal.person.write_all(b"\x03").expect("a key"));
    assert_eq!(ran.code, 0);
    assert!(terminal.is_echoing());
}

#[test]
fn top_gives_the_terminal_back_after_a_signal() {
    let (ran, terminal) =
        top(|_, child| kill_process(Pid::from_child(child), Signal::TERM).expect("it runs"));
    assert_eq!(ran.code, 130);
    assert!(terminal.is_echoing());
}

#[test]
fn top_gives_the_terminal_back_when_the_kernel_goes() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let mut terminal = Terminal::new();
    let child = terminal.spawn(&world, "top");
    let shown = terminal.read_until(LEAVE);
    assert!(!shown.contains("?1000h") && !shown.contains("?1002h"), "the mouse stays the person's");
    finish(child).expect(0);
    assert!(terminal.is_echoing());
}

#[test]
fn a_question_is_asked_on_a_terminal_and_no_is_no() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    for (answer, code) in [("n\n", 1), ("\n", 1), ("y\n", 0), ("tak\n", 0)] {
        let mut terminal = Terminal::new();
        let child = terminal.spawn(&world, "permissions grant web");
        let shown = terminal.read_until("[y/N] ");
        assert!(shown.contains("b:2"), "{shown}");
        terminal.person.write_all(answer.as_bytes()).expect("an answer");
        finish(child).expect(code);
    }
}

#[test]
fn a_terminal_gets_colours_and_80_columns() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let mut terminal = Terminal::new();
    let child = terminal.spawn(&world, "ps");
    let shown = terminal.read_until("40 ms");
    assert!(shown.contains("\x1b["), "{shown}");
    finish(child).expect(0);
}

#[test]
fn the_whole_screen_shows_steers_and_gives_the_terminal_back() {
    let world = World::new();
    let _kernel = Played::on(&world.home(), shop);
    let mut terminal = Terminal::new();
    let child = terminal.spawn(&world, "tui");
    let shown = terminal.read_until("worker");
    assert!(!shown.contains("?1000h") && !shown.contains("?1002h"), "the mouse stays the person's");
    assert!(!terminal.is_echoing(), "keys come one by one");
    terminal.person.write_all(b"r").expect("a key");
    // What does not change between two pictures is not written, so that a sentence comes in pieces.
    terminal.read_until("[y/n]");
    terminal.person.write_all(b"y").expect("a key");
    terminal.read_until("don");
    terminal.person.write_all(b":q\r").expect("keys");
    finish(child).expect(0);
    terminal.read_until(LEAVE);
    assert!(terminal.is_echoing());
}

#[test]
fn a_screen_without_a_kernel_waits_for_one() {
    let world = World::new();
    let mut terminal = Terminal::new();
    let child = terminal.spawn(&world, "tui --read-only");
    terminal.read_until("answer;");
    let _kernel = Played::on(&world.home(), shop);
    terminal.read_until("worker");
    terminal.person.write_all(b"q").expect("a key");
    finish(child).expect(0);
}

#[test]
fn a_screen_needs_a_terminal() {
    let ran = World::new().run("--json tui").expect(2);
    assert_eq!(ran.error_code(), "cli::tui::no_terminal");
}
