//! The graph that a program declares.

mod build;
pub(crate) mod checks;
mod encode;
mod expr;
mod invert;
mod node;
mod order;
mod restore;
mod similar;

pub use build::Graph;
pub use encode::{decode, encode};
pub use expr::{Closure, EvalError, Expr, Opaque, Remembered};
pub(crate) use invert::Inversion;
pub use node::{Exports, Mistake, Node, NodeOptions, Role};
pub(crate) use order::order;
pub(crate) use restore::Restoring;
pub(crate) use similar::did_you_mean;
