//! Repositories.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ecr::{
    error::SdkError,
    operation::delete_repository::DeleteRepositoryError,
    types::{ImageScanningConfiguration, Repository as Found, Tag},
};
use futures_util::future::try_join3;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::StackName,
};

use super::{Encryption, TagMutability};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, encrypts, grants, key, normalize, normalize_json, problem, subject},
    tagged::{self, Tagged},
    tags,
    types::{AccountId, Arn},
};

/// A repository of container images. Another name or encryption replaces it.
///
/// ECR refuses to delete one that has images, unless `force_delete` says otherwise.
///
/// Deploying needs `ecr:CreateRepository`, `DescribeRepositories`, `PutImageTagMutability`,
/// `PutImageScanningConfiguration`, `Get/Put/DeleteLifecyclePolicy`, `Get/Set/DeleteRepositoryPolicy`,
/// `ListTagsForResource`, `TagResource`, `UntagResource`, `DeleteRepository` on it. (ECR API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:ecr:Repository", outputs = RepositoryOutputs)]
pub struct Repository {
    /// Its name, with `/` between levels; generated if left out. Another name replaces it.
    #[field(replace, name(max = 256, extra = "-_/.", lowercase))]
    pub name: Option<String>,
    /// Whether a tag can be moved to another image.
    #[field(default = TagMutability::Mutable)]
    pub tag_mutability: TagMutability,
    /// Whether every pushed image is scanned for known weaknesses.
    #[field(default = false)]
    pub scan_on_push: bool,
    /// How images are encrypted. Another way replaces it.
    #[field(replace, default = Encryption::Aes256)]
    pub encryption: Encryption,
    /// Which images ECR deletes by itself: JSON, see the ECR user guide, "Lifecycle policies".
    #[field(normalize = normalize_json)]
    pub lifecycle_policy: Option<String>,
    /// Who may pull and push beyond what IAM policies of this account say.
    #[field(normalize = normalize)]
    pub policy: Option<String>,
    /// Whether deleting it deletes the images in it too.
    #[field(write_only, default = false)]
    pub force_delete: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a repository gives.
#[derive(Outputs, Clone, Debug)]
pub struct RepositoryOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// What to push to and pull from, without a tag: `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`.
    #[output(stable)]
    pub url: String,
    /// The registry it is in.
    #[output(stable)]
    pub registry: AccountId,
}

