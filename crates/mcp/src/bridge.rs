//! An MCP server as a module: a process that speaks the module door on its own stdin and stdout, and MCP with a server
//! that it starts as its child. Both are in the same sandbox, and end together.
//!
//! ```text
//! kernel ◄─module door─► bridge ◄─MCP over stdio─► server
//!                          │                          └─ its stderr is the module's log
//!                          └─ keeper: pings, lists tools anew
//! ```
//!
//! The service is named `mcp.<module>`; each tool is a method of it, and MCP's own methods that only look
//! (`tools/list`, `resources/read`, …) are there under their own names.
//! When the server ends, the bridge ends with its exit code: when it is started again is the kernel's decision.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use sdk::{Call, Failure, Handle, Handlers, Module};

mod calls;
mod child;
mod keeper;
mod peer;
mod session;

#[cfg(test)]
mod tests;

use self::child::Server;
use self::session::Session;

/// 8 calls are with the server at once; more wait in the module's own bounded queue. MCP servers are mostly one
/// process with one loop.
const CALLS_AT_ONCE: u32 = 8;

/// What the bridge is told when it is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The module's name.
    pub module: String,
    /// The services under which its tools are offered, the first being `mcp.<module>`.
    pub services: Vec<String>,
    /// The command that starts the server, program first.
    pub command: Vec<String>,
    /// This program's version, which the server is told.
    pub version: String,
}

/// The service that a module's tools belong to.
pub fn service_of(module: &str) -> String {
    format!("mcp.{module}")
}

/// The topic on which a module says that its tools are others now.
pub fn topic_of(module: &str) -> String {
    format!("mcp.{module}.changed")
}

/// What all handlers share; there from `init` on.
type Shared = Arc<OnceLock<Running>>;

struct Running {
    session: Arc<Session>,
    server: Arc<Server>,
}

/// Is the bridge until the kernel or the server ends it.
pub fn run(options: Options) -> ExitCode {
    let shared: Shared = Arc::default();
    let mut module = Module::new().handlers(Handlers::Threads(CALLS_AT_ONCE)).version(&options.version);
    for service in &options.services {
        let shared = shared.clone();
        module = module.service(service, move |call: Call| match shared.get() {
            Some(running) => calls::serve(&running.session, &call),
            None => Err(Failure::new("the MCP server is not ready")),
        });
    }
    let (for_init, for_shutdown) = (shared.clone(), shared);
    module
        .on_init(move |handle| {
            let running = begin(&options, handle)?;
            // `init` comes once in a life.
            let _first = for_init.set(running);
            Ok(())
        })
        .on_shutdown(move |_| {
            if let Some(running) = for_shutdown.get() {
                running.server.end();
            }
            Ok(())
        })
        .run()
}

/// Starts the server, agrees on a revision, lists its tools.
fn begin(options: &Options, handle: &Handle) -> Result<Running, Failure> {
    let (server, pipes) = Server::start(&options.command)?;
    let session = Session::over(pipes.output, pipes.input, &options.module, handle);
    let begun = session.begin(&options.version).and_then(|()| session.list_tools());
    if let Err(failure) = begun {
        // Why a server did not begin is mostly that it ended.
        return Err(match server.ended_by_itself() {
            Some(how) => Failure::new(format!("the MCP server {how}: {failure}")),
            None => failure,
        });
    }
    server.leave_with(&session, handle);
    keeper::start(&session, handle)?;
    Ok(Running { session, server })
}
