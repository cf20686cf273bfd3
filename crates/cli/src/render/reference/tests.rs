//! The page that is checked in is the one that the registry gives.

use clap::CommandFactory;
use expect_test::expect_file;

use super::*;
use crate::args::Cli;

#[test]
fn the_checked_in_page_is_the_one_that_is_made() {
    let mut command = Cli::command();
    command.build();
    expect_file!["../../../../../docs/reference/cli.md"].assert_eq(&page(&command));
}

#[test]
fn options_are_spelled_as_they_are_typed() {
    let of = |arg: Arg| spelled(&arg);
    assert_eq!(of(Arg::new("file").short('f').long("file").value_name("FILE")), "-f, --file <FILE>");
    assert_eq!(of(Arg::new("json").long("json").action(ArgAction::SetTrue)), "--json");
    assert_eq!(of(Arg::new("module").value_name("MODULE")), "<MODULE>");
}

#[test]
fn examples_are_code_and_what_follows_is_text() {
    assert_eq!(
        examples("Examples:\n  ostoja ps   all\n\nMore."),
        "\n```text\nostoja ps   all\n```\n\nMore.\n"
    );
    assert_eq!(examples("Only this."), "\nOnly this.\n");
}
