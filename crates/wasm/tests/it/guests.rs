//! Guests in the text form, assembled from a common frame: an allocator, the world's imports, and seven exports of
//! which each can be replaced.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a guest imports from the world, and how its core module sees it.
const IMPORTS: &str = r#"
  (import "ostoja:module/log@0.1.0" (instance $log
    (type $l (enum "trace" "debug" "info" "warn" "error" "fatal"))
    (export "level" (type $level (eq $l)))
    (export "write" (func (param "level" $level) (param "line" string)))))
  (import "ostoja:module/bus@0.1.0" (instance $bus
    (type $r (enum "denied" "invalid" "too-large" "full"))
    (export "refusal" (type $refusal (eq $r)))
    (export "subscribe" (func (param "topic" string) (result (result u32 (error $refusal)))))
    (export "publish" (func (param "topic" u32) (param "payload" (list u8)) (result (result (error $refusal)))))))
  (import "ostoja:module/clock@0.1.0" (instance $clock
    (export "monotonic-ns" (func (result u64)))))
"#;

const CALL_IMPORT: &str = r#"
  (import "ostoja:module/bus@0.1.0" (instance $bus
    (type $r (enum "denied" "invalid" "too-large" "full"))
    (export "refusal" (type $refusal (eq $r)))
    (type $f (variant (case "denied") (case "not-found") (case "overloaded") (case "timeout") (case "gone") (case "failed" string)))
    (export "failure" (type $failure (eq $f)))
    (export "subscribe" (func (param "topic" string) (result (result u32 (error $refusal)))))
    (export "publish" (func (param "topic" u32) (param "payload" (list u8)) (result (result (error $refusal)))))
    (export "call" (func (param "service" string) (param "method" string) (param "params" (list u8)) (param "deadline-ms" u32)
      (result (result (list u8) (error $failure)))))))
"#;

/// `secrets.read`, as `$secrets`.
const SECRETS_IMPORT: &str = r#"
  (import "ostoja:module/secrets@0.1.0" (instance $secrets
    (type $r (enum "denied" "missing" "unavailable"))
    (export "refusal" (type $refusal (eq $r)))
    (export "read" (func (param "name" string) (result (result (list u8) (error $refusal)))))))
"#;

/// WASI's standard output, as `$stdout` and `$write`.
const OUTPUT_IMPORT: &str = r#"
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error-type (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "output-stream" (type $output (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush" (func (param "self" (borrow $output)) (param "contents" (list u8))
      (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer)) (export "output-stream" (type $s (eq $outer)))
    (export "get-stdout" (func (result (own $s))))))
"#;

/// A bump allocator that grows the memory; `reset` gives everything back at the end of an entry.
const LIBRARY: &str = r#"
  (core module $Library
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 8192))
    (func (export "reset") (global.set $next (i32.const 8192)))
    (func (export "realloc") (param i32 i32) (param $align i32) (param $size i32) (result i32) (local $at i32) (local $short i32)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.set $short (i32.sub (i32.shr_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 16)) (memory.size)))
      (if (i32.gt_s (local.get $short) (i32.const 0))
        (then (if (i32.eq (memory.grow (local.get $short)) (i32.const -1)) (then unreachable))))
      (local.get $at)))
  (core instance $library (instantiate $Library))
"#;

const LOWERED: &str = r#"
  (core func $log_write (canon lower (func $log "write") (memory $library "memory")))
  (core func $bus_subscribe (canon lower (func $bus "subscribe") (memory $library "memory")))
  (core func $bus_publish (canon lower (func $bus "publish") (memory $library "memory")))
  (core func $clock_monotonic (canon lower (func $clock "monotonic-ns")))
"#;

const CORE_IMPORTS: &str = r#"
    (import "library" "memory" (memory 1))
    (import "library" "reset" (func $reset))
    (import "host" "log" (func $log (param i32 i32 i32)))
    (import "host" "subscribe" (func $subscribe (param i32 i32 i32)))
    (import "host" "publish" (func $publish (param i32 i32 i32 i32)))
    (import "host" "monotonic" (func $monotonic (result i64)))
"#;