impl Repository {
    fn name_in<'a>(find: &Find<'a, Self>) -> &'a str {
        let named = || find.inputs().and_then(|repository| repository.name.as_deref());
        find.id().or_else(named).unwrap_or_default()
    }

    async fn read_all(
        cx: &Cx<Aws>,
        find: &[Find<'_, Self>],
    ) -> Result<Vec<Result<Option<Observed<Self>>>>> {
        let names: Vec<_> = find.iter().map(Self::name_in).collect();
        let found = describe(cx, &names).await?;
        let arns = names.iter().filter_map(|name| found.get(*name)?.repository_arn.clone());
        let tagged = Tagged::of(cx, &arns.collect::<Vec<_>>()).await;
        let observe = |find| {
            let (repository, tagged) = (found.get(Self::name_in(find)).cloned(), &tagged);
            async move {
                match repository {
                    Some(repository) => Self::observe(cx, find, repository, tagged).await,
                    None => Ok(None),
                }
            }
        };
        Ok(batch::each(find, observe).await)
    }

    async fn observe(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        found: Found,
        tagged: &Tagged,
    ) -> Result<Option<Observed<Self>>> {
        let (name, ecr) = (found.repository_name().unwrap_or_default(), cx.ecr());
        let arn = found.repository_arn().unwrap_or_default();
        let lifecycle =
            async { ecr.get_lifecycle_policy().repository_name(name).send().await.found() };
        let policy =
            async { ecr.get_repository_policy().repository_name(name).send().await.found() };
        let recorded = find.inputs().map(|recorded| &recorded.tags);
        let tags = Box::pin(tagged.or_asked(arn, recorded, tags_of(cx, arn)));
        let (lifecycle, policy, all) = try_join3(lifecycle, policy, tags).await?;
        let Some(all) = all else { return Ok(None) };
        let mutability = found.image_tag_mutability().map_or("MUTABLE", |it| it.as_str());
        let declared = find.inputs();
        let live = Self {
            name: Some(name.to_owned()),
            tag_mutability: if mutability.starts_with("IMMUTABLE") {
                TagMutability::Immutable
            } else {
                TagMutability::Mutable
            },
            scan_on_push: found
                .image_scanning_configuration()
                .is_some_and(ImageScanningConfiguration::scan_on_push),
            encryption: Encryption::of(
                found.encryption_configuration(),
                declared.map(|it| &it.encryption),
            ),
            lifecycle_policy: lifecycle.and_then(|answer| answer.lifecycle_policy_text),
            policy: policy.and_then(|answer| answer.policy_text),
            force_delete: declared.is_some_and(|it| it.force_delete),
            tags: tags::visible(&all),
        };
        let outputs = RepositoryOutputs {
            arn: Arn::trusted(arn),
            name: name.to_owned(),
            url: found.repository_uri().unwrap_or_default().to_owned(),
            registry: AccountId::trusted(found.registry_id().unwrap_or_default()),
        };
        Ok(Some(Observed::ready(name, live, outputs).owned_by(&all)))
    }

    async fn put_policies(
        &self,
        cx: &Cx<Aws>,
        name: &str,
        change: &Change<'_, Self>,
    ) -> Result<()> {
        if change.touches(Self::LIFECYCLE_POLICY) {
            if let Some(policy) = &self.lifecycle_policy {
                let put = cx.ecr().put_lifecycle_policy().repository_name(name);
                put.lifecycle_policy_text(policy).send().await.classify()?;
            } else {
                cx.ecr().delete_lifecycle_policy().repository_name(name).send().await.gone()?;
            }
        }
        if change.touches(Self::POLICY) {
            if let Some(policy) = &self.policy {
                let set = cx.ecr().set_repository_policy().repository_name(name);
                set.policy_text(policy).send().await.classify()?;
            } else {
                cx.ecr().delete_repository_policy().repository_name(name).send().await.gone()?;
            }
        }
        Ok(())
    }
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let found = cx.ecr().list_tags_for_resource().resource_arn(arn).send().await.found()?;
    let map = |tag: &Tag| (tag.key.clone(), tag.value.clone());
    Ok(found.map(|found| found.tags().iter().map(map).collect()))
}

/// The repositories with these names, or all. One name that does not exist fails a call with names, so several are found by
/// listing all.
async fn describe(cx: &Cx<Aws>, names: &[&str]) -> Result<HashMap<String, Found>> {
    let describe = cx.ecr().describe_repositories();
    let describe = if let [name] = names { describe.repository_names(*name) } else { describe };
    let mut found = HashMap::new();
    let mut pages = describe.into_paginator().send();
    while let Some(page) = pages.next().await {
        let Some(page) = page.found()? else { break };
        let repositories = page.repositories.unwrap_or_default();
        found.extend(
            repositories.into_iter().filter_map(|it| Some((it.repository_name.clone()?, it))),
        );
    }
    Ok(found)
}

fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().classify();
    tags.iter().map(tag).collect()
}

