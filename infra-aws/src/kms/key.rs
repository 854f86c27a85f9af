//! Keys.

use std::collections::BTreeMap;

use aws_sdk_kms::types::{self, KeyMetadata};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Operation, Partial, Readiness, Result,
        Violation,
    },
    state::{StackName, Value},
};

use super::{KeySpec, KeyUsage, ReplicaKey, tag, upkeep};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, linked, made, normalize, problem},
    tags,
    types::{Arn, KeyId},
};

/// A key that never leaves KMS. Everything encrypted with it is lost when it is.
///
/// Deleting schedules the deletion; until the window is over the key can be restored, and the engine restores it
/// rather than make another where it is still wanted. A multi-Region key waits with that until its last
/// [`ReplicaKey`](super::ReplicaKey) is gone. Another spec, usage or multi-Region property replaces it.
///
/// Deploying needs `kms:CreateKey`, `TagResource`, `DescribeKey`, `GetKeyPolicy`, `GetKeyRotationStatus`,
/// `ListResourceTags`, `PutKeyPolicy`, `UpdateKeyDescription`, `Enable/DisableKeyRotation`, `Enable/DisableKey`,
/// `UntagResource`, `ScheduleKeyDeletion`, `CancelKeyDeletion`; after a crash `kms:ListKeys`, because a create has no
/// token; `iam:CreateServiceLinkedRole` for the account's first multi-Region key. (KMS API reference; KMS developer guide,
/// "Authorizing KMS to synchronize multi-Region keys".)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:kms:Key", outputs = KeyOutputs, holds_data)]
pub struct Key {
    /// What it is for.
    pub description: Option<String>,
    /// Who may use and who may administer it. Left out: the account's administrators decide by IAM policies.
    /// KMS refuses one that locks out who sets it.
    #[field(computed, normalize = normalize)]
    pub policy: Option<String>,
    /// Whether KMS makes new key material once every rotation period. Only for symmetric keys.
    #[field(default = false)]
    pub rotation: bool,
    /// Days from one rotation to the next, 90 to 2560; 365 if left out.
    #[field(computed)]
    pub rotation_period: Option<i32>,
    /// Whether it can be used.
    #[field(default = true)]
    pub enabled: bool,
    /// What it is made of. Another spec replaces it.
    #[field(replace, default = KeySpec::SymmetricDefault)]
    pub spec: KeySpec,
    /// What it may be used for. Another usage replaces it.
    #[field(replace, default = KeyUsage::EncryptDecrypt)]
    pub usage: KeyUsage,
    /// Whether it can have replicas in other regions. A change replaces it.
    #[field(replace, default = false)]
    pub multi_region: bool,
    /// Days between the deletion being scheduled and done, 7 to 30.
    #[field(write_only, default = 30i32)]
    pub pending_window: i32,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a key gives.
#[derive(Outputs, Clone, Debug)]
pub struct KeyOutputs {
    /// Its id.
    #[output(stable)]
    pub id: KeyId,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

impl Key {
    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { op, .. } => {
                let all = upkeep::all_tags(cx).await?;
                let made = Some(op.id.to_string());
                let ours = |tags: &BTreeMap<_, _>| tags.get("infra:operation").cloned() == made;
                let Some((id, _)) = all.iter().find(|(_, tags)| ours(tags)) else {
                    return Ok(None);
                };
                id.clone()
            }
        };
        let answer = cx.kms().describe_key().key_id(&id).send().await.found()?;
        let Some(key) = answer.and_then(|answer| answer.key_metadata) else { return Ok(None) };
        Self::observe(cx, find, &key).await
    }

    async fn observe(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        key: &KeyMetadata,
    ) -> Result<Option<Observed<Self>>> {
        let id = key.key_id();
        let Some(all) = upkeep::tags_of(cx, id).await? else { return Ok(None) };
        let spec = parse(key.key_spec().map(types::KeySpec::as_str), KeySpec::SymmetricDefault);
        let dying = upkeep::is_dying(key);
        let recorded = find.inputs();
        let rotation = if spec == KeySpec::SymmetricDefault && !dying {
            let get = cx.kms().get_key_rotation_status().key_id(id);
            let status = get.send().await.classify()?;
            (status.key_rotation_enabled(), status.rotation_period_in_days())
        } else {
            // KMS does not say while the key waits for its deletion.
            (recorded.is_some_and(|key| key.rotation), recorded.and_then(|key| key.rotation_period))
        };
        let live = Self {
            description: key.description().filter(|text| !text.is_empty()).map(str::to_owned),
            policy: upkeep::policy(cx, id).await?,
            rotation: rotation.0,
            rotation_period: rotation.1,
            enabled: key.enabled(),
            spec,
            usage: parse(
                key.key_usage().map(types::KeyUsageType::as_str),
                KeyUsage::EncryptDecrypt,
            ),
            multi_region: key.multi_region().unwrap_or_default(),
            pending_window: recorded.map_or(30, |key| key.pending_window),
            tags: tags::visible(&all),
        };
        let outputs =
            KeyOutputs { id: KeyId::trusted(id), arn: Arn::trusted(key.arn().unwrap_or_default()) };
        Ok(upkeep::settled(Observed::ready(id, live, outputs).owned_by(&all), key))
    }

