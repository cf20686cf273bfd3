//! Requests about the kernel itself: how it is, whether all is at rest, reading files again.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Answer, Order};
use protocol::operator::{KernelStatus, Plan, PlannedStep, ReloadWhat, Safe, SafeMode, Settled, ZoneName};
use store::Health;

use super::connection::Caller;
use super::reply::{self, Done, Refusal, plain_answer};
use super::rows::state_word;
use crate::files::project::ProjectModules;
use crate::run::ProjectSource;
use crate::shell::Shell;
use crate::talk::row_of;
use crate::usage;
use crate::words::{self, Lang};

pub(super) fn status(caller: &Caller) -> Done {
    reply::data(&caller.shell.borrow().kernel_status())
}

impl Shell {
    fn kernel_status(&self) -> KernelStatus {
        let used = usage::of_self();
        let mut states: BTreeMap<String, u32> = BTreeMap::new();
        for view in self.kernel.views() {
            *states.entry(state_word(&view).to_owned()).or_default() += 1;
        }
        let journal = match self.talk.scribe.health() {
            Health::Well => "well".to_owned(),
            Health::Failing { error, .. } => error.message,
        };
        let project = match &self.files.source {
            Some(ProjectSource::File(path)) => Some(path.display().to_string()),
            Some(ProjectSource::Inline(..)) | None => None,
        };
        let watchdog = self.kernel.settings().watchdog;
        KernelStatus {
            pid: std::process::id(),
            version: self.version.clone(),
            home: self.files.home.root().display().to_string(),
            project,
            started_at_ms: self.clock.started_wall().0,
            uptime_ms: self.now().0,
            states,
            journal,
            watchdog: match watchdog {
                kernel::Watchdog::Passive => "passive".to_owned(),
                kernel::Watchdog::Active => "active".to_owned(),
                kernel::Watchdog::Strict => "strict".to_owned(),
            },
            bounds: self.governor.way(),
            rss_bytes: used.rss_bytes,
            cpu_ms: used.cpu_ms,
            frames: self.frames,
            troubles: self.troubles.iter().cloned().collect(),
            safe_mode: self
                .safety
                .cause()
                .map(|cause| SafeMode { why: cause.why(), until: cause.until(watchdog).to_owned() }),
        }
    }

    /// What the kernel would decide if this happened now, as steps for people. A shutdown order comes with its tiers.
    pub(crate) fn plan_of(&self, event: kernel::Event) -> Plan {
        let records = self.kernel.preview(self.now(), event);
        let steps = records.iter().map(|record| {
            let row = row_of(0, crate::clock::wall_now(), record);
            PlannedStep {
                module_id: row.module_id.clone(),
                code: row.code.clone(),
                text: words::sentence(Lang::English, &row),
            }
        });
        Plan { steps: steps.collect() }
    }
}

/// Stops everything in order; with `dry_run` only tells how.
pub(super) async fn stop(caller: &Caller, dry_run: bool) -> Done {
    if dry_run {
        let mut shell = caller.shell.borrow_mut();
        let request = shell.desk.next_request();
        return reply::data(&shell.plan_of(kernel::Event::Ordered(request, Order::Shutdown)));
    }
    caller.order(Order::Shutdown).await.and_then(plain_answer).map(|_| None)
}

/// Ends every module and starts none until [`resume`].
pub(super) async fn safe_mode(caller: &Caller, why: String) -> Done {
    let already = match caller.order(Order::SafeMode(why.clone())).await? {
        Answer::Already => true,
        other => plain_answer(other).map(|_| false)?,
    };
    if !already {
        caller.shell.borrow_mut().enter_safe_mode(why);
    }
    reply::data(&Safe { already })
}

/// Leaves safe mode, if all files can be read again.
pub(super) async fn resume(caller: &Caller) -> Done {
    if caller.shell.borrow().safety.cause().is_none() {
        return reply::data(&Safe { already: true });
    }
    let refused = |why: String| {
        Refusal::new("host::safe_mode::cause_remains", why).help("mend the file, then: ostoja kernel resume")
    };
    crate::safe::resume(&caller.shell).await.map_err(refused)?;
    let already = matches!(caller.order(Order::Resume).await?, Answer::Already);
    reply::data(&Safe { already })
}

