//! `alert`: what fires, who is told, and for whom nobody is told. Asked of the module that speaks HTTP, which watches.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::amount;
use crate::args::parse_duration;
use crate::companion;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::alerts::{AlertSilence, AlertTable, AlertTested, AlertUnsilenced, FiringRow};
use crate::table::{self, Column, Fit, bare};
use crate::target::Target;
use crate::theme::Paint;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja alert list                          what fires now, and who is told
  ostoja alert test                          tell everybody that this is a test
  ostoja alert silence --module web --for 2h --why 'it is being moved'
  ostoja alert unsilence 3

Rules and outputs stand in the configuration, section ostoja-web.alerts; without
rules of your own there are ours. The dashboard has to be on.";

/// What can be typed behind `alert`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AlertArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what fires, silences, and how each output does
    #[command(after_help = "Examples:\n  ostoja alert list\n  ostoja alert list --json")]
    List,
    /// Tell outputs that this is a test
    #[command(after_help = "Examples:\n  ostoja alert test\n  ostoja alert test phone")]
    Test {
        /// Only this output
        output: Option<String>,
    },
    /// Tell nobody for a while
    #[command(
        after_help = "Examples:\n  ostoja alert silence --rule memory --for 1h\n  ostoja alert silence --module web --for 2h --why 'it is being moved'"
    )]
    Silence {
        /// Only this rule
        #[arg(long)]
        rule: Option<String>,
        /// Only this module
        #[arg(long)]
        module: Option<String>,
        /// For how long
        #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
        span: Duration,
        /// Why, for those who wonder
        #[arg(long, default_value = "")]
        why: String,
    },
    /// End a silence
    #[command(after_help = "Examples:\n  ostoja alert unsilence 3")]
    Unsilence {
        /// Its number, as list tells it
        id: u64,
    },
}

pub(super) fn run(ctx: &Ctx, args: &AlertArgs) -> Outcome {
    let target = Target::of(ctx)?;
    match &args.verb {
        Verb::List => list(ctx, &target),
        Verb::Test { output } => test(ctx, &target, output.as_deref()),
        Verb::Silence { rule, module, span, why } => {
            let for_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            let wish = json!({ "rule": rule, "module": module, "forMs": for_ms, "why": why });
            silence(ctx, &target, &wish)
        }
        Verb::Unsilence { id } => unsilence(ctx, &target, *id),
    }
}

fn read<T: DeserializeOwned>(value: Value) -> Outcome<T> {
    Ok(serde_json::from_value(value).map_err(|_| companion::garbled())?)
}

fn list(ctx: &Ctx, target: &Target) -> Outcome {
    let all: AlertTable = read(companion::ask(&target.home, "GET /api/v1/alerts", None)?)?;
    ctx.show(&all, |all| table_of(ctx, all))?;
    if !ctx.is_json() {
        if all.firing.is_empty() {
            ctx.say_phrase(Phrase::NothingFires, &[&all.rules.len().to_string()]);
        }
        if let Some(trouble) = &all.trouble {
            ctx.say_phrase(Phrase::AlertsTrouble, &[trouble]);
        }
        if all.outputs.is_empty() {
            ctx.say_phrase(Phrase::NoOutputs, &[target.command()]);
        }
    }
    Ok(Exit::Done)
}

