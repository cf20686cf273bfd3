//! Many callers at once.

use std::sync::Barrier;

use super::*;

#[test]
fn many_who_put_the_same_at_once_compile_it_once() {
    let bench = Bench::new();
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (bench, barrier) = (&bench, &barrier);
            scope.spawn(move || {
                barrier.wait();
                bench.put(&format!("f{number}"), ECHO).unwrap();
            });
        }
    });
    let stats = bench.functions.stats();
    assert_eq!((stats.compiled, stats.functions, stats.on_disk), (1, 8, 1));
}

#[test]
fn many_who_run_after_a_restart_load_it_once() {
    let bench = Bench::new();
    bench.put("f", ECHO).unwrap();
    let bench = bench.again();
    let barrier = Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                barrier.wait();
                assert_eq!(bench.run("f", "[1]").unwrap(), "[1]");
            });
        }
    });
    let stats = bench.functions.stats();
    assert_eq!((stats.compiled, stats.from_disk, stats.runs), (0, 1, 8));
}

#[test]
fn calls_puts_and_removals_at_once_leave_a_whole_cache() {
    let bench = Bench::keeping(Keep { memory_bytes_max: 1, ..Keep::STANDARD });
    bench.put("stays", ECHO).unwrap();
    let ran = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for number in 0..3 {
            let (bench, ran) = (&bench, &ran);
            scope.spawn(move || {
                for turn in 0..20 {
                    let source = if (turn + number) % 2 == 0 { ECHO } else { COUNTER };
                    bench.put("moves", source).unwrap();
                    let answer = bench.run("moves", "1");
                    assert!(answer.as_deref().is_ok_and(|answer| answer == "1") || answer.is_err());
                    assert_eq!(bench.run("stays", "[5]").unwrap(), "[5]");
                    ran.fetch_add(1, Ordering::Relaxed);
                    if turn % 5 == 0 {
                        // Another thread may have been quicker.
                        let _ = bench.functions.remove(&Caller::Operator, "moves");
                    }
                }
            });
        }
    });
    assert_eq!(ran.into_inner(), 60);
    bench.put("moves", COUNTER).unwrap();
    let bench = bench.again();
    assert_eq!(
        (bench.run("stays", "[5]").unwrap(), bench.run("moves", "9").unwrap()),
        ("[5]".into(), "1".into())
    );
    assert_eq!(bench.functions.stats().on_disk, 2);
}

#[test]
fn more_calls_than_places_are_answered_busy() {
    let folder = tempfile::tempdir().unwrap();
    let small = EngineOptions { instances_max: 1, ..options(Metering::Deadline) };
    let kernel = Arc::new(Reentrant::default());
    let engine = Engine::try_new(small).unwrap();
    let functions = Arc::new(Functions::open(engine, folder.path(), Keep::STANDARD, kernel.clone()).unwrap());
    let source = with(
        r#"(import "ostoja:function/kernel" "log" (func $log (param i32 i32)))
           (data (i32.const 0) "1")
           (func (export "run") (param i32 i32) (result i64)
             (call $log (i32.const 0) (i32.const 1)) (i64.const 1))"#,
    );
    functions.put(NOW, &Caller::Operator, "f", &Permissions::default(), source.as_bytes()).unwrap();
    *kernel.functions.lock().unwrap() = Arc::downgrade(&functions);
    let run = functions.run(NOW, &Caller::Operator, "f", b"1", &RunLimits::STANDARD);
    assert_eq!(run.unwrap(), b"1");
    assert_eq!(*kernel.inner.lock().unwrap(), ["wasm::function::busy"]);
}

/// A kernel that runs the function once more while it runs.
#[derive(Default)]
struct Reentrant {
    functions: Mutex<std::sync::Weak<Functions>>,
    inner: Mutex<Vec<&'static str>>,
}

impl KernelCalls for Reentrant {
    fn wall_ms(&self) -> u64 {
        0
    }

    fn ask(&self, who: &OnBehalf, _ask: Ask<'_>, _left: Duration) -> Result<String, String> {
        let functions = self.functions.lock().unwrap().upgrade().unwrap();
        let run = functions.run(NOW, who.caller(), "f", b"1", &RunLimits::STANDARD);
        self.inner.lock().unwrap().push(run.unwrap_err().code());
        Ok(String::new())
    }
}
