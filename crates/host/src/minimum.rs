//! Whether a module has as much containment as it is to have at the least (`security.minimum`): nothing runs weaker than that in
//! silence.

use abi::Explain;
use protocol::files::policy::Minimum;
use sandbox::Level;

/// A module that is not started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MinimumError {
    /// The module would have less containment than `security.minimum` asks for, its own or the configuration's.
    #[error("its containment would be {level}, and `security.minimum` asks for `{}`", asked.as_str())]
    Below {
        /// What it would have.
        level: Level,
        /// What is asked for.
        asked: Minimum,
    },
}

impl Explain for MinimumError {
    fn code(&self) -> &'static str {
        match self {
            Self::Below { .. } => "host::launch::below_minimum",
        }
    }

    fn help(&self) -> Option<String> {
        Some("ostoja doctor shows what is missing on this machine and what to run to get it".to_owned())
    }
}

/// Checks a level against what is asked for.
///
/// # Errors
/// `Below` when it is less.
pub(crate) fn check(level: &Level, asked: Minimum) -> Result<(), MinimumError> {
    let has = match level {
        Level::None => Minimum::None,
        Level::Partial { .. } => Minimum::Partial,
        Level::Full => Minimum::Full,
    };
    if has >= asked { Ok(()) } else { Err(MinimumError::Below { level: level.clone(), asked }) }
}

#[cfg(test)]
mod tests;