fn table_of(ctx: &Ctx, all: &AlertTable) -> String {
    const FIRING: [Column; 5] = [
        Column::text("LEVEL"),
        Column::capped("RULE", 24),
        Column::capped("MODULE", 24),
        Column::text("SINCE"),
        Column::rest("TOLD"),
    ];
    const OUTPUTS: [Column; 4] =
        [Column::capped("OUTPUT", 24), Column::text("KIND"), Column::number("TOLD"), Column::rest("ERROR")];
    const SILENCES: [Column; 5] = [
        Column::number("SILENCE"),
        Column::capped("RULE", 24),
        Column::capped("MODULE", 24),
        Column::text("ENDS IN"),
        Column::rest("WHY"),
    ];
    let now = amount::now_ms();
    let mut text = String::new();
    if !all.firing.is_empty() {
        let cells = all.firing.iter().map(|row| firing(row, now)).collect();
        text.push_str(&table::render(&ctx.theme, Fit::Terminal, &FIRING, cells));
    }
    let any = |name: &Option<String>| bare(name.as_deref().unwrap_or("*"));
    if !all.silences.is_empty() {
        let cells = all.silences.iter().map(|row| {
            let ends = amount::span(row.until_ms.saturating_sub(now));
            vec![bare(row.id.to_string()), any(&row.rule), any(&row.module), bare(ends), bare(&row.why)]
        });
        text.push_str(&table::render(&ctx.theme, Fit::Terminal, &SILENCES, cells.collect()));
    }
    if !all.outputs.is_empty() {
        let cells = all.outputs.iter().map(|row| {
            let error = row.error.as_deref().unwrap_or("-");
            let paint = row.error.is_some().then_some(Paint::Bad);
            vec![bare(&row.name), bare(&row.kind), bare(row.told.to_string()), (error.to_owned(), paint)]
        });
        text.push_str(&table::render(&ctx.theme, Fit::Terminal, &OUTPUTS, cells.collect()));
    }
    text
}

fn firing(row: &FiringRow, now: u64) -> Vec<(String, Option<Paint>)> {
    let paint = if row.level == "critical" { Paint::Bad } else { Paint::Soon };
    let subject = if row.subject.is_empty() { "-" } else { &row.subject };
    let told = match (row.silenced, row.told) {
        (true, _) => "silenced",
        (false, true) => "yes",
        (false, false) => "not yet",
    };
    vec![
        (row.level.clone(), Some(paint)),
        bare(&row.rule),
        bare(subject),
        bare(amount::span(now.saturating_sub(row.since_ms))),
        bare(told),
    ]
}

/// One that could not be told is a failure: a test is asked to find that.
fn test(ctx: &Ctx, target: &Target, output: Option<&str>) -> Outcome {
    let wish = json!({ "output": output });
    let tested: AlertTested = read(companion::ask(&target.home, "POST /api/v1/alerts/test", Some(&wish))?)?;
    ctx.show(&tested, |tested| {
        let line = |row: &crate::output::alerts::OutputTested| match &row.error {
            None => format!("{} {}\n", ctx.theme.paint(Paint::Good, "told"), row.name),
            Some(why) => format!("{} {}: {why}\n", ctx.theme.paint(Paint::Bad, "not told"), row.name),
        };
        tested.outputs.iter().map(line).collect()
    })?;
    if tested.outputs.is_empty() && !ctx.is_json() {
        ctx.say_phrase(Phrase::NoOutputs, &[target.command()]);
    }
    let is_well = tested.outputs.iter().all(|row| row.error.is_none());
    Ok(if is_well { Exit::Done } else { Exit::Failed })
}

fn silence(ctx: &Ctx, target: &Target, wish: &Value) -> Outcome {
    let made: AlertSilence = read(companion::ask(&target.home, "POST /api/v1/alerts/silences", Some(wish))?)?;
    if ctx.is_json() {
        ctx.document(&made)?;
    } else {
        ctx.say_phrase(Phrase::SilenceBegins, &[&made.id.to_string(), target.command()]);
    }
    Ok(Exit::Done)
}

fn unsilence(ctx: &Ctx, target: &Target, id: u64) -> Outcome {
    companion::ask(&target.home, &format!("DELETE /api/v1/alerts/silences/{id}"), None)?;
    if ctx.is_json() {
        ctx.document(&AlertUnsilenced { id })?;
    } else {
        ctx.say_phrase(Phrase::SilenceEnds, &[&id.to_string()]);
    }
    Ok(Exit::Done)
}
