//! The protocol: two holders, lost replies, crashes, damage, time.

mod again;
mod crash;
mod damage;
mod examine;
mod migrate;
mod rekey;
mod session;
mod spill;
mod time;
mod transfer;
mod world;
