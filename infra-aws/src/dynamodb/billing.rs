//! How a table is paid for.

use aws_sdk_dynamodb::types::{BillingMode, ProvisionedThroughput};
use infra_core::{Value, provider::Result};

use crate::classify::Classify as _;

/// How a table or an index is paid for, and so how much it can take.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Billing {
    /// By request.
    OnDemand,
    /// By capacity, used or not.
    Provisioned {
        /// Strongly consistent reads of 4 KB a second.
        read: i64,
        /// Writes of 1 KB a second.
        write: i64,
    },
}

impl Billing {
    pub(super) fn mode(&self) -> BillingMode {
        match self {
            Self::OnDemand => BillingMode::PayPerRequest,
            Self::Provisioned { .. } => BillingMode::Provisioned,
        }
    }

    pub(super) fn throughput(&self) -> Result<Option<ProvisionedThroughput>> {
        let Self::Provisioned { read, write } = self else { return Ok(None) };
        let throughput = ProvisionedThroughput::builder().read_capacity_units(*read);
        throughput.write_capacity_units(*write).build().classify().map(Some)
    }

    /// What the API shows: capacities of zero mean on demand.
    pub(super) fn of(read: Option<i64>, write: Option<i64>) -> Self {
        match (read.unwrap_or_default(), write.unwrap_or_default()) {
            (0, 0) => Self::OnDemand,
            (read, write) => Self::Provisioned { read, write },
        }
    }
}
