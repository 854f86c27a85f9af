#![doc = include_str!("../README.md")]

mod error;
mod frame;
mod log;
mod world;

pub use error::Error;
pub use log::{Held, Journal, Mode};
pub use world::World;
