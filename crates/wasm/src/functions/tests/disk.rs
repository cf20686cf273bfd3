//! Restarts, and a folder that somebody or something changed.

use std::os::unix::fs::MetadataExt;

use super::*;

fn putting(source: &str) -> Bench {
    let bench = Bench::new();
    bench.put("f", source).unwrap();
    bench
}

#[test]
fn compiled_code_survives_a_restart() {
    for source in [ECHO, ECHO_COMPONENT] {
        let bench = putting(source).again();
        assert_eq!(bench.functions.stats().warm, 0);
        assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
        let stats = bench.functions.stats();
        assert_eq!((stats.compiled, stats.from_disk), (0, 1));
        assert_eq!(bench.notices(), []);
    }
}

#[test]
fn owner_permissions_and_imports_survive_a_restart() {
    let bench = Bench::new();
    let own = [(PermissionKind::Run, "kernel.call"), (PermissionKind::Net, "a.example")];
    let who = module("maker", &own);
    let source = with(
        r#"(import "ostoja:function/kernel" "call" (func (param i32 i32 i32 i32 i32 i32) (result i64)))
           (func (export "run") (param i32 i32) (result i64) (i64.const 0))"#,
    );
    let put = bench.functions.put(NOW, &who, "f", &rights(&own), source.as_bytes()).unwrap();
    let bench = bench.again();
    assert_eq!(bench.functions.list(), [put]);
}

#[test]
fn compiled_code_that_was_changed_anywhere_is_dropped_reported_and_made_again() {
    let bench = putting(ECHO);
    let path = bench.file("compiled");
    let whole = fs::read(&path).unwrap();
    let mut bench = bench;
    // The magic, the tag, the head of the code file, its middle, and its end.
    let regions = [0, 7, 8, 39, 40, 100, whole.len() / 3, whole.len() / 2, whole.len() - 1];
    for at in regions {
        let mut changed = fs::read(&path).unwrap();
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        bench = bench.again();
        assert_eq!(bench.run("f", "[1]").unwrap(), "[1]", "byte {at}");
        assert_eq!(bench.notices(), [NoticeKind::Changed], "byte {at}");
        assert_eq!(bench.functions.stats().compiled, 1, "byte {at}");
    }
    for len in [0, 1, 39, 40, whole.len() - 1] {
        fs::write(&path, &whole[..len]).unwrap();
        bench = bench.again();
        assert_eq!(bench.run("f", "[1]").unwrap(), "[1]", "cut to {len}");
        assert_eq!(bench.notices(), [NoticeKind::Changed], "cut to {len}");
    }
    fs::write(&path, [whole.as_slice(), b"more"].concat()).unwrap();
    bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.notices(), [NoticeKind::Changed]);
    // It was written again, and holds now.
    bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!((bench.functions.stats().from_disk, bench.notices()), (1, vec![]));
}

#[test]
fn compiled_code_of_another_function_in_its_place_is_dropped() {
    let bench = putting(ECHO);
    let place = bench.file("compiled");
    let other = putting(COUNTER);
    // Of another folder, with another key.
    fs::copy(other.file("compiled"), &place).unwrap();
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.notices(), [NoticeKind::Changed]);
    // Of this folder, sealed with the same key.
    bench.put("g", COUNTER).unwrap();
    let compiled = bench.folder.path().join("compiled");
    let foreign =
        fs::read_dir(compiled).unwrap().map(|entry| entry.unwrap().path()).find(|path| *path != place);
    fs::copy(foreign.unwrap(), &place).unwrap();
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.notices(), [NoticeKind::Changed]);
}

#[test]
fn compiled_code_of_another_engine_is_dropped_and_made_again() {
    let bench = putting(ECHO).again_with(Engine::try_new(options(Metering::Fuel)).unwrap());
    assert_eq!(bench.notices(), [NoticeKind::OtherEngine]);
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().compiled, 1);
    assert!(bench.file("compiled").exists(), "one is there, not two");
}

#[test]
fn a_source_that_was_changed_is_not_compiled() {
    let bench = putting(ECHO);
    fs::remove_file(bench.file("compiled")).unwrap();
    let source = bench.file("sources");
    let mut bytes = fs::read(&source).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&source, bytes).unwrap();
    let bench = bench.again();
    let error = bench.run("f", "[1]").unwrap_err();
    assert_eq!(error.code(), "wasm::function::source_lost");
    assert_eq!(bench.notices(), [NoticeKind::Changed]);
    bench.put("f", ECHO).unwrap();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
}

#[test]
fn a_record_that_was_changed_gives_no_rights() {
    let bench = putting(ECHO);
    let record = bench.file("names");
    let text = fs::read(&record).unwrap();
    let at = text.windows(13).position(|part| part == b"\"permissions\"").unwrap();
    let mut changed = text.clone();
    changed.splice(at + 14..at + 16, br#"{"run":["kernel.call"]}"#.iter().copied());
    fs::write(&record, changed).unwrap();
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap_err().code(), "wasm::function::unknown");
    assert_eq!(bench.notices(), [NoticeKind::Changed]);
    assert_eq!(bench.functions.stats().on_disk, 0, "what no name leads to is gone");
}

#[test]
fn a_kill_between_source_and_name_leaves_nothing_behind() {
    let bench = putting(ECHO);
    fs::remove_file(bench.file("names")).unwrap();
    let bench = bench.again();
    let left = |folder| fs::read_dir(bench.folder.path().join(folder)).unwrap().count();
    assert_eq!((left("sources"), left("compiled"), left("names")), (0, 0, 0));
}

#[test]
fn a_put_that_cannot_be_kept_is_refused_and_the_old_function_stays() {
    let bench = putting(ECHO);
    let sources = bench.folder.path().join("sources");
    let aside = bench.folder.path().join("aside");
    fs::rename(&sources, &aside).unwrap();
    let error = bench.put("f", COUNTER).unwrap_err();
    assert_eq!(error.code(), "wasm::function::folder");
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().on_disk, 1, "the new one's compiled form is gone again");
    fs::rename(&aside, &sources).unwrap();
    assert_eq!(bench.again().run("f", "[1]").unwrap(), "[1]");
}

#[test]
fn compiled_code_that_cannot_be_kept_still_runs() {
    let bench = Bench::new();
    fs::remove_dir(bench.folder.path().join("compiled")).unwrap();
    bench.put("f", ECHO).unwrap();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.notices(), [NoticeKind::NotKept]);
    let bench = bench.again();
    assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
    assert_eq!(bench.functions.stats().compiled, 1);
}

#[test]
fn a_folder_that_is_a_file_is_an_error_with_its_step() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let kernel = Arc::new(Recorder::default());
    let error = Functions::open(engine(), file.path(), Keep::STANDARD, kernel).unwrap_err();
    assert_eq!(error.code(), "wasm::function::folder");
}

#[test]
fn only_the_user_can_look_into_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("functions");
    let kernel = Arc::new(Recorder::default());
    let functions = Functions::open(engine(), &path, Keep::STANDARD, kernel).unwrap();
    functions.put(NOW, &Caller::Operator, "f", &Permissions::default(), ECHO.as_bytes()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
    for folder in ["names", "sources", "compiled"] {
        for entry in fs::read_dir(path.join(folder)).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        }
    }
}
