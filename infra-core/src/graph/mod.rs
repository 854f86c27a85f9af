//! The graph that a program declares.

mod build;
mod expr;
mod node;

pub use build::Graph;
pub use expr::{Closure, EvalError, Expr, Opaque};
pub use node::{Exports, Mistake, Node, NodeOptions, Role};
