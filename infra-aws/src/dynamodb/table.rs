//! Tables.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, SseSpecification, SseType, StreamSpecification, Tag,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result, Timeouts,
        Violation,
    },
    state::{StackName, Value},
};

use super::{Attribute, Billing, Index, attribute::schema, read::tags_of_table};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, encrypts, grants, key, subject},
    types::Arn,
};

/// A table. Another name or key replaces it, and its items are lost; everything else changes in place, one thing at a
/// time.
///
/// Deploying needs `dynamodb:CreateTable`, `DescribeTable`, `DescribeContinuousBackups`, `DescribeTimeToLive`,
/// `ListTagsOfResource`, `UpdateTable`, `UpdateContinuousBackups`, `UpdateTimeToLive`, `TagResource`,
/// `UntagResource`, `DeleteTable` on it. (DynamoDB API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:dynamodb:Table", outputs = TableOutputs, holds_data)]
pub struct Table {
    /// Its partition key. Another key replaces it.
    #[field(replace)]
    pub hash_key: Attribute,
    /// Its sort key. Another key replaces it.
    #[field(replace)]
    pub range_key: Option<Attribute>,
    /// Its name, unique in the region; generated if left out. Another name replaces it.
    #[field(replace, name(max = 255, extra = "-_."))]
    pub name: Option<String>,
    /// How it is paid for. Can go to on demand four times a day.
    #[field(default = Billing::OnDemand)]
    pub billing: Billing,
    /// Its global secondary indexes.
    #[field(key = "name")]
    pub indexes: Vec<Index>,
    /// The attribute that says when an item expires (seconds since 1970). Another one can take an hour.
    pub ttl: Option<String>,
    /// Whether it can be restored to any second of the last 35 days.
    #[field(default = false)]
    pub point_in_time_recovery: bool,
    /// Whether AWS refuses to delete it.
    #[field(default = false)]
    pub deletion_protection: bool,
    /// The key that encrypts it; a key of DynamoDB's own if left out.
    pub kms_key: Option<Arn>,
    /// What its stream of changes shows; no stream if left out.
    pub stream: Option<StreamView>,
    /// Its class.
    #[field(default = TableClass::Standard)]
    pub class: TableClass,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a table gives.
#[derive(Outputs, Clone, Debug)]
pub struct TableOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// The ARN of its stream, if it has one.
    pub stream_arn: Option<Arn>,
}

/// What a stream shows of each change.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamView {
    /// The key of the item.
    #[value(rename = "KEYS_ONLY")]
    KeysOnly,
    /// The item after the change.
    #[value(rename = "NEW_IMAGE")]
    NewImage,
    /// The item before the change.
    #[value(rename = "OLD_IMAGE")]
    OldImage,
    /// Both.
    #[value(rename = "NEW_AND_OLD_IMAGES")]
    NewAndOldImages,
}

/// What storage costs compared with requests.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableClass {
    /// For tables that are used much.
    #[value(rename = "STANDARD")]
    Standard,
    /// Storage is cheaper, requests are dearer.
    #[value(rename = "STANDARD_INFREQUENT_ACCESS")]
    InfrequentAccess,
}

impl Table {
    /// The attributes that the keys of the table and its indexes are made of, each once.
    pub(super) fn definitions(&self) -> Result<Vec<AttributeDefinition>> {
        let own = std::iter::once(&self.hash_key).chain(&self.range_key);
        let all = own.chain(self.indexes.iter().flat_map(Index::keys));
        let distinct: BTreeMap<_, _> = all.map(|attribute| (&attribute.name, attribute)).collect();
        distinct.into_values().map(Attribute::define).collect()
    }

    pub(super) fn encryption(&self) -> SseSpecification {
        let own = SseSpecification::builder();
        match &self.kms_key {
            Some(key) => {
                own.enabled(true).sse_type(SseType::Kms).kms_master_key_id(key.as_str()).build()
            }
            None => own.enabled(false).build(),
        }
    }

    pub(super) fn streams(&self) -> Result<StreamSpecification> {
        let view = self.stream.map(|view| view.as_str().into());
        let stream = StreamSpecification::builder().stream_enabled(view.is_some());
        stream.set_stream_view_type(view).build().classify()
    }
}

pub(super) fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().classify();
    tags.iter().map(tag).collect()
}

