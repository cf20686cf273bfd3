//! The importers against files of the shapes that projects use, against broken ones, and against generated ones.

mod cases;
mod invented;
mod properties;
