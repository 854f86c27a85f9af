//! State in S3 and `DynamoDB`: the backend on the embedded AWS, and on whatever answers at `INFRA_STATE_ENDPOINT`.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "backend/contract.rs"]
mod contract;
#[path = "backend/first_use.rs"]
mod first_use;
#[path = "backend/health.rs"]
mod health;
#[path = "backend/lab.rs"]
mod lab;
#[path = "backend/refused.rs"]
mod refused;
#[path = "backend/table.rs"]
mod table;
