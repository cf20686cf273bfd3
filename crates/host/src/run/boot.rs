//! The steps of the boot and of the end, in the order that the module above promises.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ChildStdin;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use abi::Record;
use kernel::Order;
use protocol::files::config::Config;
use store::{BootId, Health, HomeLock, Logs, LogsOptions, Notice, Scribe, ScribeOptions, lock_home};
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::{LocalSet, spawn_local};

use super::{BootStep, CLOSE_WITHIN, News, Observer, Options, Presence, Safety};
use crate::cgroups::Cgroups;
use crate::clock::Clock;
use crate::clock::wall_now;
use crate::environment::Surrounding;
use crate::error::HostError;
use crate::fault::{self, Faults};
use crate::files::approvals::Approvals;
use crate::files::config::{self, MainFile};
use crate::files::discovery::Finding;
use crate::files::install;
use crate::files::lives::Lives;
use crate::files::project::ProjectModules;
use crate::files::seal::HashCache;
use crate::handover::{self, Begin, Keepsakes, Left};
use crate::home::Home;
use crate::midwife::{self, Job};
use crate::net::NetHelper;
use crate::safe::{self, Boots, Cause, FAILED_BOOTS_MAX};
use crate::secrets::{self, Secrets};
use crate::shell::{Files, Parts, Shell};
use crate::signals::{self, Signals};
use crate::talk::Talk;
use crate::{door, effects, manager, memory, sentinel, tasks, updating};

/// 64 news of the writing threads wait to be told; they come seldom, and the next one says how it is now.
const STORE_NEWS_MAX: usize = 64;

/// Runs a kernel from its first file to its last child.
pub(super) fn run(options: Options, observe: impl Fn(&News) + Send + 'static) -> Result<(), HostError> {
    let at = Instant::now();
    let begin = handover::begin(&options.home, options.renewal.as_ref())?;
    // First of all, while its numbers are free. Without them launches only cost more.
    let berths = sandbox::Berths::reserve().inspect_err(|error| tracing::debug!(%error, "no berths")).ok();
    let back = match (&begin, &options.renewal) {
        (Begin::TakeOver(left), Some(renewal)) => handover::way_back(renewal, left),
        _ => None,
    };
    midwife::attend(
        move |jobs| drive(options, begin, Begun { at, observer: Rc::new(observe) }, jobs),
        berths,
        back,
    )
}

/// The kernel's own thread.
fn drive(options: Options, begin: Begin, begun: Begun, jobs: Sender<Job>) -> Result<(), HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(HostError::Runtime)?;
    let tasks = LocalSet::new();
    let done = tasks.block_on(&runtime, live(options, begin, begun, jobs));
    // Tasks hold the shell, and the shell's lives hold tasks: the tasks go first.
    drop(tasks);
    // A thread that hangs in a slow disk or a name server is not waited for.
    runtime.shutdown_background();
    done
}

/// When the boot began, and whom it is told to.
struct Begun {
    at: Instant,
    observer: Observer,
}

impl Begun {
    fn tell(&self, step: BootStep, found: String) {
        let after_ms = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(step = step.as_str(), %found, after_ms, "booted");
        (self.observer)(&News::Booted { step, found, after_ms });
    }
}

