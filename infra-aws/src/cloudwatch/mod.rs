//! CloudWatch.

crate::kinds! {}
