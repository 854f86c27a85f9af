//! Where each call goes: a model of this crate, or an emulator with what it lacks added.

mod route;

pub(crate) use route::answer;
