//! `new`: a module that runs, in a folder of its own.

use std::path::{Path, PathBuf};

use abi::ModuleId;
use clap::builder::{EnumValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use crate::args::Spoken;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::offline::find_program;
use crate::output::Made;
use crate::target::shell_word;
use crate::words::Phrase;

mod files;
mod manifest;

const EXAMPLES: &str = "\
Examples:
  ostoja new greeter --lang python
  ostoja new mailer --lang node --template worker
  ostoja new bot --lang typescript --template bot
  ostoja new tools --lang python --template mcp
  ostoja new adder --lang wasm

Each folder holds the module, its manifest, the schema of its configuration, a
test, a README, the SDK beside it, and an ostoja.yaml for `ostoja up`.";

/// What can be typed behind `new`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct NewArgs {
    /// Its name, which is also that of its service and its folder
    name: String,
    /// Its language
    #[arg(long, value_name = "LANG", value_parser = EnumValueParser::<Language>::new().map(Spoken::Program))]
    lang: Spoken,
    /// What it does: service, worker, bot, http or mcp
    #[arg(
        long,
        value_enum,
        value_name = "KIND",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    template: Template,
    /// The folder; else one of its name, here
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// For rust: the folder crates/sdk of a checkout of Ostoja
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Language {
    Python,
    Typescript,
    Node,
    Rust,
    Go,
    Shell,
    Wasm,
}

/// What a module does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Template {
    /// Answers calls
    #[default]
    Service,
    /// Hears a topic and works on what it hears
    Worker,
    /// Answers what is said on a topic
    Bot,
    /// Serves a page beside its service
    Http,
    /// An MCP server
    Mcp,
}

/// What is to be made, understood.
struct Plan {
    id: ModuleId,
    language: Language,
    template: Template,
    /// What runs TypeScript here.
    runtime: &'static str,
    /// The SDK's crate, for Rust.
    sdk: Option<PathBuf>,
}

/// One file of the new module.
struct File {
    path: &'static str,
    text: String,
    mode: u32,
}

/// Readable by others; a script also runs.
const MODE: u32 = 0o644;
const MODE_SCRIPT: u32 = 0o755;

pub(super) fn run(ctx: &Ctx, args: &NewArgs) -> Outcome {
    let plan = understand(args)?;
    let folder = args.folder.clone().unwrap_or_else(|| PathBuf::from(plan.id.as_str()));
    if std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        let failure = Failure::new("cli::new::present", format!("`{}` is there already", folder.display()));
        return Err(failure.help("choose another name, or --folder DIR").into());
    }
    let Some(files) = files::of(&plan) else { return Err(no_template(&plan).into()) };
    for file in &files {
        let path = folder.join(file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| Failure::io("create", parent, &error))?;
        }
        store::write_whole(&path, file.text.as_bytes(), file.mode)?;
    }
    let told = told(&plan, &folder, &files);
    if ctx.is_json() {
        ctx.document(&told)?;
        return Ok(Exit::Done);
    }
    ctx.say_phrase(Phrase::NewMade, &[plan.id.as_str(), &told.folder]);
    ctx.say_phrase(Phrase::RunNext, &[]);
    ctx.print(&told.next.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    Ok(Exit::Done)
}

fn understand(args: &NewArgs) -> Outcome<Plan> {
    let id = ModuleId::parse(&args.name).map_err(|error| {
        let failure = Failure::usage(format!("`{}` can't be a module's name: {error}", args.name));
        failure.help("a name is made of letters, digits, `_`, `-` and `.`, and begins with a letter")
    })?;
    let Spoken::Program(language) = args.lang else {
        return Err(
            Failure::usage("`--lang` names the language of sentences here, and none of the module").into()
        );
    };
    let has = |program| find_program(program).is_some();
    let runtime = if has("deno") || !has("bun") { "deno" } else { "bun" };
    let sdk = match args.language_sdk(language) {
        None => None,
        Some(found) => Some(found?),
    };
    Ok(Plan { id, language, template: args.template, runtime, sdk })
}

impl NewArgs {
    /// Where the crate of the Rust SDK is; nothing for other languages.
    fn language_sdk(&self, language: Language) -> Option<Outcome<PathBuf>> {
        (language == Language::Rust).then(|| {
            let named = self.sdk.clone().map(|folder| vec![folder]);
            let here = std::env::current_dir().unwrap_or_default();
            let above = || here.ancestors().map(|folder| folder.join("crates/sdk")).collect();
            let found =
                named.unwrap_or_else(above).into_iter().find(|folder| folder.join("Cargo.toml").is_file());
            found.and_then(|folder| folder.canonicalize().ok()).ok_or_else(|| {
                let failure =
                    Failure::new("cli::new::no_sdk", "the SDK for Rust is a crate, and none was found here");
                failure.help("add --sdk DIR, the folder crates/sdk of a checkout of Ostoja").into()
            })
        })
    }
}

fn no_template(plan: &Plan) -> Failure {
    let word = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
        value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let (language, template) =
        (word(&|| plan.language.to_possible_value()), word(&|| plan.template.to_possible_value()));
    let message = format!("there is no template `{template}` for {language}");
    let help = if plan.template == Template::Mcp {
        // Any MCP server is a module, whatever it is written in: `ostoja docs mcp`.
        format!("ostoja new {} --lang python --template mcp", plan.id)
    } else {
        format!("ostoja new {} --lang {language} --template service", plan.id)
    };
    Failure::usage(message).help(help)
}

fn told(plan: &Plan, folder: &Path, files: &[File]) -> Made {
    let shown = folder.display().to_string();
    let mut next = vec![format!("cd {}", shell_word(&shown))];
    next.extend(files::build(plan));
    next.push("ostoja up -d".to_owned());
    let first = files::first_call(plan);
    next.push(format!("ostoja call {} {} {}", files::service(plan), first.method, shell_word(first.params)));
    Made {
        module_id: plan.id.to_string(),
        folder: shown,
        files: files.iter().map(|file| file.path.replace("@NAME@", plan.id.as_str())).collect(),
        next,
    }
}
