//! The protocol: two holders, lost replies, crashes, damage, time.

mod crash;
mod damage;
mod rekey;
mod session;
mod time;
mod transfer;
mod world;
