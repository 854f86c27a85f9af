//! Buckets.

use std::collections::BTreeMap;

use aws_sdk_s3::types::CreateBucketConfiguration;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Timeouts, Violation,
    },
    state::{StackName, Value},
    text_type,
};

use super::{
    Encryption, LifecycleRule, Ownership, PublicAccessBlock,
    empty::empty,
    read::{found_tags, tags_of},
    update::tag_list,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, normalize, problem, subject},
    types::Arn,
};

text_type! {
    /// The name of a bucket.
    BucketName, "a bucket name of 3 to 63 small letters, digits, dots or hyphens", |text| name_problem(text).is_none()
}

/// A bucket with its settings. Another name replaces it.
///
/// S3 refuses to delete one that has objects, versions or delete markers in it, unless `force_destroy` says to empty
/// it first.
///
/// Deploying needs `s3:CreateBucket`, `ListBucket`, `Get/PutBucketTagging`, `TagResource`,
/// `Get/PutBucketVersioning`, `Get/PutEncryptionConfiguration`, `Get/PutBucketPublicAccessBlock`,
/// `Get/PutBucketOwnershipControls`, `Get/PutLifecycleConfiguration`, `Get/Put/DeleteBucketPolicy`, `DeleteBucket` on
/// it; with `force_destroy` also `ListBucketVersions` and, on its objects, `DeleteObject` and `DeleteObjectVersion`.
/// (S3 API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:s3:Bucket", outputs = BucketOutputs, holds_data)]
pub struct Bucket {
    /// Its name, unique among all buckets of all accounts; generated if left out. Another name replaces it.
    #[field(replace, name(max = 63, extra = "-", lowercase))]
    pub name: Option<String>,
    /// Whether old versions of objects are kept. Once on it can be suspended, not undone.
    #[field(default = false)]
    pub versioning: bool,
    /// How objects are encrypted that say nothing else themselves.
    #[field(default = Encryption::S3)]
    pub encryption: Encryption,
    /// Whether S3 asks KMS for one key a while and not for one an object. Nothing without KMS.
    #[field(default = true)]
    pub bucket_key: bool,
    /// What no policy can allow. Everything public is blocked if left out.
    #[field(default = PublicAccessBlock::ALL)]
    pub public_access_block: PublicAccessBlock,
    /// Whose the objects are that other accounts write.
    #[field(default = Ownership::BucketOwnerEnforced)]
    pub ownership: Ownership,
    /// Who else may do what with the bucket and its objects.
    #[field(normalize = normalize)]
    pub policy: Option<String>,
    /// What S3 does with objects as they age.
    #[field(key = "id")]
    pub lifecycle: Vec<LifecycleRule>,
    /// Whether deleting it deletes everything in it first.
    #[field(write_only, default = false)]
    pub force_destroy: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a bucket gives.
#[derive(Outputs, Clone, Debug)]
pub struct BucketOutputs {
    /// Its name.
    #[output(stable)]
    pub name: BucketName,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its host name in its region.
    #[output(stable)]
    pub regional_domain_name: String,
}

impl Managed for Bucket {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let list = cx.s3().list_buckets().bucket_region(cx.region());
        let mut pages = list.into_paginator().send();
        let mut names = Vec::new();
        while let Some(page) = pages.next().await {
            let buckets = page.classify()?.buckets.unwrap_or_default();
            names.extend(buckets.into_iter().filter_map(|bucket| bucket.name));
        }
        let buckets = names.into_iter().map(|name| (name.clone(), name)).collect();
        owned::by_tags(cx, stack, buckets, |name| async move { found_tags(cx, &name).await }).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let name = want.name.as_deref().unwrap_or_default();
        // In us-east-1 the call succeeds for a bucket that the account has already, whatever made it.
        if cx.s3().head_bucket().bucket(name).send().await.found()?.is_some() {
            let tags = tags_of(cx, name).await?;
            if tags.get("infra:operation") == Some(&op.id.to_string()) {
                return Ok(name.to_owned());
            }
            return Err(Error::new(Class::Exists, format!("there is a bucket {name:?} already")));
        }
        let configuration = CreateBucketConfiguration::builder()
            .set_tags(Some(tag_list(&cx.tags(&want.tags, op))?))
            // The first region is the one that has no name here.
            .set_location_constraint((cx.region() != "us-east-1").then(|| cx.region().into()));
        let create = cx.s3().create_bucket().bucket(name);
        let create = create.create_bucket_configuration(configuration.build());
        create.object_ownership(want.ownership.as_str().into()).send().await.classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Self::update_settings(cx, change).await
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        _: &Operation,
    ) -> Result<()> {
        if recorded.force_destroy {
            empty(cx, &have.id).await?;
        }
        match cx.s3().delete_bucket().bucket(&have.id).send().await.gone() {
            // Waiting does not empty it: this is for a person to decide.
            Err(e) if e.class() == Class::Dependency && !recorded.force_destroy => {
                let message = format!(
                    "the bucket {:?} has objects in it (versions and delete markers count); empty it, or set \
                     `force_destroy` and deploy first",
                    have.id
                );
                Err(Error::new(Class::Invalid, message).because(e))
            }
            deleted => deleted,
        }
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let bucket = subject(change);
        let name = bucket.and_then(|bucket| bucket.name.as_deref()).unwrap_or("*");
        let mut actions = vec![
            "s3:ListBucket",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketOwnershipControls",
            "s3:GetLifecycleConfiguration",
            "s3:GetBucketPolicy",
        ];
        let verb = Verb::of(change);
        let force = bucket.is_some_and(|bucket| bucket.force_destroy);
        match verb {
            Verb::Search => return grants("*", ["s3:ListAllMyBuckets", "s3:GetBucketTagging"]),
            Verb::Create => actions.extend([
                "s3:CreateBucket",
                "s3:TagResource",
                // Asked for where a create says whose the objects are.
                "s3:PutBucketOwnershipControls",
            ]),
            Verb::Delete => {
                actions.push("s3:DeleteBucket");
                actions.extend(force.then_some("s3:ListBucketVersions"));
            }
            Verb::Read | Verb::Update => {}
        }
        let made = |set: fn(&Self) -> bool| verb == Verb::Create && bucket.is_some_and(set);
        let fields: [(bool, &[&'static str]); 7] = [
            (
                change.touches(Self::VERSIONING) || made(|it| it.versioning),
                &["s3:PutBucketVersioning"],
            ),
            (
                change.touches(Self::ENCRYPTION)
                    || change.touches(Self::BUCKET_KEY)
                    || made(|it| it.encryption != Encryption::S3),
                &["s3:PutEncryptionConfiguration"],
            ),
            (
                change.touches(Self::PUBLIC_ACCESS_BLOCK)
                    || made(|it| it.public_access_block != PublicAccessBlock::ALL),
                &["s3:PutBucketPublicAccessBlock"],
            ),
            (change.touches(Self::OWNERSHIP), &["s3:PutBucketOwnershipControls"]),
            (
                change.touches(Self::POLICY) || made(|it| it.policy.is_some()),
                &["s3:PutBucketPolicy", "s3:DeleteBucketPolicy"],
            ),
            (
                change.touches(Self::LIFECYCLE) || made(|it| !it.lifecycle.is_empty()),
                &["s3:PutLifecycleConfiguration"],
            ),
            (change.touches(Self::TAGS), &["s3:PutBucketTagging"]),
        ];
        let touched = fields.iter().filter(|(touched, _)| *touched);
        actions.extend(touched.flat_map(|(_, names)| *names));
        let mut all = grants(format!("arn:*:s3:::{name}"), actions);
        if verb == Verb::Delete && force {
            let objects = format!("arn:*:s3:::{name}/*");
            all.extend(grants(objects, ["s3:DeleteObject", "s3:DeleteObjectVersion"]));
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let name = want.name.as_deref().unwrap_or("*");
        vec![("arn", format!("arn:*:s3:::{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) = want.get(Self::NAME).known().and_then(|name| name_problem(&name)) {
            violations.push(Violation::of(Self::NAME, problem));
        }
        if let Some(problem) =
            want.get(Self::POLICY).known().and_then(|text| problem(&text, 20_480))
        {
            violations.push(Violation::of(Self::POLICY, problem));
        }
        let rules = want.get(Self::LIFECYCLE).known().unwrap_or_default();
        let problems = rules.iter().filter_map(LifecycleRule::problem);
        violations.extend(problems.map(|problem| Violation::of(Self::LIFECYCLE, problem)));
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // A bucket that is emptied first may have many objects.
        Timeouts { delete: std::time::Duration::from_hours(1), ..Timeouts::minutes(10) }
    }
}

/// What is wrong with a bucket's name, if anything is. (S3 user guide, "General purpose bucket naming rules".)
fn name_problem(name: &str) -> Option<String> {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (3..=63).contains(&name.len())
        && name.chars().all(|c| small(c) || c == '.' || c == '-')
        && name.starts_with(small)
        && name.ends_with(small)
        && !name.contains("..")
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3"].iter().any(|suffix| name.ends_with(suffix))
        && name.parse::<std::net::Ipv4Addr>().is_err();
    (!fits)
        .then(|| format!("expected 3 to 63 small letters, digits, dots or hyphens, found {name:?}"))
}

#[cfg(test)]
mod tests {
    use infra_core::state::Value;

    use super::*;

    #[test]
    fn names_are_what_s3_takes() {
        for good in ["abc", "qledger-dev-state", "a.b-c", "0-0"] {
            assert_eq!(name_problem(good), None);
        }
        for bad in
            ["ab", "Abc", "a_b", "-abc", "abc-", "a..b", "xn--abc", "abc-s3alias", "10.0.0.1"]
        {
            assert!(name_problem(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn mistakes_are_found_at_preview() {
        let rule = Value::from([("id", "nothing".into())]);
        let wrong = Value::from([
            ("name", "X".into()),
            ("policy", "no".into()),
            ("lifecycle", vec![rule].into()),
        ]);
        assert_eq!(Bucket::check(&Partial::new(wrong)).len(), 3);
    }
}
