//! The REST of a running program under schemathesis: thousands of requests made of the OpenAPI document, and every answer
//! held against it. As a developer, so that whatever is made up can't stop the kernel or run a program; what that role may
//! not is refused as documented.

use anyhow::{Context as _, Result};

use crate::ci::{bounded, pip};
use crate::served::Served;
use crate::shell;

/// The version that what is checked was agreed with.
const TOOL: &str = "schemathesis==4.32.5";

/// 25 s of making up requests: a few thousand, each operation some dozens of times.
const MAKING_SECONDS: &str = "25";

/// 60 s for the whole of it.
const TOOL_SECONDS: u32 = 60;

/// The same requests in every run: what fails once fails again.
const SEED: &str = "7";

/// What every answer is held to.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Somebody to be asked about.
const PROJECT: &str = "name: asked
config: { ostoja-web: { start: true, listen: \"127.0.0.1:0\" } }
modules:
  stays: { run: \"while :; do echo here; sleep 1; done\" }
";

/// Installs the tool; why not, when it can't be had.
pub(crate) fn tool() -> Result<std::path::PathBuf> {
    let folder = shell::tools().join("python/bin");
    let found = shell::version_of(folder.join("schemathesis"), "--version");
    let wanted = TOOL.rsplit("==").next().unwrap_or(TOOL);
    if found.is_some_and(|found| found.contains(wanted)) {
        return Ok(folder);
    }
    pip(&[TOOL])
}

/// Asks everything that the document has, and everything that it has not.
///
/// # Errors
/// An answer that is not as documented, or a program that does not come up.
pub(crate) fn run(tools: &std::path::Path) -> Result<()> {
    let served = Served::start(&shell::target().join("debug/ostoja"), "asked", PROJECT)?;
    let asked = ask(&served, tools);
    served.end()?;
    asked
}

fn ask(served: &Served, tools: &std::path::Path) -> Result<()> {
    let token = served.token("developer")?;
    let tool = tools.join("schemathesis");
    let mut command = bounded(TOOL_SECONDS, tool.to_str().context("a path that is no text")?);
    command
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", served.address))
        .arg("--header")
        .arg(format!("Authorization: Bearer {token}"))
        .args(["--checks", CHECKS, "--max-examples", "6", "--phases", "coverage,fuzzing"])
        // It answers as long as somebody listens.
        .args(["--exclude-path", "/api/v1/events"])
        .args(["--seed", SEED, "--max-time", MAKING_SECONDS, "--request-timeout", "10"])
        .args(["--suppress-health-check", "all", "--no-color"])
        .current_dir(served.folder());
    shell::run(&mut command)
}
