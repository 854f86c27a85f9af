//! EC2 and VPC.

crate::kinds! {}
