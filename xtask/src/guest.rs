//! `cargo xtask guest`: the real programs in an emulated machine with Debian's Linux 6.1, which has what the machines that we build on
//! lack (cgroup v2 with its controllers) and lacks what they have (a new Landlock).
//!
//! A slow test, by hand: a minute to build and some to run, on one core, without any right of root and without `/dev/kvm`.
//! What the guest says comes by its serial line and is kept in `target/guest/FORM.log`.

mod archive;
mod checks;
mod console;
mod image;
mod parts;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use checks::{CHECKS, Check, Form};
use console::{Console, Ran};
use parts::Parts;

use crate::shell;

/// 120 s for the boot and for the end, beside the checks' own times.
const BOOT_SECONDS: u32 = 120;

/// 3 GiB: the file system lies in memory, and one of the attempts takes 1 GiB before it is stopped.
const MEMORY: &str = "3072";

/// What a failed check said last is shown again.
const TAIL_LINES: usize = 60;

/// What is to be done.
#[derive(Debug, Default)]
struct Wish {
    forms: Vec<Form>,
    names: Vec<String>,
}

/// Runs the checks in the guest.
///
/// # Errors
/// When a part can't be had, or a check does not hold.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let wish = wish(words)?;
    let folder = shell::target().join("guest");
    std::fs::create_dir_all(&folder)?;
    let parts = Parts::get(&folder)?;
    let mut faults = Vec::new();
    for form in &wish.forms {
        let is_wanted = |check: &&Check| {
            // Without the facts nobody knows what a form has shown.
            let is_named = wish.names.is_empty()
                || check.name == "facts"
                || wish.names.iter().any(|name| name == check.name);
            is_named && check.forms.contains(form)
        };
        let checks: Vec<Check> = CHECKS.iter().filter(is_wanted).copied().collect();
        println!("\n=== Linux 6.1, {} ===", form.as_str());
        let found =
            one(&folder, &parts, &checks, *form).with_context(|| format!("the form {}", form.as_str()))?;
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", form.as_str())));
    }
    if faults.is_empty() {
        println!("\nall checks held");
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

/// `[--form FORM] [--only NAME,NAME]`.
fn wish(words: &[&str]) -> Result<Wish> {
    let mut wish = Wish::default();
    let mut rest = words;
    while let [option, value, more @ ..] = rest {
        match *option {
            "--form" => {
                let form = Form::ALL.into_iter().find(|form| form.as_str() == *value);
                let all = Form::ALL.map(Form::as_str).join(", ");
                wish.forms.push(form.with_context(|| format!("no form `{value}`; there are {all}"))?);
            }
            "--only" => wish.names.extend(value.split(',').map(str::to_owned)),
            other => bail!("`{other}` is no option; there are --form FORM and --only NAME,NAME"),
        }
        rest = more;
    }
    ensure!(rest.is_empty(), "`{}` needs a value", rest.join(" "));
    for name in &wish.names {
        let all = CHECKS.map(|check| check.name).join(", ");
        ensure!(CHECKS.iter().any(|check| check.name == name), "no check `{name}`; there are {all}");
    }
    if wish.forms.is_empty() {
        wish.forms = Form::ALL.to_vec();
    }
    Ok(wish)
}

/// Boots one form, and gives what did not hold.
fn one(folder: &Path, parts: &Parts, checks: &[Check], form: Form) -> Result<Vec<String>> {
    let initramfs = image::make(folder, parts, checks, form)?;
    let seconds = BOOT_SECONDS + checks.iter().map(|check| check.seconds).sum::<u32>();
    let log = folder.join(format!("{}.log", form.as_str()));
    let console = boot(parts, &initramfs, form, seconds, &log)?;
    let names: Vec<&str> = checks.iter().map(|check| check.name).collect();
    let faults = console.faults(&names);
    if !console.is_done {
        println!("{}", shell::tail(&console.around.join("\n"), TAIL_LINES));
    }
    if !faults.is_empty() {
        println!("all that was said: {}", log.display());
    }
    Ok(faults)
}

fn boot(parts: &Parts, initramfs: &Path, form: Form, seconds: u32, log: &PathBuf) -> Result<Console> {
    let mut qemu = parts.qemu(seconds);
    emulated(&mut qemu, parts, initramfs, form);
    let mut kept = std::fs::File::create(log)?;
    let mut child = qemu.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("starting qemu")?;
    let output = child.stdout.take().context("it has an output")?;
    let mut reader = BufReader::new(output);
    let (mut console, mut line) = (Console::default(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        kept.write_all(&line)?;
        if let Some(ran) = console.hear(Instant::now(), &String::from_utf8_lossy(&line)) {
            show(ran);
        }
        line.clear();
    }
    let end = child.wait()?;
    ensure!(end.code() != Some(124), "the guest was not through within {seconds} s");
    Ok(console)
}

fn emulated(qemu: &mut Command, parts: &Parts, initramfs: &Path, form: Form) {
    // TCG by name: `/dev/kvm` may open and then hang. A processor with everything that can be emulated has a source of chance too.
    qemu.args(["-accel", "tcg", "-cpu", "max,la57=off", "-smp", "1", "-m", MEMORY]);
    qemu.args(["-display", "none", "-serial", "stdio", "-monitor", "none", "-nic", "none", "-no-reboot"]);
    qemu.arg("-kernel").arg(&parts.kernel).arg("-initrd").arg(initramfs);
    // A panic ends the machine; a slow processor is no lockup.
    let always = "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic nowatchdog random.trust_cpu=on rdinit=/guest/begin.sh";
    qemu.arg("-append").arg(format!("{always} {}", form.parameters()));
}

fn show(ran: &Ran) {
    let how = match ran.code {
        Some(0) => "held",
        _ => "FAILED",
    };
    println!("{how:7} {:10} {:4} s", ran.name, ran.took.as_secs());
    if ran.code != Some(0) {
        println!("{}", shell::tail(&ran.said.join("\n"), TAIL_LINES));
    }
}
