//! Add-ons.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_eks::types::{self as sdk, AddonHealth, AddonPodIdentityAssociations, AddonStatus};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Readiness, Result,
        Timeouts,
    },
    state::{self, StackName},
};

use super::{
    ClusterName, Resolve,
    search::{self, Member},
    tagging,
    types::{arn, issues, split},
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, pass, subject},
    tags,
    types::Arn,
};

/// AWS's software in a cluster: `Addon::new(&cluster.name, "coredns")`.
///
/// Another cluster or name replaces it, the rest changes in place. `vpc-cni`, `kube-proxy` and
/// `eks-pod-identity-agent` go before the nodes; what runs on nodes (`coredns`, `metrics-server`) after them: without
/// a node it stays degraded, and is waited for.
///
/// Needs `eks:CreateAddon` on the cluster, `DescribeAddon`, `UpdateAddon`, `DeleteAddon`, `TagResource`,
/// `UntagResource` on it, `iam:PassRole` on its roles, `eks:DescribePodIdentityAssociation` and its like for identities.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:eks:Addon",
    outputs = AddonOutputs,
    delete_before_replace = "a cluster has an add-on once"
)]
pub struct Addon {
    /// The cluster. Another replaces it.
    #[field(replace)]
    pub cluster: ClusterName,
    /// Its name, `coredns`. Another replaces it.
    #[field(replace)]
    pub name: String,
    /// Its version; the default one for the cluster's version if left out.
    #[field(computed)]
    pub version: Option<String>,
    /// Its settings, as JSON (or YAML) of the add-on's own schema.
    #[field(normalize = canonical)]
    pub configuration: Option<String>,
    /// What it does with settings that somebody changed in the cluster.
    #[field(write_only, default = Resolve::Overwrite)]
    pub resolve_conflicts: Resolve,
    /// The role of its service account, by `OpenID` Connect.
    pub service_account_role: Option<Arn>,
    /// The roles of its service accounts, by pod identity.
    #[field(key = "service_account")]
    pub pod_identities: Vec<AddonIdentity>,
    /// Whether its software stays in the cluster when the add-on is deleted.
    #[field(write_only, default = false)]
    pub preserve: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// The role of one of an add-on's service accounts.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub struct AddonIdentity {
    /// The service account.
    pub service_account: String,
    /// Its role.
    pub role: Arn,
}

/// What an add-on gives.
#[derive(Outputs, Clone, Debug)]
pub struct AddonOutputs {
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
    /// Its version.
    pub version: String,
}

/// JSON in one form, whatever its spaces and the order of its keys; YAML as it is.
fn canonical(value: &state::Value) -> state::Value {
    let parsed =
        value.as_str().and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
    parsed.map_or_else(|| value.clone(), |json| state::Value::from(json.to_string().as_str()))
}

/// Whether it is not what was asked for.
fn differs(found: &sdk::Addon, inputs: Option<&Addon>) -> bool {
    let json = |text: Option<&str>| {
        text.filter(|text| !text.is_empty()).map(|text| canonical(&state::Value::from(text)))
    };
    inputs.is_some_and(|inputs| {
        let version = inputs.version.as_deref();
        (version.is_some() && version != found.addon_version())
            || json(inputs.configuration.as_deref()) != json(found.configuration_values())
    })
}

fn readiness(found: &sdk::Addon, inputs: Option<&Addon>) -> Readiness {
    let health = found.health().map_or(&[][..], AddonHealth::issues);
    let code =
        |issue: &sdk::AddonIssue| issue.code().map_or("Issue", |code| code.as_str()).to_owned();
    let codes: Vec<_> = health.iter().map(code).collect();
    let said = issues(
        health.iter().zip(&codes).map(|(i, code)| (code.as_str(), i.message(), i.resource_ids())),
    );
    let with =
        |what: &str| if said.is_empty() { what.to_owned() } else { format!("{what}: {said}") };
    match found.status() {
        Some(AddonStatus::Active) => Readiness::Ready,
        Some(AddonStatus::Deleting) => Readiness::Deleting(with("deleting")),
        // What failed to be updated runs on as it was: to whoever planned with that, nothing is broken.
        Some(AddonStatus::UpdateFailed) if !differs(found, inputs) => Readiness::Ready,
        Some(
            status @ (AddonStatus::CreateFailed
            | AddonStatus::UpdateFailed
            | AddonStatus::DeleteFailed),
        ) => Readiness::Failed(with(status.as_str())),
        // Degraded: its pods find no node yet, for instance.
        status => {
            Readiness::Pending(with(&status.map_or("unknown", AddonStatus::as_str).to_lowercase()))
        }
    }
}

