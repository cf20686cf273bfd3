//! The runtimes: how each is had, built and called. The peers in Rust are a workspace of their own below `bench/peers`,
//! with its own lock file; Erlang is Debian's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::{Build, Cores, Work};
use crate::{ci, shell};

/// Ostoja's own name in the table.
pub(super) const OURS: &str = "ostoja";

/// The peers that use more than one core.
pub(super) const MULTI_CORE: [&str; 5] = ["actix", "ractor", "kameo", "tokio", "erlang"];

/// The package of Ostoja's own program.
const OUR_PACKAGE: &str = "actor-bench";

/// One runtime.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) name: &'static str,
    /// What was set, and how it is used.
    pub(super) settings: &'static str,
    /// The words that do a work.
    pub(super) command: fn(&Work) -> Vec<OsString>,
}

/// All of them, Ostoja first.
pub(super) fn all() -> Vec<Runtime> {
    vec![
        Runtime {
            name: OURS,
            settings: "all checks on",
            command: |work| vec![ours().into(), work.name.into()],
        },
        Runtime {
            name: "actix",
            settings: "`do_send`, an arbiter per core, senders on one and receiver on the other",
            command: |work| peer("actix", work),
        },
        Runtime {
            name: "ractor",
            settings: "`send_message`, tokio with a worker per core, no features but the runtime",
            command: |work| peer("ractor", work),
        },
        Runtime {
            name: "kameo",
            settings: "`tell` and `try_send` into unbounded mailboxes, tokio with a worker per core, no features",
            command: |work| peer("kameo", work),
        },
        Runtime {
            name: "stakker",
            settings: "no features, one thread: left out on two cores",
            command: |work| peer("stakker", work),
        },
        Runtime {
            name: "tokio",
            settings: "a task and an unbounded channel per actor, `recv_many` where messages flood (faster than bounded, and than `recv`)",
            command: |work| peer("tokio", work),
        },
        Runtime {
            name: "erlang",
            settings: "a scheduler per core, bound; off-heap queue where messages flood",
            command: erlang,
        },
    ]
}

/// Installs and builds what a runtime needs; its version.
///
/// # Errors
/// When it can't be had.
pub(super) fn ready(runtime: &Runtime, build: Build) -> Result<String> {
    match runtime.name {
        OURS => {
            if build == Build::Fresh {
                shell::run(shell::cargo().args([
                    "build",
                    "--release",
                    "--locked",
                    "--package",
                    OUR_PACKAGE,
                ]))?;
            }
            built(&ours())?;
            Ok("of this tree".to_owned())
        }
        "erlang" => erlang_ready(),
        name => {
            if build == Build::Fresh {
                let mut cargo = shell::cargo();
                cargo.args(["build", "--release", "--locked", "--manifest-path", "bench/peers/Cargo.toml"]);
                shell::run(
                    cargo.arg("--package").arg(format!("peer-{name}")).arg("--target-dir").arg(peers()),
                )?;
            }
            built(&peers().join("release").join(format!("peer-{name}")))?;
            locked(name)
        }
    }
}

/// A program that must be there by now.
fn built(path: &std::path::Path) -> Result<()> {
    ensure!(path.is_file(), "there is no `{}`; it is built without --as-is", path.display());
    Ok(())
}

/// The version that the lock file of the peers holds.
fn locked(name: &str) -> Result<String> {
    let lock = std::fs::read_to_string(shell::root().join("bench/peers/Cargo.lock"))?;
    version_in(&lock, name).with_context(|| format!("the peers' lock file has no `{name}`"))
}

/// Name and version of a package in a lock file.
pub(super) fn version_in(lock: &str, name: &str) -> Option<String> {
    let rest = lock.split(&format!("name = \"{name}\"\n")).nth(1)?;
    let version = rest.lines().next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
    Some(format!("{name} {version}"))
}

fn ours() -> PathBuf {
    shell::target().join("release").join(OUR_PACKAGE)
}

/// Where the peers are built: with other flags and another lock file than the product.
fn peers() -> PathBuf {
    shell::target().join("bench/peers")
}

fn peer(name: &str, work: &Work) -> Vec<OsString> {
    vec![peers().join("release").join(format!("peer-{name}")).into(), work.name.into()]
}

fn erlang_ready() -> Result<String> {
    if !shell::on_path("erl") {
        ci::apt(&["erlang-base"])?;
    }
    std::fs::create_dir_all(beam())?;
    let source = shell::root().join("bench/peers/erlang/bench.erl");
    shell::read(Command::new("erlc").arg("-o").arg(beam()).arg(source)).context("compiling `bench.erl`")?;
    let mut query = Command::new("dpkg-query");
    let version = shell::read(query.args(["-W", "-f", "${Version}", "erlang-base"]))?;
    Ok(format!("erlang-base {version}"))
}

/// Where the compiled Erlang module is.
fn beam() -> PathBuf {
    shell::target().join("bench/erlang")
}

/// Two million processes may be, and each scheduler is bound to its core.
fn erlang(work: &Work) -> Vec<OsString> {
    let schedulers = if work.cores == Cores::One { "1:1" } else { "2:2" };
    let mut words: Vec<OsString> =
        ["erl", "-noinput", "-noshell", "+P", "2000000", "+S", schedulers, "+sbt", "db"]
            .map(OsString::from)
            .into();
    words.extend(["-pa".into(), beam().into()]);
    words.extend(["-s", "bench", "main", "-extra", work.name].map(OsString::from));
    words
}
