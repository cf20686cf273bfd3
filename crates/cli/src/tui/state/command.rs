//! What is typed behind `:`.

use super::{App, Change, View, Wish};
use crate::tui::words::Word;

impl App {
    /// Does what was typed; short forms are those of k9s and vi.
    pub(super) fn command(&mut self, text: &str) -> Vec<Wish> {
        let (verb, name) = text.split_once(' ').map_or((text, ""), |(verb, name)| (verb, name.trim()));
        match verb {
            "" => return Vec::new(),
            "q" | "q!" | "quit" | "exit" => return vec![Wish::Quit],
            "modules" | "module" | "mo" | "ps" => self.show(View::Modules),
            "approvals" | "permissions" | "ap" => return self.open_approvals(),
            "zones" | "zone" | "zo" => self.show(View::Zones),
            "help" | "h" | "?" => self.show(View::Help),
            "logs" | "log" | "describe" | "d" | "why" | "start" | "stop" | "restart" => {
                return self.command_about(verb, name);
            }
            _ => self.notice = Some(self.say(Word::UnknownCommand).replace("{0}", verb)),
        }
        Vec::new()
    }

    fn command_about(&mut self, verb: &str, name: &str) -> Vec<Wish> {
        let named = if name.is_empty() { self.chosen() } else { Some(name.to_owned()) };
        let Some(module) = named.filter(|name| self.modules.iter().any(|module| module.id == *name)) else {
            self.notice = Some(self.say(Word::UnknownModule).replace("{0}", name));
            return Vec::new();
        };
        match verb {
            "logs" | "log" => return self.open_log(module),
            "start" => self.propose(&module, Change::Start),
            "stop" => self.propose(&module, Change::Stop),
            "restart" => self.propose(&module, Change::Restart),
            _ => return self.open_detail(module),
        }
        Vec::new()
    }
}
