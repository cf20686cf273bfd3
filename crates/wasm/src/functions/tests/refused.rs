//! Bad sources, bad inputs, and functions that do what they should not.

use super::*;

fn code_of<T: std::fmt::Debug>(result: Result<T, FunctionError>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn what_is_no_function_is_refused_at_put_and_keeps_nothing() {
    let bench = Bench::new();
    let cases: [(&str, String); 12] = [
        ("wasm::function::source", String::new()),
        ("wasm::function::source", "(module".to_owned()),
        ("wasm::function::source", "not a module".to_owned()),
        ("wasm::function::source", "\0asm\u{1}\0\0".to_owned()),
        ("wasm::function::source", with_run("(i32.const 1)")),
        ("wasm::function::signature", "(module)".to_owned()),
        ("wasm::function::signature", "(component)".to_owned()),
        (
            "wasm::function::signature",
            with(r#"(func (export "run") (param i32) (result i64) (i64.const 0))"#),
        ),
        (
            "wasm::function::signature",
            with(r#"(func (export "run") (param i32 i32) (result i32) (i32.const 0))"#),
        ),
        ("wasm::function::signature", with(r#"(global (export "run") i32 (i32.const 0))"#)),
        ("wasm::function::signature", ECHO.replace("\"memory\"", "\"mem\"")),
        ("wasm::function::import_unknown", with(r#"(import "env" "f" (func))"#)),
    ];
    for (code, source) in cases {
        assert_eq!(code_of(bench.put("f", &source)), code, "{source}");
    }
    let stats = bench.functions.stats();
    assert_eq!((stats.functions, stats.warm, stats.on_disk), (0, 0, 0));
}

#[test]
fn a_kernel_function_with_another_type_is_refused() {
    let bench = Bench::new();
    let source = with(
        r#"(import "ostoja:function/kernel" "log" (func (param i64)))
           (func (export "run") (param i32 i32) (result i64) (i64.const 0))"#,
    );
    let error = bench.put("f", &source).unwrap_err();
    assert_eq!(error.code(), "wasm::function::compile");
    assert!(error.to_string().contains("ostoja:function/kernel"), "{error}");
}

#[test]
fn names_that_could_be_paths_are_refused() {
    let bench = Bench::new();
    for name in ["", "../key", "a/b", ".hidden", "a\0b", &"x".repeat(65)] {
        assert_eq!(code_of(bench.put(name, ECHO)), "wasm::function::name", "{name:?}");
        assert_eq!(code_of(bench.run(name, "1")), "wasm::function::unknown", "{name:?}");
    }
}

#[test]
fn bad_input_never_reaches_the_function() {
    let bench = Bench::new();
    bench.put("f", ECHO).unwrap();
    for input in ["", "{", "[1,]", "nul", "1 2", &"[".repeat(10_000)] {
        assert_eq!(code_of(bench.run("f", input)), "wasm::function::input_not_json");
    }
    let limits = RunLimits::STANDARD;
    let raw = bench.functions.run(NOW, &Caller::Operator, "f", b"\"\xff\"", &limits);
    assert_eq!(code_of(raw), "wasm::function::input_not_json");
    let long = " ".repeat(JSON_BYTES_MAX) + "1";
    assert_eq!(code_of(bench.run("f", &long)), "wasm::function::input_too_large");
    let secret = bench.run("f", r#"{"password": hunter2}"#).unwrap_err();
    assert!(!format!("{secret} {secret:?}").contains("hunter2"));
}

#[test]
fn bad_output_is_an_error_of_the_function() {
    let bench = Bench::new();
    let data = r#"(data (i32.const 0) "{\ff\"\ff\"") "#;
    let giving = |at: u32, len: u32| {
        let value = u64::from(at) << 32 | u64::from(len);
        with(&format!("{data} (func (export \"run\") (param i32 i32) (result i64) (i64.const {value}))"))
    };
    for (at, len, code) in [
        (0, 0, "wasm::function::output_not_json"),
        (0, 1, "wasm::function::output_not_json"),
        (2, 3, "wasm::function::output_not_json"),
        (65_530, 7, "wasm::function::out_of_memory_range"),
        (u32::MAX, 1, "wasm::function::out_of_memory_range"),
        (0, 1 << 20, "wasm::function::out_of_memory_range"),
        (0, (1 << 20) + 1, "wasm::function::output_too_large"),
        (0, (1 << 31) - 1, "wasm::function::output_too_large"),
        (0, 1 << 31 | 2, "wasm::function::answered"),
    ] {
        bench.put("f", &giving(at, len)).unwrap();
        assert_eq!(code_of(bench.run("f", "1")), code, "{at} {len}");
    }
}

#[test]
fn an_allocation_outside_of_the_memory_is_refused() {
    let bench = Bench::new();
    bench.put("f", &ECHO.replace("(local.get $at))\n  (func", "(i32.const -2))\n  (func")).unwrap();
    assert_eq!(code_of(bench.run("f", "123")), "wasm::function::out_of_memory_range");
}

#[test]
fn the_text_of_a_functions_own_error_is_for_its_caller_only() {
    let bench = Bench::new();
    let value = 1_u64 << 31 | 4;
    let source = with(&format!(
        r#"(data (i32.const 0) "oops") (func (export "run") (param i32 i32) (result i64) (i64.const {value}))"#
    ));
    bench.put("f", &source).unwrap();
    let error = bench.run("f", "1").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("oops"));
    assert!(matches!(error, FunctionError::Answered { text } if text.as_bytes() == b"oops"));
}

#[test]
fn a_function_that_never_ends_is_ended() {
    let bench = Bench::new();
    let limits = RunLimits { deadline: Duration::from_millis(20), ..RunLimits::STANDARD };
    let endless = "(loop $l (br $l)) (i64.const 0)";
    let sources = [
        with_run(endless),
        with(&format!(
            r#"(func $s (loop $l (br $l))) (start $s)
               (func (export "run") (param i32 i32) (result i64) {endless})"#
        )),
    ];
    for source in sources {
        bench.put("f", &source).unwrap();
        let error = bench.functions.run(NOW, &Caller::Operator, "f", b"1", &limits).unwrap_err();
        assert_eq!(error.code(), "wasm::function::deadline");
        assert_eq!(error.to_string(), "the function was ended after 20ms");
    }
    bench.put("f", ECHO).unwrap();
    assert_eq!(bench.run("f", "1").unwrap(), "1");
}

#[test]
fn instructions_are_counted_where_the_engine_counts() {
    let bench = Bench::new().again_with(Engine::try_new(options(Metering::Fuel)).unwrap());
    bench.put("f", &with_run("(loop $l (br $l)) (i64.const 0)")).unwrap();
    bench.put("g", ECHO).unwrap();
    let limits = RunLimits { fuel: Some(10_000), deadline: Duration::from_secs(60), ..RunLimits::STANDARD };
    let run = |name| bench.functions.run(NOW, &Caller::Operator, name, b"1", &limits);
    assert_eq!(run("f").unwrap_err().to_string(), "the function was ended after 10000 instructions");
    assert_eq!(run("g").unwrap(), b"1");
    assert_eq!(bench.run("g", "1").unwrap(), "1", "without a bound on instructions");

    let bench = Bench::new();
    bench.put("g", ECHO).unwrap();
    let run = bench.functions.run(NOW, &Caller::Operator, "g", b"1", &limits);
    assert_eq!(code_of(run), "wasm::function::fuel_not_counted");
}

#[test]
fn memory_is_bounded_from_the_first_page_on() {
    let bench = Bench::new();
    let bomb = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    bench.put("bomb", &with_run(bomb)).unwrap();
    assert_eq!(code_of(bench.run("bomb", "1")), "wasm::function::memory");
    bench.put("large", &ECHO.replace("\"memory\") 2", "\"memory\") 2000")).unwrap();
    assert_eq!(code_of(bench.run("large", "1")), "wasm::function::memory");
    let limits = RunLimits { memory_bytes_max: 128 << 20, ..RunLimits::STANDARD };
    assert!(bench.functions.run(NOW, &Caller::Operator, "large", b"1", &limits).is_ok());
    // More than the pool could ever give is refused when it is put.
    assert!(bench.put("huge", &ECHO.replace("\"memory\") 2", "\"memory\") 60000")).is_err());
}

#[test]
fn traps_are_told_and_leave_nothing_broken() {
    let bench = Bench::new();
    for (body, word) in [
        ("unreachable", "unreachable"),
        ("(i64.div_u (i64.const 1) (i64.const 0))", "divide by zero"),
        ("(call $run (local.get $at) (local.get $len))", "call stack exhausted"),
        ("(drop (i32.load (i32.const -8))) (i64.const 0)", "out of bounds memory access"),
    ] {
        bench.put("f", &with_run(body)).unwrap();
        let error = bench.run("f", "1").unwrap_err();
        assert_eq!(error.code(), "wasm::function::trapped", "{body}");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(bench.functions.stats().runs_failed, 4);
}
