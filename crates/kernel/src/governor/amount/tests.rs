//! Amounts against bounds: whose bound counts, and which load is the heaviest.

use super::{Amounts, Bounds, Load, Resource};

#[test]
fn a_bound_of_its_own_counts_before_that_of_the_pool() {
    let pool = Bounds::default().with(Resource::Cpu, Some(500)).with(Resource::Memory, Some(1 << 20));
    let both = Bounds::default().with(Resource::Cpu, Some(100)).over(pool);
    assert_eq!((both.of(Resource::Cpu), both.of(Resource::Memory)), (Some(100), Some(1 << 20)));
    assert!(both.of(Resource::Files).is_none() && !both.is_empty() && Bounds::default().is_empty());
}

#[test]
fn the_heaviest_load_is_the_one_nearest_to_or_furthest_past_its_bound() {
    let bounds = Bounds::default().with(Resource::Cpu, Some(1000)).with(Resource::Messages, Some(10));
    let used = Amounts::default().with(Resource::Cpu, 1500).with(Resource::Messages, 14);
    let load = bounds.heaviest(used).expect("two are bounded");
    assert_eq!((load.resource, load.permille), (Resource::Cpu, 1500));
    assert_eq!(Bounds::default().heaviest(used), None);
}

#[test]
fn no_use_and_no_bound_overflows() {
    assert_eq!(Load::new(Resource::Memory, u64::MAX, 0).permille, u64::MAX);
    assert_eq!(Load::new(Resource::Memory, u64::MAX, u64::MAX).permille, 1000);
    assert_eq!(Load::new(Resource::Memory, 0, 0).permille, 0);
}

#[test]
fn every_resource_keeps_its_own_place() {
    for (at, resource) in Resource::ALL.into_iter().enumerate() {
        let amounts = Amounts::default().with(resource, 7);
        let places = Resource::ALL.map(|other| amounts.of(other));
        assert_eq!(places.iter().position(|amount| *amount == 7), Some(at), "{resource}");
    }
}
