//! Where each call goes: a model of this crate, or an emulator with what it lacks added.

mod account_details;
mod identity_reply;
mod key_rotation;
mod managed_policy;
mod multi_region_key;
mod role_list;
mod route;
mod table_index;
mod table_status;

pub(crate) use route::answer;
