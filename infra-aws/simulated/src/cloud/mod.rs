//! The embedded cloud itself, and its two doors: the SDK's HTTP client, and a socket.

mod calls;
mod client;
mod core;
mod serve;

pub use self::core::Cloud;
pub use calls::Call;
