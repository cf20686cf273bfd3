//! Slots: the way through the phases, what is refused, what is kept, and the file.

use proptest::prelude::*;

use super::*;
use crate::chunk::ChunkId;

fn module(name: &str) -> ModuleId {
    ModuleId::parse(name).unwrap()
}

fn occupant(number: u64) -> Occupant {
    let release = FileRef { root: ChunkId::of(&number.to_le_bytes()), depth: 0, bytes: 1 + number % 1000 };
    Occupant { version: Version::new(number, 0, 0), release }
}

fn stage(modules: &[(&str, u64)]) -> Step {
    Step::Stage(modules.iter().map(|(name, number)| (module(name), occupant(*number))).collect())
}

fn why() -> String {
    "because".to_owned()
}

/// The slots after some steps, each of which can be done.
fn after(slots: &Slots, steps: impl IntoIterator<Item = Step>) -> Slots {
    steps.into_iter().fold(slots.clone(), |slots, step| slots.after(step, Wall(7)).unwrap())
}

fn active(slots: &Slots, name: &str) -> Option<u64> {
    slots.module(&module(name)).map(|slots| slots.active.version.major)
}

/// `web` runs version 1 and `mail` version 11.
fn two_modules() -> Slots {
    let adopt = |name, number| Step::Adopt(module(name), occupant(number));
    after(&Slots::default(), [adopt("web", 1), adopt("mail", 11)])
}

#[test]
fn a_transaction_becomes_active_for_all_its_modules_at_once() {
    let id = TransactionId(0);
    let slots = after(&two_modules(), [stage(&[("web", 2), ("mail", 12), ("new", 21)])]);
    assert_eq!(slots.next_stable(&module("web")), Some(&occupant(2)));
    let slots = after(&slots, [Step::Verify(id, why())]);
    assert_eq!((active(&slots, "web"), active(&slots, "new")), (Some(1), None));
    let slots = after(&slots, [Step::Try(id)]);
    assert_eq!(["web", "mail", "new"].map(|name| active(&slots, name)), [Some(2), Some(12), Some(21)]);
    assert_eq!(slots.module(&module("web")).unwrap().fallback, Some(occupant(1)));
    assert_eq!(slots.next_stable(&module("web")), None);
    let slots = after(&slots, [Step::Commit(id, why())]);
    assert!(slots.open().is_empty());
    assert_eq!(slots.history()[0].outcome, Outcome::Committed);
}

#[test]
fn rolling_back_from_any_phase_gives_the_slots_before() {
    let start = after(&two_modules(), [stage(&[("web", 2)]), Step::Verify(TransactionId(0), why())]);
    let start = after(&start, [Step::Try(TransactionId(0)), Step::Commit(TransactionId(0), why())]);
    let id = TransactionId(1);
    let way = [stage(&[("web", 3), ("mail", 12), ("new", 21)]), Step::Verify(id, why()), Step::Try(id)];
    for steps in 1..=way.len() {
        let slots = after(&start, way[..steps].iter().cloned().chain([Step::RollBack(id, why())]));
        assert_eq!(slots.modules(), start.modules(), "also the fallback is the one before");
        assert_eq!(slots.history().last().unwrap().outcome, Outcome::RolledBack);
    }
}

#[test]
fn no_step_is_left_out_and_none_is_done_twice() {
    let id = TransactionId(0);
    let way = [Step::Verify(id, why()), Step::Try(id), Step::Commit(id, why())];
    let mut slots = after(&two_modules(), [stage(&[("web", 2)])]);
    for done in 0..=way.len() {
        for (number, step) in way.iter().enumerate() {
            let next = slots.after(step.clone(), Wall(8));
            assert_eq!(next.is_ok(), number == done, "step {number} after {done}");
        }
        if let Some(step) = way.get(done) {
            slots = after(&slots, [step.clone()]);
        }
    }
    assert_eq!(slots.after(Step::RollBack(id, why()), Wall(8)), Err(SlotsError::NoTransaction(id)));
}

