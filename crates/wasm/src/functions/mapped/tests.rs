//! What is entered without a look at its type has exactly that type.

use wasmtime::Store;

use super::*;

fn module(engine: &wasmtime::Engine, alloc: &str, run: &str) -> Module {
    let text = format!(r#"(module (func (export "alloc") {alloc}) (func (export "run") {run}))"#);
    Module::new(engine, wat::parse_str(text).unwrap()).unwrap()
}

const ALLOC: &str = "(param i32) (result i32) (i32.add (local.get 0) (i32.const 1))";
const RUN: &str = "(param i32 i32) (result i64) (i64.extend_i32_u (i32.sub (local.get 0) (local.get 1)))";

#[test]
fn functions_of_another_type_are_not_entered() {
    let engine = wasmtime::Engine::default();
    let missing = |alloc, run| CoreEntry::of(&module(&engine, alloc, run)).err();
    assert_eq!(missing(ALLOC, RUN), None);
    for alloc in [
        "(param i64) (result i32) (i32.const 1)",
        "(param i32) (result i64) (i64.const 1)",
        "(param i32 i32) (result i32) (i32.const 1)",
        "(param i32) (result i32 i32) (i32.const 1) (i32.const 1)",
        "(param i32)",
        "(param f32) (result i32) (i32.const 1)",
    ] {
        assert_eq!(missing(alloc, RUN), Some(Missing::Alloc), "{alloc}");
    }
    assert_eq!(missing(ALLOC, "(param i32) (result i64) (i64.const 1)"), Some(Missing::Run));
    let memory = wat::parse_str(r#"(module (memory (export "alloc") 1))"#).unwrap();
    let memory = Module::new(&engine, memory).unwrap();
    assert_eq!(CoreEntry::of(&memory).err(), Some(Missing::Alloc));
}

#[test]
fn an_instance_of_another_module_is_not_entered() {
    let engine = wasmtime::Engine::default();
    let (mine, other) = (module(&engine, ALLOC, RUN), module(&engine, "", ""));
    let entry = CoreEntry::of(&mine).unwrap();
    let mut store = Store::new(&engine, ());
    let stranger = Instance::new(&mut store, &other, &[]).unwrap();
    assert!(entry.alloc(&stranger, &mut store).is_none());
    assert!(entry.run(&stranger, &mut store).is_none());
    let instance = Instance::new(&mut store, &mine, &[]).unwrap();
    let (alloc, run) =
        (entry.alloc(&instance, &mut store).unwrap(), entry.run(&instance, &mut store).unwrap());
    assert_eq!(alloc.call(&mut store, 7).unwrap(), 8);
    assert_eq!(run.call(&mut store, 9, 4).unwrap(), 5);
    assert_eq!(run.call(&mut store, 4, 9).unwrap(), 0xffff_fffb, "all 64 bits of the result, and no more");
}
