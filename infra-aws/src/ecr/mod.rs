//! ECR.

crate::kinds! {}
