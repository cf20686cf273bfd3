//! A lane of frames through shared memory.
