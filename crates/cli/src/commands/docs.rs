//! `docs`: the guides and concepts, carried in the binary, so that they are there without a network and fit its version.

use clap::Args;

use crate::ctx::Ctx;
use crate::door::nearest;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::lang::Lang;
use crate::output::{DocPage, DocsTold};

const EXAMPLES: &str = "\
Examples:
  ostoja docs                    which pages there are
  ostoja docs first-steps | less
  ostoja docs for-pm2-users --lang pl
  ostoja docs glossary --json";

/// What can be typed behind `docs`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DocsArgs {
    /// Which page; a list of them when left out
    #[arg(value_name = "PAGE")]
    page: Option<String>,
}

/// A page: its name and its Markdown, in English and, where there is a translation, in Polish.
struct Page {
    name: &'static str,
    english: &'static str,
    polish: Option<&'static str>,
}

/// Pages of one folder by their names.
macro_rules! pages {
    ($($folder:literal / $name:literal $(+ $polish:literal)?,)+) => {
        &[$(Page {
            name: $name,
            english: include_str!(concat!("../../../../docs/", $folder, "/", $name, ".md")),
            polish: pages!(@ $($polish / $name)?),
        }),+]
    };
    (@) => { None };
    (@ $folder:literal / $name:literal) => {
        Some(include_str!(concat!("../../../../docs/", $folder, "/", $name, ".md")))
    };
}

const PAGES: &[Page] = pages! {
    "guide" / "first-steps",
    "guide" / "install",
    "guide" / "for-pm2-users" + "pl",
    "guide" / "for-compose-users" + "pl",
    "guide" / "for-agent-builders" + "pl",
    "guide" / "for-plug-in-hosts" + "pl",
    "guide" / "for-operators" + "pl",
    "guide" / "from-compose-pm2-systemd",
    "guide" / "write-a-module",
    "guide" / "alerts",
    "guide" / "dashboard",
    "concepts" / "life-of-a-module",
    "concepts" / "permissions",
    "concepts" / "restarts",
    "concepts" / "swaps",
    "concepts" / "self-update",
    "concepts" / "overload",
    "concepts" / "context-and-secrets",
    "concepts" / "safe-mode",
    "concepts" / "backups",
    "concepts" / "glossary",
    "reference" / "ostoja-yaml",
    "reference" / "module-json",
    "reference" / "config",
    "reference" / "wasm-modules",
    "reference" / "mcp",
    "reference" / "frames",
    "reference" / "shm-transport",
    "reference" / "containment",
    "reference" / "package",
    "reference" / "operator-door",
    "reference" / "policies",
    "reference" / "rest",
    "reference" / "metrics",
    "reference" / "cli",
    "reference" / "errors",
    "reference" / "compatibility",
};

impl Page {
    fn text(&self, lang: Lang) -> &'static str {
        match lang {
            Lang::Pl => self.polish.unwrap_or(self.english),
            Lang::En => self.english,
        }
    }

    /// Its first heading.
    fn told(&self, lang: Lang) -> DocPage {
        let title = self.text(lang).lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(self.name);
        DocPage { name: self.name.to_owned(), title: title.to_owned() }
    }
}

pub(super) fn run(ctx: &Ctx, args: &DocsArgs) -> Outcome {
    let Some(wanted) = &args.page else {
        let told = DocsTold { pages: PAGES.iter().map(|page| page.told(ctx.lang)).collect(), text: None };
        ctx.show(&told, |told| {
            let width = told.pages.iter().map(|page| page.name.len()).max().unwrap_or(0);
            told.pages.iter().map(|page| format!("{:<width$}  {}\n", page.name, page.title)).collect()
        })?;
        return Ok(Exit::Done);
    };
    let wanted = wanted.trim_end_matches(".md");
    let Some(page) = PAGES.iter().find(|page| page.name == wanted) else {
        let names: Vec<&str> = PAGES.iter().map(|page| page.name).collect();
        let failure = Failure::new("cli::docs::not_found", format!("there is no page `{wanted}`"));
        let help = nearest(wanted, &names).map_or_else(
            || "ostoja docs".to_owned(),
            |name| format!("did you mean `{name}`? ostoja docs lists all"),
        );
        return Err(failure.help(help).exit(Exit::NotFound).into());
    };
    let text = page.text(ctx.lang);
    let told = DocsTold { pages: vec![page.told(ctx.lang)], text: Some(text.to_owned()) };
    ctx.show(&told, |_| text.to_owned())?;
    Ok(Exit::Done)
}
