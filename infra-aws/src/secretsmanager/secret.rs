//! Secrets.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, Tag};
use infra_core::{
    Outputs, Resource, Sensitive,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Readiness,
        Result, Violation,
    },
    state::StackName,
};

use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, key, subject},
    tags,
    types::{Arn, KeyId},
};

/// A secret in Secrets Manager, with a value that this program or somebody else sets.
///
/// Deleting keeps it for a recovery window, in which its name is taken; where it is still wanted the engine restores
/// it. Another name replaces it.
///
/// Deploying needs `secretsmanager:CreateSecret`, `DescribeSecret`, `GetSecretValue`, `UpdateSecret`, `TagResource`,
/// `UntagResource`, `DeleteSecret`, `RestoreSecret` on it, and `kms:GenerateDataKey` and `kms:Decrypt` on its key.
/// (Secrets Manager API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:secretsmanager:Secret", outputs = SecretOutputs)]
pub struct Secret {
    /// Its name; generated if left out. Another name replaces it.
    #[field(replace, name(max = 500, extra = "-/_+=.@"))]
    pub name: Option<String>,
    /// Its value. Left out: somebody else sets it, and it is never read.
    #[field(computed)]
    pub value: Option<Sensitive<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// The key that encrypts it; AWS's own (`aws/secretsmanager`) if left out.
    #[field(computed)]
    pub kms_key: Option<KeyId>,
    /// Days in which a deleted secret can be restored, 7 to 30; 0 deletes at once.
    #[field(write_only, default = 30i64)]
    pub recovery_window: i64,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a secret gives.
#[derive(Outputs, Clone, Debug)]
pub struct SecretOutputs {
    /// Its ARN, which ends with six characters that AWS draws.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

impl Secret {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let recorded = find.inputs();
        let named = || recorded.and_then(|secret| secret.name.as_deref());
        let id = find.id().or_else(named).unwrap_or_default();
        let Some(found) =
            cx.secretsmanager().describe_secret().secret_id(id).send().await.found()?
        else {
            return Ok(None);
        };
        let all = tag_map(found.tags());
        let deleted = found.deleted_date().is_some();
        let ours = recorded.is_some_and(|secret| secret.value.is_some());
        let value = if ours && !deleted {
            let get = cx.secretsmanager().get_secret_value().secret_id(id);
            get.send().await.found()?.and_then(|value| value.secret_string)
        } else {
            None
        };
        let name = found.name().unwrap_or_default().to_owned();
        let live = Self {
            name: Some(name.clone()),
            // A secret that waits for its deletion does not give its value, which is no reason to write it again.
            value: match recorded.filter(|_| deleted) {
                Some(recorded) => recorded.value.clone(),
                None => value.map(Sensitive::new),
            },
            description: found.description().filter(|text| !text.is_empty()).map(str::to_owned),
            kms_key: found.kms_key_id().map(KeyId::trusted),
            recovery_window: recorded.map_or(30, |secret| secret.recovery_window),
            tags: tags::visible(&all),
        };
        let arn = found.arn().unwrap_or_default();
        let observed = Observed::ready(arn, live, SecretOutputs { arn: Arn::trusted(arn), name })
            .owned_by(&all);
        Ok(match found.deleted_date() {
            // Somebody else's secret that is about to go is not ours to restore.
            Some(_) if observed.owner.is_none() => None,
            Some(date) => {
                let why = format!(
                    "Secrets Manager deletes it after the recovery window (deleted on {date})"
                );
                Some(observed.but(Readiness::Restorable(why)))
            }
            None => Some(observed),
        })
    }
}

fn tag_map(tags: &[Tag]) -> BTreeMap<String, String> {
    tags.iter().filter_map(|tag| Some((tag.key.clone()?, tag.value.clone()?))).collect()
}

fn tag_list(tags: &BTreeMap<String, String>) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

impl Managed for Secret {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        // Filters match by how a key begins, so the tags are looked at as well. (`ListSecrets`, API reference.)
        let filter = Filter::builder().key(FilterNameStringType::TagKey).values(owned::STACK);
        let list = cx.secretsmanager().list_secrets().filters(filter.build());
        let mut pages = list.include_planned_deletion(true).into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            for secret in page.classify()?.secret_list.unwrap_or_default() {
                if owned::carries(&tag_map(secret.tags()), stack) {
                    arns.extend(secret.arn);
                }
            }
        }
        owned::read(cx, arns).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let value = want.value.as_ref().map(|value| value.reveal().clone());
        let created = cx
            .secretsmanager()
            .create_secret()
            .name(want.name.as_deref().unwrap_or_default())
            .client_request_token(op.token())
            .set_description(want.description.clone())
            .set_kms_key_id(want.kms_key.as_ref().map(ToString::to_string))
            .set_secret_string(value)
            .set_tags(Some(tag_list(&cx.tags(&want.tags, op))))
            .send()
            .await
            .classify()?;
        created.arn.ok_or_else(|| Error::invalid("CreateSecret gave no ARN"))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        let secrets = cx.secretsmanager();
        if matches!(have.readiness, Readiness::Restorable(_)) {
            secrets.restore_secret().secret_id(id).send().await.classify()?;
        }
        let mut update = secrets.update_secret().secret_id(id);
        let mut differs = false;
        if change.touches(Self::DESCRIPTION) {
            update = update.description(want.description.as_deref().unwrap_or_default());
            differs = true;
        }
        if change.touches(Self::KMS_KEY) {
            update = update.set_kms_key_id(want.kms_key.as_ref().map(ToString::to_string));
            differs = true;
        }
        if change.touches(Self::VALUE)
            && let Some(value) = &want.value
        {
            // With the token the same value written twice is one version.
            update = update.secret_string(value.reveal()).client_request_token(op.token());
            differs = true;
        }
        if differs {
            update.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.live.tags, &want.tags);
            if !remove.is_empty() {
                let untag = secrets.untag_resource().secret_id(id);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = secrets.tag_resource().secret_id(id);
                tag.set_tags(Some(tag_list(&put))).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        _: &Operation,
    ) -> Result<()> {
        if matches!(have.readiness, Readiness::Restorable(_)) {
            return Ok(());
        }
        let delete = cx.secretsmanager().delete_secret().secret_id(&have.id);
        let delete = match recorded.recovery_window {
            0 => delete.force_delete_without_recovery(true),
            days => delete.recovery_window_in_days(days),
        };
        delete.send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let secret = subject(change);
        let name = secret.and_then(|secret| secret.name.as_deref()).unwrap_or("*");
        let mut actions = vec!["secretsmanager:DescribeSecret"];
        let verb = Verb::of(change);
        if secret.is_some_and(|secret| secret.value.is_some()) && verb != Verb::Delete {
            actions.push("secretsmanager:GetSecretValue");
        }
        match verb {
            Verb::Search => return grants("*", ["secretsmanager:ListSecrets"]),
            Verb::Read => {}
            Verb::Create => {
                actions.extend(["secretsmanager:CreateSecret", "secretsmanager:TagResource"]);
            }
            Verb::Delete => actions.push("secretsmanager:DeleteSecret"),
            Verb::Update => {
                if change.paths.iter().any(|path| path.first() != Some("tags")) {
                    actions.push("secretsmanager:UpdateSecret");
                }
                if change.touches(Self::TAGS) {
                    actions.extend(["secretsmanager:TagResource", "secretsmanager:UntagResource"]);
                }
                if change.have.is_some_and(|h| matches!(h.readiness, Readiness::Restorable(_))) {
                    actions.push("secretsmanager:RestoreSecret");
                }
            }
        }
        let mut all = grants(format!("arn:*:secretsmanager:*:*:secret:{name}-??????"), actions);
        let of = secret.and_then(|secret| secret.kms_key.as_ref()).filter(|_| verb != Verb::Delete);
        if let Some(of) = of {
            all.extend(grants(key(of.as_str()), ["kms:GenerateDataKey", "kms:Decrypt"]));
        }
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(days) = want.get(Self::RECOVERY_WINDOW).known()
            && days != 0
            && !(7..=30).contains(&days)
        {
            let message = format!("expected 7 to 30 days, or 0 to delete at once, found {days}");
            violations.push(Violation::of(Self::RECOVERY_WINDOW, message));
        }
        if let Some(value) = want.get(Self::VALUE).known()
            && value.reveal().len() > 65_536
        {
            let message = format!("expected at most 65,536 bytes, found {}", value.reveal().len());
            violations.push(Violation::of(Self::VALUE, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    #[test]
    fn the_recovery_window_is_what_aws_takes() {
        let found = |days: i64| {
            Secret::check(&Partial::new(Value::from([("recovery_window", days.into())]))).len()
        };
        assert_eq!([0, 7, 30, 1, 31].map(found), [0, 0, 0, 1, 1]);
    }
}
