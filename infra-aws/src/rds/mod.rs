//! RDS.

crate::kinds! {}
