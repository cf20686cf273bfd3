//! What stands beside the code: manifest, schema of the configuration, project, README.

use serde_json::{Value, json};

use super::files::{PORT, build, first_call, service, test};
use super::{Language, Plan, Template};
use crate::target::shell_word;

/// `module.json`.
pub(super) fn manifest(plan: &Plan) -> String {
    let id = plan.id.as_str();
    let (runtime, entry) = match plan.language {
        Language::Python => ("python", "main.py"),
        Language::Node => ("node", "main.mjs"),
        Language::Typescript => (plan.runtime, "main.ts"),
        Language::Rust => ("rust", "bin/module"),
        Language::Go => ("go", "bin/module"),
        Language::Shell => ("binary", "main.sh"),
        Language::Wasm => ("wasm", "main.wat"),
    };
    let mut manifest = json!({
        "id": id,
        "name": id,
        "description": describes(plan),
        "version": "0.1.0",
        "runtime": runtime,
        "entry": entry,
        "permissions": permissions(plan),
    });
    let mut set = |key: &str, value: Value| manifest[key] = value;
    match plan.template {
        Template::Worker => {
            set("subscribes", json!([format!("{id}.jobs")]));
            set("publishes", json!([format!("{id}.done")]));
        }
        Template::Bot => {
            set("subscribes", json!(["chat.message"]));
            set("publishes", json!(["chat.reply"]));
        }
        Template::Service | Template::Http => {}
        Template::Mcp => {
            // Its tools are what it offers, and its service has its name; configuration is none of the protocol's.
            set("protocol", json!("mcp"));
            return format!("{manifest:#}\n");
        }
    }
    set("provides", json!([id]));
    set("configKey", json!(id));
    set("configSchema", json!("config.schema.json"));
    if matches!(plan.language, Language::Python | Language::Node | Language::Typescript | Language::Go) {
        set("features", json!(["cancel", "progress", "stream", "deadline", "trace"]));
    }
    format!("{manifest:#}\n")
}

fn describes(plan: &Plan) -> &'static str {
    match plan.template {
        Template::Service if plan.language == Language::Wasm => "Adds whole numbers",
        Template::Service => "Greets people",
        Template::Mcp => "An MCP server that greets people",
        Template::Worker => "Counts the words of jobs",
        Template::Bot => "Answers what is said",
        Template::Http => "Serves a page",
    }
}

fn permissions(plan: &Plan) -> Value {
    match (plan.language, plan.template) {
        // The helper for sh is made of these.
        (Language::Shell, _) => json!({ "run": ["awk", "sed", "sort", "tr"] }),
        (_, Template::Http) => json!({ "net": [format!("127.0.0.1:{PORT}")] }),
        _ => json!({}),
    }
}

/// `config.schema.json`.
pub(super) fn schema() -> String {
    let schema = json!({
        "type": "object",
        "properties": {
            "greeting": { "type": "string", "default": "hello", "description": "The word it greets with" },
        },
        "additionalProperties": false,
    });
    format!("{schema:#}\n")
}

/// `ostoja.yaml`.
pub(super) fn project(plan: &Plan) -> String {
    format!(
        "# `ostoja up` in this folder runs the module; `ostoja module install .` brings it into a home.\n\
         modules:\n  {}:\n    path: .\n",
        plan.id
    )
}

/// `README.md`.
pub(super) fn readme(plan: &Plan) -> String {
    let call = first_call(plan);
    let build = build(plan).map(|line| format!("{line}\n")).unwrap_or_default();
    let id = &plan.id;
    let more = if plan.template == Template::Mcp {
        "- Any MCP client can run it too: the command is the interpreter and this folder's file.\n".to_owned()
    } else {
        format!(
            "- `config.schema.json` describes its section of the configuration: `ostoja config set {id}.greeting hi`.\n"
        )
    };
    let talk = if plan.template == Template::Mcp {
        ""
    } else {
        "`ostoja module check . --talk` holds the whole conversation that a kernel may hold with it.\n"
    };
    format!(
        "# {id}\n\n{}; a module for Ostoja.\n\n```sh\n{build}ostoja up -d\nostoja call {} {} {}\nostoja logs {id}\n\
         ostoja down\n```\n\nIts test: `{}`.\n{talk}\n\
         - `module.json` says what it is, what it offers and what it may touch.\n{more}",
        describes(plan),
        service(plan),
        call.method,
        shell_word(call.params),
        test(plan),
    )
}
