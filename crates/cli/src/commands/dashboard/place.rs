//! Where the dashboard listens, and with which certificate: changed only while it is off, since a life that holds one
//! address would have to end before the next one can be made.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use host::COMPANION;
use protocol::operator::{ModuleStatus, Request};
use serde_json::{Value, json};

use crate::configuration;
use crate::ctx::Ctx;
use crate::door::{ANSWER_TIMEOUT_DEFAULT, Door};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::target::Target;

use super::{DashboardArgs, LOOK_EVERY, config};

/// For the owner alone.
const MODE: u32 = 0o600;

/// Where the system says what it is called.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// Names that every certificate of ours is for.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Sets what was asked for, with the dashboard off; gives the fingerprint of the certificate if one was made.
///
/// # Errors
/// `cli::dashboard::certificate`, what the address is refused for, and what changing the configuration can end with.
pub(super) fn prepare(
    ctx: &Ctx,
    target: &Target,
    door: &mut Door,
    args: &DashboardArgs,
) -> Outcome<Option<String>> {
    let wanted = args.listen.as_deref().map(str::parse::<web::Listen>).transpose();
    let wanted = wanted.map_err(|error| Failure::from(error).exit(Exit::Usage))?;
    if wanted.is_none() && !args.tls_self_signed {
        return Ok(None);
    }
    let has_tls = args.tls_self_signed || configuration::load(target)?.get("ostoja-web.tls.cert").is_some();
    if let Some(listen) = wanted
        && !has_tls
    {
        listen.check_plain().map_err(|error| Failure::from(error).exit(Exit::Usage))?;
    }
    let set = |key: &str, value: Value| config::put(ctx, target, &format!("{COMPANION}.{key}"), value);
    // Made before anything is ended: what can't be made leaves all as it was.
    let made = args.tls_self_signed.then(|| make(args)).transpose()?;
    set("start", json!(false))?;
    until_gone(ctx, door)?;
    if let Some(listen) = &args.listen {
        set("listen", json!(listen))?;
    }
    let Some(made) = made else { return Ok(None) };
    let folder = target.home.companion().join("tls");
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let kept = fs::create_dir_all(&folder)
        .and_then(|()| keep(&key, &made.key))
        .and_then(|()| keep(&cert, &made.certificate));
    kept.map_err(|error| refused("the certificate can't be kept").caused_by(error.to_string()))?;
    set("tls.cert", json!(cert.display().to_string()))?;
    set("tls.key", json!(key.display().to_string()))?;
    if let Some(name) = args.tls_name.first() {
        set("name", json!(name))?;
    }
    Ok(Some(made.fingerprint))
}

fn refused(message: &str) -> Failure {
    Failure::new("cli::dashboard::certificate", message)
}

fn make(args: &DashboardArgs) -> Outcome<web::tls::MadeCertificate> {
    let mut names: Vec<String> = LOOPBACK.iter().map(|name| (*name).to_owned()).collect();
    // A machine without a name that a certificate can have is known by what was typed.
    names.extend(
        fs::read_to_string(HOSTNAME).ok().map(|name| name.trim().to_owned()).filter(|name| is_name(name)),
    );
    names.extend(args.tls_name.iter().cloned());
    let made = web::tls::made(&names);
    Ok(made.map_err(|error| {
        refused("no certificate can be made for these names").caused_by(error.to_string())
    })?)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Written aside and renamed: whoever reads it sees one or the other.
fn keep(path: &Path, text: &str) -> std::io::Result<()> {
    let aside = path.with_extension("new");
    // One that a killed command left may have other rights.
    let _none = fs::remove_file(&aside);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(MODE).open(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(aside, path)
}

fn until_gone(ctx: &Ctx, door: &mut Door) -> Outcome<()> {
    let deadline = Instant::now() + ctx.timeout_or(ANSWER_TIMEOUT_DEFAULT);
    loop {
        let rows: Vec<ModuleStatus> = door.ask(&Request::ModuleList {})?;
        if rows.iter().all(|row| row.id != COMPANION) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let why = format!("{COMPANION} does not end");
            return Err(Failure::new("cli::dashboard::not_ready", why)
                .help(format!("ostoja why {COMPANION}"))
                .into());
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
