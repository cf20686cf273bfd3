//! What every error that an operator can see must be able to say about itself.

use alloc::string::String;

/// A stable code, and the next step if we know one. The one-line message is the error's `Display`.
pub trait Explain: core::error::Error {
    /// `area::thing::what`, never changed once released.
    fn code(&self) -> &'static str;

    /// A line that can be typed or done next.
    fn help(&self) -> Option<String> {
        None
    }
}