async fn live(options: Options, begin: Begin, begun: Begun, jobs: Sender<Job>) -> Result<(), HostError> {
    let home = options.home.clone();
    let mut left = match begin {
        Begin::Fresh => None,
        Begin::TakeOver(left) => Some(left),
    };
    home.create().map_err(HostError::Home)?;
    let lock = Rc::new(take_lock(&home, left.as_deref())?);
    raise_open_files();
    let mut signals = Signals::listen(options.presence).map_err(HostError::Signals)?;
    sandbox::become_subreaper().map_err(HostError::Runtime)?;
    put_right(&home)?;
    let faults = Faults::watch(&home.state());
    let mut boots = Boots::open(&home.state());
    let (mut read, cause) = read_or_be_safe(&options, &boots)?;
    let cause = match left.as_deref() {
        Some(left) => cause_left(left, cause)?,
        None => {
            boots.begin();
            cause
        }
    };
    begun.tell(BootStep::Config, read.found.clone());
    let recovered = follow_slots(&home, &mut read);
    let (store_news, news) = mpsc::channel(STORE_NEWS_MAX);
    let talk = open_store(&options, &begun, store_news)?;
    begun.tell(BootStep::Store, "journal and logs".to_owned());
    let (cgroups, leftovers) = match &left {
        Some(left) => (Cgroups::inherited(left.cgroups.as_ref().map(Into::into)), 0),
        None => Cgroups::open(&home),
    };
    let (held, listener) = Held::open(&options, &cgroups, left.as_deref(), lock)?;
    let (births, born) = effects::Births::new(jobs);
    let complaints = std::mem::take(&mut read.complaints);
    let safety = safe::Safety::new(boots, cause);
    let clock = left.as_deref().map_or_else(Clock::start, clock_of);
    let shell = make_shell(&options, read, (cgroups, safety, births), (talk, held.keepsakes()), clock)?;
    shell.borrow_mut().observe_all(options.observe);
    if let Some(left) = &mut left {
        // Before anything is decided, so that it is numbered where the earlier program left off.
        shell.borrow_mut().talk.stream.resume(std::mem::take(&mut left.stream));
    } else {
        memory::restore(&mut shell.borrow_mut());
        shell.borrow_mut().record_start(leftovers);
    }
    shell.borrow_mut().tell_locked_vault();
    // It is told and journaled where it is found, and holds before anybody can ask.
    let _told = shell.borrow_mut().reload_policies();
    let finding = find_modules(&mut shell.borrow_mut(), &complaints);
    begun.tell(BootStep::Modules, counted(finding.modules.len(), finding.refused()));
    spawn_tasks(&shell, &mut signals, listener, news);
    spawn_local(tasks::births(shell.clone(), born));
    spawn_local(signals::obey(shell.clone(), signals));
    begun.tell(BootStep::Door, home.socket().display().to_string());
    // Told before it is done, since the first modules are ready within it.
    begun.tell(BootStep::Start, "begun".to_owned());
    match left {
        None => begin_new(&mut shell.borrow_mut(), finding),
        Some(left) => begin_again(&mut shell.borrow_mut(), finding, *left)?,
    }
    manager::tell("READY=1");
    go_on_with_updates(&shell, recovered);
    watch_the_start(&shell, faults);
    let bells = shell.borrow().bells.clone();
    bells.finished.notified().await;
    end(&shell).await;
    drop(held);
    Ok(())
}

/// What is held for the whole run, and let go of at its end in this order: the home's lock last.
struct Held {
    sentinel: Option<Rc<ChildStdin>>,
    door: Rc<OwnedFd>,
    lock: Rc<HomeLock>,
}

impl Held {
    /// Our own, or copies of what an earlier program in this process had, which keeps them until all is taken over.
    fn open(
        options: &Options,
        cgroups: &Cgroups,
        left: Option<&Left>,
        lock: Rc<HomeLock>,
    ) -> Result<(Self, UnixListener), HostError> {
        let home = &options.home;
        let sentinel = match left {
            Some(left) => {
                left.sentinel.and_then(|number| sandbox::inherited::copy(number).ok()).map(Into::into)
            }
            None => start_sentinel(options, cgroups),
        };
        let refused = |source| HostError::Socket { path: home.socket(), source };
        let opened = match left {
            Some(left) => sandbox::inherited::copy(left.door).and_then(door::resume),
            None => door::open(home),
        };
        let listener = opened.map_err(refused)?;
        let door = Rc::new(listener.as_fd().try_clone_to_owned().map_err(refused)?);
        Ok((Self { sentinel: sentinel.map(Rc::new), door, lock }, listener))
    }

    fn keepsakes(&self) -> Keepsakes {
        Keepsakes {
            lock: Rc::downgrade(&self.lock),
            door: Rc::downgrade(&self.door),
            sentinel: self.sentinel.as_ref().map(Rc::downgrade).unwrap_or_default(),
        }
    }
}

