//! Real programs that are observed: what is told of them, and that it takes nothing away from what holds them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use abi::PermissionKind;
use sandbox::broker::{Grounds, Manner, Standing, Want, Whose, observe};
use sandbox::{Confinement, Layer, PathRule, Proof, Reach, Request};

use crate::stage::{Finished, Stage, command, end_of, skipped};

const PYTHON: &str = "/usr/bin/python3";

/// Whether this machine can do it and has the program; tells when not.
fn given(test: &str, program: &str) -> bool {
    let proof = sandbox::probe::run().proof(Layer::NetBroker);
    if proof != Proof::Works {
        skipped(test, &proof.to_string());
        return false;
    }
    let is_there = Path::new(program).exists();
    if !is_there {
        skipped(test, &format!("{program} is not installed"));
    }
    is_there
}

/// What was granted: a folder to read, beside what every module has.
fn request(stage: &Stage, read: &str) -> Request {
    let mut request = stage.request(&[(PermissionKind::Read, read)]);
    request.permissions.run.clear();
    request
}

fn rules(confinement: &Confinement, granted: &Path) -> Vec<(PathRule, Whose)> {
    let whose = |rule: &PathRule| if rule.path == granted { Whose::Granted } else { Whose::Everybodys };
    confinement.paths().iter().map(|rule| (rule.clone(), whose(rule))).collect()
}

fn watch(stage: &Stage, manner: Manner, argv: &[&str]) -> (Finished, BTreeSet<(Want, Standing)>) {
    let granted = stage.path("granted");
    std::fs::create_dir_all(&granted).expect("a folder of its own");
    std::fs::write(granted.join("file"), "granted").expect("a small file");
    let confinement = request(stage, granted.to_str().expect("plain")).to_observed(manner);
    let argv: Vec<OsString> = argv.iter().map(OsString::from).collect();
    let mut prepared =
        command(argv, &stage.path("module"), confinement).prepare().expect("it can be prepared");
    let grounds = Grounds { manner, rules: rules(prepared.confinement(), &granted) };
    let reach = if manner == Manner::Open { Reach::everywhere() } else { Reach::default() };
    let mut child = prepared.launch().expect("it can be launched");
    let watched = child.watched.take().expect("the probe said so");
    let broker = std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        observe(watched, reach, grounds, |want, standing| {
            seen.insert((want, standing));
        })
        .expect("it answers");
        seen
    });
    let finished = end_of(child);
    (finished, broker.join().expect("it does not panic"))
}

/// Reads two files, writes one, runs a program, and connects; says what came of each.
fn doings(stage: &Stage, port: u16) -> String {
    format!(
        r"
import os, socket, subprocess
def attempt(what):
    try: what(); print('done')
    except OSError as e: print(type(e).__name__)
attempt(lambda: open('{granted}/file').read())
attempt(lambda: open('{secret}/key').read())
attempt(lambda: open('{secret}/new', 'w').write('x'))
attempt(lambda: subprocess.run(['/usr/bin/id'], stdout=subprocess.DEVNULL))
attempt(lambda: socket.create_connection(('127.0.0.1', {port}), 5))
attempt(lambda: os.chroot('/'))
",
        granted = stage.path("granted").display(),
        secret = stage.path("secret").display(),
    )
}

fn beyond(stage: &Stage, port: u16) -> BTreeSet<(Want, Standing)> {
    let wants = [
        Want::Read(stage.path("secret/key")),
        Want::Write(stage.path("secret")),
        Want::Run(PathBuf::from("/usr/bin/id")),
        Want::Net(format!("127.0.0.1:{port}")),
        Want::Call("chroot".to_owned()),
    ];
    wants.into_iter().map(|want| (want, Standing::Beyond)).collect()
}

#[test]
fn what_a_held_program_is_refused_is_told_and_stays_refused() {
    if !given("what_a_held_program_is_refused_is_told_and_stays_refused", PYTHON) {
        return;
    }
    let stage = Stage::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let (finished, seen) = watch(&stage, Manner::Held, &[PYTHON, "-S", "-c", &doings(&stage, port)]);
    let said: Vec<&str> = finished.stdout.lines().collect();
    assert_eq!(said[0], "done", "{finished:?}");
    assert_eq!(said.iter().filter(|word| **word == "done").count(), 1, "{finished:?}");
    assert!(!stage.path("secret/new").exists());
    let expected = beyond(&stage, port);
    assert!(expected.is_subset(&seen), "{seen:#?}");
    assert!(seen.contains(&(Want::Read(stage.path("granted/file")), Standing::Granted)), "{seen:#?}");
    let others: Vec<_> = seen.difference(&expected).collect();
    assert_eq!(others.iter().filter(|(_, standing)| *standing == Standing::Beyond).count(), 0, "{others:#?}");
}

#[test]
fn one_run_in_the_open_shows_all_that_a_program_wants() {
    if !given("one_run_in_the_open_shows_all_that_a_program_wants", PYTHON) {
        return;
    }
    let stage = Stage::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let (finished, seen) = watch(&stage, Manner::Open, &[PYTHON, "-S", "-c", &doings(&stage, port)]);
    assert_eq!(finished.stdout, "done\ndone\ndone\ndone\ndone\nPermissionError\n", "{finished:?}");
    assert!(stage.path("secret/new").exists());
    let place = Want::Net(format!("127.0.0.1:{port}"));
    let mut expected = beyond(&stage, port);
    expected.remove(&(place.clone(), Standing::Beyond));
    expected.insert((place, Standing::Granted));
    assert!(expected.is_subset(&seen), "{seen:#?}");
}

#[test]
fn node_tells_no_more_than_it_wants() {
    if !given("node_tells_no_more_than_it_wants", "/usr/bin/node") {
        return;
    }
    let stage = Stage::new();
    let code = format!(
        "try {{ require('fs').readFileSync('{}') }} catch (e) {{ console.log(e.code) }}",
        stage.path("secret/key").display()
    );
    let (finished, seen) = watch(&stage, Manner::Held, &["/usr/bin/node", "-e", &code]);
    assert_eq!(finished.stdout, "ENOENT\n", "{finished:?}");
    let files: Vec<&Want> = seen
        .iter()
        .filter(|(want, standing)| *standing == Standing::Beyond && !matches!(want, Want::Call(_)))
        .map(|(want, _)| want)
        .collect();
    assert_eq!(files, [&Want::Read(stage.path("secret/key"))]);
}
