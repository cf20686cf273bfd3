//! Actors that pass messages on: round a ring, or to one drawn by lot.

use std::sync::OnceLock;
use std::time::Instant;

use actor::{Actor, Address, Context};

use crate::Runner;
use crate::measure::Spawned;
use crate::messages::{Steps, Walker};
use crate::place::{Finish, on, resident_bytes, system, wait};

static FINISH: Finish<()> = Finish::new();
/// All actors of the graph by number: what each of them knows.
static TABLE: OnceLock<Vec<Address<Walker>>> = OnceLock::new();

/// With `TELLS` it does not ask what became of what it sends, which is the way for very many actors on one core.
struct Node<const TELLS: bool>(Steps);

impl<const TELLS: bool> Actor for Node<TELLS> {
    type Message = Walker;

    fn handle(&mut self, walker: Walker, ctx: &mut Context<'_>) {
        let table: &[Address<Walker>] = TABLE.get().map_or(&[], Vec::as_slice);
        match self.0.next(walker, table.len()) {
            Some((to, walker)) if TELLS => ctx.tell(table[to], walker),
            Some((to, walker)) => {
                let _ = ctx.send(table[to], walker);
            }
            None => FINISH.one(()),
        }
    }
}

/// Sets messages going from within, on the core on which it lives.
struct Starter;

impl Actor for Starter {
    type Message = Vec<(Address<Walker>, Walker)>;

    fn handle(&mut self, crowd: Self::Message, ctx: &mut Context<'_>) {
        for (to, walker) in crowd {
            let _ = ctx.send(to, walker);
        }
    }
}

/// A graph of so many actors, spread over the cores in turn.
pub(crate) fn runner<const TELLS: bool>(actors: usize, walkers: u64, cores: usize) -> Result<Runner, String> {
    let running = system(cores)?;
    let spawn = |index| running.system().spawn(on(index % cores), Node::<TELLS>(Steps::of(index)));
    let table: Result<Vec<_>, _> = (0..actors).map(spawn).collect();
    let table = TABLE.get_or_init(|| table.unwrap_or_default());
    if table.len() != actors {
        return Err("an actor could not be spawned".to_owned());
    }
    let starters: Result<Vec<_>, _> =
        (0..cores).map(|core| running.system().spawn(on(core), Starter)).collect();
    let starters = starters.map_err(|refusal| refusal.to_string())?;
    Ok(Box::new(move |hops| {
        let mut crowds = vec![Vec::new(); cores];
        for (index, walker) in Walker::crowd(walkers, hops).enumerate() {
            let to = index % table.len();
            // To an actor of the starter's own core, as these are spread.
            crowds[to % cores].push((table[to], walker));
        }
        let over = FINISH.arm(crowds.iter().map(Vec::len).sum::<usize>() as u64);
        let began = Instant::now();
        for (starter, crowd) in starters.iter().zip(crowds) {
            let mut crowd = crowd;
            // The door from outside is bounded: after so many spawns the cores must look at some first.
            while let Err(refused) = running.system().send(*starter, crowd) {
                crowd = refused.message;
                std::thread::yield_now();
            }
        }
        wait(&over)?;
        Ok(began.elapsed())
    }))
}

/// What an actor of the ring takes.
#[derive(Clone, Copy)]
enum Round {
    Next(Address<Round>),
    Walk(Walker),
}

struct Link {
    steps: Steps,
    next: Option<Address<Round>>,
}

impl Actor for Link {
    type Message = Round;

    fn handle(&mut self, message: Round, ctx: &mut Context<'_>) {
        match message {
            Round::Next(next) => self.next = Some(next),
            Round::Walk(walker) => match (self.steps.next(walker, crate::RING), self.next) {
                (Some((_, walker)), Some(next)) => {
                    let _ = ctx.send(next, Round::Walk(walker));
                }
                _ => FINISH.one(()),
            },
        }
    }
}

/// One message goes round so many actors.
pub(crate) fn ring(actors: usize) -> Result<Runner, String> {
    let running = system(1)?;
    let failed = |refusal: actor::Refusal| refusal.to_string();
    let mut links = Vec::new();
    for index in 0..actors {
        let link = Link { steps: Steps::of(index), next: None };
        links.push(running.system().spawn(on(0), link).map_err(failed)?);
    }
    for (index, link) in links.iter().enumerate() {
        let next = links[(index + 1) % actors];
        running.system().send(*link, Round::Next(next)).map_err(|refused| refused.why.to_string())?;
    }
    let first = links[0];
    Ok(Box::new(move |hops| {
        let over = FINISH.arm(1);
        let began = Instant::now();
        let walker = Walker { left: hops - 1, load: 1 };
        running.system().send(first, Round::Walk(walker)).map_err(|refused| refused.why.to_string())?;
        wait(&over)?;
        Ok(began.elapsed())
    }))
}

/// Spawns all the others.
struct Parent;

/// Says that it runs, then takes messages.
struct Child(Steps);

impl Actor for Child {
    type Message = Walker;
    const STARTS: bool = true;

    fn started(&mut self, _ctx: &mut Context<'_>) {
        FINISH.one(());
    }

    fn handle(&mut self, walker: Walker, _ctx: &mut Context<'_>) {
        let _ = self.0.next(walker, 1);
        FINISH.one(());
    }
}

impl Actor for Parent {
    type Message = (usize, std::sync::mpsc::Sender<Vec<Address<Walker>>>);

    fn handle(&mut self, (count, tell): Self::Message, ctx: &mut Context<'_>) {
        let mut children = Vec::with_capacity(count);
        for index in 0..count {
            match ctx.spawn(Child(Steps::of(index))) {
                Ok(child) => children.push(child),
                Err(_) => return,
            }
        }
        let _ = tell.send(children);
    }
}

/// Spawns this many actors; each must say that it runs, and answer before they are let go.
pub(crate) fn spawn(count: usize) -> Result<Spawned, String> {
    let running = system(1)?;
    let parent = running.system().spawn(on(0), Parent).map_err(|refusal| refusal.to_string())?;
    let over = FINISH.arm(count as u64);
    let (tell, children) = std::sync::mpsc::channel();
    let began = Instant::now();
    running.system().send(parent, (count, tell)).map_err(|refused| refused.why.to_string())?;
    wait(&over)?;
    let spawned = Spawned { took: began.elapsed(), resident_bytes: resident_bytes() };
    let children = wait(&children)?;
    let over = FINISH.arm(count as u64);
    for child in children {
        while running.system().send(child, Walker { left: 0, load: 1 }).is_err() {
            std::thread::yield_now();
        }
    }
    wait(&over)?;
    Ok(spawned)
}
