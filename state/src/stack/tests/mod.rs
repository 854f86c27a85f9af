//! The protocol: two holders, lost replies, crashes, damage, time.

mod crash;
mod damage;
mod session;
mod spill;
mod time;
mod transfer;
mod world;
