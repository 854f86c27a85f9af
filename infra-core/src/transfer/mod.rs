//! In and out: taking over what other tools or hands made, and leaving again.
//!
//! Whatever the source (a Terraform state, a live VPC, a list of ids), it becomes [`Declaration`]s: what a program would
//! have said. They are written as records into the state and as Rust into a file, so that the next preview is empty.
//!
//! **Invariant:** nothing in here changes anything in a cloud.

mod declaration;
pub mod refer;
pub mod take;
pub mod terraform;
pub mod write;

pub use declaration::{Declaration, Key, Member};
