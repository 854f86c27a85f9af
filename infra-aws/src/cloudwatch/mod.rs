//! CloudWatch.

mod alarm;
mod metric;

pub use alarm::{Alarm, AlarmDecl, AlarmOutputs, Comparison, MissingData};
pub use metric::{Metric, MetricDecl, Statistic};

crate::kinds! { Alarm }

#[cfg(all(test, feature = "simulated"))]
mod tests;
