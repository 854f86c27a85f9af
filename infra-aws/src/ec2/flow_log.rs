//! Flow logs.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_ec2::types::{
    Filter, FlowLog as SdkLog, FlowLogsResourceType, LogDestinationType, ResourceType, TrafficType,
};
use infra_core::{
    Outputs, Resource, Value,
    provider::{
        Change, Cx, Find, Grant, Managed, Observed, Once, Operation, Partial, Result, Violation,
    },
    state::StackName,
};

use super::{
    grants::{Names, arn},
    search::{observed, of_stack, search},
    tagging,
};
use crate::{
    Aws,
    classify::{self, Classify},
    policy::{Verb, pass, subject},
    tags,
    types::{Arn, FlowLogId, NetworkInterfaceId, SubnetId, VpcId},
};

/// A record of what goes through a VPC, a subnet or a network interface.
///
/// Everything but its tags replaces it, and the old one goes first, because AWS refuses a second one with the same
/// source and destination. Deploying needs `ec2:CreateFlowLogs` (on it and its source), `ec2:DeleteFlowLogs`,
/// for a bucket `logs:CreateLogDelivery` and `logs:DeleteLogDelivery`, the tag actions on `vpc-flow-log/*`, `ec2:DescribeFlowLogs`,
/// and `iam:PassRole` on the role. Source: *VPC user guide*, *VPC Flow Logs*.
#[derive(Resource, Clone, Debug)]
#[resource(
    kind = "aws:ec2:FlowLog",
    outputs = FlowLogOutputs,
    delete_before_replace = "AWS refuses a second flow log with the same source and destination"
)]
pub struct FlowLog {
    /// What is recorded. Another source replaces it.
    #[field(replace)]
    pub source: FlowLogSource,
    /// Where the records go. Another destination replaces it.
    #[field(replace)]
    pub destination: FlowLogDestination,
    /// Which traffic. Another choice replaces it.
    #[field(replace, default = Traffic::All)]
    pub traffic: Traffic,
    /// How many seconds one record covers: 60 or 600. Another number replaces it.
    #[field(replace, default = 600)]
    pub aggregation_seconds: i32,
    /// The fields of a record; AWS's own choice if left out. Another format replaces it.
    #[field(replace, computed)]
    pub format: Option<String>,
    /// Tags.
    #[field(tags)]
    pub tags: BTreeMap<String, String>,
}

/// What is recorded.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum FlowLogSource {
    /// All of a VPC.
    Vpc(VpcId),
    /// A subnet.
    Subnet(SubnetId),
    /// A network interface.
    NetworkInterface(NetworkInterfaceId),
}

/// Where records go.
#[derive(Value, Clone, Debug, PartialEq, Eq)]
pub enum FlowLogDestination {
    /// To a log group.
    LogGroup {
        /// The group's name.
        name: String,
        /// The role that may write to it.
        role: Arn,
    },
    /// To a bucket, or a folder of one.
    Bucket(Arn),
}

/// Which traffic is recorded.
#[derive(Value, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// What was let through.
    Accept,
    /// What was not.
    Reject,
    /// All of it.
    All,
}

/// What a flow log gives.
#[derive(Outputs, Clone, Debug)]
pub struct FlowLogOutputs {
    /// Its id.
    #[output(stable)]
    pub id: FlowLogId,
}

const NAMES: Names = Names {
    resource: "vpc-flow-log",
    read: &["DescribeFlowLogs"],
    create: "CreateFlowLogs",
    delete: "DeleteFlowLogs",
};

impl FlowLogSource {
    /// Its type for the API, its type in ARNs, its id.
    fn parts(&self) -> (FlowLogsResourceType, &'static str, &str) {
        match self {
            Self::Vpc(id) => (FlowLogsResourceType::Vpc, "vpc", id.as_str()),
            Self::Subnet(id) => (FlowLogsResourceType::Subnet, "subnet", id.as_str()),
            Self::NetworkInterface(id) => {
                (FlowLogsResourceType::NetworkInterface, "network-interface", id.as_str())
            }
        }
    }

    fn of(id: &str) -> Self {
        if id.starts_with("subnet-") {
            Self::Subnet(SubnetId::trusted(id))
        } else if id.starts_with("eni-") {
            Self::NetworkInterface(NetworkInterfaceId::trusted(id))
        } else {
            Self::Vpc(VpcId::trusted(id))
        }
    }
}

impl Managed for FlowLog {
    type Cloud = Aws;

