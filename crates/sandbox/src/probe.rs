//! Which layers of containment this machine really has: each is tried by a forbidden act in a child, with and without it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use abi::ExitKind;
use rustix::fs::{Mode, OFlags};

use crate::cgroup::{self, JoinFds, Tree};
use crate::confinement::{Access, Confinement, Net, PathRule};
use crate::house::{self, House};
use crate::launch::{Apart, Innermost, Last, Recipe, lifted};
use crate::layer::{Layer, Proof};
use crate::raw;
use crate::rlimits::Limits;
use crate::{ruleset, seccomp};

mod act;
mod asked;

/// The pool whose only group tries itself.
const PROBE_POOL: &str = "probes";

/// What the probes found, one proof per layer. Worth keeping: it does not change while the machine runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    proofs: Vec<(Layer, Proof)>,
}

impl Report {
    /// A report with these proofs; a layer that is not among them counts as missing.
    pub fn of(proofs: Vec<(Layer, Proof)>) -> Self {
        Self { proofs }
    }

    /// What was found out about a layer.
    pub fn proof(&self, layer: Layer) -> Proof {
        let found = self.proofs.iter().find(|(known, _)| *known == layer);
        found.map_or_else(|| Proof::Missing("not probed".to_owned()), |(_, proof)| proof.clone())
    }

    /// All proofs in the order of [`Layer::ALL`].
    pub fn proofs(&self) -> impl Iterator<Item = (Layer, Proof)> + '_ {
        Layer::ALL.into_iter().map(|layer| (layer, self.proof(layer)))
    }
}

/// Tries every layer. Costs two dozen births, some 10 ms; it opens no file but `/` and `/etc`, binds a port of the loopback for a
/// moment, makes a semaphore for another, and leaves nothing behind. Call it on a thread that stays, and not while another thread reaps children by `P_ALL`.
pub fn run() -> Report {
    // What the acts are told lies in one place for all.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut bench = match Bench::new() {
        Ok(bench) => bench,
        Err(reason) => {
            let all = Layer::ALL.into_iter();
            return Report::of(all.map(|layer| (layer, Proof::Missing(reason.clone()))).collect());
        }
    };
    let proofs = Layer::ALL.into_iter().map(|layer| (layer, prove(&mut bench, layer))).collect();
    Report { proofs }
}

fn prove(bench: &mut Bench, layer: Layer) -> Proof {
    match layer {
        Layer::NoNewPrivs => bench.compare(layer, act::gain_rights, libc::EPERM),
        Layer::Capabilities => bench.compare(layer, act::change_the_root, libc::EPERM),
        Layer::Rlimits => bench.compare(layer, act::open_a_high_number, libc::EINVAL),
        Layer::Seccomp => bench.compare(layer, act::type_into_a_terminal, libc::EPERM),
        Layer::LandlockFiles => needs_landlock(LANDLOCK_FILES).unwrap_or_else(|| {
            weak_below(bench.compare(layer, act::list_the_root, libc::EACCES), LANDLOCK_TRUNCATE)
        }),
        Layer::LandlockNet => needs_landlock(LANDLOCK_NET)
            .unwrap_or_else(|| bench.compare(layer, act::bind_a_port, libc::EACCES)),
        Layer::LandlockScopes => needs_landlock(LANDLOCK_SCOPES)
            .unwrap_or_else(|| bench.compare(layer, act::signal_the_parent, libc::EPERM)),
        Layer::CgroupKill => bench.kill_by_cgroup(),
        Layer::RunList => bench.refuse_a_program(),
        Layer::UserNamespace => bench.compare_at_home(layer, act::stop_swapping, libc::EPERM),
        Layer::MountNamespace => bench.compare_at_home(layer, act::list_the_settings, libc::ENOENT),
        Layer::PidNamespace => bench.compare_at_home(layer, act::ask_everybody, libc::ESRCH),
        Layer::IpcNamespace => bench.compare_semaphores(),
        Layer::UtsNamespace => {
            act::NAMES.store(raw::number_of(act::NAMES_AT), Ordering::Relaxed);
            bench.compare_at_home(layer, act::share_the_names, libc::EPERM)
        }
        Layer::NetNamespace => bench.compare_at_home(layer, act::find_the_loopback, libc::ENETUNREACH),
        Layer::NetBroker => bench.ask_a_broker().unwrap_or_else(Proof::Missing),
    }
}

/// A set of rights that came with a version of Landlock.
struct Since {
    abi: i64,
    linux: &'static str,
}

const LANDLOCK_FILES: Since = Since { abi: 1, linux: "5.13" };
const LANDLOCK_TRUNCATE: Since = Since { abi: 3, linux: "6.2" };
const LANDLOCK_NET: Since = Since { abi: 4, linux: "6.7" };
const LANDLOCK_SCOPES: Since = Since { abi: 6, linux: "6.12" };

