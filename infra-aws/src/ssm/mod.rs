//! Systems Manager.

crate::kinds! {}
