//! How objects are wanted: whole, as rows, or only their metadata.

use serde_json::{Value, json};

use super::table;
use crate::json::{at, items};
use crate::kinds::Kind;

/// What the `Accept` header asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    Table,
    Metadata,
}

impl Shape {
    pub(super) fn of(accept: &str) -> Self {
        if accept.contains("as=Table") {
            Self::Table
        } else if accept.contains("as=PartialObjectMetadata") {
            Self::Metadata
        } else {
            Self::Whole
        }
    }

    /// One object.
    pub(super) fn one(self, kind: &Kind, object: Value, now: i64) -> Value {
        match self {
            Self::Whole => object,
            Self::Table => {
                let version = at(&object, "metadata.resourceVersion").clone();
                let metadata = json!({"resourceVersion": version});
                table::table(kind, &[object], &metadata, now)
            }
            Self::Metadata => partial(&object),
        }
    }

    /// A list.
    pub(super) fn many(self, kind: &Kind, mut list: Value, now: i64) -> Value {
        match self {
            Self::Whole => list,
            Self::Table => {
                let metadata = list["metadata"].take();
                table::table(kind, items(&list, "items"), &metadata, now)
            }
            Self::Metadata => {
                let all: Vec<_> = items(&list, "items").iter().map(partial).collect();
                json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": list["metadata"], "items": all,
                })
            }
        }
    }
}

fn partial(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": at(object, "metadata"),
    })
}
