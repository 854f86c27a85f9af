//! Pod identity associations.

use std::{collections::BTreeMap, time::Duration};

use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Class, Cx, Error, Find, Grant, Lock, Managed, Observed, Once, Operation, Result,
    },
    state::StackName,
};

use super::{
    ClusterName,
    search::{self, Member},
    tagging,
    types::{arn, split},
};
use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, pass, subject},
    tags,
    types::Arn,
};

/// Gives the pods of a service account a role:
/// `PodIdentityAssociation::new(&cluster.name, "ledger", "api", &role.arn)`.
///
/// Another cluster, namespace or service account replaces it; the role changes in place. Only pods that are made after
/// it get the role, and it takes some seconds (*EKS Pod Identity* in the EKS user guide). The cluster needs the add-on
/// `eks-pod-identity-agent`, the role a trust policy for `pods.eks.amazonaws.com` with `sts:AssumeRole` and
/// `sts:TagSession`.
///
/// Needs `eks:CreatePodIdentityAssociation`, `ListPodIdentityAssociations` on the cluster,
/// `DescribePodIdentityAssociation`, `UpdatePodIdentityAssociation`, `DeletePodIdentityAssociation`, `TagResource`,
/// `UntagResource` on it, `iam:PassRole` and `iam:GetRole` on the role.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:eks:PodIdentityAssociation",
    outputs = PodIdentityAssociationOutputs,
    delete_before_replace = "a service account has one association"
)]
pub struct PodIdentityAssociation {
    /// The cluster. Another replaces it.
    #[field(replace)]
    pub cluster: ClusterName,
    /// The namespace. Another replaces it.
    #[field(replace)]
    pub namespace: String,
    /// The service account. Another replaces it.
    #[field(replace)]
    pub service_account: String,
    /// The role of its pods.
    pub role: Arn,
    /// A role, maybe of another account, that the pods' role assumes for them.
    pub target_role: Option<Arn>,
    /// Whether sessions carry no tags of cluster, namespace and pod.
    #[field(default = false)]
    pub disable_session_tags: bool,
    /// Its tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What a pod identity association gives.
#[derive(Outputs, Clone, Debug)]
pub struct PodIdentityAssociationOutputs {
    /// Its id, `a-…`.
    #[output(stable)]
    pub id: String,
    /// Its ARN.
    #[output(stable)]
    pub arn: Arn,
}

impl PodIdentityAssociation {
    /// The id of the association of this service account.
    async fn find(cx: &Cx<Aws>, want: &Self) -> Result<Option<String>> {
        let list = cx.eks().list_pod_identity_associations().cluster_name(want.cluster.as_str());
        let list = list.namespace(&want.namespace).service_account(&want.service_account);
        let answer = list.send().await.found()?;
        let first = answer.as_ref().and_then(|answer| answer.associations().first());
        let id = first.and_then(|association| association.association_id());
        Ok(id.map(|id| format!("{}/{id}", want.cluster)))
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let id = match find {
            Find::Id { id, .. } => Some((*id).to_owned()),
            Find::Made { want, .. } => Self::find(cx, want).await?,
        };
        let Some(id) = id else { return Ok(None) };
        let (cluster, association) = split(&id)?;
        let describe = cx.eks().describe_pod_identity_association().cluster_name(cluster.as_str());
        let answer = describe.association_id(association).send().await.found()?;
        let Some(found) = answer.and_then(|answer| answer.association) else { return Ok(None) };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let all_tags = tagging::map(found.tags());
        let live = Self {
            cluster,
            namespace: text(found.namespace()),
            service_account: text(found.service_account()),
            role: Arn::trusted(text(found.role_arn())),
            target_role: found.target_role_arn().filter(|arn| !arn.is_empty()).map(Arn::trusted),
            disable_session_tags: found.disable_session_tags().unwrap_or_default(),
            tags: tags::visible(&all_tags),
        };
        let outputs = PodIdentityAssociationOutputs {
            id: text(found.association_id()),
            arn: Arn::trusted(text(found.association_arn())),
        };
        Ok(Some(Observed::ready(id, live, outputs).owned_by(&all_tags)))
    }
}

impl Managed for PodIdentityAssociation {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        search::members_of(cx, stack, Member::PodIdentityAssociation).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let create = cx
            .eks()
            .create_pod_identity_association()
            .cluster_name(want.cluster.as_str())
            .namespace(&want.namespace)
            .service_account(&want.service_account)
            .role_arn(want.role.as_str())
            .set_target_role_arn(want.target_role.clone().map(Into::into))
            .disable_session_tags(want.disable_session_tags)
            .set_tags(Some(tagging::list(cx.tags(&want.tags, op))))
            .client_request_token(op.token());
        let answer = create.send().await.classify()?;
        let id = answer.association().and_then(|association| association.association_id());
        let missing =
            || Error::new(Class::Transient, "CreatePodIdentityAssociation answered no id");
        Ok(format!("{}/{}", want.cluster, id.ok_or_else(missing)?))
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, op: &Operation) -> Result<()> {
        let (want, have) = (change.want()?, change.have()?);
        let target = change.touches(Self::TARGET_ROLE);
        if change.touches(Self::ROLE) || target || change.touches(Self::DISABLE_SESSION_TAGS) {
            let (cluster, association) = split(&have.id)?;
            // An empty text takes the target role away.
            let role = want.target_role.as_ref().map_or("", Arn::as_str).to_owned();
            let update = cx
                .eks()
                .update_pod_identity_association()
                .cluster_name(cluster.as_str())
                .association_id(association)
                .role_arn(want.role.as_str())
                .set_target_role_arn(target.then_some(role))
                .disable_session_tags(want.disable_session_tags)
                .client_request_token(op.token());
            update.send().await.classify()?;
        }
        if change.touches(Self::TAGS) {
            let outputs = have
                .outputs
                .as_ref()
                .ok_or_else(|| Error::invalid("an association without an ARN"))?;
            tagging::update(cx, outputs.arn.as_str(), &have.live.tags, &want.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let (cluster, association) = split(&have.id)?;
        let delete = cx.eks().delete_pod_identity_association().cluster_name(cluster);
        delete.association_id(association).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let live = subject(change);
        let cluster = live.map_or("*", |live| live.cluster.as_str());
        let on_cluster = arn(&format!("cluster/{cluster}"));
        let this = arn(&format!("podidentityassociation/{cluster}/*"));
        let verb = Verb::of(change);
        let mut all = grants(&*this, ["eks:DescribePodIdentityAssociation"]);
        match verb {
            Verb::Search => {
                return search::grants(&[
                    "eks:ListPodIdentityAssociations",
                    "eks:DescribePodIdentityAssociation",
                ]);
            }
            Verb::Read => {}
            Verb::Create => {
                let actions =
                    ["eks:ListPodIdentityAssociations", "eks:CreatePodIdentityAssociation"];
                all.extend(grants(on_cluster, actions));
                all.extend(grants(this, ["eks:TagResource"]));
            }
            Verb::Update => {
                let tags = ["eks:TagResource", "eks:UntagResource"];
                let actions = ["eks:UpdatePodIdentityAssociation"].into_iter().chain(tags);
                all.extend(grants(this, actions));
            }
            Verb::Delete => all.extend(grants(this, ["eks:DeletePodIdentityAssociation"])),
        }
        if let Some(live) = live.filter(|_| matches!(verb, Verb::Create | Verb::Update)) {
            all.push(pass(live.role.as_str(), "pods.eks.amazonaws.com"));
            all.extend(grants(live.role.as_str(), ["iam:GetRole"]));
        }
        all
    }

    fn serialize_on(want: &Self) -> Option<Lock> {
        Some(want.cluster.lock("access"))
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), by_name: true, ..Once::default() }
    }
}
