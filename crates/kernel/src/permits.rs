//! What a module may do: violations and what follows, its calls to the kernel, its wishes, and what operators say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use abi::limits::PERMISSION_REQUESTS_MAX;
use abi::{Generation, Name, PermissionKind, Permissions, Reason, Record, Slot, Zone};

use crate::effect::{KernelResult, ModuleRow, Notice, Task};
use crate::event::{FunctionCall, KernelCall};
use crate::machine::Kernel;
use crate::module::{Module, Then};
use crate::spec::{Enforcement, PendingRequest, Watchdog};
use crate::{Effect, Outgoing, Word};

/// Sections that no module may change.
const PROTECTED_SECTIONS: [&str; 2] = ["security", "kernel"];

/// 32 secrets at once: a module reads all of its own when it starts.
pub(crate) const SECRETS_BURST: u32 = 32;

/// 4 secrets a second after that: each is a record and a read of the vault, which a flood must not fill or stall.
const SECRETS_PER_S: u32 = 4;

impl Kernel {
    /// A module tried what it may not: journaled, answered, then whatever the enforcement mode and the watchdog say.
    pub(crate) fn violation(
        &mut self,
        slot: Slot,
        generation: Generation,
        record: Record,
        answer: Outgoing,
        what: &str,
    ) {
        let enforcement = self.settings.enforcement;
        let word = match enforcement {
            Enforcement::Strict => "strict",
            Enforcement::Warn => "warn",
            Enforcement::Off => "off",
        };
        self.record_refusal(slot, record.text("enforcement", word));
        self.trouble(slot, "it tried what it may not");
        self.push(Effect::Send(slot, generation, answer));
        if enforcement != Enforcement::Off {
            self.push(Effect::Warn(slot, generation, format!("refused: {what}")));
        }
        if enforcement == Enforcement::Strict {
            let then = match self.settings.watchdog {
                Watchdog::Passive => return,
                Watchdog::Active => Then::Retry,
                Watchdog::Strict => Then::Stay,
            };
            if self.settings.watchdog == Watchdog::Strict {
                self.quarantine(slot, "it tried what it may not");
            }
            self.note(slot, format!("ended for trying what it may not: {what}"));
            self.end(slot, Reason::SecurityViolation, then, 0);
        }
    }

    pub(crate) fn handle_kernel_call(
        &mut self,
        slot: Slot,
        generation: Generation,
        id: Word,
        call: KernelCall,
    ) {
        let answer = match call {
            KernelCall::ConfigGet(key) if self.owns_key(slot, &key) => {
                return self.push(Effect::Perform(slot, generation, id, Task::ConfigGet(key)));
            }
            KernelCall::ConfigSet(key, value) if self.owns_key(slot, &key) && !is_protected(&key) => {
                return self.push(Effect::Perform(slot, generation, id, Task::ConfigSet(key, value)));
            }
            KernelCall::ConfigSections => {
                return self.push(Effect::Perform(slot, generation, id, Task::ConfigSections));
            }
            KernelCall::ModuleCommands => {
                return self.push(Effect::Perform(slot, generation, id, Task::ModuleCommands));
            }
            KernelCall::ConfigGet(key) => return self.forbid_key(slot, generation, id, &key, "read"),
            KernelCall::ConfigSet(key, _) => return self.forbid_key(slot, generation, id, &key, "write"),
            KernelCall::Context(call) => return self.handle_context_call(slot, generation, id, call),
            KernelCall::SecretGet(name) => return self.hand_over_secret(slot, generation, id, name),
            KernelCall::ModuleList => Ok(KernelResult::Modules(self.rows())),
            KernelCall::ServiceDiscover => Ok(KernelResult::Services(self.service_rows())),
            KernelCall::ServiceResolve(service) => match self.directory.get(service.as_str()) {
                Some(provider) => self.provider(*provider).ok_or_else(String::new),
                None => Err(format!("Service not found: {service}")),
            },
            KernelCall::PermissionsCheck(wanted) => Ok(self.check(slot, &wanted)),
            KernelCall::PermissionsRequest(wanted, reason) => self.wish(slot, wanted, reason),
            KernelCall::PermissionsPending => Ok(self.pending(slot)),
            KernelCall::MonitorSnapshot => Ok(KernelResult::Snapshot {
                modules: self.rows(),
                services: self.service_rows(),
                pending: self.calls_pending,
                uptime_ms: self.now.0,
            }),
            KernelCall::Function(call) => return self.function(slot, generation, id, call),
            KernelCall::Unknown(method) => Err(format!("Unknown kernel method: {method}")),
            KernelCall::Bad(why) => Err(why),
        };
        self.push(Effect::Send(slot, generation, Outgoing::KernelAnswer { id, answer }));
    }

