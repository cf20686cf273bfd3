//! The one seam of this crate's tests: a script in, what the kernel wants done out.

mod driver;
pub(crate) mod lines;
mod words;

use std::format;
use std::string::String;
use std::vec::Vec;

use expect_test::Expect;

pub(crate) use driver::Driver;

/// Runs a script and compares what the kernel wanted done after its last `quiet`, step by step.
pub(crate) fn check(script: &str, expect: Expect) {
    expect.assert_eq(&run(script).1);
}

/// Runs a script for what can be asked of the kernel afterwards.
pub(crate) fn after(script: &str) -> Driver {
    run(script).0
}

/// Runs a script and gives only the lines that hold one of these texts, without the steps they came from.
pub(crate) fn heard(script: &str, wanted: &[&str]) -> Vec<String> {
    let all = run(script).1;
    let is_wanted = |line: &&str| line.starts_with("  ") && wanted.iter().any(|text| line.contains(text));
    all.lines().filter(is_wanted).map(|line| String::from(line.trim())).collect()
}

fn run(script: &str) -> (Driver, String) {
    let (mut driver, mut told) = (Driver::new(), String::new());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == "quiet" {
            told.clear();
            continue;
        }
        told += &format!("> {line}\n");
        let heard = driver.step(line);
        for effect in heard.unwrap_or_else(|error| panic!("{line}: {error}")) {
            told += &format!("  {effect}\n");
        }
    }
    (driver, told)
}