/// Moves a module to the stable zone; saved before it is answered.
pub(super) async fn promote(caller: &Caller, id: &str) -> Done {
    let already = match caller.order(Order::Promote(super::requests::module_id(id)?)).await? {
        Answer::Already => true,
        other => plain_answer(other).map(|_| false)?,
    };
    if !already {
        let refused = |why| Refusal::new("host::permissions::not_saved", why);
        crate::effects::save_now(&caller.shell).await.map_err(refused)?;
    }
    reply::data(&Safe { already })
}

/// An order for a whole zone.
pub(super) async fn zone(caller: &Caller, zone: ZoneName, order: fn(abi::Zone) -> Order) -> Done {
    let zone = match zone {
        ZoneName::Sandbox => abi::Zone::Sandbox,
        ZoneName::Stable => abi::Zone::Stable,
    };
    plain_answer(caller.order(order(zone)).await?).map(|_| None)
}

pub(super) async fn settle(caller: &Caller, timeout_ms: Option<u64>) -> Done {
    let order = caller.order(Order::Settle);
    let answer = match timeout_ms {
        None => order.await?,
        Some(timeout_ms) => match tokio::time::timeout(Duration::from_millis(timeout_ms), order).await {
            Ok(answer) => answer?,
            Err(_) => {
                let why = format!("modules were still on their way after {timeout_ms} ms");
                return Err(Refusal::new("kernel::order::timed_out", why).help("ostoja ps"));
            }
        },
    };
    match answer {
        Answer::Settled(failed) => {
            reply::data(&Settled { not_ready: failed.iter().map(ToString::to_string).collect() })
        }
        other => plain_answer(other).map(|_| None),
    }
}

/// Reads files again. With `dry_run` only what the modules' files would change is told: the other files change
/// settings, not lives, until they are taken over.
pub(super) async fn reload(caller: &Caller, what: Option<ReloadWhat>, dry_run: bool) -> Done {
    if dry_run {
        return plan_reload(caller, what);
    }
    let refused =
        |why: String| Refusal::new("host::reload::refused", why).help("mend the file, then: ostoja reload");
    let wants = |one: ReloadWhat| what.is_none_or(|what| what == one);
    if wants(ReloadWhat::Config) {
        caller.shell.borrow_mut().reload_config_or_tell().map_err(refused)?;
    }
    if wants(ReloadWhat::Permissions) {
        let mut shell = caller.shell.borrow_mut();
        // One that can't be read does not keep the other from being taken over.
        let policies = shell.reload_policies();
        shell.reload_permissions().and(policies).map_err(refused)?;
    }
    if wants(ReloadWhat::Modules) {
        crate::reload::modules(&caller.shell).await.map_err(refused)?;
    }
    caller.shell.borrow_mut().end_turn();
    Ok(None)
}

fn plan_reload(caller: &Caller, what: Option<ReloadWhat>) -> Done {
    let mut shell = caller.shell.borrow_mut();
    let refused = |why: String| Refusal::new("host::reload::refused", why);
    let mut plan = Plan { steps: Vec::new() };
    let wants = |one: ReloadWhat| what.is_none_or(|what| what == one);
    if wants(ReloadWhat::Config) {
        let changed = shell.changed_sections().map_err(refused)?;
        plan.steps.extend(shell.plan_of(kernel::Event::ConfigChanged(changed)).steps);
    }
    if wants(ReloadWhat::Permissions) {
        let changes = shell.changed_grants().map_err(refused)?;
        plan.steps.extend(shell.plan_of(kernel::Event::GrantsChanged(changes)).steps);
    }
    if wants(ReloadWhat::Modules) {
        let project = shell.files.source.as_ref().map(ProjectModules::load).transpose();
        let project = project.map_err(|error| Refusal::of(&error))?;
        let finding = shell.search(project.as_ref());
        plan.steps.extend(shell.plan_of(kernel::Event::Discovered(finding.discovered())).steps);
        plan.steps.extend(shell.plan_swaps(&finding));
    }
    reply::data(&plan)
}
