//! The whole cache: what comes out of it, how often it compiles, and what it refuses.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use abi::{Explain, PermissionKind};

use super::*;
use crate::engine::{EngineOptions, Metering, Reach};

mod disk;
mod faults;
mod guests;
mod kernel;
mod refused;
mod together;

use guests::*;

const NOW: Time = Time(1_000);

fn options(metering: Metering) -> EngineOptions {
    EngineOptions { instances_max: 16, reach: Reach::Checked, metering }
}

/// One engine for all tests that need no other: each reserves address space and holds a thread.
fn engine() -> Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::try_new(options(Metering::Deadline)).unwrap()).clone()
}

/// A kernel that remembers what it was asked, and answers calls of `adder`.
#[derive(Default)]
struct Recorder {
    asked: Mutex<Vec<String>>,
}

impl KernelCalls for Recorder {
    fn wall_ms(&self) -> u64 {
        1_700_000_000_000
    }

    fn ask(&self, who: &OnBehalf, ask: Ask<'_>, left: Duration) -> Result<String, String> {
        assert!(!left.is_zero());
        let may = who.allows(PermissionKind::Net, "a.example");
        self.asked.lock().unwrap().push(format!("{} {may} {ask:?}", who.function()));
        match ask {
            Ask::Call { service: "adder", params, .. } => Ok(format!("[{params}]")),
            Ask::Call { .. } => Err("no such service".to_owned()),
            _ => Ok(String::new()),
        }
    }
}

struct Bench {
    folder: tempfile::TempDir,
    kernel: Arc<Recorder>,
    functions: Functions,
}

impl Bench {
    fn new() -> Self {
        Self::keeping(Keep::STANDARD)
    }

    fn keeping(keep: Keep) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kernel = Arc::new(Recorder::default());
        let functions = Functions::open(engine(), folder.path(), keep, kernel.clone()).unwrap();
        Self { folder, kernel, functions }
    }

    /// The same folder after a restart of the kernel.
    fn again(self) -> Self {
        self.again_with(engine())
    }

    fn again_with(self, engine: Engine) -> Self {
        let Self { folder, kernel, functions } = self;
        drop(functions);
        let functions = Functions::open(engine, folder.path(), Keep::STANDARD, kernel.clone()).unwrap();
        Self { folder, kernel, functions }
    }

    fn put(&self, name: &str, source: &str) -> Result<Arc<Function>, FunctionError> {
        self.functions.put(NOW, &Caller::Operator, name, &Permissions::default(), source.as_bytes())
    }

    fn run(&self, name: &str, input: &str) -> Result<String, FunctionError> {
        let limits = RunLimits::STANDARD;
        let output = self.functions.run(NOW, &Caller::Operator, name, input.as_bytes(), &limits)?;
        Ok(String::from_utf8(output).unwrap())
    }

    fn notices(&self) -> Vec<NoticeKind> {
        self.functions.take_notices().0.into_iter().map(|notice| notice.kind).collect()
    }

    /// The only file in one of the folders.
    fn file(&self, folder: &str) -> PathBuf {
        let mut found = fs::read_dir(self.folder.path().join(folder)).unwrap();
        let file = found.next().expect("a file is there").unwrap().path();
        assert!(found.next().is_none(), "one file is there");
        file
    }
}

fn module(id: &str, permissions: &[(PermissionKind, &str)]) -> Caller {
    Caller::Module { id: ModuleId::parse(id).unwrap(), permissions: Arc::new(rights(permissions)) }
}

fn rights(permissions: &[(PermissionKind, &str)]) -> Permissions {
    let mut all = Permissions::default();
    for (kind, value) in permissions {
        all.of_mut(*kind).insert((*value).to_owned());
    }
    all
}

#[test]
fn both_forms_take_json_and_give_json() {
    let bench = Bench::new();
    for (name, source) in [("core", ECHO), ("component", ECHO_COMPONENT)] {
        bench.put(name, source).unwrap();
        assert_eq!(bench.run(name, r#"{"a": [1, "ż"]}"#).unwrap(), r#"{"a": [1, "ż"]}"#, "{name}");
        let long = format!("\"{}\"", "x".repeat(JSON_BYTES_MAX - 2));
        assert_eq!(bench.run(name, &long).unwrap(), long, "{name}");
    }
    let forms: Vec<_> = bench.functions.list().iter().map(|function| function.form).collect();
    assert_eq!(forms, [Form::Component, Form::Core]);
}

#[test]
fn nothing_is_left_over_from_one_call_for_the_next() {
    let bench = Bench::new();
    bench.put("counter", COUNTER).unwrap();
    for _ in 0..50 {
        assert_eq!(bench.run("counter", "0").unwrap(), "1");
    }
    assert_eq!((bench.functions.stats().compiled, bench.functions.stats().runs), (1, 50));
}

#[test]
fn text_and_binary_of_one_function_are_one_content() {
    let bench = Bench::new();
    let binary = wat::parse_str(ECHO).unwrap();
    let first = bench.put("text", ECHO).unwrap();
    let nothing = Permissions::default();
    let second = bench.functions.put(NOW, &Caller::Operator, "binary", &nothing, &binary).unwrap();
    assert_eq!(first.content, second.content);
    let stats = bench.functions.stats();
    assert_eq!((stats.compiled, stats.functions, stats.warm, stats.on_disk), (1, 2, 1, 1));
    bench.functions.remove(&Caller::Operator, "text").unwrap();
    assert_eq!(bench.run("binary", "1").unwrap(), "1", "what another name leads to stays");
    bench.functions.remove(&Caller::Operator, "binary").unwrap();
    let stats = bench.functions.stats();
    assert_eq!((stats.functions, stats.warm, stats.on_disk, stats.disk_bytes), (0, 0, 0, 0));
    assert_eq!(fs::read_dir(bench.folder.path().join("sources")).unwrap().count(), 0);
}

#[test]
fn what_gives_way_to_weight_comes_back_from_disk() {
    let bench = Bench::keeping(Keep { memory_bytes_max: 1, ..Keep::STANDARD });
    bench.put("a", ECHO).unwrap();
    bench.put("b", COUNTER).unwrap();
    let stats = bench.functions.stats();
    assert_eq!((stats.warm, stats.evicted_by_weight), (1, 1));
    assert_eq!(bench.run("a", "7").unwrap(), "7");
    assert_eq!(bench.run("b", "7").unwrap(), "1");
    let stats = bench.functions.stats();
    assert_eq!((stats.compiled, stats.from_disk, stats.evicted_by_weight), (2, 2, 3));
}

#[test]
fn what_nobody_uses_goes_by_age() {
    let bench = Bench::new();
    bench.put("a", ECHO).unwrap();
    let later = Time(NOW.0 + 3_600_001);
    assert_eq!(bench.functions.tidy(Time(NOW.0 + 3_600_000)).by_age, 0);
    assert_eq!(bench.functions.tidy(later).by_age, 1);
    let stats = bench.functions.stats();
    assert_eq!((stats.warm, stats.warm_bytes, stats.evicted_by_age), (0, 0, 1));
    assert_eq!(bench.run("a", "7").unwrap(), "7");
}

#[test]
fn a_replaced_function_answers_anew_and_its_old_content_is_gone() {
    let bench = Bench::new();
    bench.put("f", ECHO).unwrap();
    bench.put("f", COUNTER).unwrap();
    assert_eq!(bench.run("f", "7").unwrap(), "1");
    assert_eq!(bench.functions.stats().on_disk, 1);
    let bench = bench.again();
    assert_eq!(bench.run("f", "7").unwrap(), "1");
}
