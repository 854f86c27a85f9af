//! DynamoDB.

mod attribute;
mod billing;
mod index;
mod read;
mod table;
mod update;

pub use attribute::{Attribute, AttributeDecl, AttributeType};
pub use billing::Billing;
pub use index::{Index, IndexDecl, Projection};
pub use table::{StreamView, Table, TableClass, TableDecl, TableOutputs};

crate::kinds! { Table }

#[cfg(all(test, feature = "simulated"))]
mod tests;
