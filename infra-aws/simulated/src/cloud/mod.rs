//! The embedded cloud itself, its two doors (the SDK's HTTP client, and a socket), and what can be seen of it.

mod calls;
mod client;
mod content;
mod core;
mod enforce;
mod plant;
mod serve;
mod trail;
mod watch;

pub use self::core::Cloud;
pub use calls::Call;
pub use watch::Moment;