#[test]
fn nothing_is_decided_without_a_reason() {
    let id = TransactionId(0);
    let slots = after(&two_modules(), [stage(&[("web", 2)])]);
    for step in [Step::Verify(id, String::new()), Step::RollBack(id, " \n".into())] {
        assert_eq!(slots.after(step, Wall(8)), Err(SlotsError::NoEvidence(id)));
    }
    let slots = after(&slots, [Step::Verify(id, "ą".repeat(5000))]);
    assert_eq!(slots.open()[&id].evidence.chars().count(), EVIDENCE_CHARS_MAX);
}

#[test]
fn a_module_is_in_one_transaction_at_a_time() {
    let slots = after(&two_modules(), [stage(&[("web", 2)])]);
    let busy = Err(SlotsError::Busy { module: module("web"), id: TransactionId(0) });
    assert_eq!(slots.after(stage(&[("mail", 12), ("web", 3)]), Wall(8)), busy);
    assert_eq!(slots.after(Step::Forget(module("web")), Wall(8)), busy);
    after(&slots, [stage(&[("mail", 12)])]);
    assert_eq!(slots.after(stage(&[]), Wall(8)), Err(SlotsError::Nothing));
    let known = Err(SlotsError::Known(module("mail")));
    assert_eq!(slots.after(Step::Adopt(module("mail"), occupant(1)), Wall(8)), known);
}

#[test]
fn everything_that_may_be_needed_is_kept() {
    let releases = |numbers: &[u64]| {
        let mut releases: Vec<FileRef> = numbers.iter().map(|number| occupant(*number).release).collect();
        releases.sort();
        releases
    };
    let id = TransactionId(1);
    let slots = after(&two_modules(), [stage(&[("web", 2)]), Step::Verify(TransactionId(0), why())]);
    let slots = after(&slots, [Step::Try(TransactionId(0)), Step::Commit(TransactionId(0), why())]);
    assert_eq!(slots.kept(), releases(&[1, 2, 11]));
    let slots = after(&slots, [stage(&[("web", 3)]), Step::Verify(id, why()), Step::Try(id)]);
    assert_eq!(slots.kept(), releases(&[1, 2, 3, 11]), "the fallback's fallback, for the way back");
    let slots = after(&slots, [Step::Commit(id, why()), Step::Pin("good".into(), occupant(1).release)]);
    assert_eq!(slots.kept(), releases(&[1, 2, 3, 11]));
    let slots = after(&slots, [Step::Unpin("good".into()), Step::Forget(module("mail"))]);
    assert_eq!(slots.kept(), releases(&[2, 3]));
}

#[test]
fn the_number_of_things_is_bounded() {
    let mut slots = two_modules();
    for number in 0..OPEN_MAX as u64 {
        slots = after(&slots, [stage(&[(&format!("m{number}"), number)])]);
    }
    assert!(matches!(slots.after(stage(&[("x", 1)]), Wall(8)), Err(SlotsError::Limit { .. })));
    for number in 0..OPEN_MAX as u64 {
        slots = after(&slots, [Step::RollBack(TransactionId(number), why())]);
    }
    slots = after(&slots, [stage(&[("x", 1)]), Step::RollBack(TransactionId(OPEN_MAX as u64), why())]);
    assert_eq!((slots.history().len(), slots.history()[0].id), (HISTORY_MAX, TransactionId(1)));
    for number in 0..PINS_MAX {
        slots = after(&slots, [Step::Pin(number.to_string(), occupant(1).release)]);
    }
    let one_more = Step::Pin("more".into(), occupant(1).release);
    assert!(matches!(slots.after(one_more, Wall(8)), Err(SlotsError::Limit { .. })));
}

/// Slots with something in every field.
fn rich() -> Slots {
    let slots = after(&two_modules(), [stage(&[("web", 2)]), Step::Verify(TransactionId(0), why())]);
    let slots = after(&slots, [Step::Try(TransactionId(0)), Step::Commit(TransactionId(0), why())]);
    after(&slots, [stage(&[("web", 3), ("new", 21)]), Step::Pin("good".into(), occupant(1).release)])
}

