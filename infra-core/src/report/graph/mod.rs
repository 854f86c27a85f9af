//! Pictures of a graph: for graphviz, for Markdown, and drawn by ourselves.

mod dot;
mod layout;
mod mermaid;
mod order;
mod picture;
mod place;
mod svg;

pub use dot::dot;
pub use mermaid::mermaid;
pub use picture::{Box as PictureBox, Picture};
pub use svg::svg;

#[cfg(test)]
mod tests;