fn make_shell(
    options: &Options,
    read: ReadFiles,
    (cgroups, safety, births): (Cgroups, safe::Safety, effects::Births),
    (talk, keepsakes): (Talk, Keepsakes),
    clock: Clock,
) -> Result<Rc<RefCell<Shell>>, HostError> {
    let home = options.home.clone();
    let (lives, last_life) = Lives::open(&home.state());
    Ok(Shell::new(Parts {
        clock,
        renewal: options.renewal.clone(),
        keepsakes,
        seed: seed(options.seed)?,
        lives,
        last_life,
        secrets: Secrets::of(&home),
        files: Files {
            home,
            source: options.project.clone(),
            companion: options.companion.clone(),
            bridge: options.bridge.clone(),
            project: read.project,
            config: read.config,
            approvals: read.approvals,
            hashes: HashCache::default(),
            blueprints: BTreeMap::new(),
        },
        surrounding: Surrounding::of_process(),
        cgroups,
        safety,
        births,
        proofs: sandbox::probe::run(),
        net: NetHelper::new(options.net_helper.clone()),
        talk,
        version: options.version.clone(),
    }))
}

/// A copy of what an earlier program in this process had, which keeps it until all is taken over; or our own.
fn take_lock(home: &Home, left: Option<&Left>) -> Result<HomeLock, HostError> {
    let Some(left) = left else { return lock_home(home.root()).map_err(HostError::Lock) };
    let copy = sandbox::inherited::copy(left.lock);
    let copy = copy.map_err(|error| HostError::Handover { why: format!("the home's lock: {error}") })?;
    Ok(HomeLock::inherited(home.root(), copy.into()))
}

/// Whether no module may run is taken over too. What an earlier program could read, this one has to read as well: it would
/// else end modules for not knowing them.
fn cause_left(left: &Left, cause: Option<Cause>) -> Result<Option<Cause>, HostError> {
    if let Some(Cause::Files(why)) = cause {
        return Err(HostError::Handover { why });
    }
    let safe = left.kernel.pointer("/kernel/parts/safe/0").and_then(serde_json::Value::as_str);
    Ok(safe.map(|why| Cause::Asked(why.to_owned())))
}

fn clock_of(left: &Left) -> Clock {
    let age_ns = crate::clock::monotonic_ns().saturating_sub(left.began_ns);
    Clock::inherited(std::time::Duration::from_nanos(age_ns), abi::Wall(left.started_wall_ms))
}

/// What a kernel, or a restore, that was killed left half done is put right before anybody looks.
fn put_right(home: &Home) -> Result<(), HostError> {
    if let Some(restored) = store::finish_restore(home.root(), &home.state()).map_err(HostError::Restore)? {
        tracing::info!(backup = restored.backup, "a restore that was cut short is finished");
    }
    // Who has the lock may be at a restore; then it is left for another start.
    if let Ok(_lock) = store::lock_depot(&home.state(), std::time::Duration::ZERO)
        && let Err(error) = store::sweep_restore(&home.state())
    {
        tracing::warn!(%error, "what a restore that was cut short left behind could not be removed");
    }
    store::sweep_leftovers(&home.permissions());
    store::sweep_leftovers(&home.context());
    handover::versions::put_right(home);
    install::recover(&home.modules());
    Ok(())
}

/// Links and approvals follow the slots, before anybody looks at the modules.
fn follow_slots(home: &Home, read: &mut ReadFiles) -> Result<updating::Recovered, updating::UpdateError> {
    let user_home = Surrounding::of_process().user_home();
    updating::put_right(home, &mut read.approvals, &user_home, wall_now())
}

/// What an earlier kernel was at when it ended goes on. Versions that can't be read are told, and keep no module from
/// running.
fn go_on_with_updates(
    shell: &Rc<RefCell<Shell>>,
    recovered: Result<updating::Recovered, updating::UpdateError>,
) {
    match recovered {
        Ok(recovered) => updating::resume(shell, recovered, wall_now()),
        Err(error) => {
            let why = crate::launch::sentence(&error);
            shell.borrow_mut().trouble(format!("the versions of modules could not be put right: {why}"));
        }
    }
}

