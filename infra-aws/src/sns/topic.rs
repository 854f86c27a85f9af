//! Topics.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sns::types::Tag;
use futures_util::future::try_join3;
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Partial, Result,
        Violation,
    },
    state::{StackName, Value},
};

use super::{Subscription, subscription};
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, normalize, problem, subject},
    tagged::{self, Tagged},
    tags,
    types::{Arn, KeyId},
};

/// A topic: what is published to it goes to all its subscriptions. Another name, or FIFO or not, replaces it.
///
/// Deploying needs `sns:CreateTopic`, `GetTopicAttributes`, `SetTopicAttributes`, `ListTagsForResource`,
/// `TagResource`, `UntagResource`, `DeleteTopic` on it, and where subscriptions are declared
/// `sns:ListSubscriptionsByTopic`, `Subscribe` and `Unsubscribe`. (SNS API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:sns:Topic", outputs = TopicOutputs)]
pub struct Topic {
    /// Its name without `.fifo`, unique in the region; generated if left out. Another name replaces it.
    #[field(replace, name(max = 251, extra = "-_"))]
    pub name: Option<String>,
    /// Whether it keeps the order of messages. A change replaces it.
    #[field(replace, default = false)]
    pub fifo: bool,
    /// The sender's name in text messages and mails.
    pub display_name: Option<String>,
    /// The key that encrypts messages at rest. CloudWatch may publish only if the key's policy lets it.
    pub kms_key: Option<KeyId>,
    /// Who may publish and subscribe; the account if left out.
    #[field(computed, normalize = normalize)]
    pub policy: Option<String>,
    /// Whether a FIFO topic takes messages of the same content for the same message.
    #[field(default = false)]
    pub content_based_deduplication: bool,
    /// Who gets the messages. Left out: not looked at; an empty list: nobody.
    #[field(set, computed)]
    pub subscriptions: Option<Vec<Subscription>>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a topic gives.
#[derive(Outputs, Clone, Debug)]
pub struct TopicOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
}

const SUFFIX: &str = ".fifo";

impl Topic {
    fn full_name(&self) -> String {
        let name = self.name.as_deref().unwrap_or_default();
        if self.fifo && !name.ends_with(SUFFIX) {
            format!("{name}{SUFFIX}")
        } else {
            name.to_owned()
        }
    }

    fn arn(&self, cx: &Cx<Aws>) -> String {
        Arn::of(cx.partition(), "sns", cx.region(), cx.account(), &self.full_name()).to_string()
    }

    fn arn_in(cx: &Cx<Aws>, find: &Find<'_, Self>) -> String {
        let made = || find.inputs().map(|want| want.arn(cx));
        find.id().map(str::to_owned).or_else(made).unwrap_or_default()
    }

    async fn read_one(
        cx: &Cx<Aws>,
        find: &Find<'_, Self>,
        tagged: &Tagged,
    ) -> Result<Option<Observed<Self>>> {
        let arn = Self::arn_in(cx, find);
        let recorded = find.inputs().map(|recorded| &recorded.tags);
        let tags = tagged.or_asked(&arn, recorded, tags_of(cx, &arn));
        let subscribed = find.inputs().is_some_and(|topic| topic.subscriptions.is_some());
        let attributes =
            async { cx.sns().get_topic_attributes().topic_arn(&arn).send().await.found() };
        let subscriptions = async {
            if subscribed { subscription::all(cx, &arn).await.map(Some) } else { Ok(None) }
        };
        let (attributes, all, subscriptions) = try_join3(attributes, tags, subscriptions).await?;
        let (Some(attributes), Some(all)) = (attributes, all) else { return Ok(None) };
        let attributes = attributes.attributes.unwrap_or_default();
        let get = |key: &str| attributes.get(key).filter(|value| !value.is_empty()).cloned();
        let is = |key: &str| get(key).as_deref() == Some("true");
        let name = arn.rsplit(':').next().unwrap_or_default();
        let live = Self {
            name: Some(name.strip_suffix(SUFFIX).unwrap_or(name).to_owned()),
            fifo: name.ends_with(SUFFIX),
            display_name: get("DisplayName"),
            kms_key: get("KmsMasterKeyId").map(KeyId::trusted),
            policy: get("Policy"),
            content_based_deduplication: is("ContentBasedDeduplication"),
            subscriptions: subscriptions.map(|all| subscription::shown(all, find.inputs())),
            tags: tags::visible(&all),
        };
        let outputs = TopicOutputs { arn: Arn::trusted(arn.clone()), name: name.to_owned() };
        Ok(Some(Observed::ready(arn, live, outputs).owned_by(&all)))
    }

