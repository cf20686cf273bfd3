//! A proxy's part in a hot swap: keeping what comes while state is on its way, handing it over, and answering the rest.

use alloc::format;
use alloc::string::String;

use super::{Act, Letter, Proxy, Stage, Turn};
use crate::event::Outcome;
use crate::routes::Address;

impl Proxy {
    /// As which life its wishes are decided: one that made room stands for the one that answers now, for as long as it
    /// has something to answer itself.
    pub(super) fn speaks_as(&self) -> Address {
        match self.stage {
            Stage::Yielded(to) if self.serving.len() > 0 => to,
            _ => self.life,
        }
    }

    /// Keeps what would reach the module while its state is on the way; gives back what is to be read now.
    pub(super) fn hold(&mut self, turn: &mut Turn<'_>, letter: Letter) -> Option<Letter> {
        match self.stage {
            Stage::Holding => {}
            Stage::Yielded(to) => return pass_on(turn, to, letter),
            Stage::Starting | Stage::Ready | Stage::Ending => return Some(letter),
        }
        match letter {
            Letter::Call { .. } | Letter::Deliver { .. } => {
                if let Some(Letter::Call { caller, token, .. }) = self.held.keep(letter) {
                    let outcome = Outcome::Error(String::from("overloaded"));
                    turn.acts.push(Act::Post(caller, Letter::Answer { token, outcome }));
                }
                None
            }
            Letter::Cancel { caller, token } if self.held.drop_of(caller, token) => None,
            letter => Some(letter),
        }
    }

    /// It answers on: what was kept comes to it now.
    pub(super) fn unhold(&mut self, turn: &mut Turn<'_>) {
        self.stage = Stage::Ready;
        let (letters, refused) = self.held.take();
        for letter in letters {
            self.read_now(turn, letter);
        }
        warn_refused(turn, refused);
    }

    /// Another life answers: what was kept goes there, and whoever called knows where its call is.
    pub(super) fn make_room(&mut self, turn: &mut Turn<'_>, to: Address) {
        self.stage = Stage::Yielded(to);
        let (letters, refused) = self.held.take();
        for letter in letters {
            // All of it goes there.
            let _nothing = pass_on(turn, to, letter);
        }
        warn_refused(turn, refused);
        self.tell_drained(turn);
    }

    /// It ends while something is kept: callers are told as they are of what it was asked already.
    pub(super) fn refuse_held(&mut self, turn: &mut Turn<'_>) {
        let (letters, refused) = self.held.take();
        for letter in letters {
            if let Letter::Call { caller, token, .. } = letter {
                let outcome = Outcome::Error(super::stopped(self.badge.name.as_str()));
                turn.acts.push(Act::Post(caller, Letter::Answer { token, outcome }));
            }
        }
        warn_refused(turn, refused);
    }

    /// Says that it has answered everything and is owed nothing, if it made room.
    pub(super) fn tell_drained(&self, turn: &mut Turn<'_>) {
        if let Stage::Yielded(_) = self.stage
            && self.serving.len() == 0
            && self.asked.len() == 0
        {
            turn.acts.push(Act::Drained);
        }
    }
}

/// What is meant for the life that answers goes there, and whoever called knows where its call is; gives back the rest.
fn pass_on(turn: &mut Turn<'_>, to: Address, letter: Letter) -> Option<Letter> {
    match letter {
        Letter::Call { caller, token, .. } => {
            turn.acts.push(Act::Post(caller, Letter::Moved { token, target: to }));
            turn.acts.push(Act::Post(to, letter));
            None
        }
        Letter::Deliver { .. } => {
            turn.acts.push(Act::Post(to, letter));
            None
        }
        letter => Some(letter),
    }
}

fn warn_refused(turn: &mut Turn<'_>, refused: u64) {
    if refused > 0 {
        let text = format!("{refused} calls and messages found no room while its state was on the way");
        turn.acts.push(Act::Warn(text));
    }
}
