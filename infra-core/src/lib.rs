#![doc = include_str!("../README.md")]

extern crate self as infra_core;

pub mod app;
pub mod cli;
pub mod command;
pub mod config;
pub mod data;
pub mod drift;
pub mod engine;
pub mod error;
pub mod event;
pub mod execute;
pub mod exit;
pub mod graph;
pub mod notify;
pub mod own_policy;
mod panics;
pub mod plan;
pub mod policy;
pub mod program;
pub mod provider;
pub mod reference;
pub mod report;
pub mod schedule;
mod scrub;
pub mod secret;
pub mod spelling;
pub mod testing;
pub mod transfer;

pub use app::App;
pub use data::{Data, DataError, Sensitive, Text};
pub use engine::{Cancel, Engine, Program};
pub use error::{Error, ErrorKind, Result};
pub use infra_macros::{Outputs, Resource, Value};
pub use infra_state as state;
pub use program::{Handle, Output, Outputs, Resource, Stack};

/// What a program imports.
pub mod prelude {
    pub use crate::{
        App, Data, Error, ErrorKind, Handle, Output, Result, Sensitive, Stack, interpolate,
        program::{Declaration, IntoInput, ProviderHandle, ResourceExt},
        reference::{Reference, StackReference, TerraformState},
        secret::Secret,
    };
}
