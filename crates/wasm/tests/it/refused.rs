//! Bytes that are no module: truncated, flipped, of the wrong kind, with unknown imports or wrong types.

use std::collections::BTreeSet;

use abi::Explain as _;
use wasm::{CheckError, Limits, Module, ModuleError};

use crate::guests::Guest;
use crate::host::{Host, chain, engine, grant, identity};

fn refusal(text: &str) -> ModuleError {
    Module::compile(&engine(), text.as_bytes(), grant()).unwrap_err()
}

#[test]
fn unknown_import_is_refused_by_name_and_place() {
    let import = r#"(import "acme:rocket/launch@1.0.0" (instance (export "go" (func))))"#;
    let error = refusal(&Guest::new().importing(import).text());
    assert_eq!(error.code(), "wasm::module::import_unknown");
    assert!(chain(&error).contains("`acme:rocket/launch@1.0.0` (at byte "), "{}", chain(&error));
}

#[test]
fn network_is_refused_with_the_permission_it_would_need() {
    let import = r#"(import "wasi:sockets/tcp@0.2.3" (instance))"#;
    let error = refusal(&Guest::new().importing(import).text());
    assert_eq!(error.code(), "wasm::module::import_denied");
    assert!(chain(&error).contains("permission `net`"), "{}", chain(&error));
}

#[test]
fn secrets_are_importable_only_when_one_was_granted() {
    let import = r#"(import "ostoja:module/secrets@0.1.0" (instance))"#;
    let text = Guest::new().importing(import).text();
    assert!(chain(&refusal(&text)).contains("secret"), "it says what is needed");
    let mut granted = grant();
    granted.secrets = BTreeSet::from(["token".to_owned()]);
    assert!(Module::compile(&engine(), text.as_bytes(), granted).is_ok());
}

#[test]
fn other_version_of_the_world_is_refused() {
    let text = Guest::new().text().replace("ostoja:module/log@0.1.0", "ostoja:module/log@0.2.0");
    assert!(chain(&refusal(&text)).contains("version 0.1.0"));
}

#[test]
fn missing_export_is_named_with_its_type() {
    let error = refusal(&Guest::new().without("health").text());
    assert_eq!(error.code(), "wasm::module::export_missing");
    assert!(error.to_string().contains("`health: func() -> result<_, string>`"), "{error}");
}

#[test]
fn export_of_another_type_is_named_with_both_types() {
    let error = refusal(
        &Guest::new().with("shutdown", "").typed("shutdown", "").typed("health", "(result u32)").text(),
    );
    assert!(error.to_string().contains("but `func() -> u32`"), "{error}");
}

#[test]
fn import_of_another_type_is_refused() {
    let text = Guest::new().text().replace(
        r#"(export "monotonic-ns" (func (result u64)))"#,
        r#"(export "monotonic-ns" (func (result s64)))"#,
    );
    let error = refusal(&text);
    assert_eq!(error.code(), "wasm::module::import_type");
    assert!(error.to_string().contains("monotonic-ns"), "{error}");
}

#[test]
fn wrong_text_is_refused_with_line_and_column() {
    let error = refusal("(component\n  (core module $m (func (bogus)))\n)");
    let ModuleError::Check(CheckError::Text { line, column, .. }) = &error else { panic!("{error:?}") };
    assert_eq!((*line, *column > 1), (2, true), "{}", chain(&error));
}

#[test]
fn core_module_is_no_component_and_says_how_to_make_one() {
    let error = refusal("(module)");
    assert!(matches!(error, ModuleError::Check(CheckError::NotAComponent)));
    assert!(error.help().unwrap().contains("wasm-tools component new"));
}

#[test]
fn nothing_and_noise_are_refused() {
    let engine = engine();
    for bytes in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01", b"MZ\x90\0", &[0xff; 64]] {
        assert!(Module::compile(&engine, bytes, grant()).is_err(), "{bytes:?}");
    }
    let huge = vec![b' '; 70 << 20];
    let error = Module::compile(&engine, &huge, grant()).unwrap_err();
    assert!(matches!(error, ModuleError::Check(CheckError::TooLarge { .. })));
}

#[test]
fn function_above_its_bound_is_refused_before_it_is_compiled() {
    let long = format!("(func {})", "(drop (i64.const 1234567890123))".repeat(150_000));
    let error = refusal(&Guest::new().function(&long).text());
    assert!(chain(&error).contains("bytes in one function"), "{}", chain(&error));
}

#[test]
fn memory_above_the_limit_is_refused_when_the_instance_is_made() {
    let text =
        Guest::new().text().replace(r#"(memory (export "memory") 1)"#, r#"(memory (export "memory") 100)"#);
    let module = Module::compile(&engine(), text.as_bytes(), grant()).unwrap();
    let limits = Limits { memory_bytes_max: 1 << 20, ..Limits::MODULE };
    let fault = wasm::Instance::try_new(&module, identity(), limits, Box::new(Host::default())).unwrap_err();
    assert!(fault.to_string().contains("memory_bytes_max"), "{fault}");
}

/// Every truncation is refused with a place inside of what there is; none makes the reader fail in another way.
#[test]
fn truncated_component_is_refused_with_an_offset() {
    let binary = wat::parse_str(Guest::new().text()).unwrap();
    let engine = engine();
    for length in (8..binary.len()).step_by(7) {
        let error = Module::compile(&engine, &binary[..length], grant()).unwrap_err();
        match error {
            ModuleError::Check(CheckError::Invalid { offset, .. }) => assert!(offset <= length),
            ModuleError::Check(_) | ModuleError::Export { .. } => {}
            other => panic!("{length}: {}", chain(&other)),
        }
    }
}

/// A flipped bit gives a refusal, or a component that is still valid and then runs into nothing worse than a fault.
#[test]
fn flipped_bits_never_do_more_than_be_refused_or_fault() {
    let binary = wat::parse_str(Guest::new().text()).unwrap();
    let engine = engine();
    let limits = Limits { deadline: std::time::Duration::from_millis(50), ..Limits::MODULE };
    let (mut refused, mut ran) = (0, 0);
    for at in (0..binary.len()).step_by(23) {
        let mut flipped = binary.clone();
        flipped[at] ^= 1 << (at % 8);
        match Module::compile(&engine, &flipped, grant()) {
            Err(_) => refused += 1,
            Ok(module) => {
                let made = wasm::Instance::try_new(&module, identity(), limits, Box::new(Host::default()));
                if let Ok(mut instance) = made {
                    let _ = instance.message(wasm::Context::default(), 0, b"x");
                    let _ = instance.save(wasm::Context::default());
                }
                ran += 1;
            }
        }
    }
    assert!(refused > 0 && ran > 0, "{refused} refused, {ran} ran");
}
