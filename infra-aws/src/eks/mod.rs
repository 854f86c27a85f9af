//! EKS.

crate::kinds! {}