impl Managed for Repository {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        match Self::read_all(cx, find).await {
            Ok(found) => found,
            Err(e) => find.iter().map(|_| Err(e.again())).collect(),
        }
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let all = describe(cx, &[]).await?.into_iter();
        let all = all.filter_map(|(name, it)| Some((name, it.repository_arn?)));
        owned::by_index(cx, stack, all.collect(), |arn| async move { tags_of(cx, &arn).await })
            .await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        // The policies follow by `update`: this call cannot take them.
        let name = want.name.as_deref().unwrap_or_default();
        let scanning = ImageScanningConfiguration::builder().scan_on_push(want.scan_on_push);
        cx.ecr()
            .create_repository()
            .repository_name(name)
            .image_tag_mutability(want.tag_mutability.as_str().into())
            .image_scanning_configuration(scanning.build())
            .encryption_configuration(want.encryption.send()?)
            .set_tags(Some(tag_list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify()?;
        Ok(name.to_owned())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (name, want, ecr) = (change.id()?, change.want()?, cx.ecr());
        let have = change.have()?;
        if change.touches(Self::TAG_MUTABILITY) {
            let put = ecr.put_image_tag_mutability().repository_name(name);
            let put = put.image_tag_mutability(want.tag_mutability.as_str().into());
            put.send().await.classify()?;
        }
        if change.touches(Self::SCAN_ON_PUSH) {
            let scanning = ImageScanningConfiguration::builder().scan_on_push(want.scan_on_push);
            let put = ecr.put_image_scanning_configuration().repository_name(name);
            put.image_scanning_configuration(scanning.build()).send().await.classify()?;
        }
        want.put_policies(cx, name, change).await?;
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&have.live.tags, &want.tags);
            let arn = have.outputs.as_ref().map(|outputs| outputs.arn.to_string());
            if !remove.is_empty() {
                let untag = ecr.untag_resource().set_resource_arn(arn.clone());
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = ecr.tag_resource().set_resource_arn(arn);
                tag.set_tags(Some(tag_list(&put)?)).send().await.classify()?;
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
        let delete = cx.ecr().delete_repository().repository_name(&have.id);
        let deleted = delete.force(recorded.force_delete).send().await;
        let refused = deleted.as_ref().err().and_then(SdkError::as_service_error);
        if refused.is_some_and(DeleteRepositoryError::is_repository_not_empty_exception) {
            // Waiting does not empty it: this is for a person to decide.
            let message = format!(
                "the repository {:?} has images in it; delete them, or set `force_delete` and deploy first",
                have.id
            );
            return Err(Error::new(Class::Invalid, message));
        }
        deleted.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let repository = subject(change);
        let name = repository.and_then(|it| it.name.as_deref()).unwrap_or("*");
        let mut actions = vec![
            "ecr:DescribeRepositories",
            "ecr:GetLifecyclePolicy",
            "ecr:GetRepositoryPolicy",
            "ecr:ListTagsForResource",
        ];
        let verb = Verb::of(change);
        let made = |set: fn(&Self) -> bool| verb == Verb::Create && repository.is_some_and(set);
        match verb {
            Verb::Create => actions.extend(["ecr:CreateRepository", "ecr:TagResource"]),
            Verb::Search => {
                let search =
                    ["ecr:DescribeRepositories", "ecr:ListTagsForResource", tagged::ACTION];
                return grants("*", search);
            }
            Verb::Delete => actions.push("ecr:DeleteRepository"),
            Verb::Read | Verb::Update => {}
        }
        let fields: [(bool, &[&'static str]); 5] = [
            (change.touches(Self::TAG_MUTABILITY), &["ecr:PutImageTagMutability"]),
            (change.touches(Self::SCAN_ON_PUSH), &["ecr:PutImageScanningConfiguration"]),
            (
                change.touches(Self::LIFECYCLE_POLICY) || made(|it| it.lifecycle_policy.is_some()),
                &["ecr:PutLifecyclePolicy", "ecr:DeleteLifecyclePolicy"],
            ),
            (
                change.touches(Self::POLICY) || made(|it| it.policy.is_some()),
                &["ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"],
            ),
            (change.touches(Self::TAGS), &["ecr:TagResource", "ecr:UntagResource"]),
        ];
        let touched = fields.iter().filter(|(touched, _)| *touched);
        actions.extend(touched.flat_map(|(_, names)| *names));
        let mut all = grants(format!("arn:*:ecr:*:*:repository/{name}"), actions);
        all.extend(tagged::grants(change));
        if let Some(Encryption::Kms(of)) = repository.map(|it| &it.encryption) {
            // ECR makes a grant on the key with the repository, and gives it back with it.
            match verb {
                Verb::Create => all.extend(encrypts(of.as_str())),
                Verb::Delete => all.extend(grants(key(of.as_str()), ["kms:RetireGrant"])),
                _ => {}
            }
        }
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) =
            want.get(Self::POLICY).known().and_then(|text| problem(&text, 10_240))
        {
            violations.push(Violation::of(Self::POLICY, problem));
        }
        let lifecycle = want.get(Self::LIFECYCLE_POLICY).known();
        if lifecycle.is_some_and(|text| {
            serde_json::from_str::<serde_json::Value>(&text)
                .map_or(true, |it| it.get("rules").is_none())
        }) {
            let message = "expected JSON with `rules`";
            violations.push(Violation::of(Self::LIFECYCLE_POLICY, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
