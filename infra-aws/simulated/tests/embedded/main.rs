//! The embedded AWS at the level of raw HTTP: no SDK, the requests as they are on the wire.

mod caller;
mod certificates;
mod clusters;
mod databases;
mod durability;
mod faults;
mod identities;
mod network;
mod objects;
mod stores;
