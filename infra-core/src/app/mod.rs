//! A program with what it runs on: [`App`] plugs clouds, backends and keys together and gives an
//! [`Engine`](crate::Engine), or a whole command line.

mod assemble;
mod builder;
mod key;
mod notify;
mod onlook;
mod policies;
mod revision;
mod stacks;
mod store;

pub(crate) use assemble::{own_folder, provider_fields};
pub use builder::{App, Custom};
pub(crate) use onlook::Onlooker;
pub use store::Address;