/// The first look at what there is. The start was journaled before it, as what follows is a part of it.
fn find_modules(shell: &mut Shell, faults: &[String]) -> Finding {
    shell.tell_faulty_approvals(faults);
    let project = shell.files.project.take();
    let finding = shell.search(project.as_ref());
    shell.files.project = project;
    finding
}

/// What an earlier program in this process left goes on; only what the files say anew is begun.
fn begin_again(shell: &mut Shell, finding: Finding, left: Left) -> Result<(), HostError> {
    let config = shell.files.config.clone();
    shell.take_over_config(config);
    let image = shell.renewal.as_ref().and_then(|renewal| renewal.inherited);
    let originals = [Some(left.lock), Some(left.door), left.sentinel, image];
    let net = left.net;
    handover::take_over(shell, left, &finding)?;
    // We have copies of these, made before it was certain that all is taken over.
    for number in originals.into_iter().flatten() {
        drop(sandbox::inherited::take(number));
    }
    let helper = shell.net.clone();
    let resumed = net.map_or(Ok(()), |number| {
        sandbox::inherited::take(number).and_then(|line| helper.resume(&shell.handle(), line))
    });
    if let Err(error) = resumed {
        shell.trouble(format!("the net helper is lost: {error}"));
    }
    shell.take_over_modules(finding);
    shell.tend_companion();
    shell.end_turn();
    Ok(())
}

/// The kernel is told the rules and the modules, and its first effects are done.
fn begin_new(shell: &mut Shell, finding: Finding) {
    let config = shell.files.config.clone();
    shell.take_over_config(config);
    shell.begin_safely();
    shell.take_over_modules(finding);
    shell.tend_companion();
    shell.end_turn();
}

/// What the first step gives to the later ones.
struct ReadFiles {
    project: Option<ProjectModules>,
    config: Config,
    approvals: Approvals,
    /// What in the approvals can't be understood.
    complaints: Vec<String>,
    found: String,
}

/// The files, or nothing and the reason to begin in safe mode.
fn read_or_be_safe(options: &Options, boots: &Boots) -> Result<(ReadFiles, Option<Cause>), HostError> {
    let is_wished = options.safety == Safety::SafeMode;
    let is_in_service = options.presence == Presence::Background && boots.has_settled();
    let earlier_fault = fault::of_earlier(&options.home.state());
    match read_config(options) {
        Err(error) if is_wished || is_in_service => {
            let why = crate::launch::sentence(&error);
            let found = format!("safe mode: {why}");
            let path = options.home.permissions();
            // The approvals may well be what can't be read.
            let approvals = Approvals::load(&path);
            let (approvals, complaints) =
                approvals.unwrap_or_else(|_| (Approvals::unread(&path), Vec::new()));
            let config = Config::default();
            let read = ReadFiles { project: None, config, approvals, complaints, found };
            Ok((read, Some(Cause::Files(why))))
        }
        Err(error) => Err(error),
        Ok(read) if is_wished => Ok((read, Some(Cause::Asked("it was started so".to_owned())))),
        Ok(read) if earlier_fault.is_some() => Ok((read, earlier_fault.map(Cause::Fault))),
        Ok(read) if boots.failed() >= FAILED_BOOTS_MAX => {
            Ok((read, Some(Cause::FailedBoots(boots.failed()))))
        }
        Ok(read) => Ok((read, None)),
    }
}

fn read_config(options: &Options) -> Result<ReadFiles, HostError> {
    let project = options.project.as_ref().map(ProjectModules::load).transpose()?;
    let (config, main) = config::load(&options.home, project.as_ref())?;
    let sections = config.values().len();
    let found = match main {
        MainFile::Found => format!("{sections} sections"),
        MainFile::Missing => {
            tracing::warn!(path = %options.home.config().display(), "there is no configuration, so defaults hold");
            format!("{sections} sections, no config.yaml: defaults hold")
        }
    };
    let (approvals, complaints) = Approvals::load(&options.home.permissions())?;
    Ok(ReadFiles { project, config, approvals, complaints, found })
}

