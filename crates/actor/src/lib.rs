//! The data plane's core.
