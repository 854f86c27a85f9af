//! DynamoDB.

crate::kinds! {}
