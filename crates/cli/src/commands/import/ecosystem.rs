//! pm2's ecosystem as JavaScript: only node can say what is in it, as pm2 itself lets node do.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::offline::find_program;

/// 10 s: a configuration that computes longer is a program.
const EVALUATION_MAX: Duration = Duration::from_secs(10);

/// 1 MiB: as much as any file that is imported.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Reads the module and writes what it exports as one last line, since it may write lines of its own.
const SCRIPT: &str = "\
const { pathToFileURL } = require('url');
import(pathToFileURL(require('path').resolve(process.argv[1])).href)
  .then(m => m.default ?? m).then(v => typeof v === 'function' ? v() : v)
  .then(v => process.stdout.write('\\n' + JSON.stringify(v), () => process.exit(0)))
  .catch(e => { process.stderr.write(String(e && e.stack || e).split('\\n').slice(0, 4).join('\\n')); process.exit(1); });";

/// Whether a file of this name is JavaScript.
pub(super) fn is_script(name: &str) -> bool {
    [".js", ".cjs", ".mjs"].iter().any(|end| name.ends_with(end))
}

/// What the file exports, as JSON. Its code runs, with the rights of who types this.
///
/// # Errors
/// When node is not here, when the file throws, and when it takes too long.
pub(super) fn evaluated(file: &Path) -> Outcome<String> {
    let shown = file.display();
    std::fs::metadata(file).map_err(|error| Failure::io("read", file, &error))?;
    let Some(node) = find_program("node") else {
        let message = format!("`{shown}` is JavaScript, and `node` is not on PATH to say what is in it");
        let failure = Failure::new("cli::import::no_node", message);
        return Err(failure.help("write it as ecosystem.config.json, or install node").into());
    };
    let child = Command::new(&node)
        .args(["-e", SCRIPT, "--"])
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::io("run", &node, &error))?;
    let (text, said, worked) = heard(child, file)?;
    if !worked {
        let failure = Failure::new("cli::import::script_failed", format!("node could not read `{shown}`"));
        return Err(failure.details(said.lines().take(4).map(str::to_owned).collect()).into());
    }
    // Lines of its own come before.
    Ok(text.rsplit('\n').next().unwrap_or_default().to_owned())
}

/// Both outputs, and whether it left with 0.
fn heard(mut child: Child, file: &Path) -> Outcome<(String, String, bool)> {
    let streams = (child.stdout.take(), child.stderr.take());
    let (done, wait) = channel();
    // Both are read to their ends beside the wait; killing the child ends both.
    let out = std::thread::spawn(move || {
        let text = streams.0.map(|stream| text_of(stream.take(TEXT_BYTES_MAX))).unwrap_or_default();
        // Nobody waits any more after the deadline.
        let _ = done.send(());
        text
    });
    let err = std::thread::spawn(move || {
        streams.1.map(|stream| text_of(stream.take(TEXT_BYTES_MAX))).unwrap_or_default()
    });
    let is_late = wait.recv_timeout(EVALUATION_MAX).is_err();
    if is_late {
        child.kill().map_err(|error| Failure::io("stop", file, &error))?;
    }
    let status = child.wait().map_err(|error| Failure::io("wait for", file, &error))?;
    let (text, said) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
    if is_late {
        let message = format!("`{}` took longer than {} s", file.display(), EVALUATION_MAX.as_secs());
        return Err(Failure::new("cli::import::timed_out", message).into());
    }
    Ok((text, said, status.success()))
}

fn text_of(mut stream: impl Read) -> String {
    let mut bytes = Vec::new();
    // What was read before an error is what there is.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
