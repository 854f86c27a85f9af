//! Replicas of keys in other regions.

use std::collections::BTreeMap;

use aws_sdk_kms::types::{KeyMetadata, MultiRegionConfiguration, MultiRegionKeyType};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial,
        Readiness, Result, Violation,
    },
    state::{StackName, Value},
};

use super::{tag, upkeep};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, normalize, problem, subject},
    tags,
    types::{Arn, KeyId},
};

/// A multi-Region key in one more region: `ReplicaKey::new(&key.arn).provider(&there)`.
///
/// It is the same key: what one of them encrypted, the other decrypts without a call to its region. Material, spec,
/// usage and rotation are the primary's; policy, description, tags and whether it is enabled are its own, and KMS does
/// not copy them. The primary needs `multi_region(true)`; a region has one replica of it. Another primary replaces it.
/// Which of the keys is the primary can be moved in KMS (`UpdatePrimaryRegion`, after the loss of a region): that is no
/// drift, and the program stays as it is.
///
/// Its provider is of the replica's region; the call that makes it goes to the primary's, with the same credentials.
/// Deleting schedules the deletion. Until the window is over it can be restored, KMS refuses another replica of the same
/// primary in the region, and the primary waits with its own deletion (`PendingReplicaDeletion`). Where this stack wants
/// it again in that time it is restored.
///
/// Deploying needs `kms:ReplicateKey` on the primary and `kms:CreateKey`; `kms:TagResource`, `DescribeKey`,
/// `GetKeyPolicy`, `ListResourceTags`, `PutKeyPolicy`, `UpdateKeyDescription`, `Enable/DisableKey`, `UntagResource`,
/// `ScheduleKeyDeletion`, `CancelKeyDeletion` on the replica. (KMS API reference, `ReplicateKey`; KMS developer guide,
/// "Deleting multi-Region keys".)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:kms:ReplicaKey", outputs = ReplicaKeyOutputs, holds_data)]
pub struct ReplicaKey {
    /// The ARN of the multi-Region primary key, in another region. Another key replaces the replica.
    #[field(replace)]
    pub primary: Arn,
    /// What it is for.
    pub description: Option<String>,
    /// Who may use and who may administer it. Left out: the account's administrators decide by IAM policies.
    /// KMS refuses one that locks out who sets it.
    #[field(computed, normalize = normalize)]
    pub policy: Option<String>,
    /// Whether it can be used.
    #[field(default = true)]
    pub enabled: bool,
    /// Days between the deletion being scheduled and done, 7 to 30.
    #[field(write_only, default = 30i32)]
    pub pending_window: i32,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a replica gives.
#[derive(Outputs, Clone, Debug)]
pub struct ReplicaKeyOutputs {
    /// Its id, which is the primary's.
    #[output(stable)]
    pub id: KeyId,
    /// Its ARN, in its own region.
    #[output(stable)]
    pub arn: Arn,
}

/// The id of a key in its ARN, which all keys of one multi-Region key share.
fn id_of(arn: &Arn) -> &str {
    arn.resource().rsplit('/').next().unwrap_or_default()
}

fn multi_region(key: &KeyMetadata) -> Option<&MultiRegionConfiguration> {
    key.multi_region_configuration()
}

impl ReplicaKey {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let inputs = find.inputs();
        let id = find.id().or_else(|| inputs.map(|want| id_of(&want.primary))).unwrap_or_default();
        let answer = cx.kms().describe_key().key_id(id).send().await.found()?;
        let Some(key) = answer.and_then(|answer| answer.key_metadata) else { return Ok(None) };
        let Some(shared) = multi_region(&key) else { return Ok(None) };
        let primary = shared.primary_key().and_then(|key| key.arn()).map(Arn::trusted);
        let recorded = inputs.map(|replica| &replica.primary).filter(|arn| id_of(arn) == id);
        // The primary itself is no replica, unless it became the primary later.
        let became = recorded.is_some_and(|arn| arn.region() != cx.region());
        if shared.multi_region_key_type() == Some(&MultiRegionKeyType::Primary) && !became {
            return Ok(None);
        }
        let Some(all) = upkeep::tags_of(cx, id).await? else { return Ok(None) };
        let live = Self {
            primary: recorded.cloned().or(primary).unwrap_or_else(|| Arn::trusted("")),
            description: key.description().filter(|text| !text.is_empty()).map(str::to_owned),
            policy: upkeep::policy(cx, id).await?,
            enabled: key.enabled(),
            pending_window: inputs.map_or(30, |replica| replica.pending_window),
            tags: tags::visible(&all),
        };
        let arn = Arn::trusted(key.arn().unwrap_or_default());
        let outputs = ReplicaKeyOutputs { id: KeyId::trusted(id), arn };
        Ok(upkeep::settled(Observed::ready(id, live, outputs).owned_by(&all), &key))
    }

