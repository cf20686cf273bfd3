//! The verb: what has to hold before another binary takes over, and the leaving itself.

use std::cell::RefCell;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use abi::Record;
use protocol::operator::{SelfBinary, SelfLast, SelfUpdatePlan, SelfVersions};
use rustix::io::Errno;
use sandbox::inherited::{Kept, keep_open};
use serde::Deserialize;
use tokio::task::{spawn_blocking, spawn_local, yield_now};

use super::error::SelfUpdateError;
use super::form::{FORM, Left, Renewal};
use super::image;
use super::leave::Way;
use super::versions::{Binary, Installed, Last, Versions, sweep, take_in};
use crate::clock::wall_now;
use crate::home::Home;
use crate::midwife::Replacement;
use crate::shell::Shell;

/// 10 s for a binary to prove itself: it reads one file.
const CHECK_WITHIN: Duration = Duration::from_secs(10);

/// 5 ms between two looks whether it has.
const CHECK_LOOK_EVERY: Duration = Duration::from_millis(5);

/// 4 KiB: what it may say.
const SAID_BYTES_MAX: u64 = 4 << 10;

/// 5 s for what operators wait for; whoever still waits then loses the connection.
const ORDERS_WITHIN: Duration = Duration::from_secs(5);

/// 150 ms without any module being heard, for what is under way in this program: births, secrets, configuration.
const QUIET_WITHIN: Duration = Duration::from_millis(150);

/// 1 ms between two looks whether it is done.
const QUIET_LOOK_EVERY: Duration = Duration::from_millis(1);

/// 200 ms for what waits to be written; a slower disk loses nothing that is not lost at a fall of the kernel too.
const WRITE_WITHIN: Duration = Duration::from_millis(200);

/// 16 turns for every task that has something to write: the answer to who asked goes out in one of them.
const LAST_TURNS: u32 = 16;

/// What somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The binary; the earlier one when left out.
    pub(crate) file: Option<PathBuf>,
    /// Only look.
    pub(crate) dry_run: bool,
    /// Modules that can't be handed over may be started again.
    pub(crate) restarts: bool,
}

/// What is about to take over.
#[derive(Debug, Clone)]
struct Next {
    binary: Binary,
    running: Binary,
    restarts: Vec<String>,
    bytes: u64,
}

/// Verifies a binary and, unless that is all, begins to hand over to it. Comes back before that has happened.
///
/// # Errors
/// [`SelfUpdateError`]; nothing has changed then.
pub(crate) async fn renew(shell: &Rc<RefCell<Shell>>, wish: Wish) -> Result<SelfUpdatePlan, SelfUpdateError> {
    let renewal = shell.borrow().renewal.clone().ok_or(SelfUpdateError::NotHere)?;
    if shell.borrow().is_stopping {
        return Err(SelfUpdateError::ShuttingDown);
    }
    if std::mem::replace(&mut shell.borrow_mut().is_renewing, true) {
        return Err(SelfUpdateError::Busy);
    }
    let prepared = prepare(shell, &renewal, &wish).await;
    let begun = prepared.and_then(|next| {
        if wish.dry_run {
            return Ok((next, None));
        }
        shell.borrow().refuse_between_lives()?;
        if !wish.restarts && !next.restarts.is_empty() {
            return Err(SelfUpdateError::Restarts(next.restarts));
        }
        let before = promote(&shell.borrow().files.home, &next)?;
        Ok((next, Some(before)))
    });
    if !matches!(begun, Ok((_, Some(_)))) {
        // What was only looked at is not kept.
        let home = shell.borrow().files.home.clone();
        sweep(&home);
    }
    let (next, before) = begun.inspect_err(|_| shell.borrow_mut().is_renewing = false)?;
    let plan = shell.borrow().self_update_plan(&next);
    match before {
        None => shell.borrow_mut().is_renewing = false,
        Some(before) => {
            let record = Record::new("kernel.replacing")
                .text("from", next.running.version.as_str())
                .text("to", next.binary.version.as_str())
                .text("hash", next.binary.hash.as_str());
            shell.borrow_mut().record(record);
            spawn_local(hand_over(shell.clone(), renewal, next, before));
        }
    }
    Ok(plan)
}

/// The binaries that are kept, and how the last change ended.
pub(crate) fn list(home: &Home) -> SelfVersions {
    let versions = Versions::of(home);
    let own = std::env::current_exe().ok();
    let row = |binary: Binary| SelfBinary {
        runs: own.as_ref() == Some(&binary.path),
        path: binary.path.display().to_string(),
        hash: binary.hash,
        version: binary.version,
    };
    SelfVersions {
        is_at_rest: versions.tries.is_none(),
        active: versions.active.map(row),
        fallback: versions.fallback.map(row),
        last: versions.last.map(|last| SelfLast {
            hash: last.hash,
            version: last.version,
            took_over: last.why.is_empty(),
            why: last.why,
            pause_ms: last.pause_ms,
            modules: last.modules,
            at_ms: last.at_ms,
        }),
    }
}

