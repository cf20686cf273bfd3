//! Functions that ask the kernel: with the rights of both the function and its caller.

use super::*;

/// Calls method `add` of the service whose name it has at 0, with its own input, and gives the answer.
fn calling(service: &str) -> String {
    let len = service.len();
    with(&format!(
        r#"(import "ostoja:function/kernel" "call"
             (func $call (param i32 i32 i32 i32 i32 i32) (result i64)))
           (import "ostoja:function/kernel" "log" (func $log (param i32 i32)))
           (data (i32.const 0) "{service}add")
           (func (export "run") (param $at i32) (param $len i32) (result i64)
             (call $log (i32.const 0) (i32.const {len}))
             (call $call (i32.const 0) (i32.const {len}) (i32.const {len}) (i32.const 3)
               (local.get $at) (local.get $len)))"#
    ))
}

const CALL: (PermissionKind, &str) = (PermissionKind::Run, "kernel.call");
const NET: (PermissionKind, &str) = (PermissionKind::Net, "a.example");

#[test]
fn a_function_asks_with_the_rights_of_both() {
    let bench = Bench::new();
    let source = calling("adder");
    let operator = Caller::Operator;
    bench.functions.put(NOW, &operator, "f", &rights(&[CALL, NET]), source.as_bytes()).unwrap();
    bench.functions.put(NOW, &operator, "narrow", &rights(&[CALL]), source.as_bytes()).unwrap();
    let run = |who: &Caller, name: &str| bench.functions.run(NOW, who, name, b"[2]", &RunLimits::STANDARD);
    assert_eq!(run(&operator, "f").unwrap(), b"[[2]]");
    run(&module("rich", &[CALL, NET]), "f").unwrap();
    run(&module("poor", &[CALL]), "f").unwrap();
    run(&module("rich", &[CALL, NET]), "narrow").unwrap();
    let asked = bench.kernel.asked.lock().unwrap();
    let calls: Vec<_> = asked.iter().filter(|line| line.contains("Call")).map(String::as_str).collect();
    let line = |name, may| format!("{name} {may} Call(\"adder\", \"add\", 3 bytes)");
    assert_eq!(
        calls,
        [line("f", true), line("f", true), line("f", false), line("narrow", false)],
        "payloads are not in it"
    );
    assert_eq!(asked.iter().filter(|line| line.ends_with("Log(5 bytes)")).count(), 4);
}

#[test]
fn a_caller_without_the_right_is_refused_before_the_function_runs() {
    let bench = Bench::new();
    let source = calling("adder");
    bench.functions.put(NOW, &Caller::Operator, "f", &rights(&[CALL]), source.as_bytes()).unwrap();
    let who = module("poor", &[NET]);
    let error = bench.functions.run(NOW, &who, "f", b"[2]", &RunLimits::STANDARD).unwrap_err();
    assert_eq!(error.code(), "wasm::function::import_refused");
    assert!(error.to_string().contains("`run kernel.call` of its caller"), "{error}");
    assert!(bench.kernel.asked.lock().unwrap().is_empty());
}

#[test]
fn a_function_without_the_right_is_not_even_compiled() {
    let bench = Bench::new();
    let error = bench.put("f", &calling("adder")).unwrap_err();
    assert!(error.to_string().contains("`run kernel.call` of its own"), "{error}");
    assert_eq!(bench.functions.stats().compiled, 0);
}

#[test]
fn the_same_content_under_another_name_is_checked_again() {
    let bench = Bench::new();
    let source = calling("adder");
    bench.functions.put(NOW, &Caller::Operator, "f", &rights(&[CALL]), source.as_bytes()).unwrap();
    assert_eq!(bench.put("g", &source).unwrap_err().code(), "wasm::function::import_refused");
}

#[test]
fn what_a_service_refuses_comes_back_as_an_error() {
    let bench = Bench::new();
    let source = calling("other");
    bench.functions.put(NOW, &Caller::Operator, "f", &rights(&[CALL]), source.as_bytes()).unwrap();
    let error = bench.run("f", "1").unwrap_err();
    assert!(matches!(error, FunctionError::Answered { text } if text.as_bytes() == b"no such service"));
}

#[test]
fn a_text_outside_of_its_memory_ends_the_function() {
    let bench = Bench::new();
    let source = with(
        r#"(import "ostoja:function/kernel" "log" (func $log (param i32 i32)))
           (func (export "run") (param i32 i32) (result i64)
             (call $log (i32.const 65530) (i32.const 7)) (i64.const 0))"#,
    );
    bench.put("f", &source).unwrap();
    assert_eq!(bench.run("f", "1").unwrap_err().code(), "wasm::function::trapped");
    assert!(bench.kernel.asked.lock().unwrap().is_empty());
}

#[test]
fn a_component_reaches_the_kernel_too() {
    let source = r#"(component
      (import "ostoja:function/kernel" (instance $kernel (export "now" (func (result u64)))))
      (core module $m
        (import "k" "now" (func $now (result i64)))
        (memory (export "memory") 1)
        (data (i32.const 32) "right")
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "run") (param i32 i32) (result i32)
          (i32.store8 (i32.const 16) (i64.ne (call $now) (i64.const 1700000000000)))
          (i32.store (i32.const 20) (local.get 0))
          (i32.store (i32.const 24) (local.get 1))
          (i32.const 16)))
      (core func $now (canon lower (func $kernel "now")))
      (core instance $i (instantiate $m (with "k" (instance (export "now" (func $now))))))
      (func (export "run") (param "input" string) (result (result string (error string)))
        (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "realloc")))))"#;
    let bench = Bench::new();
    let put = bench.put("f", source).unwrap();
    assert_eq!(put.imports, [KernelImport::Now]);
    assert_eq!(bench.run("f", "[3]").unwrap(), "[3]");
    let bench = bench.again();
    assert_eq!(bench.run("f", "[3]").unwrap(), "[3]");
}

#[test]
fn a_module_gives_no_more_than_it_has_and_changes_only_its_own() {
    let bench = Bench::new();
    let (one, two) = (module("one", &[CALL]), module("two", &[CALL, NET]));
    let put = |who: &Caller, permissions: &[(PermissionKind, &str)]| {
        bench.functions.put(NOW, who, "f", &rights(permissions), ECHO.as_bytes())
    };
    let error = put(&one, &[CALL, NET]).unwrap_err();
    assert_eq!(error.code(), "wasm::function::beyond_owner");
    assert!(error.to_string().ends_with("net a.example"), "{error}");
    put(&one, &[CALL]).unwrap();
    assert_eq!(put(&two, &[]).unwrap_err().to_string(), "the function `f` belongs to one");
    assert_eq!(bench.functions.remove(&two, "f").unwrap_err().code(), "wasm::function::not_owner");
    put(&one, &[]).unwrap();
    put(&Caller::Operator, &[]).unwrap();
    assert_eq!(bench.functions.remove(&one, "f").unwrap_err().code(), "wasm::function::not_owner");
    bench.functions.remove(&Caller::Operator, "f").unwrap();
    assert_eq!(bench.functions.remove(&one, "f").unwrap_err().code(), "wasm::function::unknown");
}