fn open_store(options: &Options, begun: &Begun, news: mpsc::Sender<StoreNews>) -> Result<Talk, HostError> {
    let boot = BootId::fresh().map_err(HostError::Random)?;
    let home = &options.home;
    let (of_journal, of_logs) = (news.clone(), news);
    // A full channel drops a piece of news: the next one says how it is then.
    let journal = ScribeOptions::new(&home.journal(), boot)
        .on_notice(move |notice| drop(of_journal.try_send(StoreNews::Journal(notice))));
    let logs = LogsOptions::new(&home.logs())
        .on_health(move |health| drop(of_logs.try_send(StoreNews::Logs(health))));
    let thread = |what| move |source| HostError::Thread { what, source };
    let scribe = Scribe::start(journal).map_err(thread("journal"))?;
    let logs = Logs::start(logs).map_err(thread("logs"))?;
    Ok(Talk::new(logs, scribe, begun.observer.clone(), options.presence, options.frames))
}

/// What the writing threads tell.
#[derive(Debug)]
enum StoreNews {
    Journal(Notice),
    Logs(Health),
}

async fn hear_store(shell: Rc<RefCell<Shell>>, mut news: mpsc::Receiver<StoreNews>) {
    const JOURNAL: &str = "the journal can't be written";
    const LOGS: &str = "logs can't be written";
    while let Some(news) = news.recv().await {
        let mut shell = shell.borrow_mut();
        match news {
            StoreNews::Journal(Notice::Failing(error)) => {
                shell.no_trouble(JOURNAL);
                shell.trouble(format!("{JOURNAL}: {}", error.message));
            }
            StoreNews::Journal(Notice::Recovered) => shell.no_trouble(JOURNAL),
            StoreNews::Journal(Notice::Opened(found)) => shell.tell_journal(&found),
            StoreNews::Logs(Health::Failing { error, .. }) => {
                shell.no_trouble(LOGS);
                shell.trouble(format!("{LOGS}: {}", error.message));
            }
            StoreNews::Logs(Health::Well) => shell.no_trouble(LOGS),
        }
    }
}

impl Shell {
    fn record_start(&mut self, left: usize) {
        let record = Record::new("kernel.started")
            .text("version", self.version.as_str())
            .number("pid", u64::from(std::process::id()));
        self.record(record);
        if left > 0 {
            self.record(Record::new("kernel.leftovers").number("groups", left as u64));
        }
    }

    fn tell_journal(&mut self, found: &store::Found) {
        match found {
            store::Found::Nothing | store::Found::Kept { .. } => {}
            store::Found::Broken { expected, found } => {
                self.trouble(format!(
                    "the journal was changed: it should have {expected} records and ends at {found}"
                ));
            }
            store::Found::Damaged { aside, error } => {
                let why = &error.message;
                self.trouble(format!(
                    "the journal was damaged ({why}) and lies now at `{}`",
                    aside.display()
                ));
            }
        }
    }
}

fn spawn_tasks(
    shell: &Rc<RefCell<Shell>>,
    signals: &mut Signals,
    listener: UnixListener,
    news: mpsc::Receiver<StoreNews>,
) {
    spawn_local(tasks::timer(shell.clone()));
    spawn_local(tasks::launcher(shell.clone()));
    spawn_local(tasks::look_out(shell.clone()));
    spawn_local(crate::governor::look_now_and_then(shell.clone()));
    spawn_local(crate::restarts::plan_now_and_then(shell.clone()));
    spawn_local(crate::backup::back_up_now_and_then(shell.clone()));
    spawn_local(effects::save_when_asked(shell.clone()));
    spawn_local(effects::write_sets(shell.clone()));
    spawn_local(memory::write_when_changed(shell.clone()));
    spawn_local(crate::keeping::keep_states(shell.clone()));
    spawn_local(secrets::hand_over(shell.clone()));
    spawn_local(door::serve(shell.clone(), listener));
    spawn_local(hear_store(shell.clone(), news));
    spawn_local(manager::keep_alive());
    if let Some(children) = signals.children.take() {
        spawn_local(tasks::reap_orphans(shell.clone(), children));
    }
}

