//! The text of a program, from what it declares.
//!
//! It is written as an engineer would have: fields that have their defaults are left out, references are handles' fields,
//! members of a group that differ by their key only are a loop over a table, each scope is a function that takes and gives
//! handles, variables are called after the resources.
//!
//! ```text
//! Declarations ─group─▶ units (one, or a loop) ─order─▶ items in scopes ─tree─▶ functions ─statement, value─▶ text ─layout─▶
//! ```
//!
//! **Invariant:** what compiles from the text declares the graph that it was written from, and no secret is in it.

mod group;
mod layout;
mod names;
mod order;
mod program;
mod reach;
mod statement;
mod term;
mod text;
mod tree;
mod uses;
mod value;

pub use program::{Program, Unwritable};
pub use text::{program, unwritable};
