//! The part of WASI that a guest gets: everything that has no authority, and folders and variables by permission.
//!
//! Linked are `wasi:io`, `wasi:cli`, `wasi:clocks`, `wasi:random` and `wasi:filesystem`, because the start-up code of
//! ordinary programs imports them. They reach only what the context holds, and that begins empty: no folder, no
//! variable, no argument, no terminal, no network. `wasi:sockets` and `wasi:http` are not linked at all.

use std::path::{Path, PathBuf};

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiView};
use wasmtime_wasi_io::bindings::wasi::io;

use crate::grant::Grant;
use crate::stdio::{Inlet, Outlet};

/// 64 KiB of randomness in one call; a guest that wants more asks again, and pays for it with its own time.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// Why the world of a guest could not be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The path is no folder, does not exist or may not be opened.
    #[error("`{path}` can't be opened as a folder: {reason}")]
    Folder {
        /// As the permission names it.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// WASI has no folders that can only be written.
    #[error("`{path}` may be written but not read; WASI opens no folder for writing alone")]
    WriteOnly {
        /// As the permission names it.
        path: String,
    },
}

/// The standard streams of one guest; what is not given is empty or goes nowhere.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    pub(crate) stdin: Option<Inlet>,
    pub(crate) stdout: Option<Outlet>,
    pub(crate) stderr: Option<Outlet>,
}

/// What a guest reaches: nothing but what its grant names.
pub(crate) fn context(grant: &Grant, streams: Streams) -> Result<WasiCtx, WorldError> {
    let mut ctx = WasiCtx::builder();
    // Files are read on the guest's own thread, so that its deadline holds and no pool of threads is kept.
    ctx.allow_blocking_current_thread(true).max_random_size(RANDOM_BYTES_MAX);
    ctx.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
    if let Some(stdin) = streams.stdin {
        ctx.stdin(stdin);
    }
    ctx.stdout(streams.stdout.unwrap_or_else(Outlet::closed));
    ctx.stderr(streams.stderr.unwrap_or_else(Outlet::closed));
    ctx.args(&grant.arguments);
    for name in &grant.permissions.env {
        if let Some(value) = grant.environment.get(name) {
            ctx.env(name, value);
        }
    }
    open_folders(&mut ctx, grant)?;
    Ok(ctx.build())
}

fn open_folders(ctx: &mut wasmtime_wasi::WasiCtxBuilder, grant: &Grant) -> Result<(), WorldError> {
    if let Some(path) = grant.permissions.write.difference(&grant.permissions.read).next() {
        return Err(WorldError::WriteOnly { path: path.clone() });
    }
    for path in &grant.permissions.read {
        let writable = grant.permissions.write.contains(path);
        let perms = if writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        let folder = |error: wasmtime::Error| WorldError::Folder {
            path: path.clone(),
            reason: error.root_cause().to_string(),
        };
        ctx.preopened_dir(place_of(path, &grant.home), path, perms).map_err(folder)?;
    }
    Ok(())
}

/// Relative paths lie in the module's own folder; what stands for a person's home was replaced by the host before.
fn place_of(path: &str, home: &Path) -> PathBuf {
    home.join(path)
}

/// What lets the stream functions find the table of a guest's handles.
struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links the parts of WASI named above; those that can wait are asynchronous.
pub(crate) fn add_to<T: WasiView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    io::error::add_to_linker::<T, HasTable>(linker, |t| t.ctx().table)?;
    io::poll::add_to_linker::<T, HasTable>(linker, |t| t.ctx().table)?;
    io::streams::add_to_linker::<T, HasTable>(linker, |t| t.ctx().table)?;
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(linker, T::clocks)?;
    random::random::add_to_linker::<T, WasiRandom>(linker, |t| t.ctx().ctx.random())?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, |t| t.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, |t| t.ctx().ctx.random())?;
    filesystem::preopens::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    filesystem::types::add_to_linker::<T, WasiFilesystem>(linker, T::filesystem)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::stderr::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, T::cli)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, T::cli)
}
