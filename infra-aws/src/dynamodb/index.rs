//! Global secondary indexes.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, DeleteGlobalSecondaryIndexAction,
    GlobalSecondaryIndex, GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate,
    Projection as Sent, ProjectionType, ProvisionedThroughputDescription,
    UpdateGlobalSecondaryIndexAction,
};
use infra_core::{Value, provider::Result};

use super::{
    Attribute, Billing,
    attribute::{of_schema, schema},
};
use crate::classify::Classify as _;

/// A global secondary index: the same items by another key. Its key and projection cannot be changed: another one is
/// made instead, under the same name once the old one is gone.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name, unique in the table.
    pub name: String,
    /// Its partition key.
    pub hash_key: Attribute,
    /// Its sort key.
    pub range_key: Option<Attribute>,
    /// Which attributes it has beside the keys.
    #[field(default = Projection::All)]
    pub projection: Projection,
    /// Its capacity, where the table's is provisioned.
    #[field(default = Billing::OnDemand)]
    pub billing: Billing,
}

/// Which attributes an index has beside the keys.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// All.
    All,
    /// None.
    KeysOnly,
    /// These.
    Include(Vec<String>),
}

impl Projection {
    fn send(&self) -> Sent {
        let (kind, names) = match self {
            Self::All => (ProjectionType::All, None),
            Self::KeysOnly => (ProjectionType::KeysOnly, None),
            Self::Include(names) => (ProjectionType::Include, Some(names.clone())),
        };
        Sent::builder().projection_type(kind).set_non_key_attributes(names).build()
    }

    fn of(sent: Option<&Sent>) -> Self {
        match sent.and_then(|it| it.projection_type()) {
            Some(ProjectionType::KeysOnly) => Self::KeysOnly,
            Some(ProjectionType::Include) => {
                let mut names = sent.map(|it| it.non_key_attributes().to_vec()).unwrap_or_default();
                names.sort_unstable();
                Self::Include(names)
            }
            _ => Self::All,
        }
    }

    /// Their order means nothing.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Include(a), Self::Include(b)) => {
                a.len() == b.len() && a.iter().all(|name| b.contains(name))
            }
            (a, b) => a == b,
        }
    }
}

impl Index {
    pub(super) fn of(
        found: &GlobalSecondaryIndexDescription,
        definitions: &[AttributeDefinition],
    ) -> Self {
        let (hash_key, range_key) = of_schema(found.key_schema(), definitions);
        let throughput = found.provisioned_throughput();
        Self {
            name: found.index_name().unwrap_or_default().to_owned(),
            hash_key,
            range_key,
            projection: Projection::of(found.projection()),
            billing: Billing::of(
                throughput.and_then(ProvisionedThroughputDescription::read_capacity_units),
                throughput.and_then(ProvisionedThroughputDescription::write_capacity_units),
            ),
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Attribute> {
        std::iter::once(&self.hash_key).chain(&self.range_key)
    }

    pub(super) fn send(&self) -> Result<GlobalSecondaryIndex> {
        GlobalSecondaryIndex::builder()
            .index_name(&self.name)
            .set_key_schema(Some(schema(&self.hash_key, self.range_key.as_ref())?))
            .projection(self.projection.send())
            .set_provisioned_throughput(self.billing.throughput()?)
            .build()
            .classify()
    }

    /// What has to be done next so that the indexes become `want`: DynamoDB makes or removes one a call.
    pub(super) fn next(have: &[Self], want: &[Self]) -> Result<Option<GlobalSecondaryIndexUpdate>> {
        let same = |a: &Self, b: &Self| {
            (&a.name, &a.hash_key, &a.range_key) == (&b.name, &b.hash_key, &b.range_key)
                && a.projection.same(&b.projection)
        };
        let update = GlobalSecondaryIndexUpdate::builder();
        if let Some(old) = have.iter().find(|have| !want.iter().any(|want| same(have, want))) {
            let delete = DeleteGlobalSecondaryIndexAction::builder().index_name(&old.name);
            return Ok(Some(update.delete(delete.build().classify()?).build()));
        }
        if let Some(new) = want.iter().find(|want| !have.iter().any(|have| same(have, want))) {
            let create = CreateGlobalSecondaryIndexAction::builder()
                .index_name(&new.name)
                .set_key_schema(Some(schema(&new.hash_key, new.range_key.as_ref())?))
                .projection(new.projection.send())
                .set_provisioned_throughput(new.billing.throughput()?);
            return Ok(Some(update.create(create.build().classify()?).build()));
        }
        let resized = want.iter().find(|want| {
            let other = |have: &&Self| have.name == want.name && have.billing != want.billing;
            have.iter().any(|have| other(&have))
        });
        let Some(throughput) = resized.map(|it| it.billing.throughput()).transpose()?.flatten()
        else {
            return Ok(None);
        };
        let resize = UpdateGlobalSecondaryIndexAction::builder().provisioned_throughput(throughput);
        let resize = resize.set_index_name(resized.map(|it| it.name.clone()));
        Ok(Some(update.update(resize.build().classify()?).build()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(name: &str, key: &str) -> Index {
        Index {
            name: name.into(),
            hash_key: Attribute::text(key),
            range_key: None,
            projection: Projection::All,
            billing: Billing::OnDemand,
        }
    }

    #[test]
    fn one_step_at_a_time_and_deletions_first() {
        let (a, b, other) = (index("a", "x"), index("b", "x"), index("a", "y"));
        let next = |have: &[Index], want: &[Index]| Index::next(have, want).unwrap();
        assert!(next(std::slice::from_ref(&a), std::slice::from_ref(&a)).is_none());
        let step = next(std::slice::from_ref(&a), &[other.clone(), b.clone()]).unwrap();
        assert_eq!(step.delete().unwrap().index_name(), "a");
        let step = next(&[], &[other, b.clone()]).unwrap();
        assert_eq!(step.create().unwrap().index_name(), "a");
        let big = Index { billing: Billing::Provisioned { read: 5, write: 5 }, ..b.clone() };
        let step = next(&[b], &[big]).unwrap();
        assert_eq!(step.update().unwrap().index_name(), "b");
    }

    #[test]
    fn the_order_of_projected_attributes_means_nothing() {
        let sent = Projection::Include(vec!["b".into(), "a".into()]).send();
        assert!(
            Projection::of(Some(&sent)).same(&Projection::Include(vec!["b".into(), "a".into()]))
        );
    }
}
