//! The tutorials, typed as they stand: every block for a shell is run, every file that they show is written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::runner::{Ran, World, finish};

/// The tutorials: one per kind of reader.
const TUTORIALS: [&str; 5] =
    ["for-agent-builders", "for-compose-users", "for-operators", "for-plug-in-hosts", "for-pm2-users"];

/// A fenced block.
struct Block {
    /// What stands behind the fence: `sh run`, `yaml file=ostoja.yaml`, or only a language.
    info: String,
    text: String,
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => open = Some(Block { info: info.to_owned(), text: String::new() }),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{}: a block is not closed", page.display());
    blocks
}

/// One script of a page, so that `cd` holds from one block to the next; a file is written from where it began.
fn script(page: &Path) -> String {
    let mut script = "set -e\nbegin=$PWD\n".to_owned();
    let mut count = 0;
    for block in blocks(page) {
        if let Some(file) = block.info.split(' ').find_map(|word| word.strip_prefix("file=")) {
            script.push_str(&format!(
                "mkdir -p \"$begin/$(dirname {file})\"\ncat > \"$begin/{file}\" <<'THE_END'\n"
            ));
            script.push_str(&format!("{}THE_END\n", block.text));
        } else if block.info == "sh run" {
            script.push_str(&format!("set -x\n{}{{ set +x; }} 2>/dev/null\n", block.text));
            count += 1;
        }
    }
    assert!(count > 1, "{} shows nothing to type", page.display());
    script
}

fn shell(world: &World, script: &str) -> Ran {
    let program = Path::new(env!("CARGO_BIN_EXE_ostoja")).parent().expect("it lies in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program.to_owned()).chain(std::env::split_paths(&path)));
    let mut command = Command::new("sh");
    command.args(["-c", script]).env_clear().env("PATH", path.expect("folders")).env("HOME", world.home());
    command.env("TMPDIR", world.path()).env("LANG", "C.UTF-8").env("TZ", "UTC");
    command.current_dir(world.path().join("work"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().expect("a shell"))
}

/// Runs a page to its end and stops what a page that failed left running.
#[track_caller]
fn check(name: &str) {
    let world = World::new();
    for folder in ["work", "home"] {
        fs::create_dir(world.path().join(folder)).expect("it is ours");
    }
    let ran = shell(&world, &script(&docs().join("guide").join(format!("{name}.md"))));
    if ran.code != 0 {
        shell(&world, "for each in . */; do (cd \"$each\" && ostoja down) || true; done");
        panic!("{name}: {}\n{}", ran.stdout, ran.stderr);
    }
    let status =
        shell(&world, "for each in . */; do (cd \"$each\" && ostoja status) && exit 1; done; exit 0");
    assert_eq!(status.code, 0, "{name} leaves a kernel behind: {}", status.stdout);
}

#[test]
fn the_tutorial_for_agent_builders_runs_as_it_stands() {
    check("for-agent-builders");
}

#[test]
fn the_tutorial_for_compose_users_runs_as_it_stands() {
    check("for-compose-users");
}

#[test]
fn the_tutorial_for_operators_runs_as_it_stands() {
    check("for-operators");
}

#[test]
fn the_tutorial_for_hosts_of_plug_ins_runs_as_it_stands() {
    check("for-plug-in-hosts");
}

#[test]
fn the_tutorial_for_pm2_users_runs_as_it_stands() {
    check("for-pm2-users");
}

#[test]
fn pages_are_printed_without_a_network_in_the_readers_language() {
    let world = World::new();
    let list = world.run("docs").expect(0).stdout;
    assert!(list.contains("first-steps") && list.lines().all(|line| line.chars().count() <= 80), "{list}");
    for (lang, heading) in [("en", "# For pm2 users"), ("pl", "# Dla użytkowników pm2")] {
        let page = world.run(&format!("docs for-pm2-users --lang {lang}")).expect(0).stdout;
        assert!(page.starts_with(heading), "{page}");
    }
    let ran = world.run("docs first-stepz").expect(4);
    assert!(ran.stderr.contains("`first-steps`"), "{}", ran.stderr);
}

#[test]
fn the_polish_tutorials_show_the_same_commands_and_files() {
    for name in TUTORIALS {
        let shown = |folder: &str| {
            let blocks = blocks(&docs().join(folder).join(format!("{name}.md")));
            blocks.into_iter().map(|block| (block.info, block.text)).collect::<Vec<_>>()
        };
        assert_eq!(shown("pl"), shown("guide"), "{name}");
    }
    let headings = |folder: &str, name: &str| {
        let text = fs::read_to_string(docs().join(folder).join(name)).expect("it is there");
        text.lines().filter(|line| line.starts_with('#')).count()
    };
    for name in TUTORIALS {
        let name = format!("{name}.md");
        assert_eq!(headings("pl", &name), headings("guide", &name), "{name}");
    }
}