    async fn read(cx: &Cx<Aws>, find: &[Find<'_, Self>]) -> Vec<Result<Option<Observed<Self>>>> {
        observed(search(find, "flow-log-id", |filter| describe(cx, filter)).await, observe)
    }

    async fn owned(cx: &Cx<Aws>, stack: &StackName) -> Result<Option<Vec<Observed<Self>>>> {
        Ok(Some(describe(cx, of_stack(stack)).await?.iter().map(observe).collect()))
    }

    async fn create(cx: &Cx<Aws>, want: &Self, op: &Operation) -> Result<String> {
        let (kind, _, id) = want.source.parts();
        let traffic = match want.traffic {
            Traffic::Accept => TrafficType::Accept,
            Traffic::Reject => TrafficType::Reject,
            Traffic::All => TrafficType::All,
        };
        let call = cx
            .ec2()
            .create_flow_logs()
            .client_token(op.token())
            .resource_type(kind)
            .resource_ids(id)
            .traffic_type(traffic)
            .max_aggregation_interval(want.aggregation_seconds)
            .set_log_format(want.format.clone())
            .tag_specifications(tagging::specification(
                cx,
                ResourceType::VpcFlowLog,
                &want.tags,
                op,
            ));
        let call = match &want.destination {
            FlowLogDestination::LogGroup { name, role } => call
                .log_destination_type(LogDestinationType::CloudWatchLogs)
                .log_group_name(name)
                .deliver_logs_permission_arn(role.as_str()),
            FlowLogDestination::Bucket(arn) => {
                call.log_destination_type(LogDestinationType::S3).log_destination(arn.as_str())
            }
        };
        let answer = call.send().await.classify()?;
        let failed = answer.unsuccessful().iter().find_map(|item| item.error());
        classify::item("ec2 CreateFlowLogs", failed.map(|e| (e.code(), e.message())))?;
        Ok(answer.flow_log_ids.unwrap_or_default().into_iter().next().unwrap_or_default())
    }

    async fn update(cx: &Cx<Aws>, change: &Change<'_, Self>, _: &Operation) -> Result<()> {
        if change.touches(Self::TAGS) {
            let live = &change.have()?.live.tags;
            tagging::sync(cx, change.id()?, live, &change.want()?.tags).await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<Aws>, have: &Observed<Self>, _: &Self, _: &Operation) -> Result<()> {
        let call = cx.ec2().delete_flow_logs().flow_log_ids(&have.id);
        let Some(answer) = call.send().await.found()? else { return Ok(()) };
        let failed = answer.unsuccessful().iter().find_map(|item| item.error());
        classify::item("ec2 DeleteFlowLogs", failed.map(|e| (e.code(), e.message())))
    }

    fn grants(change: &Change<'_, Self>) -> Vec<Grant> {
        let source = change.want.map(|want| want.source.parts());
        let source = source.map(|(_, kind, id)| arn(kind, id));
        let mut grants = NAMES.grants(change, source, [], change.touches(Self::TAGS));
        let verb = Verb::of(change);
        match subject(change).map(|log| &log.destination) {
            Some(FlowLogDestination::LogGroup { role, .. }) if verb == Verb::Create => {
                grants.push(pass(role.as_str(), "vpc-flow-logs.amazonaws.com"));
            }
            // CloudWatch Logs delivers to a bucket, and asks who sets that up.
            Some(FlowLogDestination::Bucket(_)) if verb == Verb::Create => {
                grants.push(Grant::new("logs:CreateLogDelivery", "*"));
            }
            Some(FlowLogDestination::Bucket(_)) if verb == Verb::Delete => {
                grants.push(Grant::new("logs:DeleteLogDelivery", "*"));
            }
            _ => {}
        }
        grants
    }

    fn check(want: &Partial<Self>) -> Vec<Violation> {
        let seconds = want.get(Self::AGGREGATION_SECONDS).known();
        let wrong = seconds.filter(|seconds| ![60, 600].contains(seconds));
        let message = |seconds| format!("expected 60 or 600, found {seconds}");
        wrong
            .map(|seconds| Violation::of(Self::AGGREGATION_SECONDS, message(seconds)))
            .into_iter()
            .collect()
    }

    fn once() -> Once {
        Once { token: Some(Duration::from_hours(24)), ..Once::default() }
    }
}

async fn describe(cx: &Cx<Aws>, filter: Filter) -> Result<Vec<SdkLog>> {
    let pages = cx.ec2().describe_flow_logs().filter(filter).into_paginator().items().send();
    pages.collect::<Result<Vec<_>, _>>().await.classify()
}

fn observe(log: &SdkLog) -> Observed<FlowLog> {
    let all = tagging::map(log.tags());
    let destination = match log.log_destination_type() {
        Some(LogDestinationType::S3) => {
            FlowLogDestination::Bucket(Arn::trusted(log.log_destination().unwrap_or_default()))
        }
        _ => FlowLogDestination::LogGroup {
            name: log.log_group_name().unwrap_or_default().to_owned(),
            role: Arn::trusted(log.deliver_logs_permission_arn().unwrap_or_default()),
        },
    };
    let live = FlowLog {
        source: FlowLogSource::of(log.resource_id().unwrap_or_default()),
        destination,
        traffic: match log.traffic_type() {
            Some(TrafficType::Accept) => Traffic::Accept,
            Some(TrafficType::Reject) => Traffic::Reject,
            _ => Traffic::All,
        },
        aggregation_seconds: log.max_aggregation_interval().unwrap_or(600),
        format: log.log_format().map(str::to_owned),
        tags: tags::visible(&all),
    };
    let id = log.flow_log_id().unwrap_or_default();
    // A delivery that fails is no state of the log: it works again as soon as its role or bucket does.
    let outputs = FlowLogOutputs { id: FlowLogId::trusted(id) };
    Observed::ready(id, live, outputs).owned_by(&all)
}
