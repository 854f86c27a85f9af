//! Parameters.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ssm::{
    operation::put_parameter::builders::PutParameterFluentBuilder,
    types::{Parameter as Found, ParameterMetadata, ParameterStringFilter, ParameterTier},
};
use futures_util::future::try_join3;
use infra_core::{
    Data as _, Outputs, Resource, Sensitive, Value,
    program::IntoInput,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Reason, Result,
        Violation,
    },
    state::StackName,
};

use super::tag;
use crate::{
    Aws, batch,
    classify::Classify as _,
    owned,
    policy::{Verb, grants, key, subject},
    tagged::{self, Tagged},
    tags,
    types::{Arn, KeyId},
};

/// A named value in Parameter Store, encrypted if it is a [`ParameterType::SecureString`].
///
/// Another name or type replaces it, and so does a step down from the advanced tier. AWS wants 30 seconds between
/// the deletion of a name and its next use.
///
/// Deploying needs `ssm:PutParameter`, `GetParameters`, `AddTagsToResource`, `RemoveTagsFromResource`,
/// `ListTagsForResource`, `DeleteParameter` on the parameter, `ssm:DescribeParameters` on `*`, and `kms:Encrypt` and
/// `kms:Decrypt` on the key of a secure one. (Systems Manager API reference.)
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:ssm:Parameter",
    outputs = ParameterOutputs,
    delete_before_replace = "the name of a parameter is taken until it is deleted"
)]
pub struct Parameter {
    /// Its name: `/prod/qledger/DATABASE_URL`. Another name replaces it.
    #[field(replace, name(max = 1011, extra = "/._-"))]
    pub name: String,
    /// Its value: 4 KB at most, 8 KB in the advanced tier.
    pub value: Sensitive<String>,
    /// Its type. Another type replaces it.
    #[field(replace, default = ParameterType::String)]
    pub kind: ParameterType,
    /// What it is for.
    pub description: Option<String>,
    /// The key that encrypts a secure parameter; AWS's own (`alias/aws/ssm`) if left out.
    #[field(computed)]
    pub kms_key: Option<KeyId>,
    /// Its tier; standard if left out. AWS can raise it, never lower it.
    #[field(computed)]
    pub tier: Option<Tier>,
    /// A regular expression that values must match.
    pub allowed_pattern: Option<String>,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a parameter gives.
#[derive(Outputs, Clone, Debug)]
pub struct ParameterOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its name.
    #[output(stable)]
    pub name: String,
    /// The number of its current version.
    pub version: i64,
}

/// What a parameter holds.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// Text in the clear.
    #[value(rename = "String")]
    String,
    /// Texts separated by commas, in the clear.
    #[value(rename = "StringList")]
    StringList,
    /// Text that KMS encrypts.
    #[value(rename = "SecureString")]
    SecureString,
}

/// How large a parameter may be, and whether it costs something.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Up to 4 KB, free.
    #[value(rename = "Standard")]
    Standard,
    /// Up to 8 KB, for a monthly price.
    #[value(rename = "Advanced")]
    Advanced,
    /// Advanced where a parameter needs it.
    #[value(rename = "Intelligent-Tiering")]
    IntelligentTiering,
}

/// How many names `GetParameters` takes.
const NAMES: usize = 10;
/// How many values the filter of `DescribeParameters` takes, and how many it describes in a page. (Systems Manager API
/// reference, `ParameterStringFilter`.)
const FILTER: usize = 50;
const PAGE: i32 = 50;

impl Parameter {
    /// A parameter that KMS encrypts.
    pub fn secure(
        name: impl IntoInput<String>,
        value: impl IntoInput<Sensitive<String>>,
    ) -> ParameterDecl {
        Self::new(name, value).kind(ParameterType::SecureString)
    }

