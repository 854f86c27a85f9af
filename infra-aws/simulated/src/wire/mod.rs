//! Between HTTP and the models: which service, which operation, which input; and back.
//!
//! Every protocol (EC2 query, query, JSON, REST) is turned into one shape: an operation name and
//! a JSON input; and the outcome, a JSON object or a [`Failure`], is rendered in the caller's.

mod call;
mod cbor;
mod credential;
mod form;
mod reply;
mod xml;

pub(crate) use call::{ApiCall, header, percent_decode};
pub(crate) use credential::key_of_account;
pub(crate) use form::{flags, list, text, texts};
pub(crate) use reply::{Failure, Outcome, Reply, fail, render, render_failure};
pub(crate) use xml::{element, parse as parse_xml};
