//! Single targets.

use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum as State,
};
use infra_core::{
    Outputs, Resource,
    provider::{
        Change, Cx, Error, Find, Grant, Managed, Observed, Once, Operation, Readiness, Result,
        Timeouts,
    },
};

use crate::{
    Aws, batch,
    classify::Classify as _,
    policy::{Verb, grants, subject},
    types::{TargetGroupArn, Zone},
};

/// One target of a target group: an instance by id, or an address: `TargetAttachment::new(&group.arn, "10.0.0.7")`.
///
/// Every field replaces it. It is ready when it is registered; whether it is healthy is the application's business.
/// Deleting waits until it is drained (the group's `deregistration_delay`). Where the AWS Load Balancer Controller
/// binds the group, it deregisters what it does not know: never mix the two.
///
/// Needs `elasticloadbalancing:RegisterTargets` and `DeregisterTargets` on the group, and `DescribeTargetHealth`.
#[derive(Resource, Clone, Debug)]
#[resource(kind = "aws:elbv2:TargetAttachment", outputs = TargetAttachmentOutputs)]
pub struct TargetAttachment {
    /// The target group. Another replaces the attachment.
    #[field(replace)]
    pub target_group: TargetGroupArn,
    /// The instance's id or the address. Another replaces the attachment.
    #[field(replace)]
    pub target: String,
    /// The port, if it is not the group's. Another replaces the attachment.
    #[field(replace, computed)]
    pub port: Option<u16>,
    /// The zone of an address outside the VPC, or `all`. Another replaces the attachment.
    #[field(replace, computed)]
    pub zone: Option<Zone>,
}

/// What an attachment gives.
#[derive(Outputs, Clone, Debug)]
pub struct TargetAttachmentOutputs {
    /// The target, once it is registered.
    #[output(stable)]
    pub target: String,
}

impl TargetAttachment {
    /// `GROUP|TARGET|PORT`; the port is empty where the group's is used.
    fn id(&self) -> String {
        let port = self.port.map(|port| port.to_string()).unwrap_or_default();
        format!("{}|{}|{port}", self.target_group, self.target)
    }

    fn of(id: &str) -> Result<Self> {
        let wrong =
            || Error::invalid(format!("expected TARGET_GROUP_ARN|TARGET|PORT, found {id:?}"));
        let mut parts = id.splitn(3, '|');
        let (group, target) = (parts.next().ok_or_else(wrong)?, parts.next().ok_or_else(wrong)?);
        let port = parts.next().unwrap_or_default();
        let port = if port.is_empty() { None } else { Some(port.parse().map_err(|_| wrong())?) };
        let target_group = TargetGroupArn::trusted(group);
        Ok(Self { target_group, target: target.to_owned(), port, zone: None })
    }

    fn description(&self) -> TargetDescription {
        let description = TargetDescription::builder().id(&self.target);
        let description = description.set_port(self.port.map(Into::into));
        description.set_availability_zone(self.zone.clone().map(Into::into)).build()
    }

    async fn read_one(cx: &Cx<Aws>, find: &Find<'_, Self>) -> Result<Option<Observed<Self>>> {
        let asked = match find {
            Find::Id { id, .. } => Self::of(id)?,
            Find::Made { want, .. } => (*want).clone(),
        };
        let group = asked.target_group.as_str();
        let key = format!("elbv2:targets:{group}");
        let targets = cx.memo(&key, || async {
            let describe = cx.elbv2().describe_target_health().target_group_arn(group);
            let answer = describe.send().await.found()?;
            Ok(answer
                .map(|answer| answer.target_health_descriptions().to_vec())
                .unwrap_or_default())
        });
        let targets: std::sync::Arc<Vec<TargetHealthDescription>> = targets.await?;
        let is_it = |target: &TargetDescription| {
            target.id() == Some(&asked.target)
                && asked.port.is_none_or(|port| target.port() == Some(port.into()))
        };
        let found =
            targets.iter().find_map(|health| Some((health, health.target().filter(|t| is_it(t))?)));
        Ok(found.map(|(health, target)| {
            let mut live = asked.clone();
            live.port = target.port().and_then(|port| port.try_into().ok());
            live.zone = target.availability_zone().map(Zone::trusted);
            let outputs = TargetAttachmentOutputs { target: live.target.clone() };
            let readiness = match health.target_health().and_then(|health| health.state()) {
                Some(State::Draining) => Readiness::Deleting("draining".to_owned()),
                _ => Readiness::Ready,
            };
            Observed::ready(asked.id(), live, outputs).but(readiness)
        }))
    }
}

impl Managed for TargetAttachment {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        batch::each(find, |find| Self::read_one(cx, find)).await
    }

    async fn create(cx: &Cx<Aws>, want: &Self, _: &Operation) -> Result<String> {
        let register = cx.elbv2().register_targets().target_group_arn(want.target_group.as_str());
        register.targets(want.description()).send().await.classify()?;
        Ok(want.id())
    }

    async fn update(_: &Cx<Aws>, _: &Change<'_, Self>, _: &Operation) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        // By its id, not by what is live: without a port AWS takes the group's.
        let target = Self::of(&have.id)?;
        let call = cx.elbv2().deregister_targets().target_group_arn(target.target_group.as_str());
        call.targets(target.description()).send().await.gone()
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let group = subject(change).map_or("*", |live| live.target_group.as_str());
        let action = match Verb::of(change) {
            Verb::Search => return Vec::new(),
            Verb::Read => None,
            Verb::Create | Verb::Update => Some("elasticloadbalancing:RegisterTargets"),
            Verb::Delete => Some("elasticloadbalancing:DeregisterTargets"),
        };
        let mut all = grants("*", ["elasticloadbalancing:DescribeTargetHealth"]);
        all.extend(grants(group, action));
        all
    }

    fn once() -> Once {
        Once { by_name: true, ..Once::default() }
    }

    fn timeouts() -> Timeouts {
        // A deregistration delay may be an hour.
        Timeouts { delete: std::time::Duration::from_mins(65), ..Timeouts::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_enough() {
        let id = "arn:aws:elasticloadbalancing:r:1:targetgroup/t/1|i-1|80";
        let attachment = TargetAttachment::of(id).unwrap();
        assert_eq!((attachment.target.as_str(), attachment.port), ("i-1", Some(80)));
        assert_eq!(attachment.id(), id);
        let without = TargetAttachment::of("arn|10.0.0.1|").unwrap();
        assert_eq!((without.port, without.id().as_str()), (None, "arn|10.0.0.1|"));
        assert!(TargetAttachment::of("arn").is_err());
    }
}
