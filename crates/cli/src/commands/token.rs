//! `token`: what lets a program in over HTTP. Asked of the module that speaks it, over its own socket; its kernel need not run.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::dashboard::RoleWord;
use crate::amount;
use crate::args::parse_duration;
use crate::companion;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::tokens::{TokenMade, TokenRevoked, TokenRow, TokenRows};
use crate::table::{self, Column, Fit, bare};
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja token create prometheus --role viewer --for 365d
  ostoja token list
  ostoja token revoke prometheus

A program sends it as: Authorization: Bearer ostoja_...
The dashboard has to be on; see: ostoja dashboard --help";

/// What can be typed behind `token`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TokenArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token and print it, this once
    #[command(
        after_help = "Examples:\n  ostoja token create prometheus\n  ostoja token create deploy --role operator --for 30d"
    )]
    Create {
        /// Whose it is, in your own words
        name: String,
        /// What it lets its holder do
        #[arg(long, value_enum, default_value_t = RoleWord::Viewer)]
        role: RoleWord,
        /// For how long; for good when left out
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        life: Option<Duration>,
    },
    /// List tokens, without their secrets
    #[command(after_help = "Examples:\n  ostoja token list")]
    List,
    /// Let nobody in by it any more
    #[command(
        after_help = "Examples:\n  ostoja token revoke prometheus\n  ostoja token revoke 0f3c9a5d21b7e884"
    )]
    Revoke {
        /// Its name, or its id where several have the name
        token: String,
    },
}

pub(super) fn run(ctx: &Ctx, args: &TokenArgs) -> Outcome {
    let target = Target::of(ctx)?;
    match &args.verb {
        Verb::Create { name, role, life } => create(ctx, &target, name, *role, *life),
        Verb::List => list(ctx, &target),
        Verb::Revoke { token } => revoke(ctx, &target, token),
    }
}

fn create(ctx: &Ctx, target: &Target, name: &str, role: RoleWord, life: Option<Duration>) -> Outcome {
    let life = life.map(|life| u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
    let wish = json!({ "name": name, "role": role.role(), "expiresInMs": life });
    let made: TokenMade = read(companion::ask(&target.home, "POST /api/v1/tokens", Some(&wish))?)?;
    ctx.show(&made, |made| format!("{}\n", made.token))?;
    if !ctx.is_json() {
        ctx.say_phrase(Phrase::TokenShownOnce, &[]);
    }
    Ok(Exit::Done)
}

fn rows(target: &Target) -> Outcome<TokenRows> {
    read(companion::ask(&target.home, "GET /api/v1/tokens", None)?)
}

fn list(ctx: &Ctx, target: &Target) -> Outcome {
    let rows = rows(target)?;
    ctx.show(&rows, |rows| table_of(ctx, &rows.tokens))?;
    if rows.tokens.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoTokens, &[target.command()]);
    }
    Ok(Exit::Done)
}

fn table_of(ctx: &Ctx, rows: &[TokenRow]) -> String {
    const COLUMNS: [Column; 5] = [
        Column::capped("NAME", 32),
        Column::text("ROLE"),
        Column::text("ID"),
        Column::text("MADE"),
        Column::rest("ENDS"),
    ];
    if rows.is_empty() {
        return String::new();
    }
    let now = amount::now_ms();
    let moment = |at| amount::moment(at, now, &ctx.zone);
    let cells = rows.iter().map(|row| {
        let ends = match row.expires_at_ms {
            None => "never".to_owned(),
            Some(at) if at <= now => "ended".to_owned(),
            Some(at) => format!("in {}", amount::span(at - now)),
        };
        [row.name.clone(), row.role.to_string(), row.id.clone(), moment(row.created_at_ms), ends]
            .into_iter()
            .map(bare)
            .collect()
    });
    table::render(&ctx.theme, Fit::Terminal, &COLUMNS, cells.collect())
}

fn revoke(ctx: &Ctx, target: &Target, wanted: &str) -> Outcome {
    let rows = rows(target)?.tokens;
    let mut named = rows.iter().filter(|row| row.id == wanted || row.name == wanted);
    let missing = || {
        Failure::new("cli::token::not_found", format!("no token is named `{wanted}`"))
            .help("ostoja token list")
    };
    let row = named.next().ok_or_else(missing)?;
    if named.next().is_some() {
        let failure =
            Failure::new("cli::token::bad_argument", format!("several tokens are named `{wanted}`"));
        return Err(failure.help("name its id, as ostoja token list shows it").into());
    }
    companion::ask(&target.home, &format!("DELETE /api/v1/tokens/{}", row.id), None)?;
    let revoked = TokenRevoked { id: row.id.clone(), name: row.name.clone() };
    if ctx.is_json() {
        ctx.document(&revoked)?;
    } else {
        ctx.say_phrase(Phrase::TokenRevoked, &[&revoked.name]);
    }
    Ok(Exit::Done)
}

fn read<T: DeserializeOwned>(value: Value) -> Outcome<T> {
    Ok(serde_json::from_value(value).map_err(|_| companion::garbled())?)
}
