//! `module.run` and `module.remove`: commands that an operator adds by hand, for as long as the kernel runs.

use std::path::Path;

use super::*;
use crate::handover::ByHand;

/// 1,000 numbers are tried for a name that is free.
const NUMBERS_MAX: u32 = 1000;

/// Adds one more command and starts it. Answered at once: a command that ends soon is not waited for.
pub(super) fn run(caller: &Caller, wanted: Option<&str>, module: &Value, cwd: &str) -> Done {
    let mut shell = caller.shell.borrow_mut();
    let id = match wanted {
        Some(text) => ModuleId::parse(text)
            .map_err(|error| Refusal::new("host::door::bad_request", format!("the name `{text}` {error}")))?,
        None => shell.free_name(module)?,
    };
    if let Some(known) = shell.files.blueprints.get(&id) {
        let why = format!("there is a module `{id}` already");
        let refusal = Refusal::new("host::run::present", why);
        return Err(match known.origin {
            Origin::Hand => refusal.help(format!("ostoja stop {id}, or choose another --name")),
            Origin::Home | Origin::Project => refusal.help("choose another --name"),
        });
    }
    let one = ProjectModules::by_hand(&id, module, Path::new(cwd)).map_err(|errors| Refusal::of(&errors))?;
    let Some(found) = shell.found_by_hand(&one) else {
        return Err(Refusal::new("host::door::bad_request", "there is no module in the request"));
    };
    shell.files.blueprints.insert(id.clone(), Rc::new(found.blueprint));
    let one = ByHand { id: id.to_string(), module: module.clone(), cwd: cwd.to_owned() };
    shell.by_hand.push(one);
    shell.feed(Event::Added(found.discovered));
    shell.end_turn();
    drop(shell);
    acted(caller, &id, Ordered::Done)
}

impl Shell {
    /// A name made of the command's own: `sleep`, `sleep-2`.
    fn free_name(&self, module: &Value) -> Result<ModuleId, Refusal> {
        let run = module.get("run");
        let first = run.and_then(|run| run.as_str().or_else(|| run.get(0)?.as_str())).unwrap_or("command");
        let program = first.split_whitespace().next().unwrap_or("command");
        let base = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let base: String = base.unwrap_or_default().chars().map(plain).take(32).collect();
        let base = base.trim_matches('-');
        let base = if base.is_empty() { "command" } else { base };
        let numbered = (1..=NUMBERS_MAX).map(|number| match number {
            1 => base.to_owned(),
            number => format!("{base}-{number}"),
        });
        numbered
            .filter_map(|name| ModuleId::parse(&name).ok())
            .find(|id| !self.files.blueprints.contains_key(id) && self.kernel.find(id.as_str()).is_none())
            .ok_or_else(|| Refusal::new("host::run::present", format!("all names like `{base}` are taken")))
    }
}

/// Stops and forgets a command that was added by hand.
pub(super) async fn remove(caller: &Caller, text: &str) -> Done {
    let id = module_id(text)?;
    plain_answer(caller.order(Order::Remove(id)).await?).map(|_| Some(json!({})))
}
