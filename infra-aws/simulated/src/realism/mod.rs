//! Where each call goes: a model of this crate, or an emulator with what it lacks added.

mod certificate;
mod route;

pub(crate) use certificate::status as certificate_status;
pub(crate) use route::answer;
