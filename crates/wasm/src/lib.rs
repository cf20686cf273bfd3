//! WebAssembly modules and functions.