impl Managed for Table {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let mut pages = cx.dynamodb().list_tables().into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            names.extend(page.classify()?.table_names.unwrap_or_default());
        }
        let tables = names.into_iter().map(|name| (name.clone(), name)).collect();
        owned::by_tags(cx, stack, tables, |name| async move { tags_of_table(cx, &name).await })
            .await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        // Backups and the expiry follow by `update`, once the table is there.
        let name = want.name.as_deref().unwrap_or_default();
        let indexes: Vec<_> = want.indexes.iter().map(Index::send).collect::<Result<_>>()?;
        let create = cx.dynamodb().create_table().table_name(name);
        let create = create
            .set_attribute_definitions(Some(want.definitions()?))
            .set_key_schema(Some(schema(&want.hash_key, want.range_key.as_ref())?))
            .billing_mode(want.billing.mode())
            .set_provisioned_throughput(want.billing.throughput()?)
            .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
            .set_sse_specification(want.kms_key.is_some().then(|| want.encryption()))
            .set_stream_specification(want.stream.is_some().then(|| want.streams()).transpose()?)
            .deletion_protection_enabled(want.deletion_protection)
            .table_class(want.class.as_str().into())
            .set_tags(Some(tag_list(&cx.tags(&want.tags, op))?));
        create.send().await.classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Self::update_one(cx, change).await
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.dynamodb().delete_table().table_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let table = subject(change);
        let name = table.and_then(|table| table.name.as_deref()).unwrap_or("*");
        let mut actions = vec![
            "dynamodb:DescribeTable",
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:ListTagsOfResource",
        ];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => {
                return grants("*", ["dynamodb:ListTables", "dynamodb:ListTagsOfResource"]);
            }
            Verb::Read => {}
            Verb::Create => actions.extend(["dynamodb:CreateTable", "dynamodb:TagResource"]),
            Verb::Delete => actions.push("dynamodb:DeleteTable"),
            Verb::Update => {
                let apart =
                    [Self::TAGS.name(), Self::TTL.name(), Self::POINT_IN_TIME_RECOVERY.name()];
                let own = |path: &infra_core::state::Path| {
                    path.first().is_none_or(|it| !apart.contains(&it))
                };
                if change.paths.iter().any(own) {
                    actions.push("dynamodb:UpdateTable");
                }
                if change.touches(Self::TAGS) {
                    actions.extend(["dynamodb:TagResource", "dynamodb:UntagResource"]);
                }
            }
        }
        let made = |set: fn(&Self) -> bool| verb == Verb::Create && table.is_some_and(set);
        if change.touches(Self::TTL) || made(|table| table.ttl.is_some()) {
            actions.push("dynamodb:UpdateTimeToLive");
        }
        if change.touches(Self::POINT_IN_TIME_RECOVERY)
            || made(|table| table.point_in_time_recovery)
        {
            actions.push("dynamodb:UpdateContinuousBackups");
        }
        let mut all = grants(format!("arn:*:dynamodb:*:*:table/{name}"), actions);
        let writes = matches!(verb, Verb::Create | Verb::Update);
        if let Some(of) = table.and_then(|table| table.kms_key.as_ref()).filter(|_| writes) {
            // DynamoDB has no grant yet when it first needs the key.
            all.extend(encrypts(of.as_str()));
            all.extend(grants(
                key(of.as_str()),
                ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            ));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let name = want.name.as_deref().unwrap_or("*");
        vec![("arn", format!("arn:*:dynamodb:*:*:table/{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        let indexes = want.get(Self::INDEXES).known().unwrap_or_default();
        if indexes.len() > 20 {
            let message = format!("expected at most 20 indexes, found {}", indexes.len());
            violations.push(Violation::of(Self::INDEXES, message));
        }
        if let Some(Ok(table)) = want.complete() {
            let provisioned = |billing: &Billing| matches!(billing, Billing::Provisioned { .. });
            let unlike =
                |index: &&Index| provisioned(&index.billing) != provisioned(&table.billing);
            if let Some(index) = indexes.iter().find(unlike) {
                let message =
                    format!("the index {:?} is paid for in another way than its table", index.name);
                violations.push(Violation::of(Self::INDEXES, message));
            }
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // A new index on a large table is filled before the table is ready again.
        Timeouts { update: std::time::Duration::from_hours(1), ..Timeouts::minutes(10) }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::{Data as _, state::Value};

    use super::*;

    fn table() -> Value {
        let key = |name: &str| Value::from([("name", name.into()), ("kind", "S".into())]);
        let index =
            Value::from([("name", "by-b".into()), ("hash_key", key("b")), ("range_key", key("a"))]);
        Value::from([("hash_key", key("a")), ("indexes", vec![index].into())])
    }

    #[test]
    fn each_key_attribute_is_defined_once() {
        let table = Table::from_value(&table()).unwrap();
        let names: Vec<_> =
            table.definitions().unwrap().into_iter().map(|it| it.attribute_name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn table_and_indexes_are_paid_for_alike() {
        assert!(Table::check(&Partial::new(table())).is_empty());
        let Value::Map(mut map) = table() else { unreachable!() };
        let capacity = Value::from([("read", 1i64.into()), ("write", 1i64.into())]);
        map.insert("billing".into(), Value::from([("provisioned", capacity)]));
        assert_eq!(Table::check(&Partial::new(Value::Map(map))).len(), 1);
    }
}
