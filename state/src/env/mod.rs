//! The only clock and the only randomness: [`Env`], the machine's own ([`System`]) and one that tests hold in
//! their hand ([`Fake`]). Everything else is banned by `clippy.toml`.

mod fake;
mod port;
mod system;

pub use fake::Fake;
pub use port::{Env, EnvExt, Task};
pub use system::System;
