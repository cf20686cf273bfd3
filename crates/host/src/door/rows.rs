//! What the kernel and the host know about modules, as rows for operators.

use std::collections::BTreeMap;
use std::time::Duration;

use abi::{Name, Slot};
use kernel::{Probation, Resource, Spec, Step, View};
use protocol::operator::{COMPLETED, ModuleDetail, ModuleStatus, ProbationStatus};

use crate::launch;
use crate::life::Life;
use crate::shell::Shell;
use crate::translate::permissions_json;

impl Shell {
    /// The row of one module.
    pub(crate) fn status_of(&self, slot: Slot) -> Option<ModuleStatus> {
        Some(self.status_of_view(&self.kernel.view(slot)?))
    }

    /// All rows, by name.
    pub(crate) fn statuses(&self) -> Vec<ModuleStatus> {
        self.kernel.views().iter().map(|view| self.status_of_view(view)).collect()
    }

    fn status_of_view(&self, view: &View) -> ModuleStatus {
        let seat = self.seat(view.slot);
        let life = seat.and_then(|seat| seat.life.as_ref());
        let guest = seat.and_then(|seat| seat.guest.as_ref());
        let used = life
            .and_then(|life| life.used.of_process(life.pid, seat.and_then(|seat| seat.cgroup.as_deref())))
            .or_else(|| guest?.used());
        let tally = seat.map(|seat| seat.tally).unwrap_or_default();
        let blueprint = self.blueprint(view.slot);
        ModuleStatus {
            id: view.id.to_string(),
            status: state_word(view).to_owned(),
            pid: life.map(|life| life.pid),
            provides: texts(&view.provides),
            restart_count: view.restart_count,
            started_at: life.map(|life| life.started.0).or_else(|| Some(guest?.started.0)),
            version: view.version.clone(),
            runtime: blueprint.map(|blueprint| blueprint.runtime.as_str().to_owned()).unwrap_or_default(),
            generation: view.generation.map(|generation| generation.0),
            since_ms: self.clock.wall_of(view.since).0,
            restarts_total: view.restarts_total,
            restart_at_ms: view.restart_at.map(|at| self.clock.wall_of(at).0),
            note: view.note.clone(),
            waiting_for: texts(&view.waiting_for),
            containment: seat.map(|seat| seat.containment.clone()).unwrap_or_default(),
            transport: life.map(Life::transport).unwrap_or_default().to_owned(),
            rss_bytes: used.map(|used| used.rss_bytes),
            cpu_ms: used.map(|used| used.cpu_ms),
            frames_in: tally.frames_in,
            frames_out: tally.frames_out,
            dropped: tally.dropped,
            bad_lines: tally.bad_lines,
            log_lost: tally.log_lost,
            zone: view.zone.to_string(),
            limits: limits(view),
            held: held(view),
            probation: view.probation.as_ref().map(probation),
        }
    }

    /// Everything about one module.
    pub(crate) fn detail_of(&self, slot: Slot) -> Option<ModuleDetail> {
        let status = self.status_of(slot)?;
        let spec: &Spec = self.kernel.spec(slot)?;
        let effective = self.effective(&spec.id);
        let blueprint = self.blueprint(slot);
        let capabilities = self.kernel.capabilities(slot);
        let seat = self.seat(slot);
        let heard = capabilities.map(|capabilities| &capabilities.topics);
        let may_call = capabilities.map(|capabilities| &capabilities.services);
        let command =
            blueprint.as_ref().map(|blueprint| launch::command(blueprint, &effective, self.ground()));
        let folder = blueprint.as_ref().and_then(|blueprint| blueprint.folder.as_ref());
        Some(ModuleDetail {
            status,
            folder: folder.map(|folder| folder.display().to_string()),
            command: command.unwrap_or_default(),
            requires: texts(&spec.requires),
            needs: spec.needs.iter().map(ToString::to_string).collect(),
            topics: spec
                .subscribes
                .iter()
                .chain(heard.into_iter().flatten())
                .map(Name::to_string)
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect(),
            may_call: may_call.into_iter().flatten().map(Name::to_string).collect(),
            config_key: spec.config_key.clone(),
            declared: permissions_json(&spec.declared),
            effective: permissions_json(&effective),
            manifest_hash: self
                .files
                .approvals
                .entry(&spec.id)
                .and_then(|entry| entry.base_manifest_hash.clone()),
            confinement: seat.map(|seat| seat.confinement.clone()).unwrap_or_default(),
            stderr_tail: seat.map(|seat| seat.stderr_tail.lines()).unwrap_or_default(),
        })
    }
}

/// The word for how a module is: its state, or `completed` where it rests because its work is done. Modules among
/// themselves know only the states.
pub(crate) fn state_word(view: &View) -> &'static str {
    if view.is_completed { COMPLETED } else { view.state.as_str() }
}

/// What a module may use, by resource.
pub(super) fn limits(view: &View) -> BTreeMap<String, u64> {
    let bounded =
        Resource::ALL.into_iter().filter_map(|resource| Some((resource, view.bounds.of(resource)?)));
    bounded.map(|(resource, bound)| (resource.to_string(), bound)).collect()
}

/// How tight the governor holds it, if at all.
pub(super) fn held(view: &View) -> Option<String> {
    (view.step != Step::Free).then(|| view.step.as_str().to_owned())
}

/// How far its probation is.
fn probation(probation: &Probation) -> ProbationStatus {
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    ProbationStatus {
        well_ms: ms(probation.well),
        wanted_ms: ms(probation.wanted),
        lacks: probation.lacks.clone(),
    }
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}
