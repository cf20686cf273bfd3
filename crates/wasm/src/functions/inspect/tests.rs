//! What is refused before anything is compiled, and with which words.

use abi::Explain;

use super::*;

fn of(text: &str, granted: &Permissions) -> Result<Inspected, FunctionError> {
    inspect(&wat::parse_str(text).unwrap(), granted)
}

fn with_run(value: &str) -> Permissions {
    let mut permissions = Permissions::default();
    permissions.run.insert(value.to_owned());
    permissions
}

const CALLS: &str = r#"(module (import "ostoja:function/kernel" "call"
    (func (param i32 i32 i32 i32 i32 i32) (result i64))))"#;

#[test]
fn an_import_without_its_permission_is_refused_by_both_names() {
    let error = of(CALLS, &Permissions::default()).unwrap_err();
    assert_eq!(error.code(), "wasm::function::import_refused");
    let text = error.to_string();
    assert!(text.contains("ostoja:function/kernel/call") && text.contains("run kernel.call"), "{text}");
    assert_eq!(of(CALLS, &with_run("kernel.call")).unwrap().imports, [KernelImport::Call]);
    assert!(of(CALLS, &with_run("kernel.publish")).is_err());
}

#[test]
fn a_component_asks_for_what_its_instance_type_names() {
    let text = r#"(component (import "ostoja:function/kernel" (instance
        (export "publish" (func (param "topic" string) (param "payload" string)
            (result (result (error string)))))
        (export "log" (func (param "text" string))))))"#;
    let error = of(text, &Permissions::default()).unwrap_err();
    assert!(error.to_string().contains("run kernel.publish"), "{error}");
    let found = of(text, &with_run("kernel.publish")).unwrap();
    assert_eq!(
        (found.form, found.imports),
        (Form::Component, vec![KernelImport::Log, KernelImport::Publish])
    );
}

#[test]
fn an_import_that_nobody_offers_is_refused_with_its_place() {
    for text in [
        r#"(module (import "env" "memory" (memory 1)))"#,
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#,
        r#"(module (import "ostoja:function/kernel" "exec" (func)))"#,
        r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#,
    ] {
        let error = of(text, &Permissions::default()).unwrap_err();
        assert_eq!(error.code(), "wasm::function::import_unknown", "{text}");
        assert!(matches!(error, FunctionError::ImportUnknown { offset, .. } if offset > 8), "{text}");
        assert!(error.help().unwrap().contains("log, now, call, publish"));
    }
}

#[test]
fn every_cut_of_a_function_is_refused() {
    let binary = wat::parse_str(CALLS).unwrap();
    for end in 8..binary.len() {
        // A cut between two sections is a smaller module, which is valid and has another content.
        if let Ok(found) = inspect(&binary[..end], &Permissions::default()) {
            assert!(found.imports.is_empty(), "cut to {end}");
        }
    }
}

#[test]
fn every_changed_byte_is_refused_or_harmless() {
    let binary = wat::parse_str(r#"(module (memory 1) (func (result i32) i32.const 1))"#).unwrap();
    for at in 0..binary.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = binary.clone();
            changed[at] = value;
            // It must end and not panic; what it says is the validator's matter.
            let _ = inspect(&changed, &Permissions::default());
        }
    }
}

#[test]
fn too_many_imports_are_refused() {
    let many: String =
        (0..1_001).map(|_| r#"(import "ostoja:function/kernel" "log" (func (param i32 i32)))"#).collect();
    let error = of(&format!("(module {many})"), &Permissions::default()).unwrap_err();
    assert!(matches!(error, FunctionError::Source(CheckError::TooMany { what: "imports and exports", .. })));
}

#[test]
fn what_the_engine_does_not_do_is_refused() {
    for text in [
        "(module (memory i64 1))",
        "(module (memory 1 1 shared))",
        "(module (memory 1) (memory 1))",
        "(module (type (struct)))",
    ] {
        let error = of(text, &Permissions::default()).unwrap_err();
        assert!(matches!(error, FunctionError::Source(CheckError::Invalid { .. })), "{text}");
    }
}
