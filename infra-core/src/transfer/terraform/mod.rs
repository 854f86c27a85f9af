//! Terraform and OpenTofu: their state, their configuration, and what a cloud knows of their resource types.

mod address;
mod convert;
mod export;
mod hcl;
mod mapping;
mod marks;
mod names;
mod parse;
mod provider;
mod state;

pub use address::{Address, Call};
pub use convert::Convert;
pub use export::{Block, Export, Object};
pub use hcl::{Body, Hcl};
pub use mapping::{Ask, Import, Piece, Place, Requires, Tables};
pub(crate) use marks::{marked, marks};
pub use names::{Names, identifier};
pub use provider::ProviderAddress;
pub use state::{Instance, OutputValue, State};
