//! SNS.

crate::kinds! {}
