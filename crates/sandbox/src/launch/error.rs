//! What can go wrong with a launch: whose fault it is, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use abi::Explain;

/// A step of the child before its program runs, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Becoming the leader of a session or group.
    Apart = 1,
    /// Asking to die with the launcher, who must still be there.
    Parent,
    /// Joining its cgroup.
    Cgroup,
    /// Putting its descriptors in place.
    Stdio,
    /// Closing all other descriptors.
    CloseFds,
    /// Entering the working folder.
    Folder,
    /// Setting a bound.
    Rlimits,
    /// Giving up new rights.
    NoNewPrivs,
    /// Entering the Landlock domain.
    Landlock,
    /// Installing the filter of system calls.
    Seccomp,
    /// Giving up root's rights over the machine.
    Capabilities,
    /// Emptying the signal mask.
    SignalMask,
    /// Running the program.
    Exec,
    /// Taking a table of descriptors of its own.
    OwnTable,
    /// Entering its namespaces.
    Namespaces,
    /// Having its view of the files built.
    Mounts,
    /// Getting a first process for its pid namespace.
    Init,
    /// Mounting its own view of processes.
    Processes,
    /// Being born by the nanny.
    Birth,
    /// Sending word of where its calls to the network are answered.
    Watch,
    /// Getting an empty network.
    Network,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 21] = [
        Self::Apart,
        Self::Parent,
        Self::Cgroup,
        Self::Stdio,
        Self::CloseFds,
        Self::Folder,
        Self::Rlimits,
        Self::NoNewPrivs,
        Self::Landlock,
        Self::Seccomp,
        Self::Capabilities,
        Self::SignalMask,
        Self::Exec,
        Self::OwnTable,
        Self::Namespaces,
        Self::Mounts,
        Self::Init,
        Self::Processes,
        Self::Birth,
        Self::Watch,
        Self::Network,
    ];

    /// The step in a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apart => "lead its own group",
            Self::Parent => "tie its life to its launcher's",
            Self::Cgroup => "join its cgroup",
            Self::Stdio => "take its pipes",
            Self::CloseFds => "close other descriptors",
            Self::Folder => "enter its folder",
            Self::Rlimits => "set its limits",
            Self::NoNewPrivs => "give up new rights",
            Self::Landlock => "enter its Landlock domain",
            Self::Seccomp => "install its filter of system calls",
            Self::Capabilities => "give up root's rights over the machine",
            Self::SignalMask => "empty its signal mask",
            Self::Exec => "run its program",
            Self::OwnTable => "take a table of descriptors of its own",
            Self::Namespaces => "enter its namespaces",
            Self::Mounts => "have its view of the files built",
            Self::Init => "get a first process for its pid namespace",
            Self::Processes => "mount its own view of processes",
            Self::Birth => "be born in its pid namespace",
            Self::Watch => "say where its calls to the network are answered",
            Self::Network => "get an empty network",
        }
    }
}

/// Whose mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// What was asked for can't be run.
    Operator,
    /// The machine has too little, or lacks a feature.
    Machine,
    /// A bug of ours.
    Ours,
}

