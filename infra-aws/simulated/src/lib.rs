#![doc = include_str!("../README.md")]

mod authorization;
mod cloud;
mod emulated;
mod error;
mod faults;
mod journal;
mod planting;
mod realism;
mod services;
mod settings;
mod wire;
mod world;

pub use cloud::{Call, Cloud, Moment};
pub use error::Error;
pub use faults::Faults;
pub use planting::Planted;
pub use settings::{Durations, Settings};
