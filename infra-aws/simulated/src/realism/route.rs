//! Which model or emulator answers a call.

use super::{
    account_details, identity_reply, managed_policy, multi_region_key, role_list, table_status,
};
use crate::services::{
    Access, Service, acm, autoscaling, cloudwatch, ec2, ecr, eks, elbv2, logs, rds, route53, s3,
    secrets_manager, sns, ssm, sts, tagging,
};
use crate::wire::{Reply, fail, render};

/// Answers one call.
pub(crate) fn answer(access: &mut Access<'_>) -> Reply {
    let call = access.call;
    match call.service {
        Service::Ec2 => render(call, ec2::answer(access)),
        Service::Autoscaling => render(call, autoscaling::answer(access)),
        Service::Eks => render(call, eks::answer(access)),
        Service::Elbv2 => render(call, elbv2::answer(access)),
        Service::Rds => render(call, rds::answer(access)),
        Service::Sts => render(call, sts::answer(access)),
        Service::Acm => render(call, acm::answer(access)),
        Service::Cloudwatch => render(call, cloudwatch::answer(access)),
        Service::Ecr => render(call, ecr::answer(access)),
        Service::Logs => render(call, logs::answer(access)),
        Service::SecretsManager => render(call, secrets_manager::answer(access)),
        Service::Sns => render(call, sns::answer(access)),
        Service::Ssm => render(call, ssm::answer(access)),
        Service::Tagging => render(call, tagging::answer(access)),
        // Events are of this process, not of the world: the cloud itself answers for them.
        Service::Cloudtrail => {
            let message = format!("no CloudTrail operation {}", call.operation);
            render(call, Err(fail("UnsupportedOperationException", message)))
        }
        Service::Route53 => route53::answer(access),
        Service::S3 => s3::answer(access),
        Service::Dynamodb => table_status::answer(access),
        Service::Kms => multi_region_key::answer(access),
        Service::Iam if call.operation == "GetAccountAuthorizationDetails" => {
            account_details::answer(access)
        }
        Service::Iam if call.operation == "ListRoles" => role_list::answer(access),
        Service::Iam => {
            managed_policy::ensure(access);
            managed_policy::leave_out(call, identity_reply::answer(access))
        }
    }
}
