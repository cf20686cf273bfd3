//! Functions for tests, as text.

/// Gives its input back. `alloc` goes up from the second page and grows the memory when it is full.
pub(super) const ECHO: &str = r#"(module
  (memory (export "memory") 2)
  (global $free (mut i32) (i32.const 65536))
  (func (export "alloc") (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $len)))
    (if (i32.gt_u (global.get $free) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.div_u (local.get $len) (i32.const 65536)) (i32.const 1))))))
    (local.get $at))
  (func (export "run") (param $at i32) (param $len i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $at)) (i64.const 32)) (i64.extend_i32_u (local.get $len)))))"#;

/// Gives its input back, as a component.
pub(super) const ECHO_COMPONENT: &str = r#"(component
  (core module $m
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $free))
      (global.set $free (i32.add (global.get $free) (local.get 3)))
      (drop (memory.grow (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1))))
      (local.get $at))
    (func (export "run") (param $at i32) (param $len i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $len))
      (i32.const 16)))
  (core instance $i (instantiate $m))
  (func (export "run") (param "input" string) (result (result string (error string)))
    (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "realloc")))))"#;

/// Adds one to a byte of its memory and one to a global, and gives the byte as a digit: `1` if both were fresh.
pub(super) const COUNTER: &str = r#"(module
  (memory (export "memory") 1)
  (data (i32.const 0) "0")
  (global $calls (mut i32) (i32.const 0))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (global.get $calls)))
    (i64.const 1)))"#;

/// A module whose `run` has this body.
pub(super) fn with_run(body: &str) -> String {
    with(&format!(r#"(func $run (export "run") (param $at i32) (param $len i32) (result i64) {body})"#))
}

/// A module with `memory` and `alloc`, and these fields.
pub(super) fn with(fields: &str) -> String {
    format!(
        r#"(module {fields} (memory (export "memory") 1) (func (export "alloc") (param i32) (result i32) (i32.const 1024)))"#
    )
}
