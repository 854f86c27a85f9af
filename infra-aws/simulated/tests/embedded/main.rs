//! The embedded AWS at the level of raw HTTP: no SDK, the requests as they are on the wire.

#![expect(clippy::unwrap_used, reason = "a test fails where it is")]
#![expect(clippy::format_collect, reason = "short texts")]

mod caller;
mod certificates;
mod client;
mod clusters;
mod databases;
mod durability;
mod faults;
mod groups;
mod identities;
mod neighbours;
mod network;
mod objects;
mod planting;
mod processes;
mod recovery;
mod stores;