/// Takes the binary in and lets it prove itself.
async fn prepare(
    shell: &Rc<RefCell<Shell>>,
    renewal: &Renewal,
    wish: &Wish,
) -> Result<Next, SelfUpdateError> {
    let (home, version) = {
        let shell = shell.borrow();
        (shell.files.home.clone(), shell.version.clone())
    };
    let file = match &wish.file {
        Some(file) => file.clone(),
        None => Versions::of(&home).fallback.ok_or(SelfUpdateError::NothingBefore)?.path,
    };
    let asked = file.clone();
    let taking = spawn_blocking(move || {
        let running = running(&home, &version)?;
        let disk = |source| SelfUpdateError::Disk { doing: "take in", path: file.clone(), source };
        let (hash, path) = take_in(&home, &file).map_err(disk)?;
        let bytes = std::fs::metadata(&path).map_err(disk)?.len();
        Ok::<_, SelfUpdateError>((running, hash, path, bytes))
    });
    let (running, hash, path, bytes) = taking.await.unwrap_or(Err(SelfUpdateError::Busy))?;
    let (image, restarts) = {
        let shell = shell.borrow();
        let left = shell
            .left(Way { to: &hash, back: &running.path, words: &renewal.words })
            .ok_or(SelfUpdateError::ShuttingDown)?;
        (write(&left, &path)?, shell.restarts_at_handover())
    };
    let (program, words) = (path.clone(), renewal.check.clone());
    let checking = spawn_blocking(move || ask(&program, &words, image));
    let said = checking.await.unwrap_or_else(|_| Err("the thread that asks it has died".to_owned()));
    let version = said.map_err(|why| SelfUpdateError::NotVerified { path: asked, why })?;
    Ok(Next { binary: Binary { hash, version, path }, running, restarts, bytes })
}

fn write(left: &Left, path: &Path) -> Result<OwnedFd, SelfUpdateError> {
    let disk = |source| SelfUpdateError::Disk {
        doing: "write what is handed over to",
        path: path.to_owned(),
        source,
    };
    image::write(left).map_err(disk)
}

/// The binary that runs, in a slot of its own, so that there is a way back whatever becomes of its file.
fn running(home: &Home, version: &str) -> Result<Binary, SelfUpdateError> {
    let disk =
        |source| SelfUpdateError::Disk { doing: "keep", path: PathBuf::from("/proc/self/exe"), source };
    let own = std::env::current_exe().map_err(disk)?;
    let versions = Versions::of(home);
    let known = [versions.active, versions.fallback].into_iter().flatten().find(|binary| binary.path == own);
    match known {
        Some(binary) => Ok(binary),
        None => {
            let (hash, path) = take_in(home, Path::new("/proc/self/exe")).map_err(disk)?;
            Ok(Binary { hash, version: version.to_owned(), path })
        }
    }
}

/// What a binary says when it is asked whether it can take over.
#[derive(Debug, Deserialize)]
struct Said {
    form: u32,
    version: String,
    why: Option<String>,
}

/// Asks it, and gives its version.
fn ask(program: &Path, words: &[std::ffi::OsString], image: OwnedFd) -> Result<String, String> {
    let child = Command::new(program)
        .args(words)
        .stdin(Stdio::from(image))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let mut child = child.map_err(|error| format!("it can't be run: {error}"))?;
    let until = Instant::now() + CHECK_WITHIN;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            // It has ended, and whoever reaps orphans was quicker: what it said has to do.
            Err(error) if error.raw_os_error() == Some(Errno::CHILD.raw_os_error()) => break None,
            Ok(None) if Instant::now() < until => std::thread::sleep(CHECK_LOOK_EVERY),
            Ok(None) => {
                // It is ours and has not been reaped, so this meets nobody else.
                let _gone = child.kill().and_then(|()| child.wait());
                return Err(format!("it did not answer within {} s", CHECK_WITHIN.as_secs()));
            }
            Err(error) => return Err(error.to_string()),
        }
    };
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        // What it left behind may hold the pipe, so no more is read than is there at the first look.
        let _unreadable = stdout.take(SAID_BYTES_MAX).read_to_string(&mut text);
    }
    let said: Said =
        serde_json::from_str(text.trim()).map_err(|_| "it does not say that it can".to_owned())?;
    match said.why {
        Some(why) => Err(why),
        None if said.form != FORM => {
            Err(format!("it knows form {} of what is handed over, not {FORM}", said.form))
        }
        None if status.is_some_and(|status| !status.success()) => Err("it ended with an error".to_owned()),
        None => Ok(said.version),
    }
}

/// Writes down that the new one is to run and has not come to rest; gives how it was before.
fn promote(home: &Home, next: &Next) -> Result<Versions, SelfUpdateError> {
    let before = Versions::of(home);
    let own = std::env::current_exe().ok();
    let is_slot = own.as_ref() == Some(&next.running.path);
    let installed = match own.filter(|_| !is_slot) {
        Some(own) => Installed::of(&own).ok(),
        None => before.installed.clone(),
    };
    let versions = Versions {
        active: Some(next.binary.clone()),
        fallback: Some(next.running.clone()),
        installed,
        tries: Some(0),
        last: before.last.clone(),
    };
    versions.keep(home).map_err(SelfUpdateError::List)?;
    Ok(before)
}