/// Results lie at 16 (and 20, 24, 28); texts for tests begin at 1024; what host functions answer goes to 512.
const FRAME: &str = r#"
    (global $count (mut i32) (i32.const 0))
    (data (i32.const 1024) "topic.a")
    (data (i32.const 1056) "it is not well")
    (data (i32.const 1088) "hello from the guest")
    (data (i32.const 1120) "adder")
    (data (i32.const 1128) "add")
    (func $ok (result i32) (i32.store (i32.const 16) (i32.const 0)) (call $reset) (i32.const 16))
    (func $fail (param i32 i32) (result i32)
      (i32.store (i32.const 16) (i32.const 1))
      (i32.store (i32.const 20) (local.get 0)) (i32.store (i32.const 24) (local.get 1))
      (call $reset) (i32.const 16))
    (func $bytes (param i32 i32) (result i32)
      (i32.store (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get 0)) (i32.store (i32.const 24) (local.get 1))
      (call $reset) (i32.const 16))
    (func $saved (param i32 i32 i32) (result i32)
      (i32.store (i32.const 16) (i32.const 0)) (i32.store (i32.const 20) (local.get 0))
      (i32.store (i32.const 24) (local.get 1)) (i32.store (i32.const 28) (local.get 2))
      (call $reset) (i32.const 16))
"#;

/// Name, core signature, usual body, type in the component, and whether it has a result in memory.
const EXPORTS: [(&str, &str, &str, &str, bool); 7] = [
    ("init", "(result i32)", "(call $ok)", "(result (result (error string)))", true),
    (
        "on-message",
        "(param $topic i32) (param $at i32) (param $len i32) (result i32)",
        "(global.set $count (i32.add (global.get $count) (i32.const 1))) (call $ok)",
        r#"(param "topic" u32) (param "payload" (list u8)) (result (result (error string)))"#,
        true,
    ),
    (
        "on-call",
        "(param i32 i32 i32 i32) (param $at i32) (param $len i32) (result i32)",
        "(call $bytes (local.get $at) (local.get $len))",
        r#"(param "service" string) (param "method" string) (param "params" (list u8))
           (result (result (list u8) (error string)))"#,
        true,
    ),
    ("health", "(result i32)", "(call $ok)", "(result (result (error string)))", true),
    (
        "save-state",
        "(result i32)",
        "(i32.store (i32.const 64) (global.get $count)) (call $saved (i32.const 1) (i32.const 64) (i32.const 4))",
        "(result (result (tuple u32 (list u8)) (error string)))",
        true,
    ),
    (
        "restore-state",
        "(param $version i32) (param $at i32) (param $len i32) (result i32)",
        "(if (i32.ne (local.get $version) (i32.const 1)) (then (return (call $fail (i32.const 1056) (i32.const 14)))))
         (global.set $count (i32.load (local.get $at))) (call $ok)",
        r#"(param "version" u32) (param "data" (list u8)) (result (result (error string)))"#,
        true,
    ),
    ("shutdown", "", "", "", false),
];

/// A guest to be assembled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guest {
    bodies: BTreeMap<&'static str, String>,
    types: BTreeMap<&'static str, String>,
    imports: String,
    functions: String,
    without: Option<&'static str>,
    calls: bool,
    prints: bool,
    reads_secrets: bool,
}

impl Guest {
    /// One that counts its messages, echoes calls, and saves its count.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Replaces the body of an export.
    pub(crate) fn with(mut self, export: &'static str, body: &str) -> Self {
        self.bodies.insert(export, body.to_owned());
        self
    }

    /// Replaces the component type of an export.
    pub(crate) fn typed(mut self, export: &'static str, ty: &str) -> Self {
        self.types.insert(export, ty.to_owned());
        self
    }

    /// Adds an import of the component.
    pub(crate) fn importing(mut self, import: &str) -> Self {
        self.imports.push_str(import);
        self
    }

    /// Adds functions to the core module.
    pub(crate) fn function(mut self, function: &str) -> Self {
        self.functions.push_str(function);
        self
    }

    /// Leaves an export out.
    pub(crate) fn without(mut self, export: &'static str) -> Self {
        self.without = Some(export);
        self
    }

