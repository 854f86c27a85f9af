//! `drift --watch`: a look again and again, for ever.
//!
//! A look that fails is told, counted and tried again; it never ends the watch. A person who asks to stop is obeyed within
//! seconds. What the last looks came to is on a [`Board`], which is served as `/metrics` and `/healthz`.
//!
//! **Invariant:** a watch takes no lock and keeps nothing of a look but numbers.

mod board;
mod pace;
mod serve;
mod stack;
#[cfg(test)]
mod tests;
mod turn;

pub use board::Board;
pub use serve::serve;
pub(crate) use stack::unopened;
pub use stack::{OneStack, unseen};
pub use turn::{Audience, Looker, Watcher, watch};
