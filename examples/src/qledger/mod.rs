//! The ledger's system, in components: functions and structs over a stack, that programs put together in two ways.
//!
//! [`whole`] is everything in one graph: `qledger-ha`. [`platform`] and [`app`] are the same components as two
//! stacks, for two teams: what changes once a quarter, and what changes every day.

mod access;
mod alarms;
mod app;
mod apps;
mod bastion;
mod cluster;
mod config;
mod database;
mod entry;
mod foundation;
mod identity;
mod key;
mod ledger;
mod monitoring;
mod network;
mod people;
mod platform;
mod preparation;
mod program;
mod recovery;
mod registry;
mod secrets;
mod watch;

pub use alarms::alarms;
pub use app::App;
pub use apps::{ha, ledger_app};
pub use bastion::bastion;
pub use cluster::Cluster;
pub use config::{Config, LedgerConfig, Nat, WatchConfig};
pub use database::Database;
pub use entry::Entry;
pub use foundation::{Needed, foundation};
pub use key::encryption_key;
pub use ledger::ledger;
pub use monitoring::monitoring;
pub use network::Network;
pub use platform::{Exports, Platform};
pub use program::{app, platform, whole};
pub use registry::image_repository;
pub use secrets::Secrets;
pub use watch::watch;

/// The fixed node port that the load balancer's targets listen on; the ledger's pods stand behind it.
pub const NODE_PORT: u16 = 30_700;
/// The port of the database.
pub const POSTGRES: u16 = 5432;
/// What the ledger is called in the cluster: its namespace, its deployment, its service account.
pub const LEDGER: &str = "qledger";
/// The port that the ledger listens on.
pub const PORT: i32 = 7000;
