//! How a child comes into a pid namespace of its own: a nanny enters all namespaces and gives birth to two children of ours.
//!
//! The first process of a pid namespace is no ordinary one: the kernel keeps from it every signal that it has no handler for, so that
//! SIGTERM would not end a module and SIGABRT not end its crash; it inherits all orphans, which few programs reap; and all
//! processes of the namespace die with it. So it is a program of a few bytes that does nothing, to whom ended children are
//! nothing, and the module is the second process: an ordinary child of ours, whose signals, end and number are its own.
//!
//! Protocol: as in `child`. The nanny shares our table of descriptors, and only puts there what she hands to us.

use super::Step;
use super::child::{Recipe, enter};
use crate::house::make_network;
use crate::raw::{self, Cradle, Failure, Nursery, Role};

/// What the two see as their parent's number: it is outside of their namespace.
const PARENT_OUTSIDE: i32 = 0;

/// The nanny's life. She leaves with 0 when both are born and the child runs its program.
pub(super) fn be_nanny(recipe: &Recipe<'_>, nursery: &Nursery, cradle: &Cradle<'_>) -> Result<u8, Failure> {
    let at = Failure::at;
    let is_orphan = || raw::parent_number() != cradle.parent;
    if is_orphan() {
        return Err(at(Step::Parent)(libc::ESRCH));
    }
    if let Some(spaces) = &recipe.spaces {
        enter(spaces).map_err(at(Step::Namespaces))?;
        if spaces.makes_net {
            make_network(&nursery.net).map_err(at(Step::Network))?;
        }
    }
    let own_table = if recipe.table_end.is_some() { libc::CLONE_FILES } else { 0 };
    let to_be = |role| Cradle { role, parent: PARENT_OUTSIDE, join: None, word: cradle.word };
    nursery.init(to_be(Role::Init(recipe)), own_table).map_err(at(Step::Init))?;
    if cradle.word.read().is_some() {
        return Ok(0);
    }
    // The first process dies with our launching thread from now on, and all others die with it. If that thread ended before, nobody
    // would end them: the two can't ask for a parent whom they can't see.
    if is_orphan() {
        nursery.end();
        return Err(at(Step::Parent)(libc::ESRCH));
    }
    nursery.child(to_be(Role::Child(recipe)), own_table).map_err(|errno| {
        nursery.end();
        at(Step::Birth)(errno)
    })?;
    Ok(0)
}

/// The steps of a namespace's first process, up to its program.
pub(super) fn be_init(recipe: &Recipe<'_>, cradle: &Cradle<'_>) -> Result<u8, Failure> {
    let at = Failure::at;
    let Some(init) = recipe.spaces.as_ref().and_then(|spaces| spaces.init.as_ref()) else { return Ok(0) };
    if let Some(end) = recipe.table_end {
        raw::own_table(end).map_err(at(Step::OwnTable))?;
    }
    raw::new_session().map_err(at(Step::Apart))?;
    raw::default_dispositions();
    raw::forget_children().map_err(at(Step::Init))?;
    raw::die_with_parent(cradle.parent).map_err(at(Step::Parent))?;
    raw::mount_processes(c"/proc").map_err(at(Step::Processes))?;
    // It holds nothing of ours open, not even for reading.
    raw::close_at_exec_from(0).map_err(at(Step::CloseFds))?;
    raw::no_new_privs().map_err(at(Step::NoNewPrivs))?;
    raw::drop_capabilities(0).map_err(at(Step::Capabilities))?;
    raw::empty_signal_mask().map_err(at(Step::SignalMask))?;
    Err(at(Step::Init)(raw::exec_file(init.program, init.argv)))
}
