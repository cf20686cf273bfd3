//! What stands on which machine.

use std::path::Path;

use super::Confinement;
use crate::layer::{Layer, Level, Proof};
use crate::policy::Request;
use crate::probe::Report;
use crate::rlimits::Limits;

fn report(broken: &[(Layer, Proof)]) -> Report {
    let proof = |layer| {
        let named = broken.iter().find(|(known, _)| *known == layer);
        let unbuilt = matches!(layer, Layer::RunList | Layer::NetBroker);
        let other = if unbuilt { Proof::Missing("not built yet".to_owned()) } else { Proof::Works };
        (layer, named.map_or(other, |(_, proof)| proof.clone()))
    };
    Report::of(Layer::ALL.into_iter().map(proof).collect())
}

fn contained() -> Confinement {
    Request { profile: crate::policy::Profile::Contained, ..Request::open(Path::new("/m"), Limits::STANDARD) }
        .to_confinement()
}

#[test]
fn the_best_there_is_today_names_what_is_not_built() {
    let level = contained().level(&report(&[]));
    assert_eq!(level.to_string(), "partial (missing: run_list)");
}

#[test]
fn an_open_command_is_told_what_it_lacks() {
    let open = Request::open(Path::new("/m"), Limits::STANDARD).to_confinement();
    let expected = "partial (missing: capabilities, landlock_files, landlock_net, landlock_scopes, user_namespace, mount_namespace, pid_namespace, ipc_namespace, uts_namespace, net_namespace, run_list, net_broker)";
    assert_eq!(open.level(&report(&[])).to_string(), expected);
}

#[test]
fn a_weak_layer_does_not_count() {
    let weak = report(&[(Layer::LandlockFiles, Proof::Weak("files can be cut short".to_owned()))]);
    let level = contained().level(&weak);
    assert_eq!(level.to_string(), "partial (missing: landlock_files, run_list)");
}

#[test]
fn every_layer_standing_is_full_and_none_standing_is_none() {
    assert_eq!(Level::of(|_| true), Level::Full);
    assert_eq!(Level::of(|_| false), Level::None);
    let one = Level::of(|layer| layer != Layer::Seccomp);
    assert_eq!(one, Level::Partial { missing: vec![Layer::Seccomp] });
}

#[test]
fn a_layer_that_was_not_probed_is_missing() {
    assert_eq!(contained().level(&Report::of(Vec::new())), Level::None);
}

#[test]
fn a_removed_layer_is_gone_and_the_rest_stays() {
    let without = contained().without(Layer::Seccomp);
    assert!(!without.has(Layer::Seccomp));
    assert!(without.has(Layer::LandlockFiles));
}
