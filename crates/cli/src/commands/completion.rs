//! `completion`: the script that makes a shell complete our words.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::output::Completion;

const EXAMPLES: &str = "\
Examples:
  ostoja completion bash > ~/.local/share/bash-completion/completions/ostoja
  ostoja completion zsh > ~/.zfunc/_ostoja
  ostoja completion fish > ~/.config/fish/completions/ostoja.fish";

/// What can be typed behind `completion`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CompletionArgs {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(ctx: &Ctx, args: &CompletionArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ostoja", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    ctx.show(&Completion { shell: args.shell.to_string(), script }, |made| made.script.clone())?;
    Ok(Exit::Done)
}
