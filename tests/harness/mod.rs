//! A fake world to run the whole engine in: a cloud with a kind for each way clouds behave, faults on request, state
//! in memory, time that runs a thousand times faster.
//!
//! A test makes a [`Lab`], runs programs with [`Lab::up`] and friends, and looks at [`Lab::world`].

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each test binary uses its part of the harness"
)]

mod cloud;
mod kinds;
mod lab;
mod time;
mod world;

pub use cloud::{Fake, FakeConnector, FakeProvider};
pub use kinds::{Db, Host, Image, Label, Link, Net, Note, REFUSED, Safe, Slot};
pub use lab::{Lab, Ran, steps};
pub use time::Hurried;
pub use world::{Fault, Object, World, Wrong};
