;; @NAME@: a component of the world `ostoja:module`. Call it: ostoja call @NAME@ add '[1, 2, 3]'
;; It is WebAssembly by hand, which needs no compiler; one for Rust, C or Go makes a component.wasm of the same shape.
(component
  ;; Memory, and an allocator that gives everything back at the end of each entry.
  (core module $Library
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 8192))
    (func (export "reset") (global.set $next (i32.const 8192)))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32) (local $short i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.set $short (i32.sub
        (i32.shr_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 16))
        (memory.size)))
      (if (i32.gt_s (local.get $short) (i32.const 0))
        (then (if (i32.eq (memory.grow (local.get $short)) (i32.const -1)) (then unreachable))))
      (local.get $at)))
  (core instance $library (instantiate $Library))

  (core module $Main
    (import "library" "memory" (memory 1))
    (import "library" "reset" (func $reset))
    (data (i32.const 1056) "only a list of whole numbers can be added")
    (data (i32.const 1104) "the only method is add")

    ;; Results lie at 16: which case, then where its bytes are and how many.
    (func $result (param $case i32) (param $at i32) (param $len i32) (result i32)
      (i32.store (i32.const 16) (local.get $case))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $len))
      (call $reset)
      (i32.const 16))
    (func $nothing (result i32) (call $result (i32.const 0) (i32.const 0) (i32.const 0)))

    ;; A number as text, written from its end; the place of its first sign.
    (func $write (param $number i64) (result i32) (local $at i32) (local $rest i64)
      (local.set $at (i32.const 128))
      (local.set $rest (select
        (i64.sub (i64.const 0) (local.get $number)) (local.get $number)
        (i64.lt_s (local.get $number) (i64.const 0))))
      (loop $digits
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at)
          (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $rest) (i64.const 10)))))
        (local.set $rest (i64.div_u (local.get $rest) (i64.const 10)))
        (br_if $digits (i64.ne (local.get $rest) (i64.const 0))))
      (if (i64.lt_s (local.get $number) (i64.const 0)) (then
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (i32.store8 (local.get $at) (i32.const 45))))
      (local.get $at))

    ;; The sum of `[1, -2, 3]`. What is no digit, sign, comma, bracket or blank is refused.
    (func $add (param $at i32) (param $len i32) (result i32)
      (local $end i32) (local $sign i32) (local $sum i64) (local $number i64) (local $factor i64)
      (local.set $end (i32.add (local.get $at) (local.get $len)))
      (local.set $factor (i64.const 1))
      (block $done
        (loop $signs
          (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
          (local.set $sign (i32.load8_u (local.get $at)))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (if (i32.lt_u (i32.sub (local.get $sign) (i32.const 48)) (i32.const 10))
            (then
              (local.set $number (i64.add
                (i64.mul (local.get $number) (i64.const 10))
                (i64.extend_i32_u (i32.sub (local.get $sign) (i32.const 48)))))
              (br $signs)))
          (if (i32.eq (local.get $sign) (i32.const 45)) (then (local.set $factor (i64.const -1)) (br $signs)))
          (if (i32.or
                (i32.or (i32.eq (local.get $sign) (i32.const 44)) (i32.eq (local.get $sign) (i32.const 93)))
                (i32.or (i32.eq (local.get $sign) (i32.const 91)) (i32.eq (local.get $sign) (i32.const 32))))
            (then
              (local.set $sum (i64.add (local.get $sum) (i64.mul (local.get $number) (local.get $factor))))
              (local.set $number (i64.const 0))
              (local.set $factor (i64.const 1))
              (br $signs)))
          (return (call $result (i32.const 1) (i32.const 1056) (i32.const 41)))))
      (local.set $at (call $write (local.get $sum)))
      (call $result (i32.const 0) (local.get $at) (i32.sub (i32.const 128) (local.get $at))))

    (func (export "init") (result i32) (call $nothing))
    (func (export "on-message") (param i32 i32 i32) (result i32) (call $nothing))
    (func (export "on-call") (param $service i32) (param i32) (param $method i32) (param i32)
      (param $at i32) (param $len i32) (result i32)
      ;; Methods are told apart by their first letter here: `a` for add.
      (if (result i32) (i32.eq (i32.load8_u (local.get $method)) (i32.const 97))
        (then (call $add (local.get $at) (local.get $len)))
        (else (call $result (i32.const 1) (i32.const 1104) (i32.const 22)))))
    (func (export "health") (result i32) (call $nothing))
    ;; It keeps nothing between two calls, so that its state is empty: version 1, no bytes.
    (func (export "save-state") (result i32)
      (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (i32.const 1))
      (i32.store (i32.const 24) (i32.const 0)) (i32.store (i32.const 28) (i32.const 0))
      (i32.const 16))
    (func (export "restore-state") (param i32 i32 i32) (result i32) (call $nothing))
    (func (export "shutdown")))

  (core instance $main (instantiate $Main
    (with "library" (instance $library))))

  (func $init (result (result (error string)))
    (canon lift (core func $main "init") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "init" (func $init))
  (func $on-message (param "topic" u32) (param "payload" (list u8)) (result (result (error string)))
    (canon lift (core func $main "on-message") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "on-message" (func $on-message))
  (func $on-call (param "service" string) (param "method" string) (param "params" (list u8))
    (result (result (list u8) (error string)))
    (canon lift (core func $main "on-call") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "on-call" (func $on-call))
  (func $health (result (result (error string)))
    (canon lift (core func $main "health") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "health" (func $health))
  (func $save-state (result (result (tuple u32 (list u8)) (error string)))
    (canon lift (core func $main "save-state") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "save-state" (func $save-state))
  (func $restore-state (param "version" u32) (param "data" (list u8)) (result (result (error string)))
    (canon lift (core func $main "restore-state") (memory $library "memory") (realloc (func $library "realloc"))))
  (export "restore-state" (func $restore-state))
  (func $shutdown (canon lift (core func $main "shutdown")))
  (export "shutdown" (func $shutdown)))
