//! Measures the function cache: one work a run, one line of JSON out of it.
//!
//! `functions warm_core | warm_component | warm_core_among_modules | from_disk | compile`. Each value is the median over
//! rounds; `from_disk` and `compile` are of the same function, so that their ratio counts.

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::{Permissions, Time};
use wasm::functions::{Ask, Caller, Functions, Keep, KernelCalls, OnBehalf, RunLimits};
use wasm::{Engine, EngineOptions};

/// How many functions of the usual size the larger guest holds.
const GUEST_FUNCTIONS: usize = 60;

const CALLS_PER_ROUND: u32 = 20_000;
const ROUNDS: usize = 9;
const INPUT: &[u8] = br#"{"order": 17}"#;
const NOW: Time = Time(0);

/// Nothing is asked of it.
struct NoKernel;

impl KernelCalls for NoKernel {
    fn wall_ms(&self) -> u64 {
        0
    }

    fn ask(&self, _who: &OnBehalf, _ask: Ask<'_>, _left: Duration) -> Result<String, String> {
        Err("there is no kernel here".to_owned())
    }
}

fn main() -> ExitCode {
    let work = std::env::args().nth(1).unwrap_or_default();
    let measured = match work.as_str() {
        "warm_core" => warm(&core(), EngineOptions::FUNCTIONS),
        "warm_component" => warm(COMPONENT, EngineOptions::FUNCTIONS),
        "warm_core_among_modules" => warm(&core(), EngineOptions::STANDARD),
        "from_disk" => from_disk(),
        "compile" => compile(),
        _ => return ExitCode::from(3),
    };
    match measured {
        Ok(nanoseconds) => {
            #[expect(clippy::print_stdout, reason = "the line is what this program is for")]
            {
                println!(r#"{{"work":"function_{work}","value":{nanoseconds:.1},"unit":"ns"}}"#);
            }
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

type Measured = Result<f64, Box<dyn std::error::Error>>;

fn open(engine: &Engine, folder: &Path) -> Result<Functions, Box<dyn std::error::Error>> {
    Ok(Functions::open(engine.clone(), folder, Keep::STANDARD, Arc::new(NoKernel))?)
}

fn put(functions: &Functions, source: &str) -> Result<(), Box<dyn std::error::Error>> {
    functions.put(NOW, &Caller::Operator, "f", &Permissions::default(), source.as_bytes())?;
    Ok(())
}

fn warm(source: &str, options: EngineOptions) -> Measured {
    let folder = tempfile::tempdir()?;
    let functions = open(&Engine::try_new(options)?, folder.path())?;
    put(&functions, source)?;
    let mut rounds = Vec::new();
    for _ in 0..=ROUNDS {
        let begun = Instant::now();
        for _ in 0..CALLS_PER_ROUND {
            let output =
                functions.run(NOW, &Caller::Operator, "f", black_box(INPUT), &RunLimits::STANDARD)?;
            assert_eq!(output, INPUT);
        }
        rounds.push(begun.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS_PER_ROUND));
    }
    Ok(median(rounds))
}

/// The first call after a start, with the compiled form on disk.
fn from_disk() -> Measured {
    let folder = tempfile::tempdir()?;
    let engine = Engine::try_new(EngineOptions::FUNCTIONS)?;
    put(&open(&engine, folder.path())?, &core())?;
    let mut rounds = Vec::new();
    for _ in 0..50 {
        let functions = open(&engine, folder.path())?;
        let begun = Instant::now();
        functions.run(NOW, &Caller::Operator, "f", INPUT, &RunLimits::STANDARD)?;
        rounds.push(begun.elapsed().as_secs_f64() * 1e9);
        assert_eq!((functions.stats().from_disk, functions.stats().compiled), (1, 0));
    }
    Ok(median(rounds))
}

/// The first call after a start when the compiled form is gone: it is compiled from the source on disk.
fn compile() -> Measured {
    let folder = tempfile::tempdir()?;
    let engine = Engine::try_new(EngineOptions::FUNCTIONS)?;
    put(&open(&engine, folder.path())?, &core())?;
    let mut rounds = Vec::new();
    for _ in 0..10 {
        let functions = open(&engine, folder.path())?;
        for entry in std::fs::read_dir(folder.path().join("compiled"))? {
            std::fs::remove_file(entry?.path())?;
        }
        let begun = Instant::now();
        functions.run(NOW, &Caller::Operator, "f", INPUT, &RunLimits::STANDARD)?;
        rounds.push(begun.elapsed().as_secs_f64() * 1e9);
        assert_eq!(functions.stats().compiled, 1);
    }
    Ok(median(rounds))
}

/// Without the first round, which warms up.
fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.remove(0);
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Gives its input back; beside it stands as much code as a small program compiled to WebAssembly has.
fn core() -> String {
    let beside: String = (0..GUEST_FUNCTIONS)
        .map(|number| {
            let step = format!(
                "(local.set $x (i32.add (i32.mul (local.get $x) (i32.const {number})) (i32.load (i32.and (local.get $x) (i32.const 1023)))))
                 (if (i32.gt_s (local.get $x) (i32.const 9)) (then (i32.store (i32.const 64) (local.get $x))))"
            );
            format!("(func (export \"f{number}\") (param $x i32) (result i32) {} (local.get $x))", step.repeat(20))
        })
        .collect();
    format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 512) "some text that a program has")
          (global $free (mut i32) (i32.const 1024))
          (func (export "alloc") (param $len i32) (result i32)
            (global.set $free (i32.add (global.get $free) (local.get $len)))
            (i32.sub (global.get $free) (local.get $len)))
          (func (export "run") (param $at i32) (param $len i32) (result i64)
            (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $len))))
          {beside})"#
    )
}

/// Gives its input back, as a component.
const COMPONENT: &str = r#"(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "run") (param $at i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $len))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "run") (param "input" string) (result (result string (error string)))
    (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "realloc")))))"#;
