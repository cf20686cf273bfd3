//! The registry of verbs: one variant each, one file each. Help, completions, man pages and the list of JSON outputs
//! are all made from here.

pub mod actors;
pub mod alert;
pub mod audit;
pub mod backup;
pub mod call;
pub mod completion;
pub mod config;
pub mod context;
pub mod dashboard;
pub mod demo;
pub mod dev;
pub mod docs;
pub mod doctor;
pub mod down;
pub mod function;
pub mod help;
pub mod import;
pub mod init;
pub mod internal;
pub mod kernel;
pub mod key;
pub mod logs;
pub mod mcp;
pub mod module;
pub mod new;
pub mod overview;
pub mod permissions;
pub mod ps;
pub mod publish;
pub mod reload;
pub mod replay;
pub mod restart;
pub mod run;
pub mod secret;
pub mod self_update;
pub mod service;
pub mod snapshot;
pub mod start;
pub mod status;
pub mod stop;
pub mod subscribe;
pub mod token;
pub mod top;
pub mod tui;
pub mod up;
pub mod update;
pub mod why;
pub mod zone;

use clap::Subcommand;

use crate::ctx::Ctx;
use crate::failure::Outcome;

/// A verb with what was typed behind it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the kernel and its modules, here or in the background
    Up(up::UpArgs),
    /// Stop everything in order
    Down(down::DownArgs),
    /// Run one more command under the running kernel
    Run(run::RunArgs),
    /// List modules
    Ps(ps::PsArgs),
    /// Tell how the kernel or one module is
    Status(status::StatusArgs),
    /// Start modules and wait until they are ready
    Start(start::StartArgs),
    /// Stop modules and wait until they are gone
    Stop(stop::StopArgs),
    /// Stop and start modules and wait until they are ready
    Restart(restart::RestartArgs),
    /// Read files again and act on the difference
    Reload(reload::ReloadArgs),
    /// Show or follow what modules say
    Logs(logs::LogsArgs),
    /// Call a service
    Call(call::CallArgs),
    /// Send a message on a topic
    Publish(publish::PublishArgs),
    /// Listen to topics
    Subscribe(subscribe::SubscribeArgs),
    /// Watch what modules use
    Top(top::TopArgs),
    /// Watch and steer everything on one screen
    Tui(tui::TuiArgs),
    /// Show the actors of the kernel's process: queues, rates, the hottest
    Actors(actors::ActorsArgs),
    /// Tell the story of a module: now, what happened, what to do
    Why(why::WhyArgs),
    /// Open the dashboard: turn it on and print a link that logs in once
    Dashboard(dashboard::DashboardArgs),
    /// See what fires and who is told; test, silence
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Alert(alert::AlertArgs),
    /// Make, list and revoke tokens that let programs in over HTTP
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Token(token::TokenArgs),
    /// Check this machine, the home and the kernel
    Doctor(doctor::DoctorArgs),
    /// Read the journal of decisions, or verify it
    Audit(audit::AuditArgs),
    /// Install, approve, update and inspect modules
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Module(module::ModuleArgs),
    /// Check packages, foresee what they change, make modules new by them
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Update(update::UpdateArgs),
    /// Put another binary of ostoja in the running kernel's place; modules run on
    SelfUpdate(self_update::SelfUpdateArgs),
    /// Keep the keys that sign packages, and trust those who make them
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Key(key::KeyArgs),
    /// Keep and run WebAssembly functions: JSON in, JSON out
    #[command(name = "fn", subcommand_required = true, arg_required_else_help = true)]
    Function(function::FunctionArgs),
    /// See and decide what modules may touch
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Permissions(permissions::PermissionsArgs),
    /// See and change the variables that modules keep with the kernel
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Context(context::ContextArgs),
    /// Back up what the home holds, and put it back
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Backup(backup::BackupArgs),
    /// Keep what modules and kernel remember at one moment, and put it back
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Snapshot(snapshot::SnapshotArgs),
    /// Keep secrets that modules are handed by grant only
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Secret(secret::SecretArgs),
    /// Read, change and check the configuration
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Config(config::ConfigArgs),
    /// Start, stop and inspect the kernel itself
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Kernel(kernel::KernelArgs),
    /// See which zone modules live in; promote, restart, reset
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Zone(zone::ZoneArgs),
    /// Install the kernel as a systemd service
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Service(service::ServiceArgs),
    /// Write a new module that runs
    New(new::NewArgs),
    /// Run a folder under your eyes: frames shown, changes taken over
    Dev(dev::DevArgs),
    /// Hold a recorded conversation with a module again
    Replay(replay::ReplayArgs),
    /// Talk with agents: this kernel as an MCP server
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Mcp(mcp::McpArgs),
    /// Make an ostoja.yaml from another program's file
    Import(import::ImportArgs),
    /// Propose an ostoja.yaml for a folder
    Init(init::InitArgs),
    /// Print a completion script for a shell
    Completion(completion::CompletionArgs),
    /// A guided tour in this terminal; nothing needed, nothing left behind
    Demo(demo::DemoArgs),
    /// Read the guides, concepts and reference, without a network
    Docs(docs::DocsArgs),
    /// Help about a verb, or: concepts, exit-codes, json, man DIR
    Help(help::HelpArgs),
}

