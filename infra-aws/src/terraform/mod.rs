//! Terraform's AWS resource types: which of our objects each is, and how ours are written there.
//!
//! [`take`] has a file a service: ids are what counts, because attributes are read live, and differ between the
//! provider's versions (3.8 to 6). [`give`] writes what version 5 of the provider plans no change for.

mod give;
mod place;
mod tables;
mod take;
#[cfg(all(test, feature = "full"))]
mod tests;

pub(crate) use tables::tables;
