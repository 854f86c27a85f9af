//! One stack in one backend: the protocol that makes conditional objects and a lease into state that is not lost.
//!
//! [`State`] is the door. [`State::read`] gives a [`View`] without a lock; [`State::acquire`] gives the lock, as a
//! [`Session`], through which everything is written.

mod commit;
mod compact;
mod examine;
mod history;
mod lease;
mod limits;
mod load;
mod log;
mod migrate;
mod rekey;
mod session;
mod spill;
mod state;
mod store;
mod transfer;
mod view;

#[cfg(test)]
mod tests;

pub use limits::Limits;
pub use migrate::Migrated;
pub use session::Session;
pub use state::State;
pub use transfer::{ExportSecrets, Push, Rebind};
pub use view::View;
