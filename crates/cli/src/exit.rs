//! How the program ends: one closed list of exit codes, so that scripts can branch on them and `help exit-codes` can
//! print them from the same place.

use std::process::ExitCode;

/// What the exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// It worked.
    Done,
    /// It failed.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// What was asked about does not run, or not as it should.
    Degraded,
    /// There is no such thing.
    NotFound,
    /// It is not allowed.
    Denied,
    /// It took too long.
    TimedOut,
    /// What was verified does not hold.
    NotVerified,
    /// A change was undone.
    RolledBack,
    /// The kernel can't be reached.
    Unreachable,
    /// A person interrupted it.
    Interrupted,
    /// The command that was run ended with this code.
    Child(u8),
}

impl Exit {
    /// All codes that Ostoja itself gives, in their numeric order.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Degraded,
        Self::NotFound,
        Self::Denied,
        Self::TimedOut,
        Self::NotVerified,
        Self::RolledBack,
        Self::Unreachable,
        Self::Interrupted,
    ];

    /// The number that a shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Degraded => 3,
            Self::NotFound => 4,
            Self::Denied => 5,
            Self::TimedOut => 6,
            Self::NotVerified => 7,
            Self::RolledBack => 8,
            Self::Unreachable => 9,
            Self::Interrupted => 130,
            Self::Child(code) => code,
        }
    }

    /// What it means, in a few words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "it worked",
            Self::Failed => "it failed; the error says why",
            Self::Usage => "the command line or an argument makes no sense",
            Self::Degraded => "not running, or not as it should be",
            Self::NotFound => "there is no such module, service, wish or file",
            Self::Denied => "not allowed, or not approved",
            Self::TimedOut => "it took too long",
            Self::NotVerified => "what was verified does not hold",
            Self::RolledBack => "the change failed and was undone",
            Self::Unreachable => "no kernel answers",
            Self::Interrupted => "interrupted by Ctrl-C",
            Self::Child(_) => "the exit code of the command that was run",
        }
    }

    /// The exit that an error with this stable code leads to.
    ///
    /// The last part of a code says what kind of failure it is; the few codes whose last part is a word of its own
    /// end as a plain failure.
    pub fn of_code(code: &str) -> Self {
        // Whatever a package, its signatures or its plan are refused for; the words below are not about what was asked.
        let refuses = ["update::package::", "update::trust::", "update::plan::", "update::makers::nobody"];
        if refuses.iter().any(|area| code.starts_with(area))
            || code.starts_with("update::look::") && !code.ends_with("not_found")
        {
            return Self::NotVerified;
        }
        match code.rsplit("::").next().unwrap_or(code) {
            "not_found" | "no_such_module" | "unknown_module" | "no_such_service" | "service_not_found"
            | "missing" | "unknown" => Self::NotFound,
            "denied" | "forbidden" | "not_approved" | "unapproved" | "not_permitted" | "not_owner"
            | "import_refused" => Self::Denied,
            "timed_out" | "timeout" | "deadline" => Self::TimedOut,
            "unreachable" | "not_running" | "hung_up" => Self::Unreachable,
            "hash_mismatch" | "broken" | "not_verified" => Self::NotVerified,
            "shutting_down" | "not_ready" => Self::Degraded,
            "rolled_back" => Self::RolledBack,
            "usage" | "bad_argument" | "bad_request" => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