impl Command {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Whatever the verb can end with.
    pub fn run(&self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Up(args) => up::run(ctx, args),
            Self::Down(args) => down::run(ctx, args),
            Self::Run(args) => run::run(ctx, args),
            Self::Ps(args) => ps::run(ctx, args),
            Self::Status(args) => status::run(ctx, args),
            Self::Start(args) => start::run(ctx, args),
            Self::Stop(args) => stop::run(ctx, args),
            Self::Restart(args) => restart::run(ctx, args),
            Self::Reload(args) => reload::run(ctx, args),
            Self::Logs(args) => logs::run(ctx, args),
            Self::Call(args) => call::run(ctx, args),
            Self::Publish(args) => publish::run(ctx, args),
            Self::Subscribe(args) => subscribe::run(ctx, args),
            Self::Top(args) => top::run(ctx, args),
            Self::Tui(args) => tui::run(ctx, args),
            Self::Actors(args) => actors::run(ctx, args),
            Self::Why(args) => why::run(ctx, args),
            Self::Dashboard(args) => dashboard::run(ctx, args),
            Self::Alert(args) => alert::run(ctx, args),
            Self::Token(args) => token::run(ctx, args),
            Self::Doctor(args) => doctor::run(ctx, args),
            Self::Audit(args) => audit::run(ctx, args),
            Self::Module(args) => module::run(ctx, args),
            Self::Update(args) => update::run(ctx, args),
            Self::SelfUpdate(args) => self_update::run(ctx, args),
            Self::Key(args) => key::run(ctx, args),
            Self::Function(args) => function::run(ctx, args),
            Self::Permissions(args) => permissions::run(ctx, args),
            Self::Context(args) => context::run(ctx, args),
            Self::Backup(args) => backup::run(ctx, args),
            Self::Snapshot(args) => snapshot::run(ctx, args),
            Self::Secret(args) => secret::run(ctx, args),
            Self::Config(args) => config::run(ctx, args),
            Self::Kernel(args) => kernel::run(ctx, args),
            Self::Zone(args) => zone::run(ctx, args),
            Self::Service(args) => service::run(ctx, args),
            Self::New(args) => new::run(ctx, args),
            Self::Dev(args) => dev::run(ctx, args),
            Self::Replay(args) => replay::run(ctx, args),
            Self::Mcp(args) => mcp::run(ctx, args),
            Self::Import(args) => import::run(ctx, args),
            Self::Init(args) => init::run(ctx, args),
            Self::Completion(args) => completion::run(ctx, args),
            Self::Demo(args) => demo::run(ctx, args),
            Self::Docs(args) => docs::run(ctx, args),
            Self::Help(args) => help::run(ctx, args),
        }
    }
}
