//! Faults of a real file system: a full disk, a folder that can't be written, files that can't be read, no file numbers
//! left, a process that is killed while it writes.
//!
//! What holds for a whole process is tried in one of its own: such a test starts itself again, under the limit.

use std::fs::{File, Permissions as Rights};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use super::*;

/// Says that this process is one that a test started.
const CHILD: &str = "OSTOJA_TEST_FAULT";

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

/// The test `name` of this file in a process of its own, after `limits`, a line for the shell.
fn myself(name: &str, limits: &str) -> Command {
    let mut shell = Command::new("sh");
    let line = format!(r#"{limits} "$0" --exact functions::tests::faults::{name} --nocapture"#);
    shell.args(["-c", &line]).arg(std::env::current_exe().unwrap()).env(CHILD, "/");
    shell
}

/// Runs it to its end, which has to be good.
fn again_under(name: &str, limits: &str) {
    let output = myself(name, limits).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Rights hold for everybody but root, so that root has to give up what it has above others.
fn without_root_rights() -> &'static str {
    let root = rustix::process::geteuid().is_root();
    if root { "exec setpriv --bounding-set=-all --inh-caps=-all" } else { "exec" }
}

fn give_rights(path: &Path, mode: u32) {
    fs::set_permissions(path, Rights::from_mode(mode)).unwrap();
}

fn left_in(bench: &Bench, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(bench.folder.path().join(folder)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// ECHO with so much beside it that its compiled form, and from `count` in the hundreds on its source, is large.
fn large(count: usize) -> String {
    let beside: String = (0..count)
        .map(|number| format!("(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {number})))"))
        .collect();
    ECHO.replacen("(module", &format!("(module {beside}"), 1)
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_keeps_what_was_there() {
    if !is_child() {
        // 12 KiB for one file: what is larger is written in part, then refused, as on a disk that fills up.
        return again_under(
            "a_full_disk_refuses_what_does_not_fit_and_keeps_what_was_there",
            "trap '' XFSZ; ulimit -f 24; exec",
        );
    }
    let bench = Bench::new();
    bench.put("f", &large(40)).unwrap();
    assert_eq!(bench.notices(), [NoticeKind::NotKept], "the compiled form does not fit");
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    let error = bench.put("f", &large(3_000)).unwrap_err();
    assert_eq!(error.code(), "wasm::function::folder", "the source does not fit");
    assert_eq!(bench.notices(), [NoticeKind::NotKept]);
    assert_eq!((left_in(&bench, "compiled"), left_in(&bench, "sources").len()), (vec![], 1));
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().compiled, 1);
}

#[test]
fn a_folder_that_cannot_be_written_still_runs_what_is_in_it() {
    if !is_child() {
        return again_under(
            "a_folder_that_cannot_be_written_still_runs_what_is_in_it",
            without_root_rights(),
        );
    }
    let bench = Bench::new();
    bench.put("f", ECHO).unwrap();
    bench.put("g", COUNTER).unwrap();
    let folders = ["", "names", "sources", "compiled"].map(|name| bench.folder.path().join(name));
    let all = |mode| folders.iter().for_each(|folder| give_rights(folder, mode));
    all(0o500);
    let bench = bench.again();
    assert_eq!((bench.run("f", "[1]").unwrap(), bench.run("g", "1").unwrap()), ("[1]".into(), "1".into()));
    assert_eq!(bench.functions.stats().from_disk, 2);
    assert_eq!(bench.put("f", COUNTER).unwrap_err().code(), "wasm::function::folder");
    let removed = bench.functions.remove(&Caller::Operator, "f");
    assert_eq!(removed.unwrap_err().code(), "wasm::function::folder");
    assert_eq!(bench.run("f", "[2]").unwrap(), "[2]");
    bench.functions.tidy(NOW);
    bench.functions.take_notices();

    let compiled = bench.functions.shelf.compiled_path(&bench.functions.list()[0].content);
    let mut bytes = fs::read(&compiled).unwrap();
    bytes[100] ^= 1;
    fs::write(&compiled, bytes).unwrap();
    let bench = bench.again();
    assert_eq!(bench.run("f", "[3]").unwrap(), "[3]", "what was changed and can't be removed is never used");
    assert_eq!(bench.functions.stats().compiled, 1);
    assert_eq!(bench.notices(), [NoticeKind::Changed, NoticeKind::NotKept]);
    all(0o700);
}

#[test]
fn what_cannot_be_read_is_not_lost() {
    if !is_child() {
        return again_under("what_cannot_be_read_is_not_lost", without_root_rights());
    }
    let bench = Bench::new();
    bench.put("f", ECHO).unwrap();
    give_rights(&bench.file("compiled"), 0);
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]", "it is compiled again, and written over");
    assert_eq!(bench.notices(), [NoticeKind::Unreadable]);
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().from_disk, 1);

    give_rights(&bench.file("names"), 0);
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap_err().code(), "wasm::function::unknown");
    assert_eq!(bench.notices(), [NoticeKind::Unreadable]);
    give_rights(&bench.file("names"), 0o600);
    assert_eq!(bench.again().run("f", "[1]").unwrap(), "[1]", "its source is still there");
}

#[test]
fn no_file_numbers_left_costs_nothing_but_this_call() {
    if !is_child() {
        return again_under("no_file_numbers_left_costs_nothing_but_this_call", "ulimit -n 64; exec");
    }
    let bench = Bench::new();
    let function = bench.put("f", ECHO).unwrap();
    let taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(bench.functions.shelf.source(&function.content).is_none());
    assert!(bench.functions.shelf.compiled(&function.content).is_none());
    assert!(bench.functions.shelf.functions().is_err());
    assert_eq!(bench.put("g", COUNTER).unwrap_err().code(), "wasm::function::folder");
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]", "what is in memory needs no file");
    drop(taken);
    assert!(bench.functions.shelf.source(&function.content).is_some());
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().from_disk, 1);
}

#[test]
fn what_was_put_before_a_kill_is_there_after_it() {
    const NAME: &str = "what_was_put_before_a_kill_is_there_after_it";
    if is_child() {
        let folder = PathBuf::from(std::env::var_os(CHILD).unwrap());
        let functions =
            Functions::open(engine(), &folder, Keep::STANDARD, Arc::<Recorder>::default()).unwrap();
        for number in 0.. {
            let (name, source) = (format!("f{}", number % 7), large(number % 5));
            let nothing = Permissions::default();
            functions.put(NOW, &Caller::Operator, &name, &nothing, source.as_bytes()).unwrap();
            println!("put {number}");
            std::io::stdout().flush().unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for kill_after in [1, 4, 9] {
        let mut shell = myself(NAME, "exec");
        let mut child =
            shell.env(CHILD, folder.path()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let put = lines.filter(|line| line.contains("put ")).take(kill_after).count();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(put, kill_after);
        let functions =
            Functions::open(engine(), folder.path(), Keep::STANDARD, Arc::<Recorder>::default()).unwrap();
        assert_eq!(functions.take_notices(), (vec![], 0));
        assert!(functions.list().len() >= put.min(7));
        for function in functions.list() {
            let ran =
                functions.run(NOW, &Caller::Operator, function.name.as_str(), b"[1]", &RunLimits::STANDARD);
            assert_eq!(ran.unwrap(), b"[1]");
        }
    }
}
