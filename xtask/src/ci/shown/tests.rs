//! What counts as a shown command.

use super::{has, shown_in};

fn found(page: &str) -> Vec<String> {
    let text = |shown: super::Shown| {
        let options: Vec<String> = shown.options.into_iter().collect();
        [shown.verb.join(" "), options.join(" ")].join(" ").trim().to_owned()
    };
    shown_in(page).into_iter().map(text).collect()
}

#[test]
fn spans_and_fenced_lines_are_read() {
    let page =
        "Type `ostoja up -d` or:\n```sh\nostoja config show --origin x\necho ostoja ps\n```\n`ostoja`\n";
    assert_eq!(found(page), ["config show --origin", "up -d"]);
}

#[test]
fn what_is_no_verb_of_ours_is_left_alone() {
    assert_eq!(found("`ostoja …`, `ostoja NAME`, `ostoja.yaml`, `ostoja run -- ./x --y`\n"), ["run"]);
}

#[test]
fn options_are_looked_for_as_words() {
    let help = "  -f, --follow   Go on\n      --since <WHEN>  Not older\n";
    assert!(has(help, "-f") && has(help, "--follow") && has(help, "--since"));
    assert!(!has(help, "--sinc") && !has(help, "-n"));
}

#[test]
fn what_explains_a_command_is_not_part_of_it() {
    assert_eq!(
        found("```text\nostoja kernel start -d    as `ostoja up --detach`\n```\n"),
        ["kernel start -d"]
    );
}
