//! `audit`: the journal of decisions, read from its file, so that it works without a kernel and beside one.

use abi::{Fact, ModuleId, Wall};
use clap::Args;
use protocol::operator::JournalRow;
use serde_json::{Map, Value};
use store::{Entry, JournalReader, Query, Verdict};

use crate::amount;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::{AuditPage, AuditVerdict};
use crate::render;
use crate::target::Target;
use crate::words::Phrase;

const EXAMPLES: &str = "\
Examples:
  ostoja audit -n 100
  ostoja audit --module web --code restart. --since 1d
  ostoja audit --verify          exit 7 when a record was edited, removed or moved";

/// What can be typed behind `audit`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AuditArgs {
    /// Verify the whole chain instead of showing records
    #[arg(long)]
    verify: bool,
    /// The last this many records, 10000 at the most
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    lines: usize,
    /// Only about this module
    #[arg(long)]
    module: Option<String>,
    /// Only this code; one that ends in a dot stands for its area
    #[arg(long, value_name = "CODE")]
    code: Vec<String>,
    /// Not older than: 10m, 14:03, 2026-11-20, a full time stamp
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

pub(super) fn run(ctx: &Ctx, args: &AuditArgs) -> Outcome {
    let target = Target::of(ctx)?;
    let path = target.home.journal();
    if !path.exists() {
        let message = format!("there is no journal in `{}` yet", target.home.root().display());
        let failure = Failure::new("cli::audit::not_found", message);
        return Err(failure.help(format!("it is written by a kernel: {} up -d", target.command())).into());
    }
    let reader = JournalReader::open(&path)?;
    if args.verify { verify(ctx, &reader) } else { show(ctx, &reader, args) }
}

fn show(ctx: &Ctx, reader: &JournalReader, args: &AuditArgs) -> Outcome {
    let module = match &args.module {
        None => None,
        Some(name) => Some(ModuleId::parse(name).map_err(|why| Failure::usage(format!("`{name}` {why}")))?),
    };
    let now_ms = amount::now_ms();
    let since_wall = match &args.since {
        None => None,
        Some(text) => Some(Wall(amount::parse_since(text, now_ms, &ctx.zone).map_err(Failure::usage)?)),
    };
    let query = Query { module, since_wall, codes: args.code.clone(), ..Query::last(args.lines) };
    let found = reader.read(&query)?;
    let records = found.entries.into_iter().rev().map(row).collect();
    let page = AuditPage { records, damaged: found.damaged };
    ctx.show(&page, |page| render::audit::records(&ctx.theme, &page.records, now_ms, &ctx.zone))?;
    if page.damaged.is_empty() {
        return Ok(Exit::Done);
    }
    let failure = Failure::new("cli::audit::broken", format!("{} records can't be read", page.damaged.len()));
    let told = failure.help("ostoja audit --verify");
    if ctx.is_json() { Ok(told.exit) } else { Err(told.into()) }
}

fn verify(ctx: &Ctx, reader: &JournalReader) -> Outcome {
    let verdict = reader.verify()?;
    let told = match &verdict {
        Verdict::Sound { records, dropped } => AuditVerdict {
            sound: true,
            records: Some(*records),
            dropped: Some(*dropped),
            broken_at: None,
            flaw: None,
        },
        Verdict::Broken { seq, flaw } => AuditVerdict {
            sound: false,
            records: None,
            dropped: None,
            broken_at: Some(*seq),
            flaw: Some(flaw.to_string()),
        },
    };
    let exit = if told.sound { Exit::Done } else { Exit::NotVerified };
    if ctx.is_json() {
        ctx.document(&told)?;
        return Ok(exit);
    }
    if let Verdict::Sound { records, dropped } = verdict {
        let mut text = ctx.phrase(Phrase::AuditSound, &[&records.to_string()]);
        if dropped > 0 {
            text.push_str("; ");
            text.push_str(&ctx.phrase(Phrase::AuditDropped, &[&dropped.to_string()]));
        }
        ctx.print(&format!("{text}\n"))?;
        return Ok(exit);
    }
    Err(Failure::new("cli::audit::broken", format!("the journal is {verdict}"))
        .help("keep a copy of state/journal.db; the kernel sets it aside at its next start")
        .into())
}

/// A stored record as the operator door would give it.
fn row(entry: Entry) -> JournalRow {
    let mut facts = Map::new();
    for (name, fact) in entry.facts {
        let value = match fact {
            Fact::Number(number) => Value::from(number),
            Fact::Text(text) => Value::from(text),
        };
        facts.insert(name, value);
    }
    JournalRow {
        seq: entry.seq,
        ts_ms: entry.wall.0,
        code: entry.code,
        module_id: entry.module.map(|module| module.as_str().to_owned()),
        generation: entry.generation.map(|generation| generation.0),
        facts,
    }
}
