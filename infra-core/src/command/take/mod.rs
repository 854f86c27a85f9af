//! Taking over what other tools or hands made: a Terraform state, a live network.
//!
//! The objects are read in bulk, become what a program would have said of them, and that is proved: the plan of those
//! declarations over the records that would be written is empty, or what is not is ignored and listed. Only then, and in
//! one commit, is anything written.
//!
//! **Invariant:** no call is made that changes anything in a cloud, and a state is written as a whole or not at all.

mod declare;
mod given;
mod live;
mod look;
mod places;
mod prove;
mod record;
mod taking;
mod terraform;

pub use live::from_live;
pub use record::{Recorded, record};
pub use taking::{TakeOptions, Taken, Taking};
pub use terraform::from_terraform;