    /// A secret goes to who was granted it by name, and each time that is journaled; its value never is.
    fn hand_over_secret(&mut self, slot: Slot, generation: Generation, id: Word, name: Word) {
        if !self.is_granted(slot, PermissionKind::Secrets, |one| one == name.as_str()) {
            let error = format!("Security violation: not permitted to read secret \"{name}\"");
            let answer = Outgoing::KernelAnswer { id, answer: Err(error) };
            let record = self.record_of(slot, "secret.forbidden").text("secret", name.as_str());
            return self.violation(slot, generation, record, answer, &format!("read secret `{name}`"));
        }
        let now = self.now;
        let take = |module: &mut Module| module.secrets.take(now, SECRETS_BURST, SECRETS_PER_S).is_ok();
        if !self.table.get_mut(slot).is_some_and(take) {
            let answer = Err(String::from("overloaded"));
            return self.push(Effect::Send(slot, generation, Outgoing::KernelAnswer { id, answer }));
        }
        self.record(self.record_of(slot, "secret.handed_over").text("secret", name.as_str()));
        self.push(Effect::Perform(slot, generation, id, Task::SecretGet(name)));
    }

    /// Functions are run by the host, for those who may: `run kernel.fn`, and `run kernel.fn.put` to change them.
    fn function(&mut self, slot: Slot, generation: Generation, id: Word, call: FunctionCall) {
        let effective = self.effective(slot);
        let (method, needs) = (call.method(), call.needs());
        if effective.run.contains(needs) {
            return self.push(Effect::Perform(slot, generation, id, Task::Function(call, effective)));
        }
        let error = format!("Security violation: `{method}` needs the permission `run {needs}`");
        let answer = Outgoing::KernelAnswer { id, answer: Err(error) };
        let record = self.record_of(slot, "fn.forbidden").text("method", method).text("needs", needs);
        self.violation(slot, generation, record, answer, &format!("{method} without `run {needs}`"));
    }

    fn owns_key(&self, slot: Slot, key: &Word) -> bool {
        let own = self.table.get(slot).and_then(|module| module.spec.config_key.as_deref());
        let first = key.as_str().split('.').next();
        own.is_some() && own == first
    }

    fn forbid_key(&mut self, slot: Slot, generation: Generation, id: Word, key: &Word, verb: &str) {
        let error = format!("Security violation: not permitted to {verb} config key \"{key}\"");
        let answer = Outgoing::KernelAnswer { id, answer: Err(error) };
        let record = self.record_of(slot, "config.forbidden").text("key", key.as_str()).text("verb", verb);
        self.violation(slot, generation, record, answer, &format!("{verb} config key `{key}`"));
    }

    fn rows(&self) -> Vec<ModuleRow> {
        let row = |(_, module): (Slot, &Module)| ModuleRow {
            id: module.spec.id.clone(),
            state: module.state(),
            provides: module.spec.provides.clone(),
        };
        self.table.iter().map(row).collect()
    }

    fn service_rows(&self) -> Vec<(Name, abi::ModuleId)> {
        let row = |(service, slot): (&Name, &Slot)| {
            self.table.get(*slot).map(|module| (service.clone(), module.spec.id.clone()))
        };
        self.directory.iter().filter_map(row).collect()
    }

    fn provider(&self, slot: Slot) -> Option<KernelResult> {
        self.table.get(slot).map(|module| KernelResult::Provider(module.spec.id.clone()))
    }

    fn check(&self, slot: Slot, wanted: &Permissions) -> KernelResult {
        let has = self.effective(slot);
        let missing = wanted.minus(&has);
        KernelResult::Checked { granted: wanted.minus(&missing), missing }
    }