/// Tells once, after the boot, that nothing is on its way any more.
async fn tell_settled(shell: Rc<RefCell<Shell>>) {
    let answer = {
        let mut shell = shell.borrow_mut();
        let (request, answer) = shell.desk.expect();
        shell.feed(kernel::Event::Ordered(request, Order::Settle));
        shell.end_turn();
        answer
    };
    if let Ok(kernel::Answer::Settled(failed)) = answer.await {
        let failed = failed.iter().map(ToString::to_string).collect();
        shell.borrow().talk.tell(&News::Settled(failed));
        give_back_code();
    }
}

/// A start runs far more of the program than what follows it: its code goes back to the system, which keeps it in the file.
pub(crate) fn give_back_code() {
    if let Err(error) = sandbox::give_back_code() {
        tracing::debug!(%error, "the code of the start stays in memory");
    }
}

fn counted(modules: usize, refused: usize) -> String {
    let noun = if modules == 1 { "module" } else { "modules" };
    if refused == 0 { format!("{modules} {noun}") } else { format!("{modules} {noun}, {refused} refused") }
}

/// What becomes of this start, and whether the kernel stays sound.
fn watch_the_start(shell: &Rc<RefCell<Shell>>, faults: Faults) {
    spawn_local(tell_settled(shell.clone()));
    spawn_local(safe::look_after(shell.clone()));
    spawn_local(fault::look_after(shell.clone(), faults));
    spawn_local(safe::count_as_settled(shell.clone()));
}

/// The kernel's own chance: from the system, unless a test wants it fixed.
fn seed(fixed: Option<u64>) -> Result<u64, HostError> {
    match fixed {
        Some(seed) => Ok(seed),
        None => {
            let random = BootId::fresh().map_err(HostError::Random)?;
            Ok(u64::try_from(random.0 & u128::from(u64::MAX)).unwrap_or_default())
        }
    }
}

/// Four descriptors per module and some per operator: as many as this user may have.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let bounds = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: bounds.maximum, maximum: bounds.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the bound on open files could not be raised");
    }
}

fn start_sentinel(options: &Options, cgroups: &Cgroups) -> Option<ChildStdin> {
    let (command, tree) = (options.sentinel.as_ref()?, cgroups.dir()?);
    let started = sentinel::start(command, &tree);
    let told = started.inspect_err(|error| tracing::warn!(%error, "the sentinel could not be started"));
    told.ok()
}

/// The end, in its order.
async fn end(shell: &Rc<RefCell<Shell>>) {
    shell.borrow().tell_observed();
    if shell.borrow().is_unsaved {
        // What went wrong was told as a trouble.
        let _told = effects::save_now(shell).await;
    }
    memory::write_now(shell).await;
    crate::keeping::keep_now(shell).await;
    crate::restarts::write_now(shell).await;
    let socket = {
        let mut shell = shell.borrow_mut();
        shell.record(Record::new("kernel.stopped"));
        if shell.safety.cause().is_none() {
            shell.safety.boots.settle();
            handover::versions::come_to_rest(&shell.files.home);
            safe::keep_good_files(&shell);
        }
        shell.talk.end_all("the kernel stops");
        shell.desk.end_all("the kernel stops");
        shell.files.home.socket()
    };
    remove_socket(&socket);
    // The last answers are written by tasks that need a turn each.
    for _ in 0..LAST_TURNS {
        tokio::task::yield_now().await;
    }
    let mut shell = shell.borrow_mut();
    if let Err(error) = shell.talk.scribe.close(CLOSE_WITHIN) {
        tracing::error!(%error, "the journal could not be closed");
    }
    if let Err(error) = shell.talk.logs.close(CLOSE_WITHIN) {
        tracing::error!(%error, "the logs could not be closed");
    }
    shell.lives.close(shell.kernel.last_life());
    shell.cgroups.close();
    shell.governor.close();
}

/// 16 turns for every task that has something to write: one is enough unless an operator's socket is full.
const LAST_TURNS: u32 = 16;

fn remove_socket(path: &Path) {
    // A socket that stays behind is replaced at the next start.
    let _left = std::fs::remove_file(path);
}
