//! CloudWatch Logs.

crate::kinds! {}
