//! Seats are used again, names and offers never point at a wrong one.

use abi::{ModuleId, Name, Permissions, Slot, Time};

use super::Table;
use crate::event::Discovered;
use crate::module::Module;
use crate::{Grants, Spec};

fn module(id: &str, provides: &'static str) -> Module {
    let mut spec = Spec::plain(ModuleId::parse(id).expect("a slug"));
    spec.provides = [Name::literal(provides), Name::literal(provides)].into();
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Module::new(Discovered { spec, grants, refused: None }, false, Time(0))
}

#[test]
fn a_seat_is_used_again_by_the_next_one_only() {
    let mut table = Table::default();
    assert_eq!(table.insert(module("a", "x")), Some(Slot(0)));
    assert_eq!(table.insert(module("b", "x")), Some(Slot(1)));
    assert_eq!(table.offering(&Name::literal("x")), [Slot(0), Slot(1)]);
    assert!(table.remove(Slot(0)).is_some());
    assert!(table.remove(Slot(0)).is_none());
    assert_eq!(table.offering(&Name::literal("x")), [Slot(1)]);
    assert_eq!(table.insert(module("c", "y")), Some(Slot(0)));
    assert_eq!(table.insert(module("d", "y")), Some(Slot(2)));
    assert_eq!((table.find("a"), table.find("c")), (None, Some(Slot(0))));
}

#[test]
fn another_description_moves_the_offers() {
    let mut table = Table::default();
    let slot = table.insert(module("a", "x")).expect("there is room");
    table.replace_spec(slot, module("a", "y").spec);
    assert!(table.offering(&Name::literal("x")).is_empty());
    assert_eq!(table.offering(&Name::literal("y")), [slot]);
}

#[test]
fn slots_come_by_name() {
    let mut table = Table::default();
    table.insert(module("b", "x"));
    table.insert(module("a", "x"));
    assert_eq!(table.slots(), [Slot(1), Slot(0)]);
    assert!(table.get(Slot(7)).is_none());
}