#[test]
fn a_file_of_slots_is_read_as_it_was_written_and_no_changed_byte_is() {
    assert_eq!(Slots::from_file(&Slots::default().to_file()), Ok(Slots::default()));
    let file = rich().to_file();
    assert_eq!(Slots::from_file(&file), Ok(rich()));
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(Slots::from_file(&changed).is_err(), "byte {at}");
        assert!(Slots::from_file(&file[..at]).is_err(), "cut after {at}");
    }
    assert_eq!(Slots::from_file(&[file, b" ".to_vec()].concat()), Err(SlotsUnreadable::Damaged));
}

#[test]
fn a_file_that_says_what_can_t_be_is_refused() {
    let file = String::from_utf8(rich().to_file()).unwrap();
    let rest = file.split_once('\n').unwrap().1;
    let sealed = |rest: String| format!("{MAGIC_LINE}{}\n{rest}", blake3::hash(rest.as_bytes()).to_hex());
    assert!(Slots::from_file(sealed(rest.to_owned()).as_bytes()).is_ok());
    for (from, to) in [("\"next_id\": 2", "\"next_id\": 1"), ("\"staged\"", "\"tried\""), ("3.0.0", "three")]
    {
        assert!(rest.contains(from));
        let found = Slots::from_file(sealed(rest.replacen(from, to, 1)).as_bytes());
        assert_eq!(found, Err(SlotsUnreadable::Unsound), "{to}");
    }
    let strange = Slots::from_file(sealed(rest.replacen("\"pins\"", "\"pans\"", 1)).as_bytes());
    assert_eq!(strange, Err(SlotsUnreadable::Form));
}

/// The first words of a file of slots.
const MAGIC_LINE: &str = "ostoja-slots-1 ";

fn any_step() -> impl Strategy<Value = Step> {
    let id = (0_u64..6).prop_map(TransactionId);
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    let versions =
        prop::collection::btree_map(name.clone().prop_map(module), (1_u64..9).prop_map(occupant), 0..3);
    prop_oneof![
        (name.clone(), 1_u64..9).prop_map(|(name, number)| Step::Adopt(module(name), occupant(number))),
        versions.prop_map(Step::Stage),
        id.clone().prop_map(|id| Step::Verify(id, why())),
        id.clone().prop_map(Step::Try),
        id.clone().prop_map(|id| Step::Commit(id, why())),
        id.prop_map(|id| Step::RollBack(id, why())),
        name.prop_map(|name| Step::Forget(module(name))),
    ]
}

proptest! {
    #[test]
    fn whatever_is_done_the_slots_are_sound_and_their_file_says_the_same(
        steps in prop::collection::vec(any_step(), 0..40)
    ) {
        let mut slots = Slots::default();
        for step in steps {
            let Ok(next) = slots.after(step.clone(), Wall(3)) else { continue };
            prop_assert!(next.is_sound());
            prop_assert_eq!(Slots::from_file(&next.to_file()), Ok(next.clone()));
            // Whatever is active or was, and may be gone back to, is kept.
            let kept = next.kept();
            prop_assert!(next.modules().values().all(|slots| kept.contains(&slots.active.release)));
            if let Step::RollBack(id, _) = step {
                for (module, change) in &slots.open()[&id].changes {
                    prop_assert_eq!(next.module(module), change.before.as_ref());
                }
            }
            // Nothing becomes active but by a transaction that was verified, or by going back, or by adoption.
            for (module, now) in next.modules() {
                let changed = slots.module(module).is_none_or(|before| before.active != now.active);
                let allowed = matches!(step, Step::Adopt(..) | Step::Try(_) | Step::RollBack(..));
                prop_assert!(!changed || allowed);
            }
            slots = next;
        }
    }
}
