//! Makes all attempts and prints what came of them: `escape [--long] [NAME...]`. Ends with 1 when one did harm or told nothing.
#![forbid(unsafe_code)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for the terminal talks to the terminal"
)]

use std::process::ExitCode;

use escape::{Outcome, Table};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (options, names): (Vec<&String>, Vec<&String>) =
        words.iter().partition(|word| word.starts_with("--"));
    let is_long = options.iter().any(|option| *option == "--long");
    let made = escape::all().and_then(|mut attempts| {
        attempts.retain(|attempt| names.is_empty() || names.contains(&&attempt.name));
        if is_long { Table::long(attempts) } else { Table::short(attempts) }
    });
    match made {
        Ok(table) => {
            println!("{table}");
            let broken: Vec<&String> = table.rows.iter().flat_map(|row| &row.broken).collect();
            broken.iter().for_each(|text| eprintln!("broken: {text}"));
            let harm = table.rows.iter().filter(|row| row.full == Outcome::Harm).count();
            println!("{} attempts, {harm} did harm with full containment", table.rows.len());
            if harm == 0 && broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("escape: {error}");
            ExitCode::FAILURE
        }
    }
}
