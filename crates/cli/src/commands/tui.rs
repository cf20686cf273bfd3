//! `tui`: see [`crate::tui`].

use std::io::IsTerminal;

use clap::Args;
use protocol::operator::Role;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::tui::{self, Palette, Wanted};

use super::dashboard::RoleWord;

const EXAMPLES: &str = "\
Examples:
  ostoja tui                     watch and steer; ? shows the keys
  ostoja tui --read-only         watch
  ostoja tui --theme light

It stays while the kernel is gone and goes on when it is back. The mouse is not
taken. For scripts: ostoja top -b -n 1, ostoja ps --json";

/// What can be typed behind `tui`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TuiArgs {
    /// Change nothing
    #[arg(long)]
    read_only: bool,
    /// As what the kernel is asked
    #[arg(long, value_enum, default_value_t = RoleWord::Admin)]
    role: RoleWord,
    /// Colours
    #[arg(long, value_enum, default_value_t = Palette::System)]
    theme: Palette,
}

pub(super) fn run(ctx: &Ctx, args: &TuiArgs) -> Outcome {
    if ctx.is_json() || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        let failure = Failure::new("cli::tui::no_terminal", "this draws on a terminal, and there is none");
        return Err(failure.help("ostoja top -b -n 1").exit(Exit::Usage).into());
    }
    let role = args.role.role();
    // Reading logs is the most that can be seen without changing anything.
    let role = if args.read_only { role.min(Role::Developer) } else { role };
    tui::run(ctx, Wanted { role, palette: args.theme })
}
