//! Answers as people read them: pure functions from data and [`crate::theme::Theme`] to text, each with its snapshot.

pub mod actors;
pub mod audit;
pub mod backups;
pub mod context;
pub mod findings;
pub mod functions;
pub mod logs;
pub mod modules;
pub mod overview;
pub mod permissions;
pub mod plan;
pub mod pools;
pub mod profile;
pub mod reference;
pub mod replay;
pub mod restarts;
pub mod snapshots;
pub mod status;
pub mod story;
pub mod top;
pub mod updates;
