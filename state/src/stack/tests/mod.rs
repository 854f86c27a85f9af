//! The protocol: two holders, lost replies, crashes, damage, time.

mod crash;
mod damage;
mod migrate;
mod session;
mod time;
mod transfer;
mod world;
