//! What a resource author writes, and the object-safe form in which the engine sees it.

mod cloud;
mod driver;
mod error;
mod managed;
mod needs;
mod partial;
mod registry;
mod schema;
mod world;

pub use cloud::{
    Calls, Cloud, Connection, Connector, Contained, Context, Cx, Gate, Memo, Planted, ProviderKind,
    Touched,
};
pub(crate) use driver::violations;
pub use driver::{
    Driver, ErasedChange, ErasedFind, ErasedObserved, driver, driver_of_kind, lookup_driver,
    provider_driver,
};
pub use error::{Class, Error, Result};
pub use managed::{
    Change, Find, Grant, Intent, Lock, Lookup, Managed, Observed, Operation, Readiness, Reason,
    Violation,
};
pub use needs::{Implied, Needs, Place, Policies, PolicyDocument, Purpose};
pub use partial::{Part, Partial};
pub use registry::Registry;
pub use schema::{
    Field, FieldSchema, NameRule, Once, Order, OutputSchema, Schema, Shape, Timeouts,
};
pub use world::World;
