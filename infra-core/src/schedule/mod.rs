//! `drift schedule`: the files with which others start a look again and again: systemd, Kubernetes.
//!
//! They are text and nothing else: writing them changes nothing, and whoever installs them can read them first.

mod every;
mod kubernetes;
mod look;
mod systemd;
#[cfg(test)]
mod tests;

pub use every::Every;
pub use kubernetes::{Cluster, cron_job};
pub use look::{File, Look};
pub use systemd::{Machine, units};
