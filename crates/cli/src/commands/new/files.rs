//! The files of a new module: templates with the name put in, and the SDK of the language as it is in `sdk`.

use super::{File, Language, MODE, MODE_SCRIPT, Plan, Template, manifest};

/// The first call that a person makes, and what comes back.
pub(super) struct FirstCall {
    pub(super) method: &'static str,
    /// As JSON, which Python and JavaScript read too.
    pub(super) params: &'static str,
    pub(super) result: &'static str,
    /// The same two in Go.
    params_go: &'static str,
    result_go: &'static str,
}

/// The service that it offers.
pub(super) fn service(plan: &Plan) -> String {
    match plan.template {
        Template::Mcp => format!("mcp.{}", plan.id),
        Template::Service | Template::Worker | Template::Bot | Template::Http => plan.id.to_string(),
    }
}

pub(super) fn first_call(plan: &Plan) -> FirstCall {
    let call = |method, params, result, params_go, result_go| FirstCall {
        method,
        params,
        result,
        params_go,
        result_go,
    };
    let nothing = "map[string]any{}";
    match (plan.language, plan.template) {
        (Language::Wasm, _) => call("add", "[1,2,3]", "6", nothing, "float64(6)"),
        (_, Template::Service | Template::Mcp) => {
            let params_go = r#"map[string]any{"name": "Ada"}"#;
            call("hello", r#"{"name":"Ada"}"#, r#""hello Ada""#, params_go, r#""hello Ada""#)
        }
        (_, Template::Worker) => call("count", "{}", "0", nothing, "float64(0)"),
        (_, Template::Bot) => {
            let result = r#""hello, you said: hi""#;
            call("answer", r#"{"text":"hi"}"#, result, r#"map[string]any{"text": "hi"}"#, result)
        }
        (_, Template::Http) => call("visits", "{}", "0", nothing, "float64(0)"),
    }
}

/// What has to be typed before it can run, for languages that are compiled.
pub(super) fn build(plan: &Plan) -> Option<String> {
    match plan.language {
        Language::Go => Some("go build -o bin/module .".to_owned()),
        Language::Rust => Some("cargo install --debug --path . --root .".to_owned()),
        Language::Python | Language::Typescript | Language::Node | Language::Shell | Language::Wasm => None,
    }
}

/// How its own test is run.
pub(super) fn test(plan: &Plan) -> &'static str {
    match plan.language {
        Language::Python | Language::Shell => "python3 -m unittest",
        Language::Typescript if plan.runtime == "bun" => "bun test",
        Language::Typescript => "deno test -A",
        Language::Node => "node --test",
        Language::Go => "go test .",
        Language::Rust => "cargo test",
        Language::Wasm => "ostoja module check . --talk",
    }
}

/// All files; nothing where the language has no such template.
pub(super) fn of(plan: &Plan) -> Option<Vec<File>> {
    let (entry, source) = source(plan)?;
    let mode = if plan.language == Language::Shell { MODE_SCRIPT } else { MODE };
    let mut files = vec![
        File { path: entry, text: filled(plan, source), mode },
        text("module.json", manifest::manifest(plan)),
        text("ostoja.yaml", manifest::project(plan)),
        text("README.md", manifest::readme(plan)),
    ];
    if plan.template == Template::Mcp {
        files.push(spoken_to(plan));
    } else {
        files.push(text("config.schema.json", manifest::schema()));
        files.extend(beside(plan));
    }
    Some(files)
}

fn text(path: &'static str, text: impl Into<String>) -> File {
    File { path, text: text.into(), mode: MODE }
}

/// A template of this crate.
macro_rules! template {
    ($path:literal) => {
        include_str!(concat!("../../../templates/", $path))
    };
}

/// A file of the SDKs.
macro_rules! sdk {
    ($path:literal) => {
        include_str!(concat!("../../../../../sdk/", $path))
    };
}

/// The module's own file.
fn source(plan: &Plan) -> Option<(&'static str, &'static str)> {
    Some(match (plan.language, plan.template) {
        (Language::Python, Template::Service) => ("main.py", template!("python/service.py")),
        (Language::Python, Template::Worker) => ("main.py", template!("python/worker.py")),
        (Language::Python, Template::Bot) => ("main.py", template!("python/bot.py")),
        (Language::Python, Template::Http) => ("main.py", template!("python/http.py")),
        (Language::Python, Template::Mcp) => ("main.py", template!("python/mcp.py")),
        (Language::Node, Template::Mcp) => ("main.mjs", template!("node/mcp.mjs")),
        (Language::Node, Template::Service) => ("main.mjs", template!("node/service.mjs")),
        (Language::Node, Template::Worker) => ("main.mjs", template!("node/worker.mjs")),
        (Language::Node, Template::Bot) => ("main.mjs", template!("node/bot.mjs")),
        (Language::Node, Template::Http) => ("main.mjs", template!("node/http.mjs")),
        (Language::Typescript, Template::Service) => ("main.ts", template!("typescript/service.ts")),
        (Language::Typescript, Template::Worker) => ("main.ts", template!("typescript/worker.ts")),
        (Language::Typescript, Template::Bot) => ("main.ts", template!("typescript/bot.ts")),
        (Language::Typescript, Template::Http) => ("main.ts", template!("typescript/http.ts")),
        (Language::Go, Template::Service) => ("main.go", template!("go/service.go")),
        (Language::Go, Template::Worker) => ("main.go", template!("go/worker.go")),
        (Language::Go, Template::Bot) => ("main.go", template!("go/bot.go")),
        (Language::Go, Template::Http) => ("main.go", template!("go/http.go")),
        (Language::Shell, Template::Service) => ("main.sh", template!("shell/service.sh")),
        (Language::Shell, Template::Worker) => ("main.sh", template!("shell/worker.sh")),
        (Language::Rust, Template::Service) => ("src/main.rs", template!("rust/service.rs.txt")),
        (Language::Rust, Template::Worker) => ("src/main.rs", template!("rust/worker.rs.txt")),
        (Language::Rust, Template::Bot) => ("src/main.rs", template!("rust/bot.rs.txt")),
        (Language::Rust, Template::Http) => ("src/main.rs", template!("rust/http.rs.txt")),
        (Language::Wasm, Template::Service) => ("main.wat", template!("wasm/service.wat")),
        (Language::Shell, Template::Bot | Template::Http)
        | (Language::Wasm, Template::Worker | Template::Bot | Template::Http)
        | (
            Language::Typescript | Language::Go | Language::Shell | Language::Rust | Language::Wasm,
            Template::Mcp,
        ) => return None,
    })
}

/// The test of an MCP server, which speaks to it as a client does: it needs no SDK.
fn spoken_to(plan: &Plan) -> File {
    if plan.language == Language::Python {
        text("test_main.py", filled(plan, template!("python/test_mcp.py")))
    } else {
        text("main.test.mjs", filled(plan, template!("node/mcp.test.mjs")))
    }
}

/// The SDK, the test, and what the language wants besides.
fn beside(plan: &Plan) -> Vec<File> {
    match plan.language {
        Language::Python => vec![
            text("ostoja.py", sdk!("python/ostoja.py")),
            text("fake_kernel.py", sdk!("python/fake_kernel.py")),
            text("test_main.py", filled(plan, template!("python/test_main.py"))),
        ],
        Language::Node | Language::Typescript => vec![
            text("ostoja.mjs", sdk!("typescript/ostoja.mjs")),
            text("ostoja.d.mts", sdk!("typescript/ostoja.d.mts")),
            text("fake_kernel.mjs", sdk!("typescript/fake_kernel.mjs")),
            // Deno checks the types of a test before it runs it.
            text("fake_kernel.d.mts", sdk!("typescript/fake_kernel.d.mts")),
            text("main.test.mjs", filled(plan, template!("node/main.test.mjs"))),
        ],
        Language::Go => go(plan),
        Language::Shell => vec![
            text("ostoja.sh", sdk!("shell/ostoja.sh")),
            text("fake_kernel.py", sdk!("python/fake_kernel.py")),
            text(
                "test_main.py",
                filled(plan, template!("python/test_main.py"))
                    .replace("sys.executable, \"main.py\"", "\"./main.sh\"")
                    .replace("import sys\n", ""),
            ),
        ],
        Language::Rust => {
            let sdk = plan.sdk.as_deref().unwrap_or(std::path::Path::new("sdk")).display().to_string();
            let cargo = format!(
                "[package]\nname = \"module\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
                 [dependencies]\nsdk = {{ path = {sdk:?} }}\n\n\
                 # Line numbers where it falls, and no more, make the first build a third shorter; so does not keeping what\n\
                 # would let a part of so little be built again alone.\n\
                 [profile.dev]\ndebug = \"line-tables-only\"\nincremental = false\n\n[profile.dev.package.\"*\"]\ndebug = false\n\n\
                 # Not part of a workspace around it.\n[workspace]\n"
            );
            vec![text("Cargo.toml", cargo), text(".gitignore", "/target\n/bin\n")]
        }
        Language::Wasm => Vec::new(),
    }
}

fn go(plan: &Plan) -> Vec<File> {
    let module = "module mine\n\ngo 1.19\n\nrequire ostoja v0.0.0\n\nreplace ostoja => ./ostoja\n";
    vec![
        text("go.mod", module),
        text(".gitignore", "/bin\n"),
        text("main_test.go", filled(plan, template!("go/main_test.go"))),
        text("ostoja/go.mod", sdk!("go/go.mod")),
        text("ostoja/ostoja.go", sdk!("go/ostoja.go")),
        text("ostoja/calls.go", sdk!("go/calls.go")),
        text("ostoja/door.go", sdk!("go/door.go")),
        text("ostoja/reading.go", sdk!("go/reading.go")),
        text("ostoja/run.go", sdk!("go/run.go")),
        text("ostoja/ostojatest/fake_kernel.go", sdk!("go/ostojatest/fake_kernel.go")),
    ]
}

/// 8080: the usual port of a page for development.
pub(super) const PORT: &str = "8080";

/// A template with the module's own words in it.
fn filled(plan: &Plan, template: &str) -> String {
    let call = first_call(plan);
    let is_go = plan.language == Language::Go;
    let command = match plan.runtime {
        _ if plan.language == Language::Node => r#"["node", "main.mjs"]"#,
        "bun" => r#"["bun", "run", "main.ts"]"#,
        _ => r#"["deno", "run", "--allow-env", "--allow-net", "main.ts"]"#,
    };
    template
        .replace("@NAME@", plan.id.as_str())
        .replace("@METHOD@", call.method)
        .replace("@PARAMS@", if is_go { call.params_go } else { call.params })
        .replace("@RESULT@", if is_go { call.result_go } else { call.result })
        .replace("@COMMAND@", command)
        .replace("@TESTER@", test(plan))
        .replace("@PORT@", PORT)
}
