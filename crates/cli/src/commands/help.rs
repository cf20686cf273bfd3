//! `help`: a verb's own help, and the pages that belong to no verb.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use crate::args::Cli;
use crate::ctx::Ctx;
use crate::door::nearest;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{ExitCodes, HelpText, ManPages, Schemas};
use crate::schema;

const EXAMPLES: &str = "\
Examples:
  ostoja help module install
  ostoja help concepts           what the words mean
  ostoja help exit-codes
  ostoja help json               the JSON schema of what each verb prints
  ostoja help man ./man1         writes man pages into a folder
  ostoja help reference          all of it as one Markdown page";

/// What each word means: one list for the pages and for the terminal.
const GLOSSARY: &str = include_str!("../../../../docs/concepts/glossary.md");

/// 16 and 62 columns: the longest word, and what is left of 80 beside it.
const WORD_COLUMNS: usize = 16;
const CONCEPT_COLUMNS: usize = 62;

/// What can be typed behind `help`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HelpArgs {
    /// A verb, or concepts, exit-codes, json, man DIR, reference
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

pub(super) fn run(ctx: &Ctx, args: &HelpArgs) -> Outcome {
    let words: Vec<&str> = args.topic.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["concepts"] => concepts(ctx),
        ["exit-codes"] => exit_codes(ctx),
        ["json"] => json(ctx),
        ["reference"] => reference(ctx),
        ["man", folder] => man(ctx, Path::new(folder)),
        ["man"] => Err(Failure::usage("man pages need a folder").help("ostoja help man ./man1").into()),
        verbs => of_verb(ctx, verbs),
    }
}

fn exit_codes(ctx: &Ctx) -> Outcome {
    let codes: BTreeMap<u8, String> =
        Exit::ALL.into_iter().map(|exit| (exit.number(), exit.meaning().to_owned())).collect();
    ctx.show(&ExitCodes { codes }, |all| {
        let lines = all.codes.iter().map(|(number, meaning)| format!("{number:>4}  {meaning}\n"));
        lines.chain([format!("{:>4}  {}\n", "any", "`run`: the exit code of the command")]).collect()
    })?;
    Ok(Exit::Done)
}

/// The glossary of the documentation, as a page for a terminal.
fn concepts(ctx: &Ctx) -> Outcome {
    let mut text = String::new();
    for row in GLOSSARY.lines().filter_map(|line| line.strip_prefix("| ")) {
        let Some((word, meaning)) = row.split_once(" | ") else { continue };
        if word != "word" {
            let meaning = meaning.trim_end_matches(" |").replace('`', "");
            let meaning = crate::render::findings::fold(&meaning, CONCEPT_COLUMNS, WORD_COLUMNS + 2);
            text.push_str(&format!("  {word:<WORD_COLUMNS$}{meaning}\n"));
        }
    }
    ctx.show(&HelpText { text }, |help| help.text.clone())?;
    Ok(Exit::Done)
}

fn json(ctx: &Ctx) -> Outcome {
    let verbs = schema::outputs()
        .into_iter()
        .map(|output| (output.verb.to_owned(), output.schema.to_value()))
        .collect();
    ctx.show(&Schemas { verbs }, |all| format!("{:#}\n", serde_json::json!(all.verbs)))?;
    Ok(Exit::Done)
}

/// The reference page, which is checked in as `docs/reference/cli.md`.
fn reference(ctx: &Ctx) -> Outcome {
    let mut command = Cli::command();
    command.build();
    let text = crate::render::reference::page(&command);
    ctx.show(&HelpText { text }, |help| help.text.clone())?;
    Ok(Exit::Done)
}

fn of_verb(ctx: &Ctx, verbs: &[&str]) -> Outcome {
    let mut command = Cli::command();
    // Built, so that the options of every verb and the full names are in the help.
    command.build();
    let mut found = &mut command;
    for verb in verbs {
        let names: Vec<String> = found
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set())
            .map(|sub| sub.get_name().to_owned())
            .collect();
        found = found.find_subcommand_mut(verb).ok_or_else(|| no_topic(verb, &names))?;
    }
    let text = found.render_help().to_string();
    ctx.show(&HelpText { text }, |help| help.text.clone())?;
    Ok(Exit::Done)
}

fn no_topic(verb: &str, names: &[String]) -> Failure {
    let topics = ["concepts", "exit-codes", "json", "man", "reference"];
    let names: Vec<&str> = names.iter().map(String::as_str).chain(topics).collect();
    let failure = Failure::usage(format!("there is no help about `{verb}`"));
    match nearest(verb, &names) {
        Some(name) => failure.help(format!("ostoja help {name}")),
        None => failure.help("ostoja help"),
    }
}

/// Writes one man page a verb, made from the same registry as everything else.
fn man(ctx: &Ctx, folder: &Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io("create", folder, &error))?;
    let mut command = Cli::command();
    command.build();
    let mut files = Vec::new();
    write_pages(&command, folder, &mut files)?;
    ctx.show(&ManPages { files }, |made| made.files.iter().map(|file| format!("{file}\n")).collect())?;
    Ok(Exit::Done)
}

fn write_pages(command: &clap::Command, folder: &Path, files: &mut Vec<String>) -> Outcome<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).replace(' ', "-");
    let path: PathBuf = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(command.clone()).title(name.to_uppercase()).render(&mut page);
    made.and_then(|()| std::fs::write(&path, &page)).map_err(|error| Failure::io("write", &path, &error))?;
    files.push(path.display().to_string());
    command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set())
        .try_for_each(|sub| write_pages(sub, folder, files))
}