/// Leaves. Comes to its end only when that did not happen.
async fn hand_over(shell: Rc<RefCell<Shell>>, renewal: Renewal, next: Next, before: Versions) {
    for _ in 0..LAST_TURNS {
        yield_now().await;
    }
    let until = Instant::now() + ORDERS_WITHIN;
    while shell.borrow().desk.open() > 0 && Instant::now() < until {
        tokio::time::sleep(QUIET_LOOK_EVERY).await;
    }
    // What has waited to be written until now is written before anybody has to wait for it.
    if shell.borrow().is_unsaved {
        // What went wrong was told as a trouble.
        let _told = crate::effects::save_now(&shell).await;
    }
    flush(&shell.borrow());
    crate::manager::tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", crate::clock::monotonic_ns() / 1000));
    shell.borrow_mut().is_leaving = true;
    let until = Instant::now() + QUIET_WITHIN;
    while shell.borrow().is_at_work() && (Instant::now() < until || shell.borrow().births.is_busy()) {
        tokio::time::sleep(QUIET_LOOK_EVERY).await;
    }
    let why = leave(&shell, &renewal, &next);
    stay(&shell, &next, before, &why);
}

fn flush(shell: &Shell) {
    if let Err(error) = shell.talk.scribe.flush(WRITE_WITHIN) {
        tracing::warn!(%error, "not all of the journal is written before another binary takes over");
    }
    if let Err(error) = shell.talk.logs.flush(WRITE_WITHIN) {
        tracing::warn!(%error, "not all logs are written before another binary takes over");
    }
}

/// The last step, in one piece: nothing else happens in this program any more. Gives the reason why it did not work.
fn leave(shell: &Rc<RefCell<Shell>>, renewal: &Renewal, next: &Next) -> String {
    let mut shell = shell.borrow_mut();
    shell.end_turn();
    shell.talk.end_all("another binary takes over; connect again");
    flush(&shell);
    // A swap may have begun since it was asked for.
    if let Err(error) = shell.refuse_between_lives() {
        return error.to_string();
    }
    let way = Way { to: &next.binary.hash, back: &next.running.path, words: &renewal.words };
    let Some(left) = shell.left(way) else { return "the kernel is about to stop".to_owned() };
    let image = match image::write(&left) {
        Ok(image) => image,
        Err(error) => return format!("there is no memory for what is handed over: {error}"),
    };
    let kept = shell.keep_all(Kept::Open).and_then(|()| keep_open(image.as_fd(), Kept::Open));
    let why = match kept {
        Ok(()) => {
            let mut words = renewal.words.clone();
            words.extend([renewal.flag.into(), image.as_raw_fd().to_string().into()]);
            shell.births.replace(Replacement { program: next.binary.path.clone(), words })
        }
        Err(error) => error.to_string(),
    };
    if let Err(error) = shell.keep_all(Kept::Closed) {
        tracing::error!(%error, "modules may inherit descriptors of others");
    }
    why
}

/// It did not happen: everything goes on as before.
fn stay(shell: &Rc<RefCell<Shell>>, next: &Next, before: Versions, why: &str) {
    let mut shell = shell.borrow_mut();
    (shell.is_leaving, shell.is_renewing) = (false, false);
    let (hash, version) = (next.binary.hash.clone(), next.binary.version.clone());
    let last = Last { hash, version, why: why.to_owned(), pause_ms: None, modules: 0, at_ms: wall_now().0 };
    let home = shell.files.home.clone();
    if let Err(error) = (Versions { last: Some(last), ..before }).keep(&home) {
        shell.trouble(format!("the list of the kernel's own binaries can't be kept: {error}"));
    }
    shell.record(Record::new("kernel.not_replaced").text("why", why));
    shell.trouble(format!("another binary could not take over: {why}"));
    crate::manager::tell("READY=1");
    shell.end_turn();
}

impl Shell {
    /// Whether something is under way that only this program can finish.
    fn is_at_work(&self) -> bool {
        self.births.is_busy()
            || !self.sets.is_empty()
            || self.secrets.is_asked()
            || self.keeping.is_busy()
            || self.is_unsaved
    }

    /// What is on its way between two lives of a module can't be handed over.
    fn refuse_between_lives(&self) -> Result<(), SelfUpdateError> {
        let modules = self.kernel.between_lives();
        if modules.is_empty() {
            return Ok(());
        }
        Err(SelfUpdateError::Swapping(modules.iter().map(ToString::to_string).collect()))
    }

    fn self_update_plan(&self, next: &Next) -> SelfUpdatePlan {
        let running = self.kernel.views().into_iter().filter(|view| view.generation.is_some()).count();
        SelfUpdatePlan {
            from: next.running.version.clone(),
            to: next.binary.version.clone(),
            hash: next.binary.hash.clone(),
            bytes: next.bytes,
            is_same: next.binary.hash == next.running.hash,
            modules: u32::try_from(running.saturating_sub(next.restarts.len())).unwrap_or(u32::MAX),
            restarts: next.restarts.clone(),
        }
    }
}
