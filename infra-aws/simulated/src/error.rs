//! What can go wrong outside an API call: the directory, its key, its content. API errors are
//! HTTP replies, not this.

pub use infra_world::Error;
