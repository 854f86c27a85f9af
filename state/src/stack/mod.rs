//! One stack in one backend: the protocol that makes conditional objects and a lease into state that is not lost.
//!
//! [`State`] is the door. [`State::read`] gives a [`View`] without a lock; [`State::acquire`] gives the lock, as a
//! [`Session`], through which everything is written.

mod commit;
mod compact;
mod history;
mod lease;
mod load;
mod log;
mod rekey;
mod session;
mod state;
mod store;
mod transfer;
mod view;

#[cfg(test)]
mod tests;

pub use session::Session;
pub use state::State;
pub use transfer::{ExportSecrets, Push, Rebind};
pub use view::View;
