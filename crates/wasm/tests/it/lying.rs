//! Guests that break the contract's own rules: start-up code that does not end, an allocator that lies, results that
//! lie elsewhere or are no text, and components that are small on disk and large when they are read.

use std::time::{Duration, Instant};

use wasm::{
    Answer, Bound, CheckError, Context, EntryPoint, Fault, Instance, Limits, Module, ModuleError, Outcome,
};

use crate::guests::Guest;
use crate::host::{Host, chain, engine, grant, identity, instance, module};

/// What a text's module falls with when it is made.
fn unmade(guest: &Guest, limits: Limits) -> Fault {
    let module = module(&engine(), &guest.text());
    Instance::try_new(&module, identity(), limits, Box::new(Host::default())).unwrap_err()
}

/// What a message ends with, and that the instance is gone after it.
fn trapped(text: &str) -> String {
    let (mut instance, _) = instance(&engine(), text, Limits::MODULE);
    let fault = instance.message(Context::default(), 0, b"12345678").unwrap_err();
    assert!(instance.is_gone());
    assert!(matches!(fault, Fault::Trapped { entry: EntryPoint::Message, .. }), "{fault}");
    fault.to_string()
}

fn on_message(body: &str) -> String {
    Guest::new().with("on-message", body).text()
}

fn refused(bytes: &[u8]) -> CheckError {
    match Module::compile(&engine(), bytes, grant()).unwrap_err() {
        ModuleError::Check(error) => error,
        other => panic!("{}", chain(&other)),
    }
}

#[test]
fn start_up_code_has_the_deadline_of_an_entry() {
    let limits = Limits { deadline: Duration::from_millis(30), ..Limits::MODULE };
    let start = Instant::now();
    let fault = unmade(&Guest::new().function("(func $begin (loop $on (br $on))) (start $begin)"), limits);
    assert!(matches!(fault, Fault::Deadline { entry: EntryPoint::Instantiate, .. }), "{fault}");
    assert!(start.elapsed() >= limits.deadline);
}

#[test]
fn start_up_code_that_traps_or_takes_all_memory_makes_no_instance() {
    let fault = unmade(&Guest::new().function("(func $begin (unreachable)) (start $begin)"), Limits::MODULE);
    assert!(matches!(fault, Fault::Trapped { entry: EntryPoint::Instantiate, .. }), "{fault}");
    let greedy = "(func $begin (loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)) (start $begin)";
    let limits = Limits { memory_bytes_max: 4 << 20, ..Limits::MODULE };
    let fault = unmade(&Guest::new().function(greedy), limits);
    assert!(matches!(fault, Fault::Trapped { bound: Some(Bound::Memory(_)), .. }), "{fault}");
}

#[test]
fn tables_stop_at_their_limit_and_name_it() {
    let body = "(loop $on (br_if $on (i32.ne (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)))) (unreachable)";
    let guest = Guest::new().function("(table $t 0 funcref)").with("on-message", body);
    let limits = Limits { table_elements_max: 5_000, ..Limits::MODULE };
    let (mut instance, _) = instance(&engine(), &guest.text(), limits);
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(matches!(fault, Fault::Trapped { bound: Some(Bound::Table(5_000)), .. }), "{fault}");
}

#[test]
fn an_allocator_that_points_outside_of_the_memory_gets_nothing() {
    let honest = "(local $at i32) (local $short i32)";
    for place in ["-8", "65532", "0x7fffffff"] {
        let text = Guest::new().text();
        let lying = text.replacen(honest, &format!("{honest} (return (i32.const {place}))"), 1);
        assert_ne!(lying, text);
        let said = trapped(&lying);
        assert!(said.contains("realloc return: beyond end of memory"), "{said}");
    }
}

#[test]
fn an_allocator_that_never_ends_is_part_of_the_entry() {
    let honest = "(local $at i32) (local $short i32)";
    let text = Guest::new().text().replacen(honest, &format!("{honest} (loop $on (br $on))"), 1);
    let limits = Limits { deadline: Duration::from_millis(30), ..Limits::MODULE };
    let (mut instance, _) = instance(&engine(), &text, limits);
    let fault = instance.message(Context::default(), 0, b"x").unwrap_err();
    assert!(matches!(fault, Fault::Deadline { entry: EntryPoint::Message, .. }), "{fault}");
}

