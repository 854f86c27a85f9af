//! Route53: hosted zones, record sets in atomic batches, changes that take their time.

mod record;
mod route;
mod zone;

pub(crate) use record::cname_since;
pub(crate) use route::{answer, operation};
