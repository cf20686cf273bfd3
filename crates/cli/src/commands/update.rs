//! `update`: what a package is and would change, and making modules new by it.

mod act;
mod look;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use protocol::operator::UpdateWay;
use update::Strategy;

use crate::args::DryRun;
use crate::ctx::Ctx;
use crate::failure::Outcome;

const EXAMPLES: &str = "\
Examples:
  ostoja update verify greeter-2.0.0.okm   who vouches for it, is it whole
  ostoja update plan greeter-2.0.0.okm     what it would change, for whom
  ostoja update apply greeter-2.0.0.okm    do it; it is undone if it is worse
  ostoja update apply a-2.okm b-3.okm      both together, or none of them
  ostoja update list; ostoja update rollback greeter";

/// What can be typed behind `update`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UpdateArgs {
    #[command(subcommand)]
    verb: Verb,
}

/// How a module is to become new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// Now, new beside old, where it can; else as restart.
    Hot,
    /// When it is next started.
    Staged,
    /// Now, by stopping and starting it.
    Restart,
}

impl From<Way> for Strategy {
    fn from(way: Way) -> Self {
        match way {
            Way::Hot => Self::Hot,
            Way::Staged => Self::Staged,
            Way::Restart => Self::Restart,
        }
    }
}

impl From<Way> for UpdateWay {
    fn from(way: Way) -> Self {
        match way {
            Way::Hot => Self::Hot,
            Way::Staged => Self::Staged,
            Way::Restart => Self::Restart,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a package: who vouches for it, and whether every byte is what they say
    #[command(after_help = "Examples:\n  ostoja update verify greeter-2.0.0.okm")]
    Verify {
        /// The package
        file: PathBuf,
    },
    /// Tell what packages would change, for whom, and what stands in the way
    #[command(
        after_help = "Examples:\n  ostoja update plan greeter-2.0.0.okm\n  ostoja update plan front-2.okm back-3.okm    as one change\n  ostoja update plan greeter-2.0.0.okm --strategy staged --json"
    )]
    Plan {
        /// The package, or several that are one change
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How: hot, staged or restart; else as the modules say
        #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
        strategy: Option<Way>,
    },
    /// Make modules new by packages, or bring them; undone if they are worse
    ///
    /// Several packages are one change: all of their modules become new, or none does.
    #[command(
        after_help = "Examples:\n  ostoja update apply greeter-2.0.0.okm\n  ostoja update apply front-2.okm back-3.okm    both, or none\n  ostoja update apply greeter-2.0.0.okm --approve    what it asks for beyond before\n  ostoja update apply greeter-2.0.0.okm --strategy staged"
    )]
    Apply {
        /// The package, or several that are one change
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How: hot, staged or restart; else as the modules say
        #[arg(long, value_enum, value_name = "HOW", hide_possible_values = true)]
        strategy: Option<Way>,
        /// Approve exactly what it asks for
        #[arg(long)]
        approve: bool,
        #[command(flatten)]
        dry_run: DryRun,
    },
    /// Go on with a transaction that waits for an approval or a start
    #[command(after_help = "Examples:\n  ostoja update go 3\n  ostoja update go 3 --approve")]
    Go {
        /// Its number, as list and apply tell it
        transaction: u64,
        /// Approve exactly what it asks for
        #[arg(long)]
        approve: bool,
    },
    /// Go back to the version before; what became new together goes back together
    #[command(after_help = "Examples:\n  ostoja update rollback greeter")]
    Rollback {
        /// Which module
        module: String,
    },
    /// Tell of changes on their way: what they do, how far they are
    #[command(after_help = "Examples:\n  ostoja update status")]
    Status,
    /// List the versions of modules, and what is on its way
    #[command(after_help = "Examples:\n  ostoja update list")]
    List,
    /// List transactions that ended, and why they ended so
    #[command(after_help = "Examples:\n  ostoja update history")]
    History,
    /// Keep a module's active version under a name, whatever comes after it
    #[command(after_help = "Examples:\n  ostoja update pin greeter before-the-fair")]
    Pin {
        /// Which module
        module: String,
        /// The name
        name: String,
    },
    /// Keep it no longer
    #[command(after_help = "Examples:\n  ostoja update unpin before-the-fair")]
    Unpin {
        /// The name
        name: String,
    },
    /// Remove what no slot, pin or transaction needs
    #[command(after_help = "Examples:\n  ostoja update gc")]
    Gc,
}

pub(super) fn run(ctx: &Ctx, args: &UpdateArgs) -> Outcome {
    match &args.verb {
        Verb::Verify { file } => look::verify(ctx, file),
        Verb::Plan { files, strategy }
        | Verb::Apply { files, strategy, dry_run: DryRun { dry_run: true }, .. } => {
            look::plan(ctx, files, strategy.map(Strategy::from))
        }
        Verb::Apply { files, strategy, approve, .. } => {
            act::apply(ctx, files, strategy.map(UpdateWay::from), consent(*approve))
        }
        Verb::Status => act::status(ctx),
        Verb::Go { transaction, approve } => act::go(ctx, *transaction, consent(*approve)),
        Verb::Rollback { module } => act::roll_back(ctx, module),
        Verb::List => act::list(ctx),
        Verb::History => act::history(ctx),
        Verb::Pin { module, name } => act::pin(ctx, module, name),
        Verb::Unpin { name } => act::unpin(ctx, name),
        Verb::Gc => act::collect(ctx),
    }
}

/// `module install` of a package.
pub(super) fn install(ctx: &Ctx, file: &Path, dry_run: DryRun) -> Outcome {
    match dry_run {
        DryRun { dry_run: true } => look::plan(ctx, &[file.to_owned()], None),
        DryRun { dry_run: false } => act::apply(ctx, &[file.to_owned()], None, Consent::Asked),
    }
}

/// Whether what a version asks for is approved with the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    Given,
    Asked,
}

fn consent(approve: bool) -> Consent {
    if approve { Consent::Given } else { Consent::Asked }
}
