//! Verbs that nobody types: the processes that this program starts of itself. They stand behind the word `internal` and
//! are no part of the registry, so that no help, completion or man page shows them.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use host::{News, Presence, Safety};
use tracing_subscriber::filter::LevelFilter;

use crate::args::GlobalArgs;
use crate::background::FailedBoot;
use crate::ctx::Ctx;
use crate::demo::{self, Role};
use crate::environment::Variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::foreground::to_event;
use crate::target::Target;

use super::up;

/// The word before all of them.
pub const WORD: &str = "internal";

/// The words by which a binary is asked whether it can take over. Later binaries are asked by earlier ones, so they stay.
pub(crate) const HANDOVER_CHECK: [&str; 2] = [WORD, "handover-check"];

/// The command line of an internal process.
#[derive(Debug, Parser)]
#[command(name = "ostoja internal", version)]
pub struct InternalCli {
    /// What goes with every verb
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Which process
    #[command(subcommand)]
    pub process: Process,
}

/// The processes.
#[derive(Debug, Subcommand)]
pub enum Process {
    /// A module of the demo
    DemoModule(DemoModuleArgs),
    /// The kernel in a process of its own
    KernelProcess(KernelProcessArgs),
    /// The process that outlives a killed kernel
    Sentinel(SentinelArgs),
    /// The process that opens what modules may reach of the network
    NetHelper,
    /// Whether this binary can take over what stdin brings
    HandoverCheck,
    /// The process that speaks HTTP
    WebProcess(WebProcessArgs),
    /// The process between the kernel and an MCP server
    McpBridge(McpBridgeArgs),
}

impl Process {
    /// Is that process.
    ///
    /// # Errors
    /// Whatever it can end with.
    pub fn run(&self, ctx: &Ctx) -> Outcome {
        match self {
            Self::DemoModule(args) => demo_module(args),
            Self::KernelProcess(args) => kernel_process(ctx, args),
            Self::Sentinel(args) => sentinel(args),
            Self::NetHelper => net_helper(),
            Self::HandoverCheck => handover_check(),
            Self::WebProcess(args) => web_process(ctx, args),
            Self::McpBridge(args) => mcp_bridge(args),
        }
    }
}

/// What can be given to the kernel's own process.
#[derive(Debug, Args)]
pub struct KernelProcessArgs {
    /// The project's file
    #[arg(long)]
    file: Option<PathBuf>,
    /// Start no module
    #[arg(long)]
    safe_mode: bool,
    /// What an earlier program in this process handed over
    #[arg(long)]
    handover: Option<i32>,
}

/// What can be given to a module of the demo.
#[derive(Debug, Args)]
pub struct DemoModuleArgs {
    /// What it does
    #[arg(value_enum)]
    role: Role,
}

/// What can be given to the sentinel: whatever the host gives it.
#[derive(Debug, Args)]
pub struct SentinelArgs {
    /// The host's own words
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// What the kernel gives to the process that speaks HTTP.
#[derive(Debug, Args)]
pub struct WebProcessArgs {
    /// The operator door's socket
    #[arg(long)]
    kernel_socket: PathBuf,
    /// A folder of its own
    #[arg(long)]
    state: PathBuf,
    /// An address with a port, or `none`
    #[arg(long)]
    listen: String,
    /// The certificate and those that vouch for it, in PEM
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key, in PEM
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The machine's name in links
    #[arg(long)]
    name: Option<String>,
}

/// What the kernel gives to the bridge.
#[derive(Debug, Args)]
pub struct McpBridgeArgs {
    /// The module's name
    #[arg(long)]
    module: String,
    /// The services that its tools are offered under
    #[arg(long = "service", required = true)]
    services: Vec<String>,
    /// The command that starts the server
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// The command that runs the bridge to an MCP server; nothing where this program's own file can't be told.
pub(crate) fn bridge_command() -> Option<Vec<String>> {
    let program = std::env::current_exe().ok()?.into_os_string().into_string().ok()?;
    Some(vec![program, WORD.to_owned(), "mcp-bridge".to_owned()])
}

/// The command that runs the process that speaks HTTP; nothing where this program's own file can't be told.
pub(crate) fn companion_command() -> Option<Vec<String>> {
    let program = std::env::current_exe().ok()?.into_os_string().into_string().ok()?;
    Some(vec![program, WORD.to_owned(), "web-process".to_owned()])
}

/// The command that runs the sentinel; nothing where this program's own file can't be told.
pub(crate) fn sentinel_command() -> Option<Vec<OsString>> {
    own_command("sentinel")
}

/// The command that runs the net helper; nothing where this program's own file can't be told.
pub(crate) fn net_helper_command() -> Option<Vec<OsString>> {
    own_command("net-helper")
}

fn own_command(process: &str) -> Option<Vec<OsString>> {
    let program = std::env::current_exe().ok()?;
    Some(vec![program.into_os_string(), OsString::from(WORD), OsString::from(process)])
}

/// The kernel in a process of its own: see [`crate::background`] for how it is watched.
fn kernel_process(ctx: &Ctx, args: &KernelProcessArgs) -> Outcome {
    // A session of its own, away from the terminal's signals. It fails only for one that leads a group already, which
    // somebody who starts this by hand may do.
    let _ = rustix::process::setsid();
    crate::foreground::start_log(ctx, LevelFilter::WARN);
    let target = Target::of(ctx)?.with_project(args.file.clone());
    let safety = if args.safe_mode { Safety::SafeMode } else { Safety::Usual };
    let options = host::Options {
        renewal: Some(up::renewal(args.handover)),
        ..up::options(&target, Presence::Background, safety)
    };
    match host::run(options, boot_teller()) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            let failure = crate::failure::of_host(error);
            // The one who waits at the pipe hears it first; the log gets it from the program's end as every failure.
            let _ = ctx.json_line(&FailedBoot::from(&failure));
            Err(Stopped::Failed(Box::new(failure)))
        }
    }
}

