//! Types that several services use: distinct ids, ARNs, zones, address blocks.
//!
//! The constructors (`new`, `parse`) check; reading back from state or from AWS does not.

mod arn;
mod cidr;
mod ids;
mod place;
mod spelling;

pub use arn::{Arn, CertificateArn, TargetGroupArn};
pub use cidr::{Cidr, CidrError};
pub use ids::{
    AllocationId, AmiId, FlowLogId, HostedZoneId, InstanceId, InternetGatewayId, KeyId,
    LaunchTemplateId, NatGatewayId, NetworkInterfaceId, PrefixListId, RoleName,
    RouteTableAssociationId, RouteTableId, SecurityGroupId, SecurityGroupRuleId, SubnetId,
    VpcEndpointId, VpcId,
};
pub use place::{AccountId, Region, Zone};
pub use spelling::spelled;

pub use crate::cidr;
