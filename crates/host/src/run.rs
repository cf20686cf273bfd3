//! A whole kernel process: the boot in five visible steps, the life in between, and the end in its order.
//!
//! # Boot
//! 1. *config*: the home is made and locked, `config.yaml`, `config.d/` and the project file are read. What is broken
//!    here ends the start with an error that names file, line and column; but where nobody sits before it and a kernel
//!    has been at rest here before, or where safe mode is wished, the start goes on in safe mode with that error as its
//!    reason.
//! 2. *store*: the journal's and the logs' threads start. A disk that refuses is told, and does not end the start.
//! 3. *modules*: permissions are read, modules are found. A module that can't be used is shown as refused.
//! 4. *door*: the operator door opens, so that everything that follows can be watched.
//! 5. *start*: the kernel is told what there is and begins.
//!
//! # Shutdown, in this order
//! 1. The kernel stops modules tier by tier and says `Finished` when the last is reaped.
//! 2. Approvals that wait to be saved are saved.
//! 3. Everybody who follows something on the operator door is told `end`, the socket is removed and the door closed.
//! 4. The journal and the logs get [`CLOSE_WITHIN`] to write what they hold.
//! 5. The module groups are removed, and with them the sentinel's reason to act; the lock of the home goes last.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use protocol::files::project::Project;
use protocol::operator::{Held, JournalRow, LogLine, Profiled};

use crate::error::HostError;
use crate::handover::Renewal;
use crate::home::Home;

mod boot;

pub(crate) use boot::give_back_code;

/// 5 s: what journal and logs get at the end to write what they hold; a disk that takes longer is failing.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How a kernel process is to run.
#[derive(Debug)]
pub struct Options {
    /// Where everything lies.
    pub home: Home,
    /// The project whose modules run beside those of the home.
    pub project: Option<ProjectSource>,
    /// Whether a person sits before it.
    pub presence: Presence,
    /// The command that runs [`crate::sentinel_main`]: this program's own file and a hidden word. Without it, what
    /// modules forked away outlives a SIGKILL of the kernel until the next start.
    pub sentinel: Option<Vec<OsString>>,
    /// The command that runs [`crate::net_helper_main`]. Without it, modules whose `net` names places have the machine's network, and
    /// are held to ports alone.
    pub net_helper: Option<Vec<OsString>>,
    /// The command of the module [`crate::COMPANION`]: this program's own file and hidden words. Without it, there is no
    /// such module.
    pub companion: Option<Vec<String>>,
    /// The command that stands between the kernel and an MCP server: this program's own file and hidden words. Without it,
    /// modules of `protocol: mcp` are refused.
    pub bridge: Option<Vec<String>>,
    /// The program's version, told by `kernel.status`.
    pub version: String,
    /// Whether no module is to run until somebody says so.
    pub safety: Safety,
    /// Where the kernel's chance begins; from the system when left out. Fixed by tests.
    pub seed: Option<u64>,
    /// Whether every frame is told as [`News::Frame`].
    pub frames: Frames,
    /// How this program can be started again, so that another binary can take its place while modules run. Only for a
    /// process whose first thread calls [`run()`], and that is nothing but a kernel.
    pub renewal: Option<Renewal>,
    /// How every module that is a process is observed, if at all; what each needed is told as [`News::Observed`] at the end.
    /// Where [`crate::can_observe`] says no, none is.
    pub observe: Option<Held>,
}

/// Whether what passes a module's door is told to whoever started this process. It is for who writes a module: frames
/// carry payloads, which go nowhere else but to the process that sends and the one that gets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Frames {
    /// As usual.
    #[default]
    Untold,
    /// Each one, copied whole; secrets are left out. Frames of WebAssembly guests are not told.
    Told,
}

/// A frame that passed a module's door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameTold {
    /// When, in milliseconds since the epoch.
    pub ts_ms: u64,
    /// Whose door.
    pub module_id: String,
    /// Which life.
    pub generation: u64,
    /// From where to where.
    pub way: Way,
    /// The line without its break.
    pub line: String,
}

/// From where to where a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The module said it.
    FromModule,
    /// It was queued for the module.
    ToModule,
}

/// Where a project's description comes from.
#[derive(Debug, Clone)]
pub enum ProjectSource {
    /// An `ostoja.yaml`; read again at each reload.
    File(PathBuf),
    /// A value made by this program; its relative paths start from the folder.
    Inline(Box<Project>, PathBuf),
}

/// How a kernel begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Safety {
    /// As it should, in safe mode where it must.
    #[default]
    Usual,
    /// In safe mode, as somebody wishes; also when a file can't be read.
    SafeMode,
}

/// Whether a person sits before the kernel process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// In a terminal: log lines and records are told as [`News`], and a closed terminal is a wish to stop.
    Foreground,
    /// Nobody: SIGHUP reads the modules again.
    Background,
}

/// A step of the boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BootStep {
    /// The home and its configuration.
    Config,
    /// The journal and the logs.
    Store,
    /// Permissions and modules.
    Modules,
    /// The operator door.
    Door,
    /// The kernel itself.
    Start,
}

impl BootStep {
    /// All steps, in order.
    pub const ALL: [Self; 5] = [Self::Config, Self::Store, Self::Modules, Self::Door, Self::Start];

    /// The step's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Store => "store",
            Self::Modules => "modules",
            Self::Door => "door",
            Self::Start => "start",
        }
    }
}

impl fmt::Display for BootStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a kernel process tells whoever started it.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A step of the boot is done, or for the last one begun; the text says what it found, `after_ms` how long the boot
    /// has taken so far.
    Booted {
        /// Which.
        step: BootStep,
        /// What it found, as a short text: `3 modules, 1 refused`.
        found: String,
        /// Milliseconds since the process entered [`run()`].
        after_ms: u64,
    },
    /// Nothing is on its way to being ready any more; these should be ready and are not. Comes once, after the boot.
    Settled(Vec<String>),
    /// Something is not as it should be, and the kernel runs on.
    Trouble(String),
    /// A module said something. Only in the foreground.
    Log(LogLine),
    /// Something was decided. Only in the foreground.
    Record(JournalRow),
    /// A frame passed a module's door. Only with [`Frames::Told`].
    Frame(FrameTold),
    /// Nothing runs any more, and this is what a module needed while it was observed. Only with [`Options::observe`].
    Observed(Profiled),
    /// The end has begun.
    Stopping,
}

/// Whom news are told to. Called on the kernel's own thread between two events: it must be short.
pub(crate) type Observer = Rc<dyn Fn(&News)>;

/// Runs a kernel until it is told to stop, and returns when nothing of it runs any more.
///
/// Call it on the main thread: children are born on it, and die with it. `observe` is called on the kernel's own.
///
/// # Errors
/// What keeps a kernel from starting: a home that can't be made or is in use, a file that can't be understood, a
/// socket that can't be bound. Once it runs, nothing of that ends it.
pub fn run(options: Options, observe: impl Fn(&News) + Send + 'static) -> Result<(), HostError> {
    boot::run(options, observe)
}