fn needs_landlock(since: Since) -> Option<Proof> {
    let abi = raw::landlock_abi();
    let reason = match abi {
        ..1 => format!("no Landlock: it is not turned on, or Linux is older than {}", LANDLOCK_FILES.linux),
        1.. => format!("Landlock ABI is {abi}, this needs {} (Linux {})", since.abi, since.linux),
    };
    (abi < since.abi).then_some(Proof::Missing(reason))
}

fn weak_below(proof: Proof, since: Since) -> Proof {
    match needs_landlock(since) {
        Some(Proof::Missing(reason)) if proof.is_works() => {
            Proof::Weak(format!("files can be cut short: {reason}"))
        }
        _ => proof,
    }
}

/// What every probe needs, made once.
struct Bench {
    null: OwnedFd,
    stack: raw::Stack,
    /// The namespaces, all in one, when they could be built.
    house: House,
}

impl Bench {
    fn new() -> Result<Self, String> {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let null = null.map_err(|errno| format!("/dev/null can't be opened: {errno}"))?;
        let null = lifted(null).map_err(|error| error.to_string())?;
        let stack = raw::Stack::new().map_err(|error| format!("no memory for a child: {error}"))?;
        let opened = house::open(&all_namespaces(), Path::new("/"), |_| Ok(()));
        let (house, ()) = opened.map_err(|error| error.to_string())?;
        Ok(Self { null, stack, house })
    }

    /// As [`Self::compare`], with the namespaces in the place of the layer: each act asks for one of them.
    fn compare_at_home(&mut self, layer: Layer, act: fn() -> u8, refusal: i32) -> Proof {
        if let Some((_, why)) = self.house.missing.iter().find(|(missing, _)| *missing == layer) {
            return Proof::Missing(why.clone());
        }
        let with = self.run(&Confinement::none(), act, Place::Home);
        let without = self.run(&Confinement::none(), act, Place::Here);
        judge(with, without, refusal)
    }

    fn compare_semaphores(&mut self) -> Proof {
        match raw::Semaphore::new() {
            Ok(semaphore) => {
                act::SEMAPHORE.store(semaphore.number(), Ordering::Relaxed);
                self.compare_at_home(Layer::IpcNamespace, act::look_at_a_semaphore, libc::EINVAL)
            }
            Err(errno) => {
                Proof::Missing(format!("no semaphore: {}", std::io::Error::from_raw_os_error(errno)))
            }
        }
    }

    /// The act must be refused with the layer, in the way the layer refuses. Without the layer it must do otherwise, unless
    /// this process is itself held so that it is refused anyway, which is as good.
    fn compare(&mut self, layer: Layer, act: fn() -> u8, refusal: i32) -> Proof {
        let with = self.run(&alone(layer), act, Place::Here);
        let without = self.run(&Confinement::none(), act, Place::Here);
        judge(with, without, refusal)
    }

    /// A program in a folder that may be read and mapped must not run.
    fn refuse_a_program(&mut self) -> Proof {
        let paths = vec![PathRule { path: "/".into(), access: Access::Library }];
        let layers = vec![Layer::NoNewPrivs, Layer::LandlockFiles];
        let held = Confinement { layers, paths, ..Confinement::none() };
        let with = self.run(&held, act::run_a_program, Place::Here);
        let without = self.run(&Confinement::none(), act::run_a_program, Place::Here);
        judge(with, without, libc::EACCES)
    }

    /// A child that kills its own group must be gone with it.
    fn kill_by_cgroup(&mut self) -> Proof {
        let name = format!("probe-{}", std::process::id());
        let tree = match Tree::open(&name, &[PROBE_POOL]) {
            Ok(tree) => tree,
            Err(reason) => return Proof::Missing(reason.to_string()),
        };
        let proof = match self.kill_in(&tree) {
            Ok(ExitKind::Signal(libc::SIGKILL)) => Proof::Works,
            Ok(end) => Proof::Missing(format!("a killed group's process left with {end}")),
            Err(reason) => Proof::Missing(reason),
        };
        let _ = tree.close();
        proof
    }

    fn kill_in(&mut self, tree: &Tree) -> Result<ExitKind, String> {
        let dir = tree.group(PROBE_POOL, "probe").map_err(|error| error.to_string())?;
        let fds = JoinFds::open(dir.clone()).map_err(|error| error.to_string())?;
        let kill = rustix::fs::open(dir.join("cgroup.kill"), OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty());
        let kill = kill.and_then(|fd| rustix::io::fcntl_dupfd_cloexec(&fd, crate::launch::FDS_FROM));
        let kill = [kill.map_err(|errno| errno.to_string())?];
        let end = self.run(&Confinement::none(), act::kill_own_group, Place::Group(&fds, &kill));
        let _ = cgroup::remove(&dir);
        end
    }

