//! The kinds of objects there are: the built-in ones, and those that definitions add.

mod builtin;
mod custom;
mod kind;

pub(crate) use builtin::{builtin, register};
pub(crate) use custom::kinds_of;
pub(crate) use kind::Kind;
