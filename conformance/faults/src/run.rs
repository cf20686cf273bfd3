//! Which calls are spoiled, and doing so on several worlds at once.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::plan::{Fault, Target};
use crate::scenes::{SCENES, Scene};
use crate::templates;
use crate::world::{PROGRAM, STEPPER, World};

/// In the short form, so many trials of a scene beside a kernel, which take a second or two each…
const BESIDE_MAX: usize = 12;
/// …and of a command alone, which take half of one.
const ALONE_MAX: usize = 20;

/// What to do.
#[derive(Debug)]
pub(crate) struct Wanted {
    program: PathBuf,
    pub(crate) is_long: bool,
    pub(crate) shows_calls: bool,
    pub(crate) seed: u64,
    pub(crate) workers: usize,
    /// All of them when none is named.
    pub(crate) scenes: Vec<String>,
    /// One fault alone.
    pub(crate) only: Option<Target>,
}

impl Wanted {
    pub(crate) fn of(program: PathBuf) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self { program, is_long: false, shows_calls: false, seed: 1, workers, scenes: Vec::new(), only: None }
    }
}

/// One fault in one scene.
#[derive(Debug, Clone)]
struct Trial {
    scene: Scene,
    target: Target,
}

/// What came of a trial.
#[derive(Debug, Default)]
struct Came {
    hits: usize,
    misses: usize,
    failures: Vec<String>,
}

/// Runs what is wanted.
///
/// # Errors
/// When something does not hold; each failure is told with the words that repeat it.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("f").tempdir().context("a temporary folder")?;
    let scenes: Vec<Scene> = SCENES
        .into_iter()
        .filter(|scene| wanted.scenes.is_empty() || wanted.scenes.iter().any(|name| name == scene.name))
        .collect();
    ensure!(!scenes.is_empty(), "no such scene; there are {}", SCENES.map(|scene| scene.name).join(", "));
    let worlds = worlds(folder.path(), wanted)?;
    let begun = Instant::now();
    let (trials, all) = choose(&worlds, &scenes, wanted)?;
    if wanted.shows_calls {
        return Ok(());
    }
    println!("{} faults of {all} in {} scenes, seed {}", trials.len(), scenes.len(), wanted.seed);
    let came = Mutex::new(Came::default());
    let queue = Mutex::new(VecDeque::from(trials));
    std::thread::scope(|scope| {
        for world in &worlds {
            scope.spawn(|| work(world, &queue, &came, wanted));
        }
    });
    let came = came.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = begun.elapsed().as_secs();
    println!("{} faults met, {} not reached, {seconds} s", came.hits, came.misses);
    for failure in &came.failures {
        println!("{failure}");
    }
    ensure!(came.failures.is_empty(), "{} faults did harm", came.failures.len());
    ensure!(came.hits > came.misses, "most faults were never met: the calls are not repeatable");
    Ok(())
}

/// A world for each worker, with its templates.
fn worlds(folder: &Path, wanted: &Wanted) -> Result<Vec<World>> {
    let own = std::env::current_exe().context("finding this program")?;
    for (from, name) in [(&wanted.program, PROGRAM), (&own, STEPPER)] {
        std::fs::copy(from, folder.join(name)).context("copying a program")?;
    }
    let names = (0..wanted.workers.max(1)).map(|at| at.to_string());
    let made: Vec<World> = names.map(|name| World::at(folder, &name)).collect::<Result<_>>()?;
    std::thread::scope(|scope| {
        let makers: Vec<_> = made.iter().map(|world| scope.spawn(|| templates::make(world))).collect();
        makers.into_iter().try_for_each(|maker| {
            maker.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the maker of a world fell")))
        })
    })
    .context("making the worlds")?;
    Ok(made)
}

/// Plays each scene once without a fault, and chooses what to spoil; also says how much there is.
fn choose(worlds: &[World], scenes: &[Scene], wanted: &Wanted) -> Result<(Vec<Trial>, usize)> {
    let (mut chosen, mut all) = (Vec::new(), 0);
    let world = worlds.first().context("a world")?;
    for scene in scenes {
        if let Some(target) = &wanted.only {
            chosen.push(Trial { scene: *scene, target: target.clone() });
            continue;
        }
        let steps =
            scene.play(world, None).with_context(|| format!("scene {} without a fault", scene.name))?;
        if wanted.shows_calls {
            for (key, kind) in &steps.calls {
                println!("{}: {kind:<6} {key}", scene.name);
            }
        }
        let mut targets = targets(&steps.calls);
        all += targets.len();
        if !wanted.is_long {
            let at_most = if scene.is_alone() { ALONE_MAX } else { BESIDE_MAX };
            targets = sample(targets, at_most, wanted.seed);
        }
        chosen.extend(targets.into_iter().map(|target| Trial { scene: *scene, target }));
    }
    Ok((chosen, all))
}

/// Every call with every fault that can matter there. A kill before a look is one after the change before it.
fn targets(calls: &[(String, String)]) -> Vec<Target> {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut targets = Vec::new();
    for (key, kind) in calls {
        let nth = seen.entry(key).or_default();
        *nth += 1;
        let faults: &[Fault] = match kind.as_str() {
            "Look" => &[Fault::Broken],
            "Change" => &[Fault::Kill, Fault::Broken],
            _ => &Fault::ALL,
        };
        targets.extend(faults.iter().map(|fault| Target { key: key.clone(), nth: *nth, fault: *fault }));
    }
    targets
}

/// So many of them: renames and syncs first, in an order that the seed gives.
fn sample(mut targets: Vec<Target>, at_most: usize, seed: u64) -> Vec<Target> {
    let mut state = seed;
    let mut drawn: Vec<(bool, u64, Target)> = targets
        .drain(..)
        .map(|target| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let is_point = ["rename", "sync"].iter().any(|name| target.key.starts_with(name));
            (is_point && target.fault != Fault::Full, state >> 33, target)
        })
        .collect();
    drawn.sort_by_key(|(is_point, rank, _)| (!is_point, *rank));
    // Half of what is tried is where things turn, the other half anywhere.
    let points = drawn.iter().filter(|(is_point, ..)| *is_point).count().min(at_most.div_ceil(2));
    let rest = at_most - points;
    let skipped = drawn.iter().filter(|(is_point, ..)| *is_point).count();
    let chosen = drawn.iter().take(points).chain(drawn.iter().skip(skipped).take(rest));
    chosen.map(|(_, _, target)| target.clone()).collect()
}

fn work(world: &World, queue: &Mutex<VecDeque<Trial>>, came: &Mutex<Came>, wanted: &Wanted) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(Trial { scene, target }) = next else { return };
        let played = scene.play(world, Some(&target));
        let mut came = came.lock().unwrap_or_else(PoisonError::into_inner);
        match played {
            Ok(steps) if steps.hit => came.hits += 1,
            Ok(_) => came.misses += 1,
            Err(error) => {
                let failure = format!(
                    "{}: {target}: {error:#}\n  again: faults {} --scene {} --fault {} --nth {} --key '{}'",
                    scene.name,
                    wanted.program.display(),
                    scene.name,
                    target.fault,
                    target.nth,
                    target.key
                );
                println!("{failure}");
                came.failures.push(failure);
            }
        }
    }
}
