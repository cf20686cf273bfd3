//! Years of quiet: modules that work for weeks at a time, where nothing may pile up.

use core::time::Duration;

use kernel::{Discovered, Door, Grants, Settings, Spec};

use abi::{Permissions, Time};

use crate::house;
use crate::run;
use crate::world::World;

/// A day, for everything that is measured in days.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// 20 days: about how long a life lasts.
const LIFE: Duration = Duration::from_secs(20 * 24 * 3600);

/// What years came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Years {
    /// How many times the kernel was told something.
    pub steps: u64,
    /// The size of the kernel's state after the first year, as characters of its `Debug` form.
    pub size_after_one: usize,
    /// And after the last.
    pub size_at_end: usize,
}

/// Lives through this many years with a ping every six hours and a new life every few weeks.
///
/// # Errors
/// The broken rule, in one sentence; also when the kernel's state has grown by half after the first year.
pub fn years(seed: u64, years: u32) -> Result<Years, String> {
    let settings = Settings { health_interval: DAY / 4, ..Settings::default() };
    let mut world = World::quiet(seed, settings, (0..5).map(module).collect(), LIFE);
    world.operator_rests = true;
    let mut sizes = Vec::new();
    for year in 1..=years.max(2) {
        let until = Time(0) + DAY * 365 * year;
        while world.next().is_some_and(|at| at <= until) {
            world.step()?;
        }
        sizes.push(format!("{:?}", world.kernel).len());
    }
    let (size_after_one, size_at_end) = (sizes[0], sizes[sizes.len() - 1]);
    if size_at_end > size_after_one + size_after_one / 2 {
        return Err(format!("the kernel's state grew from {size_after_one} to {size_at_end} characters"));
    }
    run::shut_down(&mut world)?;
    Ok(Years { steps: world.steps, size_after_one, size_at_end })
}

/// A row of modules, each of which requires the one before it.
fn module(number: u64) -> Discovered {
    let mut spec = Spec::plain(house::module_id(number));
    spec.door = Door::Lines;
    spec.provides.push(house::name('s', number));
    if let Some(before) = number.checked_sub(1) {
        spec.requires.push(house::name('s', before));
    }
    let grants = Grants { base: Some(Permissions::default()), ..Grants::default() };
    Discovered { spec, grants, refused: None }
}