#[test]
fn results_that_are_none_end_the_instance() {
    let cases = [
        ("a case that does not exist", "(i32.store (i32.const 16) (i32.const 7)) (i32.const 16)"),
        ("a place between two words", "(i32.const 17)"),
        ("a place outside", "(i32.const 0x7ffffff0)"),
        (
            "an error that is no text",
            "(i32.store (i32.const 2048) (i32.const -1)) (call $fail (i32.const 2048) (i32.const 4))",
        ),
        ("an error longer than the memory", "(call $fail (i32.const 0) (i32.const -1))"),
        ("an error that ends outside", "(call $fail (i32.const 65535) (i32.const 2))"),
    ];
    for (what, body) in cases {
        assert!(!trapped(&on_message(body)).is_empty(), "{what}");
    }
}

#[test]
fn host_functions_take_no_place_outside_of_the_memory() {
    let cases = [
        ("a line outside", "(call $log (i32.const 2) (i32.const 0x7fff0000) (i32.const 9)) (call $ok)"),
        (
            "a line longer than the memory",
            "(call $log (i32.const 2) (i32.const 0) (i32.const -1)) (call $ok)",
        ),
        (
            "a level that does not exist",
            "(call $log (i32.const 99) (i32.const 1088) (i32.const 9)) (call $ok)",
        ),
        (
            "a payload outside",
            "(call $publish (i32.const 0) (i32.const 65535) (i32.const 2) (i32.const 520)) (call $ok)",
        ),
        (
            "a place for the result outside",
            "(call $publish (i32.const 0) (i32.const 1088) (i32.const 2) (i32.const -4)) (call $ok)",
        ),
    ];
    for (what, body) in cases {
        assert!(!trapped(&on_message(body)).is_empty(), "{what}");
    }
}

#[test]
fn a_long_error_text_is_cut() {
    let (mut instance, _) =
        instance(&engine(), &on_message("(call $fail (i32.const 9000) (i32.const 50000))"), Limits::MODULE);
    let outcome = instance.message(Context::default(), 0, b"x").unwrap();
    let Outcome::Done(Answer::Failed(text)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(text.len(), 4_096);
}

#[test]
fn a_type_that_doubles_with_every_line_is_refused() {
    let lines: String = (1..60).map(|n| format!("(type $t{n} (tuple $t{0} $t{0}))\n", n - 1)).collect();
    let error = refused(format!("(component (type $t0 (tuple u8 u8))\n{lines})").as_bytes());
    let CheckError::Invalid { offset, reason } = &error else { panic!("{error}") };
    assert!(*offset > 0 && reason.contains("type size"), "{error}");
}

#[test]
fn more_functions_or_names_than_may_be_are_refused_before_they_are_compiled() {
    let error = refused(Guest::new().function(&"(func)".repeat(50_001)).text().as_bytes());
    assert!(matches!(error, CheckError::TooMany { what: "functions", max: 50_000, .. }), "{error}");
    let imports: String = (0..1_001).map(|n| format!("(import \"acme:a/b{n}\" (instance))\n")).collect();
    let error = refused(format!("(component (component {imports}))").as_bytes());
    assert!(matches!(error, CheckError::TooMany { what: "imports and exports", max: 1_000, .. }), "{error}");
}

/// A component in a component, `levels` deep.
fn nested(levels: usize) -> Vec<u8> {
    // From the inside out, and backwards, so that what is there need not be moved.
    let header = *b"\0asm\x0d\0\x01\0";
    let mut backwards: Vec<u8> = header.iter().rev().copied().collect();
    for _ in 1..levels {
        let (mut left, mut size) = (backwards.len(), Vec::new());
        while left > 127 {
            size.push(u8::try_from(left & 127).unwrap() | 128);
            left >>= 7;
        }
        size.push(u8::try_from(left).unwrap());
        let section = header.into_iter().chain([4]).chain(size);
        backwards.extend(section.collect::<Vec<_>>().into_iter().rev());
    }
    backwards.reverse();
    backwards
}

#[test]
fn components_within_components_end_at_a_depth() {
    let deepest = Module::compile(&engine(), &nested(32), grant()).unwrap_err();
    assert!(matches!(deepest, ModuleError::Export { .. }), "{}", chain(&deepest));
    for levels in [33, 1_000_000] {
        let error = refused(&nested(levels));
        let CheckError::TooMany { what, max: 32, offset } = error else { panic!("{error}") };
        assert_eq!((what, offset < 500), ("components inside of each other", true));
    }
    let text = "(component ".repeat(100_000);
    assert!(matches!(refused(text.as_bytes()), CheckError::Text { .. }));
}