impl Addon {
    fn id(&self) -> String {
        format!("{}/{}", self.cluster, self.name)
    }

    fn identities(&self) -> Result<Vec<AddonPodIdentityAssociations>> {
        let identity = |identity: &AddonIdentity| {
            let build =
                AddonPodIdentityAssociations::builder().service_account(&identity.service_account);
            build.role_arn(identity.role.as_str()).build().classify()
        };
        self.pod_identities.iter().map(identity).collect()
    }

    /// The add-on names its associations by ARN only.
    async fn identity(
        cx: &Cx<Aws>,
        cluster: &ClusterName,
        arn: &str,
    ) -> Result<Option<AddonIdentity>> {
        let id = arn.rsplit('/').next().unwrap_or_default();
        let describe = cx.eks().describe_pod_identity_association().cluster_name(cluster.as_str());
        let answer = describe.association_id(id).send().await.found()?;
        Ok(answer.and_then(|answer| answer.association).and_then(|association| {
            let role = Arn::trusted(association.role_arn()?);
            Some(AddonIdentity { service_account: association.service_account()?.to_owned(), role })
        }))
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => (*id).to_owned(),
            Find::Made { want, .. } => want.id(),
        };
        let (cluster, name) = split(&id)?;
        let describe = cx.eks().describe_addon().cluster_name(cluster.as_str()).addon_name(name);
        let Some(found) = describe.send().await.found()?.and_then(|answer| answer.addon) else {
            return Ok(None);
        };
        let mut identities = Vec::new();
        for arn in found.pod_identity_associations() {
            identities.extend(Self::identity(cx, &cluster, arn).await?);
        }
        let inputs = find.inputs();
        let all_tags = tagging::map(found.tags());
        let live = Self {
            name: name.to_owned(),
            version: found.addon_version().map(str::to_owned),
            configuration: found
                .configuration_values()
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            resolve_conflicts: inputs.map_or(Resolve::Overwrite, |inputs| inputs.resolve_conflicts),
            service_account_role: found.service_account_role_arn().map(Arn::trusted),
            pod_identities: identities,
            preserve: inputs.is_some_and(|inputs| inputs.preserve),
            tags: tags::visible(&all_tags),
            cluster,
        };
        let outputs = AddonOutputs {
            arn: Arn::trusted(found.addon_arn().unwrap_or_default()),
            version: found.addon_version().unwrap_or_default().to_owned(),
        };
        Ok(Some(
            Observed::ready(id, live, outputs).but(readiness(&found, inputs)).owned_by(&all_tags),
        ))
    }
}

