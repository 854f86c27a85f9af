//! The HTTP side: paths, queries, lists, watches, discovery.

mod answer;
mod convert;
mod discovery;
mod eviction;
mod list;
mod log;
mod openapi;
mod path;
mod protobuf;
mod reply;
mod request;
mod review;
mod scale;
mod select;
mod shape;
mod table;
mod verbs;
mod watch;

pub(crate) use answer::answer;
pub(crate) use reply::refusal;
pub(crate) use request::Request;