    /// Imports `bus.call`, as `$call` with the service and method `adder` and `add` to be given by address.
    pub(crate) fn calling(mut self) -> Self {
        self.calls = true;
        self
    }

    /// Imports `secrets.read`, as `$secret`: a name by address and length, and where the answer goes.
    pub(crate) fn reading_secrets(mut self) -> Self {
        self.reads_secrets = true;
        self
    }

    /// Imports WASI's standard output, as `$stdout` and `$write`.
    pub(crate) fn printing(mut self) -> Self {
        self.prints = true;
        self
    }

    /// The component as text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::from("(component\n");
        if self.calls {
            let (before, rest) =
                IMPORTS.split_once("  (import \"ostoja:module/bus@0.1.0\"").expect("it is there");
            let (_, after) = rest.split_once("  (import \"ostoja:module/clock").expect("it is there");
            let _ = write!(text, "{before}{CALL_IMPORT}  (import \"ostoja:module/clock{after}");
        } else {
            text.push_str(IMPORTS);
        }
        text.push_str(&self.imports);
        if self.prints {
            text.push_str(OUTPUT_IMPORT);
        }
        if self.reads_secrets {
            text.push_str(SECRETS_IMPORT);
        }
        text.push_str(LIBRARY);
        text.push_str(LOWERED);
        if self.reads_secrets {
            text.push_str(
                "  (core func $secrets_read (canon lower (func $secrets \"read\") (memory $library \"memory\") (realloc (func $library \"realloc\"))))\n",
            );
        }
        if self.calls {
            text.push_str(
                "  (core func $bus_call (canon lower (func $bus \"call\") (memory $library \"memory\") (realloc (func $library \"realloc\"))))\n",
            );
        }
        if self.prints {
            text.push_str(
                "  (core func $get_stdout (canon lower (func $stdout \"get-stdout\")))
  (core func $write (canon lower (func $streams \"[method]output-stream.blocking-write-and-flush\") (memory $library \"memory\")))\n",
            );
        }
        self.main(&mut text);
        self.exports(&mut text);
        text.push_str(")\n");
        text
    }

    fn main(&self, text: &mut String) {
        let _ = write!(text, "  (core module $Main{CORE_IMPORTS}");
        if self.calls {
            text.push_str(
                "    (import \"host\" \"call\" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32)))\n",
            );
        }
        if self.prints {
            text.push_str(
                "    (import \"host\" \"stdout\" (func $stdout (result i32)))
    (import \"host\" \"write-out\" (func $write (param i32 i32 i32 i32)))\n",
            );
        }
        if self.reads_secrets {
            text.push_str("    (import \"host\" \"secret\" (func $secret (param i32 i32 i32)))\n");
        }
        text.push_str(FRAME);
        text.push_str(&self.functions);
        for (name, signature, usual, _, _) in EXPORTS {
            let body = self.bodies.get(name).map_or(usual, String::as_str);
            let _ = writeln!(text, "    (func ${name} (export \"{name}\") {signature} {body})");
        }
        let call = if self.calls { "(export \"call\" (func $bus_call))" } else { "" };
        let print = match self.prints {
            true => "(export \"stdout\" (func $get_stdout)) (export \"write-out\" (func $write))",
            false => "",
        };
        let secret = if self.reads_secrets { "(export \"secret\" (func $secrets_read))" } else { "" };
        let _ = write!(
            text,
            "  )\n  (core instance $main (instantiate $Main (with \"library\" (instance $library)) (with \"host\" (instance
      (export \"log\" (func $log_write)) (export \"subscribe\" (func $bus_subscribe))
      (export \"publish\" (func $bus_publish)) (export \"monotonic\" (func $clock_monotonic)) {call} {print} {secret}))))\n"
        );
    }

    fn exports(&self, text: &mut String) {
        for (name, _, _, usual, in_memory) in EXPORTS {
            if self.without == Some(name) {
                continue;
            }
            let ty = self.types.get(name).map_or(usual, String::as_str);
            let options = if in_memory {
                "(memory $library \"memory\") (realloc (func $library \"realloc\"))"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "  (func ${name} {ty} (canon lift (core func $main \"{name}\") {options}))
  (export \"{name}\" (func ${name}))"
            );
        }
    }
}
