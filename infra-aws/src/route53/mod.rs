//! Route 53.

crate::kinds! {}
