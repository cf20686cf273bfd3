//! States as others see them, capabilities, and which wish counts.

use abi::{Generation, ModuleId, Name, Reason, State, Time};

use super::{Module, Phase, Rest, Stage, Then};
use crate::event::Discovered;
use crate::{Capabilities, Grants, Spec};

fn module() -> Module {
    let mut spec = Spec::plain(ModuleId::parse("a").expect("a slug"));
    spec.requires = [Name::literal("needed")].into();
    spec.optional_requires = [Name::literal("liked")].into();
    spec.subscribes = [Name::literal("heard")].into();
    spec.publishes = [Name::literal("spoken")].into();
    Module::new(Discovered { spec, grants: Grants::default(), refused: None }, false, Time(0))
}

fn ending(then: Then) -> Phase {
    Phase::Ending { generation: Generation(1), reason: Reason::Requested, then, ready_at: None, tier: 0 }
}

#[test]
fn every_phase_has_its_state() {
    let mut module = module();
    for (phase, state) in [
        (Phase::Idle(Rest::Fresh), State::Stopped),
        (Phase::Idle(Rest::Stopped), State::Stopped),
        (Phase::Idle(Rest::Completed), State::Stopped),
        (Phase::Idle(Rest::Refused), State::Stopped),
        (Phase::Idle(Rest::Crashed), State::Crashed),
        (Phase::Held, State::Waiting),
        (Phase::Queued(Time(1)), State::Restarting),
        (Phase::Running(Generation(1), Stage::Starting), State::Starting),
        (Phase::Running(Generation(1), Stage::Waiting), State::Waiting),
        (Phase::Running(Generation(1), Stage::Ready), State::Ready),
        (ending(Then::Stay), State::Killed),
    ] {
        module.phase = phase;
        assert_eq!(module.state(), state, "{phase:?}");
        let runs = matches!(phase, Phase::Running(..) | Phase::Ending { .. });
        assert_eq!(module.generation().is_some(), runs, "{phase:?}");
    }
}

#[test]
fn capabilities_are_stored_or_stated_or_derived() {
    let mut module = module();
    let derived = module.derive_capabilities();
    assert_eq!(derived.services, ["liked", "needed"].map(Name::literal).into());
    assert_eq!(derived.topics, ["heard", "spoken"].map(Name::literal).into());
    let stated = Capabilities { services: [Name::literal("stated")].into(), ..Capabilities::default() };
    module.spec.capabilities = Some(stated.clone());
    assert_eq!(module.derive_capabilities(), stated);
    module.grants.capabilities = Some(Capabilities::default());
    assert_eq!(module.derive_capabilities(), Capabilities::default());
}

#[test]
fn the_later_wish_counts_but_for_three() {
    let amended = |earlier, wish, kept_down| {
        let mut module = module();
        (module.phase, module.kept_down) = (ending(earlier), kept_down);
        module.amend_end(wish);
        let Phase::Ending { then, .. } = module.phase else { panic!("it still ends") };
        then
    };
    assert_eq!(amended(Then::Respawn, Then::Stay, false), Then::Stay);
    assert_eq!(amended(Then::Stay, Then::Respawn, false), Then::Respawn);
    assert_eq!(amended(Then::Respawn, Then::Retry, false), Then::Retry);
    assert_eq!(amended(Then::Stay, Then::Forget, true), Then::Forget);
    assert_eq!(amended(Then::Forget, Then::Respawn, false), Then::Forget);
    assert_eq!(amended(Then::Forget, Then::Stay, false), Then::Forget);
    assert_eq!(amended(Then::Stay, Then::Retry, false), Then::Stay);
    assert_eq!(amended(Then::Stay, Then::Respawn, true), Then::Stay);
}

#[test]
fn a_wish_for_what_does_not_end_is_nothing() {
    let mut module = module();
    module.amend_end(Then::Respawn);
    assert_eq!(module.phase, Phase::Idle(Rest::Fresh));
}
