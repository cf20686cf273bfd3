//! Takes stdin and stdout away from everybody else in the process.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

/// The two pipes to the kernel, on descriptors that nobody else knows.
pub(crate) struct Pipes {
    pub(crate) input: File,
    pub(crate) output: File,
}

/// Moves the pipes away: descriptor 0 then reads nothing, and descriptor 1 goes where stderr goes, which the kernel
/// takes for log lines. Child processes inherit that and not the pipes.
pub(crate) fn take() -> io::Result<Pipes> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(Pipes { input, output })
}
