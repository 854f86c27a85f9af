//! A call, and where it is.

use serde_json::Value;

use super::super::Ask;
use crate::services::{Access, Service};
use crate::wire::{list, text, texts};

pub(super) type Tags = Vec<(String, String)>;

/// What the files beside this one look at.
pub(super) struct Scope<'s, 'a> {
    pub(super) access: &'s mut Access<'a>,
    /// The operation.
    pub(super) name: &'a str,
    pub(super) input: &'a Value,
    /// What IAM calls the service.
    pub(super) service: &'static str,
}

impl<'s, 'a> Scope<'s, 'a> {
    pub(super) fn new(access: &'s mut Access<'a>) -> Self {
        let call = access.call;
        let service = match call.service {
            Service::Elbv2 => "elasticloadbalancing",
            Service::Tagging => "tag",
            other => other.name(),
        };
        Self { name: &call.operation, input: &call.input, service, access }
    }

    /// An ARN of the service here.
    pub(super) fn arn(&self, resource: &str) -> String {
        self.arn_of(self.service, resource)
    }

    pub(super) fn arn_of(&self, service: &str, resource: &str) -> String {
        let (region, account) = (self.access.region(), self.access.account());
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }

    /// The call's own action on a resource, with the tags that the request gives.
    pub(super) fn own(&self, resource: impl Into<String>) -> Ask {
        self.action(self.name, resource)
    }

    /// Another action of the service.
    pub(super) fn action(&self, name: &str, resource: impl Into<String>) -> Ask {
        Ask::new(format!("{}:{name}", self.service), resource).giving(&given(self.input))
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        text(self.input, name)
    }

    /// A document of a table here that is meant.
    pub(super) fn find(
        &self,
        service: Service,
        table: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let docs = self.access.world.docs(&self.access.id(service))?;
        docs.values(table).find(|it| is(it)).cloned()
    }

    /// The text at `name`, or the texts if there are several.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        match self.text(name) {
            Some(one) => vec![one.to_owned()],
            None => texts(self.input, name),
        }
    }

    /// Whether the request gives tags.
    pub(super) fn gives_tags(&self) -> bool {
        !given(self.input).is_empty()
    }
}

/// The tags in a request, however its service writes them: a map, or a list of keys and values.
pub(super) fn given(input: &Value) -> Tags {
    let lists = ["Tags", "tags", "Tag"].into_iter().flat_map(|name| list(input, name));
    let listed = lists.filter_map(|tag| {
        let of = |names: [&str; 3]| names.into_iter().find_map(|name| tag[name].as_str());
        let value = of(["Value", "TagValue", "value"]).unwrap_or_default();
        Some((of(["Key", "TagKey", "key"])?.to_owned(), value.to_owned()))
    });
    let mapped = input["tags"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    listed.chain(mapped).collect()
}
