//! The lane as its two sides see it, honest ones and one that lies.

mod honest;
mod peer;
mod rude;
