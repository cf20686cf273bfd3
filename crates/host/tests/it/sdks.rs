//! `secret` and `context` of every SDK against the real kernel: each module does the same, and is asked what it got.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::secrets::{Kept, NAME, VALUE};

/// Where the SDKs are.
fn sdk(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk").join(path)
}

/// What a module of any language is asked to do: `probe` reads the secret, keeps a variable for a minute, reads it, lists
/// all of them, watches, and removes it. It answers with the secret's length and what it read; of the list with the rows.
const PYTHON: &str = "\
from ostoja import *
@service('probe')
class Probe:
    def go(self):
        context_set('step', {'n': 7}, ttl_ms=60000)
        rows = context_list()
        watch = context_watch('news.*', session='chat')
        got = {'secret': len(secret('db.password')), 'read': context_get('step'), 'rows': len(rows),
               'unwatched': context_unwatch(watch), 'deleted': context_delete('step'), 'gone': context_get('step')}
        return got
run()
";

const SHELL: &str = r#"
. ./ostoja.sh
go() {
  ostoja_context set step '{"n":7}' '"ttl_ms":60000' >&2
  value=$(ostoja_secret db.password)
  value=${value#?}; value=${value%?}
  read=$(ostoja_context get step)
  watch=$(ostoja_context watch '"key":"news.*","session":"chat"')
  unwatched=$(ostoja_context unwatch "$(ostoja_get "$watch" watch)")
  rows=$(ostoja_context list)
  rows=$(ostoja_get "$rows" 0.key)
  deleted=$(ostoja_context delete step)
  printf '{"secret":%d,"read":%s,"rows":%d,"unwatched":%s,"deleted":%s,"gone":%s}' "${#value}" \
    "$(ostoja_get "$read" value)" "$([ "$rows" = step ] && echo 1 || echo 0)" "$(ostoja_get "$unwatched" deleted)" \
    "$(ostoja_get "$deleted" deleted)" "$(ostoja_context get step)"
}
ostoja_serve probe go go
ostoja_run
"#;

const TYPESCRIPT: &str = r#"
import { context, run, secret, service } from "./ostoja.mjs";
service("probe", {
  async go() {
    await context.set("step", { n: 7 }, { ttl_ms: 60000 });
    const { watch } = await context.watch({ key: "news.*", session: "chat" });
    return {
      secret: (await secret("db.password")).length,
      read: (await context.get("step")).value,
      rows: (await context.list()).length,
      unwatched: (await context.unwatch(watch)).deleted,
      deleted: (await context.delete("step")).deleted,
      gone: await context.get("step"),
    };
  },
});
run();
"#;

const GO: &str = r#"
package main

import (
	"context"
	"time"

	"ostoja"
)

func main() {
	ostoja.Service("probe", "go", func(ctx context.Context, _ *ostoja.Request) (any, error) {
		chat := ostoja.Variables{Session: "chat"}
		var secret string
		var row struct{ Value map[string]int }
		var rows []any
		var watch struct{ Watch uint64 }
		var gone any
		steps := []func() error{
			func() error { return ostoja.Context.Set(ctx, "step", map[string]int{"n": 7}, time.Minute) },
			func() error { return ostoja.Secret(ctx, "db.password", &secret) },
			func() error { return ostoja.Context.Get(ctx, "step", &row) },
			func() error { return ostoja.Context.List(ctx, "", &rows) },
			func() error { return chat.Watch(ctx, "news.*", &watch) },
			func() error { return chat.Unwatch(ctx, watch.Watch) },
			func() error { return ostoja.Context.Delete(ctx, "step") },
			func() error { return ostoja.Context.Get(ctx, "step", &gone) },
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return nil, err
			}
		}
		return map[string]any{"secret": len(secret), "read": row.Value, "rows": len(rows),
			"unwatched": watch.Watch > 0, "deleted": true, "gone": gone}, nil
	})
	ostoja.Run()
}
"#;

/// A kernel with one module that offers `probe`, which may have the secret and watch the session.
fn answer(run: &str, files: &[(&str, &str)], copies: &[&str]) -> Value {
    assert_eq!(NAME, "db.password");
    let mut kept = Kept::with(&format!(
        "modules:\n  probe: {{run: {run}, protocol: lines, provides: [probe], \
         permissions: {{secrets: [db.password], context: ['session:chat']}}}}\n"
    ));
    for (name, text) in files {
        kept.kernel.file(name, text);
    }
    for copy in copies {
        let name = Path::new(copy).file_name().and_then(|name| name.to_str()).expect("a name");
        kept.kernel.file(name, &fs::read_to_string(sdk(copy)).expect("the SDK is there"));
    }
    kept.start();
    assert_eq!(kept.kernel.settle(), Vec::<String>::new());
    kept.kernel.data(json!({ "cmd": "call", "service": "probe", "method": "go", "timeoutMs": 15_000 }))
}

fn expected() -> Value {
    json!({
        "secret": VALUE.len(), "read": { "n": 7 }, "rows": 1, "unwatched": true, "deleted": true, "gone": null,
    })
}

pub(crate) fn is_here(program: &str, flag: &str) -> bool {
    let found = Command::new(program).arg(flag).output().is_ok_and(|output| output.status.success());
    if !found {
        // On the real stderr, where the test runner does not swallow it.
        let line = format!("SKIPPED host: no `{program}` on PATH, so its SDK was not run\n");
        let _shown = fs::OpenOptions::new()
            .append(true)
            .open("/dev/stderr")
            .map(|mut out| out.write_all(line.as_bytes()));
    }
    found
}

#[test]
fn the_python_sdk_has_secrets_and_variables() {
    assert_eq!(answer("[python3, probe.py]", &[("probe.py", PYTHON)], &["python/ostoja.py"]), expected());
}

#[test]
fn the_shell_sdk_has_secrets_and_variables() {
    assert_eq!(answer("[sh, probe.sh]", &[("probe.sh", SHELL)], &["shell/ostoja.sh"]), expected());
}

#[test]
fn the_typescript_sdk_has_secrets_and_variables() {
    if is_here("node", "--version") {
        let files = [("probe.mjs", TYPESCRIPT)];
        assert_eq!(answer("[node, probe.mjs]", &files, &["typescript/ostoja.mjs"]), expected());
    }
}

#[test]
fn the_go_sdk_has_secrets_and_variables() {
    if !is_here("go", "version") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sdk = sdk("go").canonicalize().expect("the SDK is there");
    let module =
        format!("module probe\n\ngo 1.19\n\nrequire ostoja v0.0.0\n\nreplace ostoja => {}\n", sdk.display());
    fs::write(folder.path().join("go.mod"), module).expect("written");
    fs::write(folder.path().join("main.go"), GO).expect("written");
    let mut build = Command::new("go");
    build.args(["build", "-o", "probe", "."]).env("GOFLAGS", "-mod=mod").env("GOPROXY", "off");
    let built = build.env("CGO_ENABLED", "0").current_dir(folder.path()).output().expect("go runs");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut kept = Kept::with(
        "modules:\n  probe: {run: [./probe], protocol: lines, provides: [probe], \
         permissions: {secrets: [db.password], context: ['session:chat']}}\n",
    );
    fs::copy(folder.path().join("probe"), kept.kernel.path().join("probe")).expect("copied");
    kept.start();
    assert_eq!(kept.kernel.settle(), Vec::<String>::new());
    let asked = json!({ "cmd": "call", "service": "probe", "method": "go", "timeoutMs": 15_000 });
    assert_eq!(kept.kernel.data(asked), expected());
}
