//! EC2 and VPC: networks, their gateways, routes and firewalls; launch templates and instances.
//!
//! EC2 is eventually consistent: an id may be unknown for seconds after it was given out. The verbs do not wait for
//! that; the engine does. Objects are read by filters, not by lists of ids, because one unknown id fails a whole list.
//!
//! **Invariant:** every object is created with its owner tags in the creating call (routes and associations cannot
//! have tags: their ids say what they are).

mod elastic_ip;
mod flow_log;
mod grants;
mod instance;
mod internet_gateway;
mod launch_data;
mod launch_template;
mod lookup;
mod metadata;
mod nat_gateway;
mod ports;
mod route;
mod route_table;
mod route_table_association;
mod search;
mod security_group;
mod security_group_rule;
mod subnet;
mod tagging;
#[cfg(all(test, feature = "simulated"))]
mod tests;
mod vpc;
mod vpc_endpoint;

pub use elastic_ip::{ElasticIp, ElasticIpDecl, ElasticIpOutputs, ElasticIpRefs};
pub use flow_log::{
    FlowLog, FlowLogDecl, FlowLogDestination, FlowLogOutputs, FlowLogRefs, FlowLogSource, Traffic,
};
pub use instance::{
    Instance, InstanceDecl, InstanceOutputs, InstanceRefs, RootVolume, RootVolumeDecl,
};
pub use internet_gateway::{
    InternetGateway, InternetGatewayDecl, InternetGatewayOutputs, InternetGatewayRefs,
};
pub use launch_data::{BlockDevice, BlockDeviceDecl, VolumeType};
pub use launch_template::{
    LaunchTemplate, LaunchTemplateDecl, LaunchTemplateOutputs, LaunchTemplateRefs,
};
pub use lookup::{
    AvailabilityZones, AvailabilityZonesDecl, AvailabilityZonesOutputs, AvailabilityZonesRefs,
    Subnets, SubnetsDecl, SubnetsOutputs, SubnetsRefs, VpcById, VpcByIdDecl, VpcByTag,
    VpcByTagDecl, VpcFound, VpcFoundRefs,
};
pub use metadata::{HttpTokens, MetadataOptions, MetadataOptionsDecl};
pub use nat_gateway::{
    Connectivity, NatGateway, NatGatewayDecl, NatGatewayOutputs, NatGatewayRefs,
};
pub use ports::Ports;
pub use route::{Route, RouteDecl, RouteTarget};
pub use route_table::{RouteTable, RouteTableDecl, RouteTableOutputs, RouteTableRefs};
pub use route_table_association::{
    RouteTableAssociation, RouteTableAssociationDecl, RouteTableAssociationOutputs,
    RouteTableAssociationRefs,
};
pub use security_group::{
    SecurityGroup, SecurityGroupDecl, SecurityGroupOutputs, SecurityGroupRefs,
};
pub use security_group_rule::{
    Direction, SecurityGroupRule, SecurityGroupRuleDecl, SecurityGroupRuleOutputs,
    SecurityGroupRuleRefs, Source,
};
pub use subnet::{Subnet, SubnetDecl, SubnetOutputs, SubnetRefs};
pub use vpc::{Tenancy, Vpc, VpcDecl, VpcOutputs, VpcRefs};
pub use vpc_endpoint::{
    EndpointType, VpcEndpoint, VpcEndpointDecl, VpcEndpointOutputs, VpcEndpointRefs,
};

crate::kinds! {
    ElasticIp, FlowLog, Instance, InternetGateway, LaunchTemplate, NatGateway, Route, RouteTable,
    RouteTableAssociation, SecurityGroup, SecurityGroupRule, Subnet, Vpc, VpcEndpoint;
    lookups: AvailabilityZones, Subnets, VpcById, VpcByTag
}
