//! The SDK as the kernel sees it: lines in, lines out, over pipes in memory.

mod calls;
mod fake_kernel;
mod lane;
mod life;
mod process;
mod services;
mod vectors;