    fn pending(&self, slot: Slot) -> KernelResult {
        match self.table.get(slot) {
            Some(module) => KernelResult::PendingList(module.spec.id.clone(), module.grants.pending.clone()),
            None => KernelResult::Granted,
        }
    }

    /// A module wishes for more than it has.
    fn wish(
        &mut self,
        slot: Slot,
        permissions: Permissions,
        reason: Option<String>,
    ) -> Result<KernelResult, String> {
        let id = self.random.uuid();
        if permissions.is_subset(&self.effective(slot)) {
            return Ok(KernelResult::Granted);
        }
        let Some(module) = self.table.get_mut(slot) else { return Ok(KernelResult::Denied) };
        let grants = &mut module.grants;
        if permissions.intersects(&grants.denied) {
            return Ok(KernelResult::Denied);
        }
        if let Some(earlier) = grants.pending.iter().find(|request| request.permissions == permissions) {
            return Ok(KernelResult::Pending(earlier.id));
        }
        if grants.pending.len() >= PERMISSION_REQUESTS_MAX {
            return Err(format!("{PERMISSION_REQUESTS_MAX} requests wait for an answer already"));
        }
        let request = PendingRequest { id, permissions, reason };
        grants.pending.push(request.clone());
        let (name, grants) = (module.spec.id.clone(), grants.clone());
        let record = self
            .record_of(slot, "permission.requested")
            .text("permissions", format!("{}", request.permissions));
        self.record(record.text("request", uuid_text(id)));
        self.push(Effect::SaveGrants(name.clone(), grants));
        let notice = Notice::PermissionPending { module: name, request };
        self.publish_notice("kernel.permissions.pending", notice.clone());
        self.publish_notice("outbound:ws", notice);
        Ok(KernelResult::Pending(id))
    }

    /// Changes what is approved, keeps it, and gives the module a new life where it makes a difference.
    pub(crate) fn change_grants(
        &mut self,
        slot: Slot,
        code: &'static str,
        changed: &Permissions,
        change: impl FnOnce(&mut crate::Grants),
    ) {
        let before = self.effective(slot);
        let Some(module) = self.table.get_mut(slot) else { return };
        change(&mut module.grants);
        let (id, grants) = (module.spec.id.clone(), module.grants.clone());
        self.record(self.record_of(slot, code).text("permissions", format!("{changed}")));
        self.push(Effect::SaveGrants(id, grants));
        if before != self.effective(slot) {
            let how = self.how_to_take_up(slot, &before);
            self.take_up(slot, how);
        }
    }

    /// What a module may do now: what is approved for it, as far as its zone allows that.
    pub fn effective(&self, slot: Slot) -> Permissions {
        self.table.get(slot).map(|module| self.effective_of(module)).unwrap_or_default()
    }

    pub(crate) fn effective_of(&self, module: &Module) -> Permissions {
        self.under_ceiling(module.zone(), module.grants.effective())
    }

    /// What is left of permissions under a zone's ceiling.
    pub(crate) fn under_ceiling(&self, zone: Zone, permissions: Permissions) -> Permissions {
        match self.settings.ceilings.get(&zone) {
            Some(ceiling) => permissions.within(ceiling),
            None => permissions,
        }
    }

    /// Whether a value of a kind that a module has now passes a test; costs no copy where its zone has no ceiling.
    pub(crate) fn is_granted(&self, slot: Slot, kind: PermissionKind, test: impl Fn(&str) -> bool) -> bool {
        let Some(module) = self.table.get(slot) else { return false };
        match self.settings.ceilings.get(&module.zone()) {
            None => module.grants.any(kind, test),
            Some(_) => self.effective_of(module).of(kind).iter().any(|value| test(value)),
        }
    }

    /// The module that a wish is of.
    pub(crate) fn wisher(&self, request: u128) -> Option<(Slot, PendingRequest)> {
        self.table.iter().find_map(|(slot, module)| {
            let found = module.grants.pending.iter().find(|pending| pending.id == request)?;
            Some((slot, found.clone()))
        })
    }
}

fn is_protected(key: &Word) -> bool {
    key.as_str().split('.').next().is_some_and(|first| PROTECTED_SECTIONS.contains(&first))
}

/// A uuid as text (RFC 9562, section 4).
pub(crate) fn uuid_text(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests;
