//! `service`: the kernel as a systemd unit, written whole and verified, with what to run next. It starts nothing itself.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::{Args, Subcommand};

use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::environment::Variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::offline::find_program;
use crate::output::ServiceUnit;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  sudo ostoja service install            for the whole machine
  ostoja service install --user          for you, while you are logged in
  ostoja service install --user --dry-run    print the unit
  ostoja service uninstall --user";

/// The unit's name.
const UNIT: &str = "ostoja.service";

/// The home of the machine's own service, where the file system standard puts a service's state.
const SYSTEM_HOME: &str = "/var/lib/ostoja";

/// 0644: units are read by everybody.
const UNIT_MODE: u32 = 0o644;

/// What can be typed behind `service`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ServiceArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write the unit and verify it
    #[command(after_help = "Examples:\n  ostoja service install --user\n  ostoja service install --dry-run")]
    Install(InstallArgs),
    /// Remove the unit
    #[command(after_help = "Examples:\n  ostoja service uninstall --user")]
    Uninstall(UninstallArgs),
}

#[derive(Debug, Args)]
struct InstallArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Only print the unit
    #[command(flatten)]
    dry_run: DryRun,
}

#[derive(Debug, Args)]
struct UninstallArgs {
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    dry_run: DryRun,
}

#[derive(Debug, Args)]
struct PlaceArgs {
    /// For this user instead of the whole machine
    #[arg(long)]
    user: bool,
    /// Below another root folder, as systemctl's own --root
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// Whose manager runs the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manager {
    System,
    User,
}

impl Manager {
    fn systemctl(self) -> &'static str {
        match self {
            Self::System => "systemctl",
            Self::User => "systemctl --user",
        }
    }

    fn wanted_by(self) -> &'static str {
        match self {
            Self::System => "multi-user.target",
            Self::User => "default.target",
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &ServiceArgs) -> Outcome {
    match &args.verb {
        Verb::Install(args) => install(ctx, args),
        Verb::Uninstall(args) => uninstall(ctx, args),
    }
}

fn install(ctx: &Ctx, args: &InstallArgs) -> Outcome {
    let manager = manager(&args.place);
    let path = unit_path(manager, args.place.root.as_deref())?;
    let program =
        std::env::current_exe().map_err(|error| Failure::io("find", Path::new("ostoja"), &error))?;
    let unit = unit_text(manager, &program, &home(ctx, manager)?);
    let mut told = ServiceUnit {
        path: path.display().to_string(),
        unit: Some(unit.clone()),
        verified: None,
        next: vec![
            format!("{} daemon-reload", manager.systemctl()),
            format!("{} enable --now {UNIT}", manager.systemctl()),
            format!("{} status {UNIT}", manager.systemctl()),
        ],
    };
    if args.dry_run.dry_run {
        ctx.show(&told, |told| told.unit.clone().unwrap_or_default())?;
        return Ok(Exit::Done);
    }
    write_unit(&path, &unit)?;
    told.verified = verify(manager, &path)?;
    if ctx.is_json() {
        ctx.document(&told)?;
        return Ok(Exit::Done);
    }
    ctx.say_phrase(Phrase::ServiceWritten, &[&told.path]);
    if told.verified.is_none() {
        ctx.say_phrase(Phrase::NoVerify, &[]);
    }
    tell_next(ctx, &told.next)
}

fn uninstall(ctx: &Ctx, args: &UninstallArgs) -> Outcome {
    let manager = manager(&args.place);
    let path = unit_path(manager, args.place.root.as_deref())?;
    if !path.exists() {
        let failure =
            Failure::new("cli::service::not_found", format!("there is no unit `{}`", path.display()));
        return Err(failure.into());
    }
    let told = ServiceUnit {
        path: path.display().to_string(),
        unit: None,
        verified: None,
        next: vec![
            format!("{} disable --now {UNIT}", manager.systemctl()),
            format!("{} daemon-reload", manager.systemctl()),
        ],
    };
    if !args.dry_run.dry_run {
        fs::remove_file(&path).map_err(|error| denied_help(Failure::io("remove", &path, &error)))?;
    }
    if ctx.is_json() {
        ctx.document(&told)?;
        return Ok(Exit::Done);
    }
    if !args.dry_run.dry_run {
        ctx.say_phrase(Phrase::ServiceRemoved, &[&told.path]);
    }
    tell_next(ctx, &told.next)
}