    fn name_in<'a>(find: &Find<'a, Self>) -> &'a str {
        let named = || find.inputs().map(|parameter| parameter.name.as_str());
        find.id().or_else(named).unwrap_or_default()
    }

    /// Values by the ten, the rest by the fifty, tags by the hundred.
    async fn read_all(
        cx: &Cx<Aws>,
        find: &[Find<'_, Self>],
    ) -> Result<Vec<Result<Option<Observed<Self>>>>> {
        let mut names: Vec<_> = find.iter().map(|find| Self::name_in(find).to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        let arns: Vec<_> = names.iter().map(|name| arn(cx, name).to_string()).collect();
        let (by_ten, by_fifty): (Vec<_>, Vec<_>) =
            (names.chunks(NAMES).collect(), names.chunks(FILTER).collect());
        let values = async {
            let found = batch::each(&by_ten, |names| values(cx, names)).await;
            found.into_iter().collect::<Result<Vec<_>>>()
        };
        let metadata = async {
            let found = batch::each(&by_fifty, |names| metadata(cx, "Name", names.to_vec())).await;
            found.into_iter().collect::<Result<Vec<_>>>()
        };
        let tagged = async { Ok(Tagged::of(cx, &arns).await) };
        let (values, metadata, tagged) = try_join3(values, metadata, tagged).await?;
        let values: HashMap<_, _> = values.into_iter().flatten().collect();
        let metadata: HashMap<_, _> = metadata.into_iter().flatten().collect();
        let observe = |find| {
            let name = Self::name_in(find);
            let parts = (values.get(name).cloned(), metadata.get(name).cloned());
            let recorded = find.inputs().map(|recorded| &recorded.tags);
            let (arn, tagged) = (arn(cx, name), &tagged);
            async move {
                let (Some(value), Some(metadata)) = parts else { return Ok(None) };
                let tags = tagged.or_asked(arn.as_str(), recorded, tag::of(cx, name)).await?;
                let Some(tags) = tags else { return Ok(None) };
                Self::observe(cx, name.to_owned(), &value, &metadata, &tags).map(Some)
            }
        };
        Ok(batch::each(find, observe).await)
    }

    fn observe(
        cx: &Cx<Aws>,
        name: String,
        value: &Found,
        metadata: &ParameterMetadata,
        all: &BTreeMap<String, String>,
    ) -> Result<Observed<Self>> {
        let kind = value.r#type().map_or("String", |kind| kind.as_str());
        let tier = metadata.tier().map(ParameterTier::as_str);
        let live = Self {
            name: name.clone(),
            value: value.value().unwrap_or_default().to_owned().into(),
            kind: ParameterType::from_value(&kind.into())?,
            description: metadata.description().filter(|d| !d.is_empty()).map(str::to_owned),
            kms_key: metadata.key_id().map(KeyId::trusted),
            tier: tier.and_then(|tier| Tier::from_value(&tier.into()).ok()),
            allowed_pattern: metadata
                .allowed_pattern()
                .filter(|p| !p.is_empty())
                .map(str::to_owned),
            tags: tags::visible(all),
        };
        let outputs = ParameterOutputs {
            arn: value.arn().map_or_else(|| arn(cx, &name), Arn::trusted),
            name: name.clone(),
            version: value.version(),
        };
        Ok(Observed::ready(name, live, outputs).owned_by(all))
    }

    fn put(&self, cx: &Cx<Aws>) -> PutParameterFluentBuilder {
        let secure = self.kind == ParameterType::SecureString;
        let key = self.kms_key.as_ref().filter(|_| secure).map(ToString::to_string);
        cx.ssm()
            .put_parameter()
            .name(&self.name)
            .value(self.value.reveal())
            .r#type(self.kind.as_str().into())
            // What is left out of the call stays as it is, so an empty text removes a description or pattern.
            .description(self.description.as_deref().unwrap_or_default())
            .set_allowed_pattern(self.allowed_pattern.clone())
            .set_key_id(key)
            .set_tier(self.tier.map(|tier| tier.as_str().into()))
    }
}

fn arn(cx: &Cx<Aws>, name: &str) -> Arn {
    let resource = format!("parameter/{}", name.trim_start_matches('/'));
    Arn::of(cx.partition(), "ssm", cx.region(), cx.account(), &resource)
}

async fn values(cx: &Cx<Aws>, names: &[String]) -> Result<HashMap<String, Found>> {
    let get = cx.ssm().get_parameters().with_decryption(true).set_names(Some(names.to_vec()));
    let found = get.send().await.classify()?.parameters.unwrap_or_default();
    Ok(found.into_iter().filter_map(|p| Some((p.name.clone()?, p))).collect())
}

async fn metadata(
    cx: &Cx<Aws>,
    key: &str,
    values: Vec<String>,
) -> Result<HashMap<String, ParameterMetadata>> {
    let filter = ParameterStringFilter::builder().key(key).option("Equals");
    let filter = filter.set_values(Some(values)).build().classify()?;
    let mut found = HashMap::new();
    let describe = cx.ssm().describe_parameters().parameter_filters(filter);
    let mut pages = describe.into_paginator().page_size(PAGE).send();
    while let Some(page) = pages.next().await {
        let parameters = page.classify()?.parameters.unwrap_or_default();
        found.extend(parameters.into_iter().filter_map(|p| Some((p.name.clone()?, p))));
    }
    Ok(found)
}

impl Managed for Parameter {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        match Self::read_all(cx, find).await {
            Ok(found) => found,
            Err(e) => find.iter().map(|_| Err(e.again())).collect(),
        }
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        let key = format!("tag:{}", owned::STACK);
        let found = metadata(cx, &key, vec![stack.to_string()]).await?;
        owned::read(cx, found.into_keys().collect()).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let tags = tag::list(&cx.tags(&want.tags, op))?;
        want.put(cx).overwrite(false).set_tags(Some(tags)).send().await.classify()?;
        Ok(want.name.clone())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        let want = change.want()?;
        let put = change.touches(Self::VALUE)
            || change.touches(Self::DESCRIPTION)
            || change.touches(Self::KMS_KEY)
            || change.touches(Self::TIER)
            || change.touches(Self::ALLOWED_PATTERN);
        if put {
            want.put(cx).overwrite(true).send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            tag::sync(cx, change.id()?, &change.have()?.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        cx.ssm().delete_parameter().name(&have.id).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let parameter = subject(change);
        let name = parameter.map_or("*", |parameter| parameter.name.trim_start_matches('/'));
        let mut actions = vec!["ssm:GetParameters", "ssm:ListTagsForResource"];
        let verb = Verb::of(change);
        match verb {
            Verb::Search => return grants("*", ["ssm:DescribeParameters"]),
            Verb::Read => {}
            Verb::Create => actions.extend(["ssm:PutParameter", "ssm:AddTagsToResource"]),
            Verb::Delete => actions.push("ssm:DeleteParameter"),
            Verb::Update => {
                if change.paths.iter().any(|path| path.first() != Some("tags")) {
                    actions.push("ssm:PutParameter");
                }
                if change.touches(Self::TAGS) {
                    actions.extend(["ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"]);
                }
            }
        }
        let mut all = grants(format!("arn:*:ssm:*:*:parameter/{name}"), actions);
        all.extend(grants("*", ["ssm:DescribeParameters"]));
        all.extend(tagged::grants(change));
        let of = parameter.and_then(|parameter| parameter.kms_key.as_ref());
        match (of, verb) {
            (None, _) | (_, Verb::Delete) => {}
            (Some(of), Verb::Read) => all.extend(grants(key(of.as_str()), ["kms:Decrypt"])),
            (Some(of), _) => {
                // An advanced parameter is sealed with a data key, a standard one by KMS itself.
                let advanced =
                    parameter.is_some_and(|it| it.tier.is_some_and(|t| t != Tier::Standard));
                let write = if advanced { "kms:GenerateDataKey" } else { "kms:Encrypt" };
                all.extend(grants(key(of.as_str()), [write, "kms:Decrypt"]));
            }
        }
        all
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if let Some(name) = want.get(Self::NAME).known()
            && let Some(problem) = name_problem(&name)
        {
            violations.push(Violation::of(Self::NAME, problem));
        }
        if let Some(value) = want.get(Self::VALUE).known() {
            // What is found is a secret: no message shows any of it.
            let tier = want.get(Self::TIER).known().unwrap_or(Tier::Standard);
            let max = if tier == Tier::Standard { 4096 } else { 8192 };
            let size = value.reveal().len();
            if size > max {
                let message = format!("expected at most {max} bytes in this tier, found {size}");
                violations.push(Violation::of(Self::VALUE, message));
            } else if size == 0 {
                violations
                    .push(Violation::of(Self::VALUE, "expected a value, found an empty text"));
            } else if value.reveal().contains("{{") {
                let message =
                    "expected no `{{`: Parameter Store takes it for a reference and refuses it";
                violations.push(Violation::of(Self::VALUE, message));
            }
        }
        violations
    }

    fn replaces(old: &Self, new: &Partial<Self>) -> Option<Reason> {
        let lowered =
            old.tier == Some(Tier::Advanced) && new.get(Self::TIER).known() == Some(Tier::Standard);
        lowered.then(|| Reason::of(Self::TIER, "AWS cannot lower a parameter's tier"))
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }
}

fn name_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let lower = name.trim_start_matches('/').to_ascii_lowercase();
    if name.is_empty() || !name.chars().all(fits) {
        Some(format!("expected letters, digits or `/._-`, found {name:?}"))
    } else if name.contains('/') && !name.starts_with('/') {
        Some(format!("a name with levels begins with `/`, found {name:?}"))
    } else if lower.starts_with("aws") || lower.starts_with("ssm") {
        Some(format!("names that begin with `aws` or `ssm` belong to AWS, found {name:?}"))
    } else if name.matches('/').count() > 15 {
        Some(format!("expected at most 15 levels, found {}", name.matches('/').count()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use infra_core::state;

    use super::*;

    fn partial(name: &str, value: &str) -> Partial<Parameter> {
        let value = state::Value::from(value).secret();
        Partial::new(state::Value::from([("name", name.into()), ("value", value)]))
    }

    #[test]
    fn names_and_values_are_checked_without_showing_the_value() {
        assert!(Parameter::check(&partial("/prod/qledger/DATABASE_URL", "geheim")).is_empty());
        for (name, value) in [
            ("prod/x", "v"),
            ("/aws/x", "v"),
            ("/a b", "v"),
            ("x", ""),
            ("x", "geheim {{y}}"),
            ("x", &"geheim".repeat(1000)),
        ] {
            let found = Parameter::check(&partial(name, value));
            assert_eq!(found.len(), 1, "{name}");
            assert!(!found[0].message.contains("geheim"));
        }
    }

    #[test]
    fn a_lower_tier_replaces() {
        let old = state::Value::from([
            ("name", "x".into()),
            ("value", "v".into()),
            ("tier", "Advanced".into()),
        ]);
        let old = Parameter::from_value(&old).unwrap();
        let new = |tier: &str| Partial::new(state::Value::from([("tier", tier.into())]));
        assert!(Parameter::replaces(&old, &new("Standard")).is_some());
        assert!(Parameter::replaces(&old, &new("Intelligent-Tiering")).is_none());
    }
}
