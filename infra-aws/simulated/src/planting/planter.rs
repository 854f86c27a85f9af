//! The hands that plant: calls of the models, and new names for what those made.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::object::Object;
use crate::realism;
use crate::services::{
    Access, Service, autoscaling, cloudwatch, ec2, ecr, eks, elbv2, logs, rds, secrets_manager,
    sns, ssm,
};
use crate::settings::Durations;
use crate::wire::{ApiCall, Failure, Reply, fail};
use crate::world::{CellId, World};

/// The world, and where in it something is planted.
pub(super) struct Planter<'a> {
    pub(super) world: &'a mut World,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) now: u64,
}

/// Why something is not planted.
pub(super) type Result<T> = std::result::Result<T, String>;

impl Planter<'_> {
    /// A call of a model. What would take time is done at once.
    pub(super) fn call(
        &mut self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value> {
        self.called(service, operation, input).map_err(|failure| failure.message)
    }

    /// The same, with the code of what went wrong.
    pub(super) fn called(
        &mut self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> std::result::Result<Value, Failure> {
        let forms = !matches!(
            service,
            Service::Eks | Service::Ecr | Service::Logs | Service::SecretsManager | Service::Ssm
        );
        let input = if forms { form(input) } else { input };
        let call = self.api_call(service, operation, input);
        let made = self.access(&call, |access| match service {
            Service::Autoscaling => autoscaling::answer(access),
            Service::Cloudwatch => cloudwatch::answer(access),
            Service::Ec2 => ec2::answer(access),
            Service::Ecr => ecr::answer(access),
            Service::Eks => eks::answer(access),
            Service::Elbv2 => elbv2::answer(access),
            Service::Logs => logs::answer(access),
            Service::Rds => rds::answer(access),
            Service::SecretsManager => secrets_manager::answer(access),
            Service::Sns => sns::answer(access),
            Service::Ssm => ssm::answer(access),
            other => Err(fail("InvalidAction", format!("{} is not planted so", other.name()))),
        });
        self.world.settle(self.now);
        made
    }

    /// A call of EKS, which knows its operations by their paths.
    pub(super) fn at_path(&mut self, operation: &str, path: &str, input: Value) -> Result<Value> {
        let mut call = self.api_call(Service::Eks, operation, input);
        path.clone_into(&mut call.path);
        let made = self.access(&call, eks::answer);
        self.world.settle(self.now);
        made.map_err(|failure| failure.message)
    }

    /// A call of a service that is played by an emulator, as its own client sends it.
    pub(super) fn send(
        &mut self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<String> {
        let mut call = self.api_call(service, operation, input);
        if service == Service::Iam {
            call.input = form(call.input);
            let mut pairs = vec![
                ("Action".to_owned(), operation.to_owned()),
                ("Version".to_owned(), "2010-05-08".to_owned()),
            ];
            flatten("", &call.input, &mut pairs);
            let encode = |text: &str| {
                let all = percent_encoding::NON_ALPHANUMERIC;
                percent_encoding::utf8_percent_encode(text, all).to_string()
            };
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
                .collect();
            call.body = Bytes::from(pairs.join("&"));
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            call.headers.insert(http::header::CONTENT_TYPE, kind);
        } else {
            let target = match service {
                Service::Kms => format!("TrentService.{operation}"),
                _ => format!("DynamoDB_20120810.{operation}"),
            };
            if let Ok(target) = HeaderValue::from_str(&target) {
                call.headers.insert("x-amz-target", target);
            }
            let kind = HeaderValue::from_static("application/x-amz-json-1.1");
            call.headers.insert(http::header::CONTENT_TYPE, kind);
            call.body = Bytes::from(call.input.to_string());
        }
        self.replied(&call)
    }

    /// A request of S3.
    pub(super) fn request(
        &mut self,
        service: Service,
        method: Method,
        path: &str,
        query: &str,
        body: String,
    ) -> Result<String> {
        let mut call = self.api_call(service, "", Value::Null);
        call.method = method;
        path.clone_into(&mut call.path);
        if !query.is_empty() {
            call.query = vec![(query.to_owned(), String::new())];
        }
        call.body = Bytes::from(body);
        call.operation = crate::services::rest_operation(&call);
        self.replied(&call)
    }

    fn replied(&mut self, call: &ApiCall) -> Result<String> {
        let Reply { status, body, .. } = self.access(call, realism::answer);
        self.world.settle(self.now);
        let body = String::from_utf8_lossy(&body).into_owned();
        if status < 300 { Ok(body) } else { Err(body) }
    }

    fn api_call(&self, service: Service, operation: &str, input: Value) -> ApiCall {
        ApiCall {
            service,
            operation: operation.to_owned(),
            account: self.account.clone(),
            region: self.region.clone(),
            access_key: String::new(),
            input,
            method: Method::POST,
            path: "/".to_owned(),
            query: Vec::new(),
            host: format!("{}.{}.amazonaws.com", service.host(), self.region),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    fn access<T>(&mut self, call: &ApiCall, answer: impl FnOnce(&mut Access<'_>) -> T) -> T {
        let durations = Durations::Instant;
        answer(&mut Access { world: &mut *self.world, call, now: self.now, durations, lag: 0 })
    }

    /// Gives something the id of the state, wherever in the account the made one stands.
    pub(super) fn rename(&mut self, made: &Value, wanted: &str) {
        if let Some(made) = made.as_str().filter(|made| !made.is_empty() && *made != wanted) {
            self.world.rename(&self.account, made, wanted);
        }
    }

    /// Looks at a document.
    pub(super) fn find(
        &self,
        service: Service,
        table: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Option<Value> {
        let docs = self.world.docs(&CellId::new(&self.account, &self.region, service))?;
        docs.values(table).find(|it| is(it)).cloned()
    }

    /// Writes into a document what no call can say: each field that is not null.
    pub(super) fn set(&mut self, service: Service, table: &str, id: &str, fields: Value) {
        let cell = CellId::new(&self.account, &self.region, service);
        let Some(document) = self.world.cell(&cell).docs.edit(table, id) else { return };
        let Value::Object(fields) = fields else { return };
        for (field, value) in fields {
            if !value.is_null() && value != "" {
                document[field] = value;
            }
        }
    }

    pub(super) fn remove(&mut self, service: Service, table: &str, is: impl Fn(&Value) -> bool) {
        let cell = CellId::new(&self.account, &self.region, service);
        let docs = &mut self.world.cell(&cell).docs;
        let gone: Vec<String> =
            docs.all(table).filter(|(_, it)| is(it)).map(|(id, _)| id.to_owned()).collect();
        for id in gone {
            docs.remove(table, &id);
        }
    }
}

/// Tags for a creating call of EC2.
pub(super) fn specification(kind: &str, object: &Object) -> Value {
    json!([{"ResourceType": kind, "Tag": pairs(object)}])
}

/// Tags as `Key` and `Value`.
pub(super) fn pairs(object: &Object) -> Value {
    let pair = |(key, value): (String, String)| json!({"Key": key, "Value": value});
    object.tags().into_iter().map(pair).collect()
}

/// Tags as a map.
pub(super) fn tag_map(object: &Object) -> Value {
    object
        .tags()
        .into_iter()
        .map(|(key, value)| (key, Value::String(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// As a form says it: everything is text, and what is empty is not said.
fn form(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key, form(value)))
                .filter(|(_, value)| !value.is_null())
                .collect(),
        ),
        Value::Array(items) => items.into_iter().map(form).collect(),
        Value::Bool(flag) => Value::String(flag.to_string()),
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    }
}

/// `Tags.member.1.Key`.
fn flatten(at: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                flatten(&at, value, pairs);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                flatten(&format!("{at}.member.{}", n + 1), value, pairs);
            }
        }
        Value::String(text) => pairs.push((at.to_owned(), text.clone())),
        _ => {}
    }
}

/// What stands in the first element of this name.
pub(super) fn element(body: &str, name: &str) -> Value {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    let found = body.split_once(&start).and_then(|(_, rest)| Some(rest.split_once(&end)?.0));
    found.map_or(Value::Null, |text| json!(text))
}
