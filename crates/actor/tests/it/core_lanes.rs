//! The weights of the lanes: who is urgent comes first, and nobody is left waiting for ever.

use std::sync::mpsc::{Receiver, Sender, channel};

use actor::platform::hosted::Hosted;
use actor::pumped::Pump;
use actor::{Actor, Address, Config, Context, Lane, Spawn, StopAll};

const LANES: [Lane; 5] = [Lane::Critical, Lane::High, Lane::Normal, Lane::Low, Lane::Idle];
/// Turns without a message of the lane in question after which it counts as starved; its least share is one a turn.
const CALLS_MAX: usize = 64;

/// Says in which lane it was told something, and tells itself the same again in that lane, so that it never has nothing
/// to do.
struct Mill(Sender<Lane>);

impl Actor for Mill {
    type Message = ();
    fn handle(&mut self, (): (), ctx: &mut Context<'_>) {
        let lane = ctx.lane();
        let _ = self.0.send(lane);
        if let Some(this) = ctx.this() {
            ctx.send_in(lane, this, ()).expect("it lives and has room");
        }
    }
}

/// A pump with so much work in each of these lanes that none ever runs out of it.
fn flooded(lanes: &[Lane]) -> (Pump, Receiver<Lane>) {
    let (system, mut pump, _) =
        Pump::assemble(Config::default(), Hosted::new(1), || {}, |_| Box::new(StopAll));
    let (tell, told) = channel();
    let mill: Address<()> = system.spawn(Spawn::default(), Mill(tell)).expect("there is room");
    pump.with(|ctx| {
        for lane in lanes {
            for _ in 0..4_096 {
                ctx.send_in(*lane, mill, ()).expect("it lives and has room");
            }
        }
    });
    (pump, told)
}

fn shares(pump: &mut Pump, told: &Receiver<Lane>, calls: usize) -> Vec<usize> {
    (0..calls).for_each(|_| _ = pump.pump());
    let told: Vec<_> = told.try_iter().collect();
    LANES.iter().map(|lane| told.iter().filter(|one| *one == lane).count()).collect()
}

#[test]
fn with_work_in_all_lanes_each_is_served_the_urgent_ones_more() {
    let (mut pump, told) = flooded(&LANES);
    let shares = shares(&mut pump, &told, CALLS_MAX);
    assert!(shares.windows(2).all(|pair| pair[0] >= pair[1]), "{shares:?}");
    assert!(shares.iter().all(|share| *share > 0), "{shares:?}");
}

#[test]
fn a_lane_that_waits_ages_until_it_has_a_fair_part() {
    let (mut pump, told) = flooded(&[Lane::Normal, Lane::Idle]);
    // One call is 64 turns: 16 of them let the share grow once.
    let young = shares(&mut pump, &told, 1);
    let old = shares(&mut pump, &told, CALLS_MAX);
    let part = |shares: &[usize]| shares[4] as f64 / shares[2] as f64;
    assert!(part(&old) > part(&young), "{young:?}, then {old:?}");
    assert!(part(&old) > 0.9, "as much as the normal lane in the end: {old:?}");
}

#[test]
fn a_single_idle_message_is_handled_soon_however_much_else_there_is() {
    let (mut pump, told) = flooded(&LANES[..4]);
    let (tell, single) = channel();
    pump.with(|ctx| {
        let mill = ctx.spawn(Mill(tell)).expect("there is room");
        ctx.send_in(Lane::Idle, mill, ()).expect("it lives and has room");
    });
    let _ = pump.pump();
    assert_eq!(single.try_iter().next(), Some(Lane::Idle));
    assert!(told.try_iter().count() > 0);
}
