//! `restarts`: how often policies may restart a module, and the restarts that are planned.

use std::collections::BTreeMap;
use std::time::Duration;

use abi::{ModuleId, Zone};

use super::Known;
use crate::files::node::Node;
use crate::files::reader::Reader;

/// 1,000: more restarts of one module within a day are no policy.
const PER_DAY_MAX: u64 = 1000;

/// 100 plans: more are a slip of a program.
const SCHEDULES_MAX: usize = 100;

/// `restarts`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarts {
    /// `min_uptime`: a module has to have been ready for so long. 60 s.
    pub uptime_min: Duration,
    /// `cooldown`: from one restart to the next. 300 s.
    pub cooldown: Duration,
    /// `per_day`: so many within a day. 5.
    pub per_day: u32,
    /// `schedules`: by name.
    pub schedules: BTreeMap<String, Schedule>,
}

impl Default for Restarts {
    fn default() -> Self {
        Self {
            uptime_min: Duration::from_secs(60),
            cooldown: Duration::from_secs(300),
            per_day: 5,
            schedules: BTreeMap::new(),
        }
    }
}

/// What is restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `module/NAME`
    Module(ModuleId),
    /// `zone/sandbox`, `zone/stable`
    Zone(Zone),
    /// `everything`
    Everything,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// `what`
    pub what: Target,
    /// `cron`: five fields, or six with seconds; read by whoever keeps the plan.
    pub cron: String,
    /// `zone`: the time zone of `cron`, such as `Europe/Warsaw`; the machine's own.
    pub zone: Option<String>,
    /// `load`: the machine's load has to be below this share of its processors, in thousandths; any.
    pub load_permille_max: Option<u64>,
    /// `idle`: nobody may have typed for so long; no matter.
    pub idle_for: Option<Duration>,
    /// `deadline`: so long after its time it is waited no more. 1 h.
    pub deadline: Duration,
    /// `late`: what then.
    pub late: Late,
}

/// `late`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Late {
    /// `give_up`: until the next time.
    #[default]
    GiveUp,
    /// `go_on`: it is done all the same.
    GoOn,
}

/// 1 h: long enough for a load to pass, short enough to be over before people come.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(60 * 60);

pub(super) fn field(reader: &mut Reader, restarts: &mut Restarts, field: &str, node: &Node) -> Known {
    match field {
        "min_uptime" => set(&mut restarts.uptime_min, reader.duration(field, node)),
        "cooldown" => set(&mut restarts.cooldown, reader.duration(field, node)),
        "per_day" => {
            let number = reader.whole(field, node, 0..=PER_DAY_MAX);
            set(&mut restarts.per_day, number.and_then(|number| u32::try_from(number).ok()));
        }
        "schedules" => {
            for (name, value) in reader.map(field, node).unwrap_or_default() {
                if restarts.schedules.len() >= SCHEDULES_MAX {
                    reader.bad_value(&name.text, value, format!("is one plan more than {SCHEDULES_MAX}"));
                    break;
                }
                if let Some(schedule) = schedule(reader, &name.text, value) {
                    restarts.schedules.insert(name.text.clone(), schedule);
                }
            }
        }
        _ => return Known::Not(&["min_uptime", "cooldown", "per_day", "schedules"]),
    }
    Known::Yes
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

const SCHEDULE_FIELDS: [&str; 7] = ["what", "cron", "zone", "load", "idle", "deadline", "late"];

/// A plan; nothing if anything in it is wrong, since half a plan is another one.
fn schedule(reader: &mut Reader, name: &str, node: &Node) -> Option<Schedule> {
    let complaints = reader.complaints();
    let (mut what, mut cron) = (None, None);
    let mut schedule = Schedule {
        what: Target::Everything,
        cron: String::new(),
        zone: None,
        load_permille_max: None,
        idle_for: None,
        deadline: DEADLINE_DEFAULT,
        late: Late::default(),
    };
    for (key, value) in reader.map(name, node)? {
        let field = key.text.as_str();
        match field {
            "what" => what = target(reader, value),
            "cron" => cron = reader.text(field, value),
            "zone" => schedule.zone = reader.text(field, value),
            "load" => schedule.load_permille_max = reader.cpu_permille(field, value),
            "idle" => schedule.idle_for = reader.duration(field, value),
            "deadline" => set(&mut schedule.deadline, reader.duration(field, value)),
            "late" => set(
                &mut schedule.late,
                reader.word(field, value, &[("give_up", Late::GiveUp), ("go_on", Late::GoOn)]),
            ),
            _ => reader.unknown_field(node, key, &SCHEDULE_FIELDS),
        }
    }
    if reader.complaints() == complaints && (what.is_none() || cron.is_none()) {
        reader.bad_value(name, node, "needs `what` and `cron`");
    }
    if reader.complaints() != complaints {
        return None;
    }
    (schedule.what, schedule.cron) = (what?, cron?);
    Some(schedule)
}

fn target(reader: &mut Reader, node: &Node) -> Option<Target> {
    let text = reader.text("what", node)?;
    let found = match text.split_once('/') {
        None if text == "everything" => Some(Target::Everything),
        Some(("zone", "sandbox")) => Some(Target::Zone(Zone::Sandbox)),
        Some(("zone", "stable")) => Some(Target::Zone(Zone::Stable)),
        Some(("module", id)) => ModuleId::parse(id).ok().map(Target::Module),
        _ => None,
    };
    if found.is_none() {
        reader.bad_value(
            "what",
            node,
            "is none of `everything`, `zone/sandbox`, `zone/stable`, `module/NAME`",
        );
    }
    found
}

#[cfg(test)]
mod tests;
