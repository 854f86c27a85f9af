//! The policies that every program of this cloud has, unless it or its settings say otherwise. The README's table is
//! their list.
//!
//! What is mandatory is what nobody wants by mistake and what cannot be taken back: the world let in, data lost. The rest
//! is advice.

// Which of it is used depends on the services that are on.
#![cfg_attr(not(feature = "full"), allow(dead_code))]

mod access;
mod document;
mod durability;
mod encryption;
mod exposure;
mod network;
mod pack;

pub use pack::all;

#[cfg(all(test, feature = "full"))]
mod tests;
