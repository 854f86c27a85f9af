//! What the flagship adds to the commands that every program has: calls that try the running ledger.

pub mod smoke;
#[cfg(test)]
mod terminal;
