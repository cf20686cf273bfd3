//! Telling what was looked at: packages and plans as people and programs at the operator door read them.

use std::collections::BTreeMap;
use std::path::Path;

use abi::{PermissionKind, Permissions};
use protocol::operator::{AffectedRow, CodedSentence, PackageVerified, TransactionPlan, UpdatePlan};
use update::{Doubt, ModulePlan, Obstacle, Plan, Strategy};

use super::foresee::{Foreseen, ForeseenAll, refusal_of};
use super::look::Looked;

/// What is known of a package that holds.
pub fn verified(file: &Path, looked: &Looked) -> PackageVerified {
    PackageVerified {
        file: file.display().to_string(),
        module_id: looked.head.module().to_string(),
        version: looked.head.version().to_string(),
        maker: looked.vouch.maker.clone(),
        keys: looked.vouch.keys.clone(),
        files: looked.head.files().len() as u64,
        unpacked_bytes: looked.head.files().iter().map(|file| file.digests.bytes).sum(),
        bytes: looked.packed_bytes,
    }
}

/// A plan, as it is told.
pub fn told(file: &Path, looked: &Looked, foreseen: &Foreseen) -> UpdatePlan {
    let strategy = strategy_word(foreseen.strategy).to_owned();
    let names = |paths: &[update::PackedPath]| paths.iter().map(ToString::to_string).collect();
    let mut told = UpdatePlan {
        package: verified(file, looked),
        from: None,
        strategy,
        added: Vec::new(),
        changed: Vec::new(),
        removed: Vec::new(),
        same: 0,
        changed_bytes: 0,
        asks: BTreeMap::new(),
        leaves: BTreeMap::new(),
        affected: Vec::new(),
        pause_ms: 0,
        keeps: Vec::new(),
        doubts: foreseen.plan.doubts.iter().map(doubt).collect(),
        obstacles: Vec::new(),
    };
    for obstacle in &foreseen.plan.obstacles {
        let (code, text) = refusal_of(obstacle);
        told.obstacles.push(CodedSentence { code: code.to_owned(), text });
    }
    let Some(ModulePlan { from, files, asks, leaves, affected, pause, keeps, .. }) =
        foreseen.plan.modules.get(&foreseen.module)
    else {
        return told;
    };
    told.from = from.as_ref().map(ToString::to_string);
    (told.added, told.changed, told.removed) =
        (names(&files.added), names(&files.changed), names(&files.removed));
    (told.same, told.changed_bytes) = (files.same as u64, files.bytes);
    (told.asks, told.leaves) = (by_kind(asks), by_kind(leaves));
    told.affected = affected
        .iter()
        .map(|one| AffectedRow {
            module_id: one.module.to_string(),
            services: one.services.keys().map(ToString::to_string).collect(),
        })
        .collect();
    told.pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    told.keeps = keeps.iter().cloned().collect();
    told
}

/// The plan of several packages, as it is told; they are one transaction.
pub fn told_together(packages: &[(&Path, &Looked)], foreseen: &ForeseenAll) -> TransactionPlan {
    let ForeseenAll { strategy, plan } = foreseen;
    // What is said of all of them is said once.
    let each = Plan { modules: plan.modules.clone(), doubts: Vec::new(), obstacles: Vec::new() };
    let plans = packages.iter().map(|(file, looked)| {
        let module = looked.head.module().clone();
        told(file, looked, &Foreseen { module, strategy: *strategy, plan: each.clone() })
    });
    let obstacle = |obstacle: &Obstacle| {
        let (code, text) = refusal_of(obstacle);
        CodedSentence { code: code.to_owned(), text }
    };
    TransactionPlan {
        plans: plans.collect(),
        strategy: strategy_word(*strategy).to_owned(),
        doubts: plan.doubts.iter().map(doubt).collect(),
        obstacles: plan.obstacles.iter().map(obstacle).collect(),
    }
}

fn by_kind(permissions: &Permissions) -> BTreeMap<String, Vec<String>> {
    let mut by_kind = BTreeMap::new();
    for kind in PermissionKind::ALL {
        let values = permissions.of(kind);
        if !values.is_empty() {
            by_kind.insert(kind.as_str().to_owned(), values.iter().cloned().collect());
        }
    }
    by_kind
}

fn doubt(doubt: &Doubt) -> CodedSentence {
    let (code, text) = match doubt {
        Doubt::Permissions(module) => ("permissions", format!("`{module}` asks for more than it did")),
        Doubt::Downgrade(module) => ("downgrade", format!("`{module}` would become older than it is")),
        Doubt::SameVersion(module) => {
            ("same_version", format!("`{module}` has this version already, with other files"))
        }
        Doubt::Contract(module, service, breach) => {
            ("contract", format!("`{module}` promises less by `{service}`: {breach}"))
        }
    };
    CodedSentence { code: code.to_owned(), text }
}

/// How a strategy is typed.
fn strategy_word(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Hot => "hot",
        Strategy::Staged => "staged",
        Strategy::Restart => "restart",
    }
}
