//! The wall clock, for the few moments that the writing threads have to name themselves.

use std::time::{SystemTime, UNIX_EPOCH};

use abi::Wall;

pub(crate) fn wall_now() -> Wall {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}
