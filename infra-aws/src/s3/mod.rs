//! S3.

crate::kinds! {}
