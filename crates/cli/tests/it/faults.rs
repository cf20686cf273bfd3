//! Machines that are not as they should be: a home that can't be written, a disk without room, another pid namespace, clocks that begin
//! anew. Each is a clear error or makes no difference, and nothing is lost.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::kernel::{Running, project};
use crate::runner::{DEADLINE, World, finish};

/// Whether `unshare` can do this here; tells when it can't.
fn can_unshare(test: &str, words: &[&str]) -> bool {
    let tried = Command::new("unshare").args(words).arg("true").stderr(Stdio::null()).status();
    let is_given = tried.is_ok_and(|status| status.success());
    if !is_given {
        skipped(test, &format!("`unshare {}` is not possible here", words.join(" ")));
    }
    is_given
}

/// Past the runner's capture, one line each, to be counted.
pub(crate) fn skipped(test: &str, why: &str) {
    let line = format!("SKIPPED cli {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
}

/// The command of a world, run by `unshare` with these words.
fn unshared(world: &World, words: &[&str], line: &[&str]) -> Command {
    let own = world.command(line);
    let mut command = Command::new("unshare");
    command.args(words).arg(own.get_program()).args(own.get_args()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(world.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn down_ends_a_kernel_whose_numbers_are_others_than_ours() {
    let test = "down_ends_a_kernel_whose_numbers_are_others_than_ours";
    // A user namespace too, so that everybody may where users may have one.
    let words = ["--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
    if !can_unshare(test, &words) {
        return;
    }
    let world = World::new();
    fs::write(world.path().join("ostoja.yaml"), project("")).expect("it is ours");
    let kernel = unshared(&world, &words, &["up", "-f", "ostoja.yaml"]).spawn().expect("it runs");
    let begun = Instant::now();
    let mut ran = world.run("--json status");
    while ran.code != 0 && begun.elapsed() < DEADLINE {
        ran = world.run("--json status");
    }
    let told = ran.expect(0).json()["data"]["kernel"]["pid"].as_u64().expect("a number");
    assert!(told < 10, "it is one of the first there: {told}");
    let downed = world.run("--json down --timeout 30s").expect(0).json();
    assert_eq!(downed["data"]["wasRunning"], true);
    finish(kernel).expect(0);
    assert_eq!(world.run("--json down").expect(0).json()["data"]["wasRunning"], false);
}

/// Something is mounted there until this is dropped.
struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _done = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

/// Mounts it; says so where nobody may.
fn mount<'a>(test: &str, words: &[&str], at: &'a Path) -> Option<Mounted<'a>> {
    let done = Command::new("mount").args(words).arg(at).stderr(Stdio::null()).status();
    let is_done = done.is_ok_and(|status| status.success());
    if !is_done {
        skipped(test, "no right to mount here");
    }
    is_done.then_some(Mounted(at))
}

#[test]
fn a_home_that_can_not_be_written_is_a_clear_error_and_stays_as_it_was() {
    let test = "a_home_that_can_not_be_written_is_a_clear_error_and_stays_as_it_was";
    let (kernel, _) = Running::start(&project(""), 0);
    kernel.run("context set session:chat greeting hello").expect(0);
    kernel.run("down").expect(0);
    let home = kernel.world.home();
    let text = home.display().to_string();
    let Some(_bound) = mount(test, &["--bind", text.as_str()], &home) else { return };
    let Some(frozen) = mount(test, &["-o", "remount,bind,ro"], &home) else { return };
    let ran = kernel.run("up -d -f ostoja.yaml").expect(1);
    assert!(ran.stderr.contains("Read-only file system"), "{}", ran.stderr);
    assert!(ran.stderr.contains(&text), "it names the place: {}", ran.stderr);
    drop(frozen);
    let Some(_free) = mount(test, &["-o", "remount,bind,rw"], &home) else { return };
    kernel.run("up -d -f ostoja.yaml").expect(0);
    assert!(kernel.run("context get session:chat greeting").expect(0).stdout.contains("hello"));
    kernel.run("down").expect(0);
}

#[test]
fn a_home_on_a_disk_without_room_is_a_clear_error_or_a_trouble_and_nothing_is_lost() {
    let test = "a_home_on_a_disk_without_room_is_a_clear_error_or_a_trouble_and_nothing_is_lost";
    let world = World::new();
    let home = world.home();
    fs::create_dir(&home).expect("it is ours");
    let Some(_disk) = mount(test, &["-t", "tmpfs", "-o", "size=4m,mode=0700", "ostoja-test"], &home) else {
        return;
    };
    fs::write(world.path().join("ostoja.yaml"), project("")).expect("it is ours");
    world.run("up -d -f ostoja.yaml").expect(0);
    world.run("context set session:chat greeting hello").expect(0);
    world.run("down").expect(0);
    // Filled to its last byte: the error is what is wanted.
    let _full = fs::write(home.join("ballast"), vec![0_u8; 8 << 20]);
    let ran = world.run("up -d -f ostoja.yaml");
    match ran.code {
        // It runs, and says what it can't.
        0 => assert!(world.run("--json status").stdout.contains("No space left"), "{ran:#?}"),
        _ => assert!(ran.stderr.contains("No space left"), "{ran:#?}"),
    }
    world.run("down --timeout 10s");
    fs::remove_file(home.join("ballast")).expect("it is ours");
    world.run("up -d -f ostoja.yaml").expect(0);
    assert!(world.run("context get session:chat greeting").expect(0).stdout.contains("hello"));
    world.run("audit --verify").expect(0);
    world.run("down").expect(0);
}

#[test]
fn a_machine_that_was_booted_anew_has_clocks_that_begin_anew_and_nothing_minds() {
    let test = "a_machine_that_was_booted_anew_has_clocks_that_begin_anew_and_nothing_minds";
    let late = ["--user", "--map-root-user", "--time", "--monotonic", "40000000", "--boottime", "40000000"];
    if !can_unshare(test, &late) {
        return;
    }
    let world = World::new();
    fs::write(world.path().join("ostoja.yaml"), project("")).expect("it is ours");
    let up = ["up", "-d", "-f", "ostoja.yaml"];
    finish(unshared(&world, &late, &up).spawn().expect("it runs")).expect(0);
    world.run("context set session:chat greeting hello --ttl 1h").expect(0);
    assert_eq!(world.run("call greeter hello name=Ola").expect(0).stdout, "Hello, Ola!\n");
    world.run("down").expect(0);
    // More than a year of uptime is gone.
    world.run("up -d -f ostoja.yaml").expect(0);
    assert!(world.run("context get session:chat greeting").expect(0).stdout.contains("hello"));
    assert_eq!(world.run("call greeter hello name=Ola").expect(0).stdout, "Hello, Ola!\n");
    world.run("audit --verify").expect(0);
    world.run("down").expect(0);
}

/// The wall clock with as many seconds added as a file says.
const JUMPING: &str = r#"#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t which, struct timespec *at) {
    int done = syscall(SYS_clock_gettime, which, at);
    char text[32] = {0};
    int file = which == CLOCK_REALTIME ? open(getenv("JUMP_FILE"), O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0) at->tv_sec += atoll(text);
        close(file);
    }
    return done;
}
"#;

#[test]
fn a_wall_clock_that_jumps_ends_nothing_and_the_journal_stays_sound() {
    let world = World::new();
    let (source, library) = (world.path().join("jump.c"), world.path().join("jump.so"));
    fs::write(&source, JUMPING).expect("it is ours");
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return skipped(
            "a_wall_clock_that_jumps_ends_nothing_and_the_journal_stays_sound",
            "there is no cc here",
        );
    }
    fs::write(world.path().join("ostoja.yaml"), project("")).expect("it is ours");
    let jump = world.path().join("jump");
    fs::write(&jump, "0").expect("it is ours");
    let mut up = world.command(["up", "-d", "-f", "ostoja.yaml"]);
    up.env("LD_PRELOAD", &library).env("JUMP_FILE", &jump);
    finish(up.spawn().expect("it runs")).expect(0);
    let pid = |world: &World| {
        let told = world.run("--json status greeter").expect(0).json();
        told["data"]["pid"].as_u64().expect("it runs")
    };
    let before = pid(&world);
    // A day ahead, then back by more than a year, as a machine does whose battery is empty.
    for seconds in ["86400", "-40000000"] {
        fs::write(&jump, seconds).expect("it is ours");
        assert_eq!(world.run("call greeter hello name=Ola").expect(0).stdout, "Hello, Ola!\n");
        world.run("restart ticker").expect(0);
        world.run("why ticker").expect(0);
        world.run("logs ticker").expect(0);
        assert_eq!(pid(&world), before, "it is the same life");
    }
    let told = world.run("--json why ticker").expect(0).json();
    let times: Vec<u64> = told["data"]["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|row| row["tsMs"].as_u64())
        .collect();
    let (least, most) = (times.iter().min().expect("some"), times.iter().max().expect("some"));
    assert!(most - least > 40_000_000_000, "the clock has jumped: {least} {most}");
    world.run("audit --verify").expect(0);
    world.run("down").expect(0);
}
