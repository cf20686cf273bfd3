//! With a real kernel.
