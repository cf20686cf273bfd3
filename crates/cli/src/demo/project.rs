//! The demo's modules, written as a person would write them.

use protocol::files::project::Project;
use serde_json::{Value, json};

use crate::commands::internal;
use crate::failure::{Failure, Outcome, of_files};

/// The shell's part: no protocol, nothing but lines on stdout.
const TICKER: &str = "n=0; while :; do n=$((n+1)); echo \"tick $n\"; sleep 5; done";

/// The project, as `ostoja.yaml` would say it; JSON is YAML too.
pub(super) fn project() -> Outcome<Project> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new("cli::demo::program", "can't find the program's own file").caused_by(error.to_string())
    })?;
    let text = description(&program.to_string_lossy()).to_string();
    Ok(Project::parse("the demo", &text).map_err(|errors| of_files(&errors))?)
}

fn description(program: &str) -> Value {
    let role = |name: &str| json!([program, internal::WORD, "demo-module", name]);
    json!({
        "name": "demo",
        // Quick, so that nobody waits for a restart.
        "lifecycle": { "restartBaseMs": 300 },
        "modules": {
            "greeter": { "run": role("greeter"), "protocol": "lines", "provides": ["greeter"] },
            "worker": { "run": role("worker"), "protocol": "lines", "provides": ["worker"], "requires": ["greeter"] },
            "flooder": { "run": role("flooder"), "protocol": "lines", "provides": ["flooder"] },
            "curious": { "run": role("curious"), "protocol": "lines", "provides": ["curious"] },
            "ticker": { "run": ["/bin/sh", "-c", TICKER] },
        },
    })
}

#[cfg(test)]
mod tests;