    fn attributes(&self) -> HashMap<String, String> {
        let key = self.kms_key.as_ref().map(ToString::to_string);
        let yes = |set: bool| set.then(|| "true".to_owned());
        let attributes = [
            ("DisplayName", self.display_name.clone()),
            ("KmsMasterKeyId", key),
            ("Policy", self.policy.clone()),
            ("FifoTopic", yes(self.fifo)),
            ("ContentBasedDeduplication", yes(self.content_based_deduplication)),
        ];
        attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

async fn tags_of(cx: &Cx<Aws>, arn: &str) -> Result<Option<BTreeMap<String, String>>> {
    let found = cx.sns().list_tags_for_resource().resource_arn(arn).send().await.found()?;
    let map = |tag: &Tag| (tag.key.clone(), tag.value.clone());
    Ok(found.map(|found| found.tags().iter().map(map).collect()))
}

fn tag_list(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build().classify();
    tags.iter().map(tag).collect()
}

impl Managed for Topic {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        let arns: Vec<_> = find.iter().map(|find| Self::arn_in(cx, find)).collect();
        let tagged = &Tagged::of(cx, &arns).await;
        batch::each(find, |find| Self::read_one(cx, find, tagged)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let mut pages = cx.sns().list_topics().into_paginator().send();
        let mut arns = Vec::new();
        while let Some(page) = pages.next().await {
            let topics = page.classify()?.topics.unwrap_or_default();
            arns.extend(topics.into_iter().filter_map(|topic| topic.topic_arn));
        }
        let topics = arns.into_iter().map(|arn| (arn.clone(), arn)).collect();
        owned::by_index(cx, stack, topics, |arn| async move { tags_of(cx, &arn).await }).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        // The call answers with a topic of that name that is there already, whoever made it.
        let arn = want.arn(cx);
        if let Some(tags) = tags_of(cx, &arn).await? {
            if tags.get("infra:operation") == Some(&op.id.to_string()) {
                return Ok(arn);
            }
            let message = format!("there is a topic {:?} already", want.full_name());
            return Err(Error::new(Class::Exists, message));
        }
        let create = cx.sns().create_topic().name(want.full_name());
        let create = create.set_attributes(Some(want.attributes()));
        let tags = tag_list(&cx.tags(&want.tags, op))?;
        let created = create.set_tags(Some(tags)).send().await.classify()?;
        created.topic_arn.ok_or_else(|| Error::invalid("CreateTopic gave no ARN"))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let (arn, want, sns) = (change.id()?, change.want()?, cx.sns());
        let attributes = [
            (change.touches(Self::DISPLAY_NAME), "DisplayName", want.display_name.clone()),
            (change.touches(Self::KMS_KEY), "KmsMasterKeyId", want.kms_key.clone().map(Into::into)),
            // A policy cannot be removed, and left out it is whatever it is.
            (change.touches(Self::POLICY) && want.policy.is_some(), "Policy", want.policy.clone()),
            (
                change.touches(Self::CONTENT_BASED_DEDUPLICATION),
                "ContentBasedDeduplication",
                Some(want.content_based_deduplication.to_string()),
            ),
        ];
        for (_, name, value) in attributes.into_iter().filter(|(touched, ..)| *touched) {
            let set = sns.set_topic_attributes().topic_arn(arn).attribute_name(name);
            set.attribute_value(value.unwrap_or_default()).send().await.classify()?;
        }
        if change.touches(Self::SUBSCRIPTIONS)
            && let Some(subscriptions) = &want.subscriptions
        {
            subscription::sync(cx, arn, subscriptions).await?;
        }
        if change.touches(Self::TAGS) {
            let (put, remove) = tags::changes(&change.have()?.live.tags, &want.tags);
            if !remove.is_empty() {
                let untag = sns.untag_resource().resource_arn(arn);
                untag.set_tag_keys(Some(remove)).send().await.classify()?;
            }
            if !put.is_empty() {
                let tag = sns.tag_resource().resource_arn(arn);
                tag.set_tags(Some(tag_list(&put)?)).send().await.classify()?;
            }
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.sns().delete_topic().topic_arn(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let topic = subject(change);
        let name =
            topic.filter(|t| t.name.is_some()).map_or_else(|| "*".to_owned(), Self::full_name);
        let mut actions = vec!["sns:GetTopicAttributes", "sns:ListTagsForResource"];
        let subscribed = topic.is_some_and(|topic| topic.subscriptions.is_some());
        actions.extend(subscribed.then_some("sns:ListSubscriptionsByTopic"));
        match Verb::of(change) {
            Verb::Search => {
                let search = ["sns:ListTopics", "sns:ListTagsForResource", tagged::ACTION];
                return grants("*", search);
            }
            Verb::Read => {}
            Verb::Create => actions.extend(["sns:CreateTopic", "sns:TagResource"]),
            Verb::Update => {
                actions.extend(subscribed.then_some("sns:Subscribe"));
                actions.extend(subscribed.then_some("sns:Unsubscribe"));
                actions.push("sns:SetTopicAttributes");
                if change.touches(Self::TAGS) {
                    actions.extend(["sns:TagResource", "sns:UntagResource"]);
                }
            }
            Verb::Delete => actions.push("sns:DeleteTopic"),
        }
        let mut all = grants(format!("arn:*:sns:*:*:{name}"), actions);
        all.extend(tagged::grants(change));
        all
    }

    fn foreseen(want: &Self) -> Vec<(&'static str, Value)> {
        vec![("arn", format!("arn:*:sns:*:*:{}", want.full_name()).as_str().into())]
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(problem) =
            want.get(Self::POLICY).known().and_then(|text| problem(&text, 30_720))
        {
            violations.push(Violation::of(Self::POLICY, problem));
        }
        let fifo = want.get(Self::FIFO).known().unwrap_or_default();
        let deduplicates = want.get(Self::CONTENT_BASED_DEDUPLICATION).known().unwrap_or_default();
        if deduplicates && !fifo {
            let message = "only FIFO topics deduplicate";
            violations.push(Violation::of(Self::CONTENT_BASED_DEDUPLICATION, message));
        }
        violations
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}
