//! From a filled stack to a checked graph. (Being written.)

use super::Mistake;

/// The graph.
pub struct Graph;

/// All mistakes of a program.
pub type ProgramErrors = Vec<Mistake>;
