//! The environment variables that the command line looks at; nothing else in this crate reads the environment. The
//! home's own, `OSTOJA_HOME`, `XDG_DATA_HOME` and `HOME`, are read by `host`.

use std::ffi::OsString;
use std::path::PathBuf;

/// A variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    /// No colours when it is not empty (no-color.org).
    NoColor,
    /// `dumb` terminals get no colours.
    Term,
    /// The terminal's width, when a person sets it.
    Columns,
    /// Languages and character sets, in the order of POSIX.
    LcAll,
    /// The language of sentences.
    LcMessages,
    /// The character set.
    LcCtype,
    /// Both, where nothing else is said.
    Lang,
    /// The editor of `config edit`.
    Visual,
    /// The editor, where there is no other.
    Editor,
    /// Where programs are looked for.
    Path,
    /// Where a user's units are.
    XdgConfigHome,
    /// Where a session's sockets are; a user's systemd does not look at units without it.
    XdgRuntimeDir,
    /// The user's own folder.
    Home,
    /// Set by a service manager that wants to be told.
    NotifySocket,
    /// The home, when it was not typed.
    OstojaHome,
}

impl Variable {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoColor => "NO_COLOR",
            Self::Term => "TERM",
            Self::Columns => "COLUMNS",
            Self::LcAll => "LC_ALL",
            Self::LcMessages => "LC_MESSAGES",
            Self::LcCtype => "LC_CTYPE",
            Self::Lang => "LANG",
            Self::Visual => "VISUAL",
            Self::Editor => "EDITOR",
            Self::Path => "PATH",
            Self::XdgConfigHome => "XDG_CONFIG_HOME",
            Self::XdgRuntimeDir => "XDG_RUNTIME_DIR",
            Self::Home => "HOME",
            Self::NotifySocket => "NOTIFY_SOCKET",
            Self::OstojaHome => host::HOME_VARIABLE,
        }
    }

    /// Its value; nothing when it is not set, and when it is empty, which means the same.
    pub(crate) fn value(self) -> Option<OsString> {
        std::env::var_os(self.name()).filter(|value| !value.is_empty())
    }

    /// Its value as text; nothing also when it is none.
    pub(crate) fn text(self) -> Option<String> {
        self.value()?.into_string().ok()
    }

    /// Its value as a path.
    pub(crate) fn path(self) -> Option<PathBuf> {
        self.value().map(PathBuf::from)
    }
}