/// Why there is no child.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// `argv` is empty.
    #[error("the command is empty")]
    EmptyCommand,
    /// A text holds a zero byte, which no system call can take.
    #[error("the {what} holds a zero byte")]
    NulByte {
        /// Which text.
        what: &'static str,
    },
    /// The name of a variable is empty or holds `=`.
    #[error("the name of an environment variable is empty or holds `=`")]
    VariableName,
    /// More descriptors to hand over than a child can get.
    #[error("{given} descriptors to hand over, at most {most} are possible")]
    TooManyFds {
        /// How many were given.
        given: usize,
        /// How many are possible.
        most: usize,
    },
    /// No such file, neither in `PATH` nor where the path says.
    #[error("program `{program}` was not found in {searched}")]
    ProgramNotFound {
        /// As it was asked for.
        program: String,
        /// Where it was looked for.
        searched: String,
    },
    /// The file is there and can't be run.
    #[error("program `{}` may not be run", program.display())]
    NotExecutable {
        /// The file.
        program: PathBuf,
    },
    /// The file's interpreter, or the file itself, went away between finding and running it.
    #[error("program `{}` or the interpreter it names is gone", program.display())]
    Vanished {
        /// The file.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody still writes the file.
    #[error("program `{}` is being written", program.display())]
    Busy {
        /// The file.
        program: PathBuf,
    },
    /// The system can't run the file for another reason.
    #[error("program `{}` can't be run", program.display())]
    Exec {
        /// The file.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The working folder can't be entered.
    #[error("folder `{}` can't be entered", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A Landlock rule can't be made.
    #[error("the Landlock rules can't be made")]
    Ruleset(#[source] landlock::RulesetError),
    /// The cgroup can't be opened.
    #[error("cgroup `{}` can't be opened", dir.display())]
    Cgroup {
        /// The cgroup's folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no memory for the child's first steps.
    #[error("no memory for the child's first steps")]
    Stack(#[source] io::Error),
    /// A pipe or another descriptor can't be made.
    #[error("a pipe for the child can't be made")]
    Pipe(#[source] io::Error),
    /// The system gives no new process.
    #[error("the system gives no new process")]
    Birth(#[source] io::Error),
    /// The child gave up before its program ran.
    #[error("the child could not {}", step.as_str())]
    Step {
        /// Where it gave up.
        step: Step,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl LaunchError {
    pub(super) fn exec(program: &Path, source: io::Error) -> Self {
        let program = program.to_owned();
        match source.raw_os_error() {
            Some(libc::ENOENT) => Self::Vanished { program, source },
            Some(libc::EACCES) => Self::NotExecutable { program },
            Some(libc::ETXTBSY) => Self::Busy { program },
            _ => Self::Exec { program, source },
        }
    }

    /// Whose mistake it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::EmptyCommand
            | Self::NulByte { .. }
            | Self::VariableName
            | Self::ProgramNotFound { .. }
            | Self::NotExecutable { .. }
            | Self::Vanished { .. }
            | Self::Busy { .. }
            | Self::Exec { .. }
            | Self::Folder { .. } => Blame::Operator,
            Self::Ruleset(_)
            | Self::Cgroup { .. }
            | Self::Stack(_)
            | Self::Pipe(_)
            | Self::Birth(_)
            | Self::Step { .. } => Blame::Machine,
            Self::TooManyFds { .. } => Blame::Ours,
        }
    }
}

impl Explain for LaunchError {
    fn code(&self) -> &'static str {
        match self {
            Self::EmptyCommand => "sandbox::launch::empty_command",
            Self::NulByte { .. } => "sandbox::launch::zero_byte",
            Self::VariableName => "sandbox::launch::variable_name",
            Self::TooManyFds { .. } => "sandbox::launch::too_many_fds",
            Self::ProgramNotFound { .. } => "sandbox::launch::program_not_found",
            Self::NotExecutable { .. } => "sandbox::launch::not_executable",
            Self::Vanished { .. } => "sandbox::launch::program_gone",
            Self::Busy { .. } => "sandbox::launch::program_busy",
            Self::Exec { .. } => "sandbox::launch::exec",
            Self::Folder { .. } => "sandbox::launch::folder",
            Self::Ruleset(_) => "sandbox::launch::landlock_rules",
            Self::Cgroup { .. } => "sandbox::launch::cgroup",
            Self::Stack(_) => "sandbox::launch::memory",
            Self::Pipe(_) => "sandbox::launch::pipe",
            Self::Birth(_) => "sandbox::launch::process",
            Self::Step { .. } => "sandbox::launch::child_step",
        }
    }

    fn help(&self) -> Option<String> {
        match self {
            Self::ProgramNotFound { program, .. } if !program.contains('/') => Some(format!(
                "install it, or give its full path; `command -v {program}` shows where a shell finds it"
            )),
            Self::ProgramNotFound { program, .. } => Some(format!("ls -l {program}")),
            Self::NotExecutable { program } => Some(format!("chmod +x {}", program.display())),
            Self::Vanished { program, .. } => {
                Some(format!("head -n 1 {} shows the interpreter that a script names", program.display()))
            }
            Self::Busy { program } => {
                Some(format!("start it again once {} is written whole", program.display()))
            }
            Self::Exec { program, .. } => {
                Some(format!("file {} shows what kind of program it is", program.display()))
            }
            Self::Folder { folder, .. } => Some(format!("ls -ld {}", folder.display())),
            Self::Pipe(_) => Some("ulimit -n shows how many open files are allowed".to_owned()),
            Self::Birth(_) => {
                Some("ulimit -u and free -m show what is left of processes and memory".to_owned())
            }
            Self::Ruleset(_) | Self::Cgroup { .. } | Self::Step { .. } => {
                Some("ostoja doctor shows which layers of containment work here".to_owned())
            }
            Self::EmptyCommand
            | Self::NulByte { .. }
            | Self::VariableName
            | Self::TooManyFds { .. }
            | Self::Stack(_) => None,
        }
    }
}
