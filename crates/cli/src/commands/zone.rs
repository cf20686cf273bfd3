//! `zone`: which zone modules live in, and what is done to whole zones.

use abi::Zone;
use clap::{Args, Subcommand, ValueEnum};
use protocol::operator::{KernelStatus, ProbationStatus, Request, Safe, UsageTable, ZoneName};

use crate::amount::span;
use crate::ctx::Ctx;
use crate::door::Door;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::{ZoneDone, ZoneRow, ZoneRows};
use crate::render::pools;
use crate::table::{self, Column, Fit, bare};
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja zone list               what each zone uses and may use, who lives there, how tight it is held
  ostoja zone promote web        from sandbox to stable, and out of quarantine
  ostoja zone reset sandbox      counts forgotten, everything there begins anew";

/// What can be typed behind `zone`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ZoneArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List zones with what they use and may use, and their modules
    #[command(after_help = "Examples:\n  ostoja zone list\n  ostoja zone list --json")]
    List,
    /// Move a module to the stable zone, and out of quarantine
    #[command(after_help = "Examples:\n  ostoja zone promote web")]
    Promote {
        /// Which module
        module: String,
    },
    /// Give every module of a zone that runs a new life
    #[command(after_help = "Examples:\n  ostoja zone restart sandbox")]
    Restart {
        /// Which zone
        #[arg(value_enum)]
        zone: Which,
    },
    /// Begin a zone anew: counts are forgotten, what was given up gets another try
    #[command(after_help = "Examples:\n  ostoja zone reset sandbox")]
    Reset {
        /// Which zone
        #[arg(value_enum)]
        zone: Which,
    },
}

/// A zone, as typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Sandbox,
    Stable,
}

impl Which {
    fn name(self) -> ZoneName {
        match self {
            Self::Sandbox => ZoneName::Sandbox,
            Self::Stable => ZoneName::Stable,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => Zone::Sandbox.as_str(),
            Self::Stable => Zone::Stable.as_str(),
        }
    }
}

pub(super) fn run(ctx: &Ctx, args: &ZoneArgs) -> Outcome {
    match &args.verb {
        Verb::List => list(ctx),
        Verb::Promote { module } => promote(ctx, module),
        Verb::Restart { zone } => whole(ctx, *zone, &Request::ZoneRestart { zone: zone.name() }),
        Verb::Reset { zone } => whole(ctx, *zone, &Request::ZoneReset { zone: zone.name() }),
    }
}

fn list(ctx: &Ctx) -> Outcome {
    let mut door = Door::open(ctx)?;
    let modules = door.modules()?;
    let usage: UsageTable = door.ask(&Request::Usage { interval_ms: None })?;
    let status: KernelStatus = door.ask(&Request::KernelStatus {})?;
    let rows = modules.into_iter().map(|module| ZoneRow {
        zone: module.zone,
        id: module.id,
        status: module.status,
        held: module.held,
        probation: module.probation,
        note: module.note,
    });
    let mut rows: Vec<ZoneRow> = rows.collect();
    let place = |row: &ZoneRow| Zone::parse(&row.zone);
    rows.sort_by(|one, other| place(one).cmp(&place(other)).then_with(|| one.id.cmp(&other.id)));
    let all = ZoneRows { pools: usage.pools, bounds: status.bounds, modules: rows };
    ctx.show(&all, |all| {
        let pools = pools::table(&ctx.theme, &all.pools);
        format!("{pools}\n{}", table_of(ctx, &all.modules))
    })?;
    Ok(Exit::Done)
}

fn table_of(ctx: &Ctx, rows: &[ZoneRow]) -> String {
    const COLUMNS: [Column; 6] = [
        Column::text("ZONE"),
        Column::capped("NAME", 24),
        Column::text("STATE"),
        Column::text("HELD"),
        Column::text("PROBATION"),
        Column::rest("NOTE"),
    ];
    let cells = |row: &ZoneRow| {
        let held = row.held.clone().unwrap_or_default();
        let probation = row.probation.as_ref().map(progress).unwrap_or_default();
        // What it still lacks stands where no fault does.
        let lacks = row.probation.as_ref().map(|probation| probation.lacks.clone()).unwrap_or_default();
        let note = if row.note.is_empty() { lacks } else { row.note.clone() };
        let texts = [row.zone.clone(), row.id.clone(), row.status.clone(), held, probation, note];
        texts.into_iter().map(bare).collect()
    };
    table::render(&ctx.theme, Fit::Terminal, &COLUMNS, rows.iter().map(cells).collect())
}

/// How much of its probation a module has behind it.
fn progress(probation: &ProbationStatus) -> String {
    format!("{} / {}", span(probation.well_ms.min(probation.wanted_ms)), span(probation.wanted_ms))
}

fn promote(ctx: &Ctx, module: &str) -> Outcome {
    let done: Safe = Door::open(ctx)?.ask(&Request::ZonePromote { module_id: module.to_owned() })?;
    if ctx.is_json() {
        ctx.document(&done)?;
    } else {
        let phrase = if done.already { Phrase::PromotedAlready } else { Phrase::Promoted };
        ctx.say_phrase(phrase, &[module]);
    }
    Ok(Exit::Done)
}

fn whole(ctx: &Ctx, zone: Which, request: &Request) -> Outcome {
    Door::open(ctx)?.ask_raw(request)?;
    if ctx.is_json() {
        ctx.document(&ZoneDone { zone: zone.as_str().to_owned() })?;
    } else {
        ctx.say_phrase(Phrase::ZoneBegins, &[zone.as_str()]);
    }
    Ok(Exit::Done)
}
