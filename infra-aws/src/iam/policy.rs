//! Managed policies.

use std::collections::BTreeMap;

use aws_sdk_iam::types::PolicyScopeType;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::{StackName, Value},
};

use super::{
    role::{is_path, path_message},
    search::{self, Documents},
    tag,
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, decoded, grants, normalize, problem, same, subject},
    tags,
    types::Arn,
};

/// How many versions IAM keeps of one policy.
const VERSIONS: usize = 5;

/// A managed policy of your own: permissions that several roles share.
///
/// A changed document becomes a new version, which is the one in force; of the five versions IAM keeps, the oldest
/// makes room. Another name, path or description replaces it.
///
/// Deploying needs `iam:CreatePolicy`, `GetPolicy`, `GetPolicyVersion`, `CreatePolicyVersion`, `ListPolicyVersions`,
/// `DeletePolicyVersion`, `TagPolicy`, `UntagPolicy`, `DeletePolicy` on the policy. (IAM API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:iam:Policy", outputs = PolicyOutputs)]
pub struct Policy {
    /// The permissions, at most 6,144 characters.
    #[field(normalize = normalize)]
    pub policy: String,
    /// Its name, unique in the account; generated if left out. Another name replaces it.
    #[field(replace, name(max = 128, extra = "-_+=,.@"))]
    pub name: Option<String>,
    /// The path in its ARN, like `/qledger/`. Another path replaces it.
    #[field(replace, default = "/")]
    pub path: String,
    /// What it is for. Another description replaces it.
    #[field(replace)]
    pub description: Option<String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a managed policy gives.
#[derive(Outputs, Clone, Debug)]
pub struct PolicyOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

impl Policy {
    /// The ARN says where a policy is: there is no other way to ask for it by name.
    fn arn(&self, cx: &Cx<Aws>) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        let resource = format!("policy{}{name}", self.path);
        Arn::of(cx.partition(), "iam", "", cx.account(), &resource).to_string()
    }

    async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        documents: Option<&Documents>,
    ) -> Result<Option<Observed<Self>>> {
        let made = || find.inputs().map(|want| want.arn(cx));
        let arn = find.id().map(str::to_owned).or_else(made).unwrap_or_default();
        let answer = cx.iam().get_policy().policy_arn(&arn).send().await.found()?;
        let Some(policy) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
        let version = policy.default_version_id().unwrap_or("v1");
        let known = (arn.clone(), version.to_owned());
        let document = match documents.and_then(|documents| documents.get(&known)) {
            Some(document) => Some(decoded(document)),
            None => document(cx, &arn, version).await?,
        };
        let Some(document) = document else { return Ok(None) };
        let all = tag::map(policy.tags());
        let name = policy.policy_name().unwrap_or_default().to_owned();
        let live = Self {
            policy: document,
            name: Some(name.clone()),
            path: policy.path().unwrap_or("/").to_owned(),
            description: policy.description().filter(|text| !text.is_empty()).map(str::to_owned),
            tags: tags::visible(&all),
        };
        let outputs = PolicyOutputs { arn: Arn::trusted(arn.clone()), name };
        Ok(Some(Observed::ready(arn, live, outputs).owned_by(&all)))
    }

    /// Puts the document in force as a new version. The same document again changes nothing, so that a call that
    /// is repeated does not use up versions.
    async fn put(&self, cx: &Cx<Aws>, arn: &str) -> Result<()> {
        let listed = cx.iam().list_policy_versions().policy_arn(arn).send().await.classify()?;
        let versions = listed.versions();
        let in_force = versions.iter().find(|version| version.is_default_version());
        if let Some(id) = in_force.and_then(|version| version.version_id())
            && document(cx, arn, id).await?.is_some_and(|live| same(&live, &self.policy))
        {
            return Ok(());
        }
        if versions.len() >= VERSIONS {
            let idle = versions.iter().filter(|version| !version.is_default_version());
            let oldest = idle
                .min_by_key(|version| version.create_date().map(aws_smithy_types::DateTime::secs));
            if let Some(id) = oldest.and_then(|version| version.version_id()) {
                let delete = cx.iam().delete_policy_version().policy_arn(arn).version_id(id);
                delete.send().await.gone()?;
            }
        }
        let create = cx.iam().create_policy_version().policy_arn(arn).set_as_default(true);
        create.policy_document(&self.policy).send().await.classify().map(drop)
    }
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let answer = cx.iam().get_policy().policy_arn(arn).send().await.found()?;
    Ok(answer.and_then(|answer| answer.policy).map(|policy| tag::map(policy.tags())))
}

