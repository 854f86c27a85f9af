//! Certificate Manager.

crate::kinds! {}