    /// KMS has a replica here already. If it is this resource's own, of before, on its way out, it is taken back: until
    /// its window is over there can be no other.
    async fn take_back(&self, cx: &Cx<Aws>, op: &Operation, exists: Error) -> Result<String> {
        let id = id_of(&self.primary);
        let answer = cx.kms().describe_key().key_id(id).send().await.found()?;
        let Some(key) = answer.and_then(|answer| answer.key_metadata) else { return Err(exists) };
        let all = upkeep::tags_of(cx, id).await?.unwrap_or_default();
        let same = ["infra:lineage", "infra:urn"]
            .iter()
            .all(|tag| all.get(*tag) == op.owner_tags().get(*tag));
        let dying = upkeep::is_dying(&key);
        // One that is not dying and not enabled was left so between the two calls below.
        let left = dying || !key.enabled();
        if !(same && left) {
            return Err(exists);
        }
        if dying {
            upkeep::restore(cx, id, false).await?;
        }
        let tags = tag::list(&cx.tags(&self.tags, op))?;
        cx.kms().tag_resource().key_id(id).set_tags(Some(tags)).send().await.classify()?;
        Ok(id.to_owned())
    }
}

impl Managed for ReplicaKey {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let all = upkeep::all_tags(cx).await?;
        let ours = all.iter().filter(|(_, tags)| owned::carries(tags, stack));
        let ours = ours.filter(|(_, tags)| upkeep::is_of::<Self>(tags));
        owned::read(cx, ours.map(|(id, _)| id.clone()).collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let (primary, here) = (&want.primary, cx.region());
        if primary.region() == here {
            let message = format!(
                "a replica lives in another region than its primary, and {primary} is in {here}: \
                 give the replica a provider of another region"
            );
            return Err(Error::invalid(message));
        }
        let there = cx.in_region(primary.region());
        let replicate = there.kms().replicate_key().key_id(primary.as_str()).replica_region(here);
        let replicated = replicate
            .set_description(want.description.clone())
            .set_policy(want.policy.clone())
            .set_tags(Some(tag::list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify();
        match replicated {
            Err(e) if e.class() == Class::Exists => want.take_back(cx, op, e).await,
            done => done.map(|_| id_of(primary).to_owned()),
        }
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, have) = (change.id()?, change.want()?, change.have()?);
        if matches!(have.readiness, Readiness::Restorable(_)) {
            upkeep::restore(cx, id, want.enabled).await?;
        } else if change.touches(Self::ENABLED) && want.enabled {
            cx.kms().enable_key().key_id(id).send().await.classify()?;
        }
        if change.touches(Self::DESCRIPTION) {
            upkeep::describe(cx, id, want.description.as_deref()).await?;
        }
        if change.touches(Self::POLICY) {
            upkeep::put_policy(cx, id, want.policy.as_deref()).await?;
        }
        if change.touches(Self::TAGS) {
            upkeep::tag(cx, id, &have.live.tags, &want.tags).await?;
        }
        if change.touches(Self::ENABLED) && !want.enabled {
            cx.kms().disable_key().key_id(id).send().await.classify()?;
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
        let schedule = cx.kms().schedule_key_deletion().key_id(&have.id);
        schedule.pending_window_in_days(recorded.pending_window).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let primary = subject(change).map(|replica| &replica.primary);
        let id = change.have.map(|have| have.id.as_str()).or(primary.map(id_of)).unwrap_or("*");
        let mut actions = vec!["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListResourceTags"];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => {
                actions.push("kms:ListKeys");
                return grants("*", actions);
            }
            Verb::Read => {}
            Verb::Create => {
                actions.push("kms:TagResource");
                if subject(change).is_some_and(|replica| replica.policy.is_some()) {
                    actions.push("kms:PutKeyPolicy");
                }
                if subject(change).is_some_and(|replica| !replica.enabled) {
                    actions.push("kms:DisableKey");
                }
            }
            Verb::Delete => actions.push("kms:ScheduleKeyDeletion"),
            Verb::Update => {
                let fields: [(bool, &[&'static str]); 4] = [
                    (change.touches(Self::DESCRIPTION), &["kms:UpdateKeyDescription"]),
                    (change.touches(Self::POLICY), &["kms:PutKeyPolicy"]),
                    (change.touches(Self::ENABLED), &["kms:EnableKey", "kms:DisableKey"]),
                    (change.touches(Self::TAGS), &["kms:TagResource", "kms:UntagResource"]),
                ];
                actions.extend(fields.iter().filter(|(t, _)| *t).flat_map(|(_, names)| *names));
                if change.have.is_some_and(|h| matches!(h.readiness, Readiness::Restorable(_))) {
                    actions.extend(["kms:CancelKeyDeletion", "kms:EnableKey"]);
                }
            }
        }
        let mut all = grants(format!("arn:*:kms:*:*:key/{id}"), actions);
        if verb == Verb::Create {
            let primary = primary.map_or("*", Arn::as_str);
            all.extend(grants(primary, ["kms:ReplicateKey"]));
            // A key that is not there yet has no ARN to name.
            all.extend(grants("*", ["kms:CreateKey"]));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let id = id_of(&want.primary);
        vec![("id", id.into()), ("arn", format!("arn:*:kms:{{region}}:*:key/{id}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(arn) = want.get(Self::PRIMARY).known()
            && !(arn.service() == "kms" && id_of(&arn).starts_with("mrk-"))
        {
            let message = format!(
                "expected the ARN of a multi-Region key, whose id begins with `mrk-`, found {arn}; \
                 the primary needs `multi_region(true)`"
            );
            violations.push(Violation::of(Self::PRIMARY, message));
        }
        if let Some(problem) =
            want.get(Self::POLICY).known().and_then(|text| problem(&text, 32_768))
        {
            violations.push(Violation::of(Self::POLICY, problem));
        }
        if let Some(days) = want.get(Self::PENDING_WINDOW).known()
            && !(7..=30).contains(&days)
        {
            let message = format!("expected 7 to 30 days, found {days}");
            violations.push(Violation::of(Self::PENDING_WINDOW, message));
        }
        violations
    }

    fn collides(old: &Self, new: &Partial<Self>) -> Option<String> {
        let same =
            new.get(Self::PRIMARY).known().is_some_and(|new| id_of(&new) == id_of(&old.primary));
        same.then(|| "a region has one replica of a key".to_owned())
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_multi_region_key_has_replicas() {
        let check = |arn: &str| ReplicaKey::check(&Partial::new([("primary", arn.into())].into()));
        assert!(check("arn:aws:kms:eu-west-1:123456789012:key/mrk-1234").is_empty());
        let plain = check("arn:aws:kms:eu-west-1:123456789012:key/1234-5678");
        assert!(plain[0].message.contains("multi_region(true)"), "{}", plain[0].message);
        let partial = Partial::new(Value::from([("primary", Value::Unknown)]));
        assert!(ReplicaKey::check(&partial).is_empty());
    }
}
