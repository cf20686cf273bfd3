//! The vault on a disk: what it keeps, what it refuses, and what is there after a kill in the middle.

mod damage;
mod life;
