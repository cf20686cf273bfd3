//! The trivial command that every supervisor runs in the bench: it says once that it runs, then does nothing.
//!
//! `tick FIFO NUMBER`, or, without arguments, as `run` in a service folder `…/services/NUMBER` beside `…/roll`, which
//! spares runit, s6 and daemontools a shell that the others do not need either.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

fn main() {
    let mut args = std::env::args().skip(1);
    let (roll, number) = match (args.next(), args.next()) {
        (Some(roll), Some(number)) => (PathBuf::from(roll), number),
        _ => {
            let folder = std::env::current_dir().unwrap_or_default();
            let number =
                folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (folder.join("../../roll"), number)
        }
    };
    // A line this short is written to a pipe in one piece, whoever else writes at the same time.
    let line = format!("{number} {}\n", std::process::id());
    let written =
        OpenOptions::new().write(true).open(&roll).and_then(|mut pipe| pipe.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!("tick {number}: {}: {error}", roll.display());
        std::process::exit(1);
    }
    loop {
        std::thread::park();
    }
}
