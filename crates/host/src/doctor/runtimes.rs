//! Which runtimes there are, and in which versions.

use std::process::{Command, Stdio};

use super::{Condition, Finding};

/// Each runtime's program, how it is asked for its version, and where it comes from.
const RUNTIMES: [(&str, &[&str], &str); 6] = [
    ("python3", &["--version"], "apt install python3"),
    ("node", &["--version"], "apt install nodejs"),
    ("deno", &["--version"], "npm install --global deno"),
    ("bun", &["--version"], "npm install --global bun"),
    ("php", &["--version"], "apt install php-cli"),
    ("sh", &["-c", "echo POSIX shell"], "a POSIX shell at /bin/sh"),
];

pub(super) fn examine() -> Vec<Finding> {
    RUNTIMES.iter().map(|(program, arguments, source)| ask(program, arguments, source)).collect()
}

/// All that a program is asked for is its version, which none of these takes long to tell.
fn ask(program: &str, arguments: &[&str], source: &str) -> Finding {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .env("NO_COLOR", "1")
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            Finding::new("runtime", program, Condition::Good, text.lines().next().unwrap_or_default())
        }
        Ok(output) => {
            Finding::new("runtime", program, Condition::Weak, format!("does not run: {}", output.status))
                .help(source)
        }
        Err(_) => Finding::new("runtime", program, Condition::Absent, "not on PATH").help(source),
    }
}
