//! `dev --observe`: what each module needs to be allowed, seen from what it did until the end.

use host::can_observe;
use protocol::operator::{Held, Profiled};
use serde_json::json;

use crate::commands::module::write_needed;
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::output::UpEvent;
use crate::render;
use crate::words::Phrase;

/// How it is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Learning {
    /// How modules are held meanwhile.
    pub(crate) held: Held,
    /// What is done with what was learned.
    pub(crate) then: Then,
}

/// What is done with what was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// It is shown.
    Show,
    /// It is shown, and put into the module's `module.json`.
    Write,
}

impl Learning {
    /// Whether it can be done here, and is wished.
    ///
    /// # Errors
    /// `cli::dev::not_observable`, and what a question comes to that was not answered with yes.
    pub(crate) fn check(&self, ctx: &Ctx) -> Outcome<()> {
        if !can_observe() {
            let why =
                "this machine gives no network namespace or no seccomp notification, by which wants are told";
            let failure = Failure::new("cli::dev::not_observable", why);
            return Err(failure.help("ostoja doctor").exit(Exit::Failed).into());
        }
        match self.held {
            Held::Closed => Ok(()),
            Held::Open => ctx.confirm(&ctx.phrase(Phrase::DevOpenQuestion, &[])),
        }
    }

    /// Shows what a module needed, and writes it where that is wished.
    ///
    /// # Errors
    /// When its `module.json` can't be written.
    pub(crate) fn tell(&self, ctx: &Ctx, profiled: &Profiled) -> Outcome<()> {
        if ctx.is_json() {
            ctx.json_line(&UpEvent::Observed(profiled.clone()))?;
        } else {
            ctx.print(&render::profile::profile(&ctx.theme, profiled))?;
        }
        let differs = profiled.needed != profiled.granted;
        match (self.then, &profiled.file) {
            _ if !differs => Ok(()),
            (Then::Write, Some(file)) => {
                write_needed(profiled)?;
                ctx.say_phrase(Phrase::DevWritten, &[file]);
                Ok(())
            }
            (Then::Show, Some(file)) => {
                ctx.say_phrase(Phrase::DevWriteHint, &[file]);
                Ok(())
            }
            (_, None) => {
                // JSON is YAML too.
                let lines = json!(profiled.needed).to_string();
                ctx.say_phrase(Phrase::DevPutThere, &[&profiled.module_id, &lines]);
                Ok(())
            }
        }
    }
}