impl Managed for Addon {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        search::members_of(cx, stack, Member::Addon).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let identities = want.identities()?;
        let create = cx
            .eks()
            .create_addon()
            .cluster_name(want.cluster.as_str())
            .addon_name(&want.name)
            .set_addon_version(want.version.clone())
            .set_configuration_values(want.configuration.clone())
            .resolve_conflicts(want.resolve_conflicts.as_str().into())
            .set_service_account_role_arn(want.service_account_role.clone().map(Into::into))
            .set_pod_identity_associations((!identities.is_empty()).then_some(identities))
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))))
            .client_request_token(op.token());
        create.send().await.classify()?;
        Ok(want.id())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (want, have) = (change.want()?, change.have()?);
        if change.touches(Self::TAGS) {
            let arn =
                have.outputs.as_ref().ok_or_else(|| Error::invalid("an add-on without an ARN"))?;
            tagging::update(cx, arn.arn.as_str(), &have.live.tags, &want.tags).await?;
        }
        let configuration = change.touches(Self::CONFIGURATION);
        let role = change.touches(Self::SERVICE_ACCOUNT_ROLE);
        let identities = change.touches(Self::POD_IDENTITIES);
        let version = change.touches(Self::VERSION) && want.version.is_some();
        if !(version || configuration || role || identities) {
            return Ok(());
        }
        // An empty object takes settings back.
        let settings = want.configuration.clone().unwrap_or_else(|| "{}".to_owned());
        let update = cx
            .eks()
            .update_addon()
            .cluster_name(want.cluster.as_str())
            .addon_name(&want.name)
            .set_addon_version(if version { want.version.clone() } else { None })
            .set_configuration_values(configuration.then_some(settings))
            .set_service_account_role_arn(
                want.service_account_role.clone().filter(|_| role).map(Into::into),
            )
            .set_pod_identity_associations(if identities { Some(want.identities()?) } else { None })
            .resolve_conflicts(want.resolve_conflicts.as_str().into())
            .client_request_token(op.token());
        update.send().await.classify().map(drop)
    }

    async fn delete(
        cx: &Cx<Aws>,
        have: &Observed<Self>,
        recorded: &Self,
        _: &Operation,
    ) -> Result<()> {
        if matches!(have.readiness, Readiness::Deleting(_)) {
            return Ok(());
        }
        let (cluster, name) = split(&have.id)?;
        let delete = cx.eks().delete_addon().cluster_name(cluster).addon_name(name);
        delete.preserve(recorded.preserve).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let cluster = live.map_or("*", |live| live.cluster.as_str());
        let name = live.map_or("*", |live| live.name.as_str());
        let this = arn(&format!("addon/{cluster}/{name}/*"));
        let on_cluster = arn(&format!("cluster/{cluster}"));
        let verb = Verb::of(change);
        let mut all = grants(&*this, ["eks:DescribeAddon"]);
        match verb {
            Verb::Search => return search::grants(&["eks:ListAddons", "eks:DescribeAddon"]),
            Verb::Read => {}
            Verb::Create => {
                all.extend(grants(&*on_cluster, ["eks:CreateAddon"]));
                all.extend(grants(this, ["eks:TagResource"]));
            }
            Verb::Update => {
                all.extend(grants(
                    this,
                    ["eks:UpdateAddon", "eks:TagResource", "eks:UntagResource"],
                ));
            }
            Verb::Delete => all.extend(grants(this, ["eks:DeleteAddon"])),
        }
        let Some(live) = live else { return all };
        if !live.pod_identities.is_empty() {
            // The associations of an add-on are made, and looked at, on behalf of whoever makes the add-on.
            let association = arn(&format!("podidentityassociation/{cluster}/*"));
            all.extend(grants(&*association, ["eks:DescribePodIdentityAssociation"]));
            if matches!(verb, Verb::Create | Verb::Update) {
                all.extend(grants(on_cluster, ["eks:CreatePodIdentityAssociation"]));
                let change =
                    ["eks:UpdatePodIdentityAssociation", "eks:DeletePodIdentityAssociation"];
                all.extend(grants(association, change));
            }
        }
        if matches!(verb, Verb::Create | Verb::Update) {
            let roles = live.pod_identities.iter().map(|identity| &identity.role);
            all.extend(roles.map(|role| pass(role.as_str(), "pods.eks.amazonaws.com")));
            let role = live.service_account_role.iter();
            all.extend(role.map(|role| Grant::new("iam:PassRole", role.as_str())));
        }
        all
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        Timeouts::minutes(20)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_eks::types::{AddonIssue, AddonIssueCode};

    use super::*;

    #[test]
    fn settings_are_compared_by_meaning() {
        let text = |text: &str| canonical(&state::Value::from(text));
        assert_eq!(text("{ \"b\": 1, \"a\": 2 }"), text("{\"a\":2,\"b\":1}"));
        assert_eq!(text("a: 1"), state::Value::from("a: 1"));
    }

    #[test]
    fn a_degraded_add_on_is_waited_for() {
        let issue =
            AddonIssue::builder().code(AddonIssueCode::InsufficientNumberOfReplicas).build();
        let health = AddonHealth::builder().issues(issue).build();
        let found = sdk::Addon::builder().status(AddonStatus::Degraded).health(health).build();
        assert_eq!(
            readiness(&found, None),
            Readiness::Pending("degraded: InsufficientNumberOfReplicas".to_owned())
        );
    }
}
