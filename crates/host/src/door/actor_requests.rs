//! `actors`: what lives in the kernel's process, how full its queues are, and who is hottest. Looking stops nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use actor::{Addr, Load, OBSERVED_DEFAULT, Observation, Observed, Rate, System};
use protocol::operator::{ActorCore, ActorRow, ActorSystem, ActorTable};

use super::connection::Caller;
use super::reply::{self, Done, Refusal};
use crate::clock::wall_now;
use crate::shell::Shell;

/// 60 s: the longest time over which rates are measured for somebody who waits for them.
const INTERVAL_MAX_MS: u64 = 60_000;

/// An actor system with the names that its actors have for people.
struct Seen {
    name: String,
    system: System,
    names: BTreeMap<Addr, String>,
}

pub(super) async fn actors(caller: &Caller, interval_ms: Option<u64>) -> Done {
    if let Some(interval_ms) = interval_ms.filter(|interval| !(1..=INTERVAL_MAX_MS).contains(interval)) {
        let why = format!("intervalMs is {interval_ms}; 1 to {INTERVAL_MAX_MS} can be watched");
        return Err(Refusal::new("host::door::bad_request", why));
    }
    let before = interval_ms.map(|_| {
        let seen = caller.shell.borrow().actor_systems();
        seen.into_iter().map(|seen| (seen.name, seen.system.observe(OBSERVED_DEFAULT))).collect()
    });
    if let Some(interval_ms) = interval_ms {
        tokio::time::sleep(Duration::from_millis(interval_ms)).await;
    }
    let seen = caller.shell.borrow().actor_systems();
    reply::data(&table(&seen, before.unwrap_or_default(), interval_ms.unwrap_or(0)))
}

impl Shell {
    /// All actor systems of this process: one for each hall of WebAssembly modules.
    fn actor_systems(&self) -> Vec<Seen> {
        let mut names: BTreeMap<usize, BTreeMap<Addr, String>> = BTreeMap::new();
        for view in self.kernel.views() {
            let guest = self.seat(view.slot).and_then(|seat| seat.guest.as_ref());
            if let Some((hall, address)) = guest.and_then(|guest| guest.address()) {
                names.entry(hall).or_default().insert(bare(address), view.id.to_string());
            }
        }
        let halls = self.guests.systems().enumerate();
        let seen = halls.map(|(at, (name, system))| Seen {
            name,
            system: system.clone(),
            names: names.remove(&at).unwrap_or_default(),
        });
        seen.collect()
    }
}

/// Observations name actors without rights.
fn bare(address: Addr) -> Addr {
    address.with_rights(actor::Rights::NONE)
}

fn table(seen: &[Seen], mut before: BTreeMap<String, Observation>, over_ms: u64) -> ActorTable {
    let mut table = ActorTable { ts_ms: wall_now().0, over_ms, ..ActorTable::default() };
    for Seen { name, system, names } in seen {
        let now = system.observe(OBSERVED_DEFAULT);
        let rates: Vec<Rate> =
            before.remove(name).map(|earlier| now.rates_since(&earlier)).unwrap_or_default();
        let rates: BTreeMap<Addr, Rate> = rates.into_iter().map(|rate| (rate.actor, rate)).collect();
        let cores = now.cores.iter().map(|core| ActorCore {
            turns: core.turns,
            handled: core.handled,
            actors: core.actors,
            queued: core.queued,
            dead: core.dead,
            panics: core.panics,
        });
        table.systems.push(ActorSystem { name: name.clone(), cores: cores.collect() });
        table.left_out += now.left_out as u64;
        table.actors.extend(now.actors.iter().map(|observed| {
            let address = observed.statistics.actor;
            let own = observed.name.as_ref().map(ToString::to_string);
            row(name, observed, names.get(&address).cloned().or(own), rates.get(&address))
        }));
    }
    table
}

fn row(system: &str, observed: &Observed, name: Option<String>, rate: Option<&Rate>) -> ActorRow {
    let statistics = &observed.statistics;
    let last = |kind: &str| kind.rsplit("::").next().unwrap_or(kind).to_owned();
    ActorRow {
        id: format!("{:?}", statistics.actor),
        name,
        system: system.to_owned(),
        core: u32::try_from(statistics.core.index()).unwrap_or(u32::MAX),
        kind: last(statistics.kind),
        supervisor: observed.supervisor.map(|supervisor| format!("{supervisor:?}")),
        queued: u64::from(statistics.queued),
        queue_max: u64::from(statistics.bound.messages()),
        congested: statistics.load == Load::Congested,
        handled: u64::from(statistics.handled),
        sent: u64::from(statistics.sent),
        refused: u64::from(statistics.refused),
        panics: u64::from(statistics.panics),
        cpu_ms: statistics.cpu_ns / 1_000_000,
        handled_per_s: rate.map(|rate| rate.handled_per_s),
        #[expect(clippy::cast_precision_loss, reason = "thousandths of some cores are far below 2^53")]
        cpu_percent: rate.map(|rate| rate.cpu_permille as f64 / 10.0),
        queue_growth: rate.map(|rate| rate.queue_growth),
    }
}