async fn document(cx: &Cx<Aws>, arn: &str, version: &str) -> Result<Option<String>> {
    let get = cx.iam().get_policy_version().policy_arn(arn).version_id(version);
    let version = get.send().await.found()?.and_then(|answer| answer.policy_version);
    Ok(version.map(|version| decoded(version.document().unwrap_or_default())))
}

impl Managed for Policy {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        // One call instead of two for each, and one for all their documents.
        let documents = match find.len() {
            0..search::MANY => Ok(None),
            _ => search::documents(cx).await,
        };
        let documents = match documents {
            Ok(documents) => documents,
            Err(e) => return find.iter().map(|_| Err(e.again())).collect(),
        };
        batch::each(find, |find| Self::read_one(cx, find, documents.as_deref())).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let list = cx.iam().list_policies().scope(PolicyScopeType::Local);
        let mut pages = list.into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let policies = page.classify()?.policies.unwrap_or_default();
            arns.extend(policies.into_iter().filter_map(|policy| policy.arn));
        }
        let tags = batch::each(&arns, |arn| tags_of(cx, arn)).await;
        owned::read(cx, owned::tagged(stack, arns, tags)?).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let created = cx
            .iam()
            .create_policy()
            .policy_name(want.name.as_deref().unwrap_or_default())
            .path(&want.path)
            .set_description(want.description.clone())
            .policy_document(&want.policy)
            .set_tags(Some(tag::list(&cx.tags(&want.tags, op))?))
            .send()
            .await
            .classify()?;
        let arn = created.policy.and_then(|policy| policy.arn);
        arn.ok_or_else(|| Error::invalid("CreatePolicy gave no ARN"))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, iam) = (change.id()?, change.want()?, cx.iam());
        if change.touches(Self::POLICY) {
            want.put(cx, arn).await?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&change.have()?.live.tags, &want.tags);
            if !remove.is_empty() {
                let untag = iam.untag_policy().policy_arn(arn);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = iam.tag_policy().policy_arn(arn);
                tag.set_tags(Some(tag::list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        // A policy can only go with its last version.
        let list = cx.iam().list_policy_versions().policy_arn(&have.id);
        let Some(listed) = list.send().await.found()? else { return Ok(()) };
        for version in listed.versions().iter().filter(|version| !version.is_default_version()) {
            let delete = cx.iam().delete_policy_version().policy_arn(&have.id);
            delete.set_version_id(version.version_id.clone()).send().await.gone()?;
        }
        cx.iam().delete_policy().policy_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let policy = subject(change);
        let (path, name) =
            policy.map_or(("/", "*"), |p| (&p.path, p.name.as_deref().unwrap_or("*")));
        let mut actions = vec!["iam:GetPolicy", "iam:GetPolicyVersion"];
        let versions = ["iam:ListPolicyVersions", "iam:DeletePolicyVersion"];
        match Verb::of(change) {
            Verb::Search => return grants("*", ["iam:ListPolicies", "iam:GetPolicy"]),
            Verb::Read => {}
            Verb::Create => actions.extend(["iam:CreatePolicy", "iam:TagPolicy"]),
            Verb::Delete => actions.extend(versions.into_iter().chain(["iam:DeletePolicy"])),
            Verb::Update => {
                if change.touches(Self::POLICY) {
                    actions.extend(versions.into_iter().chain(["iam:CreatePolicyVersion"]));
                }
                if change.touches(Self::TAGS) {
                    actions.extend(["iam:TagPolicy", "iam:UntagPolicy"]);
                }
            }
        }
        let mut all = grants(format!("arn:*:iam::*:policy{path}{name}"), actions);
        if Verb::of(change) == Verb::Read {
            all.extend(search::grants());
        }
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        let (path, name) = (&want.path, want.name.as_deref().unwrap_or("*"));
        vec![("arn", format!("arn:*:iam::*:policy{path}{name}").as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let document = want.get(Self::POLICY).known().and_then(|document| problem(&document, 6144));
        let path = want.get(Self::PATH).known().filter(|path| !is_path(path));
        document
            .map(|problem| Violation::of(Self::POLICY, problem))
            .into_iter()
            .chain(path.map(|path| Violation::of(Self::PATH, path_message(&path))))
            .collect()
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
