//! The command that a stranger types first.

use super::first_fenced_line;

#[test]
fn the_first_command_of_a_page_is_found() {
    let page = "# A\n\nText.\n\n```sh\n# It shows things.\ncargo run -- demo\n```\n\n```sh\nother\n```\n";
    assert_eq!(first_fenced_line(page), Some("cargo run -- demo"));
    assert_eq!(first_fenced_line("# A\n"), None);
}