/// Tells the boot on stdout until everything is at rest, then lets stdout go. A reader that has gone is no reason to
/// stop: the kernel runs on.
fn boot_teller() -> impl Fn(&News) + 'static {
    let is_open = std::cell::Cell::new(true);
    move |news| {
        if let News::Trouble(what) = news {
            let _ = writeln!(std::io::stderr().lock(), "trouble: {what}");
        }
        if !is_open.get() {
            return;
        }
        if let Some(event) = to_event(news)
            && let Ok(line) = serde_json::to_string(&event)
        {
            let mut stdout = std::io::stdout().lock();
            let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        }
        if matches!(news, News::Settled(_)) {
            is_open.set(false);
            if let Ok(nothing) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
                let _ = rustix::stdio::dup2_stdout(&nothing);
            }
        }
    }
}

/// One module of the demo.
fn demo_module(args: &DemoModuleArgs) -> Outcome {
    Ok(demo::play(args.role))
}

/// The little process that outlives a killed kernel.
fn sentinel(args: &SentinelArgs) -> Outcome {
    host::sentinel_main(&args.words);
    Ok(Exit::Done)
}

/// The little process that opens what modules may reach of the network.
fn net_helper() -> Outcome {
    host::net_helper_main();
    Ok(Exit::Done)
}

/// Proves that this binary can take the place of a running kernel's.
fn handover_check() -> Outcome {
    match host::handover_check_main(env!("CARGO_PKG_VERSION")) {
        code if code == std::process::ExitCode::SUCCESS => Ok(Exit::Done),
        _ => Ok(Exit::Failed),
    }
}

/// The process that speaks HTTP.
fn web_process(ctx: &Ctx, args: &WebProcessArgs) -> Outcome {
    crate::foreground::start_log(ctx, LevelFilter::INFO);
    let options = web::Options {
        kernel_socket: args.kernel_socket.clone(),
        state: args.state.clone(),
        listen: args.listen.parse::<web::Listen>().map_err(Failure::from)?,
        tls: match (&args.tls_cert, &args.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(web::tls::Files { certificate: certificate.clone(), key: key.clone() })
            }
            _ => None,
        },
        name: args.name.clone(),
    };
    web::run(&options, |_| tell_manager_ready()).map_err(Failure::from)?;
    Ok(Exit::Done)
}

/// The process between the kernel and an MCP server.
fn mcp_bridge(args: &McpBridgeArgs) -> Outcome {
    let options = mcp::bridge::Options {
        module: args.module.clone(),
        services: args.services.clone(),
        command: args.command.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let ended_well = mcp::bridge::run(options) == std::process::ExitCode::SUCCESS;
    Ok(if ended_well { Exit::Done } else { Exit::Failed })
}

/// Whoever started this process is told that it serves.
fn tell_manager_ready() {
    let Some(place) = Variable::NotifySocket.value() else { return };
    // Who does not listen waits for nothing.
    let _unheard = UnixDatagram::unbound().and_then(|socket| socket.send_to(b"READY=1", place));
}
