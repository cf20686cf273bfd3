//! What every command gets: the options of all verbs, the look of both outputs, and the two ways to say something:
//! data on stdout, talk on stderr.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::ColorChoice;
use jiff::tz::TimeZone;
use protocol::operator::Response;
use serde::Serialize;

use crate::args::{GlobalArgs, Spoken};
use crate::environment::Variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Stopped};
use crate::lang::{self, Lang};
use crate::theme::{Colors, Glyphs, Theme, WIDTH_DEFAULT};
use crate::words::Phrase;

/// What every command gets.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The options of all verbs, as typed.
    pub global: GlobalArgs,
    /// The look of stdout.
    pub theme: Theme,
    /// The look of stderr.
    pub talk: Theme,
    /// The language of sentences.
    pub lang: Lang,
    /// The zone of moments.
    pub zone: TimeZone,
}

impl Ctx {
    /// Looks at the options, the environment and the terminal.
    pub fn new(global: GlobalArgs) -> Self {
        let glyphs = if lang::speaks_utf8() { Glyphs::Unicode } else { Glyphs::Ascii };
        let lang = match global.lang {
            Some(Spoken::Sentences(lang)) => lang,
            Some(Spoken::Program(_)) | None => Lang::of_locale(&lang::locale()),
        };
        let look = |is_terminal: bool, width: usize| Theme {
            colors: colors(global.color, is_terminal),
            glyphs,
            width,
            lang,
        };
        Self {
            theme: look(io::stdout().is_terminal(), terminal_width()),
            talk: look(io::stderr().is_terminal(), terminal_width()),
            lang,
            zone: TimeZone::system(),
            global,
        }
    }

    /// Whether stdout carries JSON.
    pub fn is_json(&self) -> bool {
        self.global.json
    }

    /// The time a request may take: the option, or this.
    pub fn timeout_or(&self, default: Duration) -> Duration {
        self.global.timeout.unwrap_or(default)
    }

    /// Writes data to stdout as it stands.
    ///
    /// # Errors
    /// `ReaderGone` when nobody reads it any more; a failure when it can't be written.
    pub fn print(&self, text: &str) -> Outcome<()> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Stopped::ReaderGone,
            _ => Failure::new("cli::output::write", "can't write to stdout")
                .caused_by(error.to_string())
                .into(),
        })
    }

    /// Writes the one JSON document of a command: an `ok` answer in the operator door's own shape.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn document<T: Serialize>(&self, data: &T) -> Outcome<()> {
        self.json_line(&Response::done(Some(to_value(data)?)))
    }

    /// Writes one JSON line.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn json_line<T: Serialize>(&self, value: &T) -> Outcome<()> {
        let mut line = to_value(value)?.to_string();
        line.push('\n');
        self.print(&line)
    }

    /// Writes either the JSON document or the text that `render` makes of the same data.
    ///
    /// # Errors
    /// As [`Self::print`].
    pub fn show<T: Serialize>(&self, data: &T, render: impl FnOnce(&T) -> String) -> Outcome<()> {
        if self.is_json() { self.document(data) } else { self.print(&render(data)) }
    }

    /// Says something to the person, on stderr, unless told to be quiet. A stderr that is gone is no reason to fail.
    pub fn say(&self, text: &str) {
        if !self.global.quiet {
            self.say_always(text);
        }
    }

    /// Says something to the person even when told to be quiet.
    pub fn say_always(&self, text: &str) {
        let mut stderr = io::stderr().lock();
        // Nobody is left to be told that talk can't be told.
        let _ = writeln!(stderr, "{text}");
    }

    /// A sentence in the person's language, `{0}`, `{1}`, … filled in.
    pub fn phrase(&self, phrase: Phrase, values: &[&str]) -> String {
        phrase.fill(self.lang, values)
    }

    /// Says a sentence in the person's language.
    pub fn say_phrase(&self, phrase: Phrase, values: &[&str]) {
        self.say(&self.phrase(phrase, values));
    }

    /// Asks a question that must be answered with yes to go on.
    ///
    /// # Errors
    /// A failure when it was answered with no, and when there is no terminal to ask on and `--yes` is missing.
    pub fn confirm(&self, question: &str) -> Outcome<()> {
        if self.global.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            let failure = Failure::new(
                "cli::confirm::no_terminal",
                "this needs a yes, and there is no terminal to ask on",
            );
            return Err(failure.help("add --yes").exit(Exit::Usage).into());
        }
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{question} [y/N] ");
        let _ = stderr.flush();
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(|error| {
            Failure::new("cli::confirm::read", "can't read the answer").caused_by(error.to_string())
        })?;
        // `t` and `tak` are Polish for yes; `n` is no in both languages.
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" | "t" | "tak" => Ok(()),
            _ => Err(Failure::new("cli::confirm::declined", "nothing was changed").exit(Exit::Failed).into()),
        }
    }
}

/// A value as JSON.
///
/// # Errors
/// Never for the output types; a failure instead of a panic if one of them should be wrong.
pub fn to_value<T: Serialize>(value: &T) -> Outcome<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| {
        Failure::new("cli::output::encode", "can't encode the answer").caused_by(error.to_string()).into()
    })
}

/// Whether colours are on: `--color` first, then `NO_COLOR` and `TERM=dumb`, then whether it is a terminal.
fn colors(choice: ColorChoice, is_terminal: bool) -> Colors {
    let is_dumb = Variable::Term.value().is_some_and(|value| value == "dumb");
    let unwanted = Variable::NoColor.value().is_some() || is_dumb;
    match choice {
        ColorChoice::Always => Colors::On,
        ColorChoice::Auto if is_terminal && !unwanted => Colors::On,
        ColorChoice::Auto | ColorChoice::Never => Colors::Off,
    }
}

/// The terminal's width; 80 where there is none.
fn terminal_width() -> usize {
    let asked = Variable::Columns.text().and_then(|text| text.parse::<usize>().ok());
    let found = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    asked.or_else(found).filter(|columns| *columns > 0).unwrap_or(WIDTH_DEFAULT)
}
