//! The text of a program, from what it declares.

mod program;

pub use program::{Program, Unwritable};