    fn run(&mut self, held: &Confinement, act: fn() -> u8, place: Place<'_>) -> Result<ExitKind, String> {
        let (group, extra_fds): (Option<&JoinFds>, &[OwnedFd]) = match place {
            Place::Group(group, extra_fds) => (Some(group), extra_fds),
            Place::Here | Place::Home => (None, &[]),
        };
        let opened = ruleset::open(held, None).map_err(|error| error.to_string())?;
        let ruleset =
            opened.map(|opened| lifted(opened.fd)).transpose().map_err(|error| error.to_string())?;
        let filter = match held.has(Layer::Seccomp) {
            true => seccomp::compile(held.denials(), held.groups(), seccomp::Watch::Nothing),
            false => Vec::new(),
        };
        let rlimits: Vec<raw::Bound> = held.rlimits().iter().map(raw::Bound::of).collect();
        let argv = house::words();
        let recipe = Recipe {
            spaces: matches!(place, Place::Home).then(|| self.house.spaces(None, &argv)).flatten(),
            stdio: [self.null.as_fd(); 3],
            extra_fds,
            table_end: None,
            join: group.map(|group| group.procs.as_fd()),
            apart: Apart::Session,
            cwd: None,
            umask: Confinement::UMASK,
            rlimits: &rlimits,
            no_new_privs: held.has(Layer::NoNewPrivs),
            ruleset: ruleset.as_ref().map(AsFd::as_fd),
            filter: &filter,
            watch: None,
            capabilities: held.has(Layer::Capabilities).then_some(raw::CAPABILITIES_KEPT),
            last: Last::Act(act),
        };
        let (end, net) = end_of(&recipe, group, &mut self.stack)?;
        self.house.keep_net(net);
        end
    }
}

/// How a child ended, or why that can't be told.
type End = Result<ExitKind, String>;

/// The end of a child that follows the recipe, and the network that was made for it.
fn end_of(
    recipe: &Recipe<'_>,
    group: Option<&JoinFds>,
    stack: &mut raw::Stack,
) -> Result<(End, Option<OwnedFd>), String> {
    let family = raw::spawn(recipe, group, stack);
    let family = family.map_err(|error| format!("no child: {error}"))?;
    let end = crate::reap::wait(family.born.pidfd.as_fd());
    if let Some(innermost) = family.init.map(Innermost::new) {
        innermost.end();
    }
    if let Some(failure) = family.born.failure {
        let source = std::io::Error::from_raw_os_error(failure.errno);
        return Err(format!("the child could not {}: {source}", failure.step.as_str()));
    }
    let end = end.map_err(|error| error.to_string())?;
    Ok((end.ok_or_else(|| "the child's end can't be told".to_owned()), family.net))
}

/// Where a child acts.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// Where we are.
    Here,
    /// In the namespaces.
    Home,
    /// In a group, with these descriptors.
    Group(&'a JoinFds, &'a [OwnedFd]),
}

/// What two ends tell: the act was refused in the way of its layer, and was not refused so, or by something else too, without it.
fn judge(with: Result<ExitKind, String>, without: Result<ExitKind, String>, refusal: i32) -> Proof {
    match (with, without) {
        (Ok(ExitKind::Code(code)), Ok(_)) if code == refusal => Proof::Works,
        (Ok(ExitKind::Code(0)), Ok(_)) => Proof::Missing("the forbidden act succeeds".to_owned()),
        (Ok(end), Ok(_)) => Proof::Missing(format!("the forbidden act ended in an unexpected way: {end}")),
        (Err(reason), _) | (_, Err(reason)) => Proof::Missing(reason),
    }
}

/// All namespaces, with hardly a file in them.
fn all_namespaces() -> Confinement {
    let layers = Layer::ALL.into_iter().filter(|layer| layer.is_namespace()).collect();
    let paths = vec![PathRule { path: "/usr".into(), access: Access::ReadExecute }];
    Confinement { layers, paths, ..Confinement::none() }
}

/// 64 open files: below the number that the probe tries to open.
const PROBE_FILES: u64 = 64;

/// The confinement that has this layer, and of the others only what the kernel demands with it: nobody without rights may install a
/// filter or enter a domain before giving up new rights.
fn alone(layer: Layer) -> Confinement {
    let limits = Limits { open_files: Some(PROBE_FILES), ..Limits::STANDARD };
    let layers = if layer == Layer::Rlimits { vec![layer] } else { vec![Layer::NoNewPrivs, layer] };
    let rlimits = if layer == Layer::Rlimits { limits.to_rlimits() } else { Vec::new() };
    Confinement {
        layers,
        net: Net::Denied,
        denials: seccomp::DENIALS.to_vec(),
        rlimits,
        ..Confinement::none()
    }
}