    async fn rotate(&self, cx: &Cx<Aws>, id: &str) -> Result<()> {
        if self.rotation {
            let enable = cx.kms().enable_key_rotation().key_id(id);
            enable.set_rotation_period_in_days(self.rotation_period).send().await.classify()?;
        } else {
            cx.kms().disable_key_rotation().key_id(id).send().await.classify()?;
        }
        Ok(())
    }
}

/// Names that AWS adds later must not stop a read: they are taken for the usual one.
fn parse<T: infra_core::Data>(name: Option<&str>, usual: T) -> T {
    name.and_then(|name| T::from_value(&Value::from(name)).ok()).unwrap_or(usual)
}

impl Managed for Key {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let all = upkeep::all_tags(cx).await?;
        let ours = all.iter().filter(|(_, tags)| owned::carries(tags, stack));
        let ours = ours.filter(|(_, tags)| !upkeep::is_of::<ReplicaKey>(tags));
        owned::read(cx, ours.map(|(id, _)| id.clone()).collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let created = cx
            .kms()
            .create_key()
            .set_description(want.description.clone())
            .set_policy(want.policy.clone())
            .key_spec(want.spec.as_str().into())
            .key_usage(want.usage.as_str().into())
            .multi_region(want.multi_region)
            .set_tags(Some(tag::list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify()?;
        let key = created.key_metadata;
        key.map(|key| key.key_id)
            .ok_or_else(|| infra_core::provider::Error::invalid("CreateKey gave no key"))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (id, want, kms) = (change.id()?, change.want()?, cx.kms());
        let have = change.have()?;
        if matches!(have.readiness, Readiness::Restorable(_)) {
            upkeep::restore(cx, id, want.enabled).await?;
        } else if change.touches(Self::ENABLED) && want.enabled {
            // Most of the calls below refuse a disabled key: enabling comes first.
            kms.enable_key().key_id(id).send().await.classify()?;
        }
        if change.touches(Self::DESCRIPTION) {
            upkeep::describe(cx, id, want.description.as_deref()).await?;
        }
        if change.touches(Self::POLICY) {
            upkeep::put_policy(cx, id, want.policy.as_deref()).await?;
        }
        if change.touches(Self::ROTATION) || change.touches(Self::ROTATION_PERIOD) {
            want.rotate(cx, id).await?;
        }
        if change.touches(Self::TAGS) {
            upkeep::tag(cx, id, &have.live.tags, &want.tags).await?;
        }
        if change.touches(Self::ENABLED) && !want.enabled {
            kms.disable_key().key_id(id).send().await.classify()?;
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
        let id = change.have.map_or("*", |have| have.id.as_str());
        let mut actions = vec![
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
        ];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => return grants("*", ["kms:ListKeys", "kms:ListResourceTags"]),
            Verb::Read | Verb::Create => {}
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
        if change.touches(Self::ROTATION) || change.touches(Self::ROTATION_PERIOD) {
            actions.extend(["kms:EnableKeyRotation", "kms:DisableKeyRotation"]);
        }
        let mut all = grants(format!("arn:*:kms:*:*:key/{id}"), actions);
        if verb == Verb::Create {
            // A key that is not there yet has no ARN to name; a search after a crash looks at all.
            all.push(made("kms:CreateKey", "*"));
            all.push(made("kms:TagResource", format!("arn:*:kms:*:*:key/{id}")));
            all.extend(grants("*", ["kms:ListKeys"]));
            if change.want.is_some_and(|key| key.multi_region) {
                let role = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";
                all.push(linked("mrk.kms.amazonaws.com", role));
            }
        }
        all
    }

    fn foreseen(_: &Self) -> Vec<(&'static str, Value)> {
        let arn = format!("arn:*:kms:{{region}}:*:key/{}", Grant::OWN);
        vec![("arn", arn.as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
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
        if let Some(days) = want.get(Self::ROTATION_PERIOD).known()
            && !(90..=2560).contains(&days)
        {
            let message = format!("expected 90 to 2560 days, found {days}");
            violations.push(Violation::of(Self::ROTATION_PERIOD, message));
        }
        let spec = want.get(Self::SPEC).known().unwrap_or(KeySpec::SymmetricDefault);
        if want.get(Self::ROTATION).known() == Some(true) && spec != KeySpec::SymmetricDefault {
            let message = format!("only symmetric keys rotate, and this one is {}", spec.as_str());
            violations.push(Violation::of(Self::ROTATION, message));
        }
        violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked_at_preview() {
        let wrong = Value::from([
            ("pending_window", 3i32.into()),
            ("rotation", true.into()),
            ("rotation_period", 3000i32.into()),
            ("spec", "RSA_2048".into()),
            ("policy", "{}".into()),
        ]);
        assert_eq!(Key::check(&Partial::new(wrong)).len(), 4);
        assert!(Key::check(&Partial::new(Value::from([("rotation", true.into())]))).is_empty());
    }

    #[test]
    fn unknown_specs_do_not_stop_a_read() {
        assert_eq!(parse(Some("ML_DSA_44"), KeySpec::SymmetricDefault), KeySpec::SymmetricDefault);
        assert_eq!(parse(Some("RSA_4096"), KeySpec::SymmetricDefault), KeySpec::Rsa4096);
    }
}
