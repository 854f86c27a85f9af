//! The planner against fake kinds and a world in which applying a plan is a fold.

mod change;
mod fake;
mod graph;
mod properties;
mod random;
mod refuse;
mod replace;
mod saved;
mod scale;
mod scope;
mod upkeep;
mod world;