/// What to run next is data: it can be piped into a shell.
fn tell_next(ctx: &Ctx, next: &[String]) -> Outcome {
    let phrase = if find_program("systemctl").is_some() { Phrase::RunNext } else { Phrase::NoSystemctl };
    ctx.say_phrase(phrase, &[]);
    ctx.print(&next.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(Exit::Done)
}

fn manager(place: &PlaceArgs) -> Manager {
    if place.user { Manager::User } else { Manager::System }
}

fn unit_path(manager: Manager, root: Option<&Path>) -> Outcome<PathBuf> {
    let folder = match manager {
        Manager::System => PathBuf::from("/etc/systemd/system"),
        Manager::User => Variable::XdgConfigHome
            .path()
            .or_else(|| Variable::Home.path().map(|home| home.join(".config")))
            .map(|config| config.join("systemd/user"))
            .ok_or_else(|| {
                Failure::new("cli::service::no_home", "neither $HOME nor $XDG_CONFIG_HOME is set")
            })?,
    };
    let folder = match root {
        None => folder,
        Some(root) => root.join(folder.strip_prefix("/").unwrap_or(&folder)),
    };
    Ok(folder.join(UNIT))
}

/// The home that was named; else the machine's own, or the user's.
fn home(ctx: &Ctx, manager: Manager) -> Outcome<PathBuf> {
    Ok(match (manager, &ctx.global.home) {
        (Manager::System, None) => PathBuf::from(SYSTEM_HOME),
        (Manager::System | Manager::User, _) => Target::of(ctx)?.home.root().to_owned(),
    })
}

/// The whole unit.
///
/// `KillMode=mixed`: only the kernel is told to end, since it ends its modules in order; what is left when it has gone
/// is killed. `Delegate=yes`: the kernel may make groups of its own below its unit's.
fn unit_text(manager: Manager, program: &Path, home: &Path) -> String {
    format!(
        "\
# Written by `ostoja service install`. Changes belong into `{systemctl} edit {UNIT}`.
[Unit]
Description=Ostoja, a kernel for programs and agents
Documentation=man:ostoja(1)
After=network.target
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=notify
NotifyAccess=main
ExecStart={program} --home {home} kernel start
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=1
WatchdogSec=30
TimeoutStartSec=120
TimeoutStopSec=60
KillMode=mixed
Delegate=yes
LimitNOFILE=65536
UMask=0077

[Install]
WantedBy={wanted_by}
",
        systemctl = manager.systemctl(),
        program = unit_word(program),
        home = unit_word(home),
        wanted_by = manager.wanted_by(),
    )
}

/// A path as one word of a unit: quoted, with systemd's own signs escaped.
fn unit_word(path: &Path) -> String {
    let text = path.to_string_lossy().replace('%', "%%").replace('$', "$$");
    if text.chars().all(|found| found.is_ascii_alphanumeric() || "/._-+%$".contains(found)) {
        return text;
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn write_unit(path: &Path, unit: &str) -> Outcome<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| denied_help(Failure::io("create", folder, &error)))?;
    }
    store::write_whole(path, unit.as_bytes(), UNIT_MODE).map_err(|error| {
        let is_denied = error.source.kind() == std::io::ErrorKind::PermissionDenied;
        let failure = Failure::from(error);
        if is_denied { denied_help(failure.exit(Exit::Denied)) } else { failure }
    })?;
    Ok(())
}

fn denied_help(failure: Failure) -> Failure {
    if failure.exit == Exit::Denied {
        return failure.help("sudo ostoja service install; or for yourself: ostoja service install --user");
    }
    failure
}

/// Whether systemd finds nothing wrong; nothing where it is not there to be asked.
///
/// # Errors
/// `cli::service::not_verified` with its complaints; the unit is taken away again.
fn verify(manager: Manager, path: &Path) -> Outcome<Option<bool>> {
    let Some(analyze) = find_program("systemd-analyze") else { return Ok(None) };
    let mut command = Command::new(&analyze);
    let mut lent = None;
    if manager == Manager::User {
        command.arg("--user");
        if Variable::XdgRuntimeDir.value().is_none() {
            // Outside of a session, as under sudo or cron, it would refuse to look at all.
            let folder = lend_folder()?;
            command.env(Variable::XdgRuntimeDir.name(), &folder);
            lent = Some(folder);
        }
    }
    // Its manual pages may not be installed, which is no flaw of the unit.
    let output = command.args(["verify", "--man=no"]).arg(path).output();
    if let Some(folder) = lent {
        // Nothing of worth is in it; what can't be removed is left to the system's own cleaning.
        let _ = fs::remove_dir_all(folder);
    }
    let output = output.map_err(|error| Failure::io("run", &analyze, &error))?;
    if output.status.success() {
        return Ok(Some(true));
    }
    let lines = String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned).collect();
    // A unit that systemd refuses is worse than none.
    let _ = fs::remove_file(path);
    let failure = Failure::new(
        "cli::service::not_verified",
        "systemd-analyze refuses the unit, so it was taken away again",
    );
    Err(failure.details(lines).into())
}

/// A folder for this user alone, below the temporary one.
fn lend_folder() -> Outcome<PathBuf> {
    let folder = std::env::temp_dir().join(format!("ostoja-verify-{}", std::process::id()));
    let made = fs::DirBuilder::new().mode(0o700).create(&folder);
    made.map_err(|error| Failure::io("create", &folder, &error))?;
    Ok(folder)
}

#[cfg(test)]
mod tests;
