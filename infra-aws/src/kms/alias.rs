//! Names for keys.

use std::{collections::BTreeMap, sync::Arc};

use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result, Violation,
    },
    state::{StackName, Value},
};

use crate::{
    Aws,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, key, subject},
    types::{Arn, KeyId},
};

/// A name for a key, which can be pointed at another key of the same type and usage. Another name replaces it.
///
/// Deploying needs `kms:CreateAlias`, `UpdateAlias`, `DeleteAlias` on the alias and on the keys, and
/// `kms:ListAliases`. (KMS API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:kms:Alias", outputs = AliasOutputs)]
pub struct Alias {
    /// The key.
    pub key: KeyId,
    /// Its name, with or without `alias/`, unique in the region; generated if left out. Another name replaces it.
    #[field(replace, name(max = 240, extra = "-_/"), normalize = bare)]
    pub name: Option<String>,
}

/// What an alias gives.
#[derive(Outputs, Clone, Debug)]
pub struct AliasOutputs {
    /// Its name with `alias/`, as services take it for a key.
    #[output(stable)]
    pub name: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

const PREFIX: &str = "alias/";

/// The name without `alias/`.
fn bare(name: &Value) -> Value {
    match name.as_str().and_then(|name| name.strip_prefix(PREFIX)) {
        Some(bare) => bare.into(),
        None => name.clone(),
    }
}

impl Alias {
    fn full_name(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        format!("{PREFIX}{}", name.strip_prefix(PREFIX).unwrap_or(name))
    }
}

/// Every alias in the region, with its ARN and key: KMS cannot be asked for one by name.
async fn all(cx: &Cx<Aws>) -> Result<Arc<BTreeMap<String, (String, String)>>> {
    let list = || async {
        let mut aliases = BTreeMap::new();
        let mut pages = cx.kms().list_aliases().into_paginator().send();
        while let Some(page) = pages.next().await {
            for alias in page.classify()?.aliases.unwrap_or_default() {
                let (Some(name), Some(key)) = (alias.alias_name, alias.target_key_id) else {
                    continue;
                };
                aliases.insert(name, (alias.alias_arn.unwrap_or_default(), key));
            }
        }
        Ok(aliases)
    };
    cx.memo("kms:aliases", list).await
}

impl Managed for Alias {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let aliases = all(cx).await;
        let answer = |find: &Find<'_, Self>| {
            let aliases = aliases.as_ref().map_err(infra_core::provider::Error::again)?;
            let made = || find.inputs().map(Self::full_name);
            let id = find.id().map(str::to_owned).or_else(made).unwrap_or_default();
            let Some((arn, key)) = aliases.get(&id) else { return Ok(None) };
            let name = id.strip_prefix(PREFIX).map(str::to_owned);
            let live = Self { key: KeyId::trusted(key), name };
            let outputs = AliasOutputs { name: id.clone(), arn: Arn::trusted(arn) };
            Ok(Some(Observed::ready(id, live, outputs)))
        };
        find.iter().map(answer).collect()
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let Some(prefix) = owned::prefix::<Self>(stack) else { return Ok(None) };
        let aliases = all(cx).await?;
        let names = aliases
            .keys()
            .filter(|name| name.strip_prefix(PREFIX).is_some_and(|name| name.starts_with(&prefix)));
        owned::read(cx, names.cloned().collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let name = want.full_name();
        let create = cx.kms().create_alias().alias_name(&name);
        create.target_key_id(want.key.as_str()).send().await.classify()?;
        Ok(name)
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::KEY) {
            let update = cx.kms().update_alias().alias_name(change.id()?);
            update.target_key_id(change.want()?.key.as_str()).send().await.classify()?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.kms().delete_alias().alias_name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let mut all = grants("*", ["kms:ListAliases"]);
        let action = match Verb::of(change) {
            Verb::Search | Verb::Read => return all,
            Verb::Create => "kms:CreateAlias",
            Verb::Update => "kms:UpdateAlias",
            Verb::Delete => "kms:DeleteAlias",
        };
        let name = subject(change).map_or_else(|| format!("{PREFIX}*"), Self::full_name);
        all.extend(grants(format!("arn:*:kms:*:*:{name}"), [action]));
        // KMS asks for the permission on the keys as well: the one before and the one after.
        let before =
            change.have.map(|have| &have.live.key).or(change.recorded.map(|alias| &alias.key));
        let after = change.want.map(|alias| &alias.key);
        for of in before.into_iter().chain(after) {
            all.extend(grants(key(of.as_str()), [action]));
        }
        all.dedup();
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let name = want.get(Self::NAME).known();
        let reserved = name.filter(|name| name.trim_start_matches(PREFIX).starts_with("aws/"));
        let message = |name| format!("names that begin with `aws/` belong to AWS, found {name:?}");
        reserved.map(|name| Violation::of(Self::NAME, message(name))).into_iter().collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_may_be_left_out() {
        for name in ["qledger", "alias/qledger"] {
            let alias = Alias { key: KeyId::trusted("k"), name: Some(name.to_owned()) };
            assert_eq!(alias.full_name(), "alias/qledger");
            assert_eq!(bare(&name.into()), "qledger".into());
        }
        let reserved = Value::from([("name", "aws/rds".into())]);
        assert_eq!(Alias::check(&Partial::new(reserved)).len(), 1);
    }
}
