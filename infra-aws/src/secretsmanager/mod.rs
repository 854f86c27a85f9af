//! Secrets Manager.

crate::kinds! {}
