//! Instances and network interfaces.

use aws_sdk_ec2::types::{
    Filter, Instance, NetworkInterface, NetworkInterfaceAttachment, Reservation,
};
use infra_core::provider::{Contained, Cx, Result};
use tokio::try_join;

use super::{
    gateways::Found,
    object::{object, part_of, tags, within},
};
use crate::{Aws, classify::Classify as _};

/// Of an instance that is shut down for good there is only a remnant.
const ALIVE: [&str; 4] = ["pending", "running", "stopping", "stopped"];

pub(super) async fn machines(cx: &Cx<Aws>, vpc: &str) -> Result<Found> {
    let instances = async {
        let alive = ALIVE.map(str::to_owned).to_vec();
        let alive = Filter::builder().name("instance-state-name").set_values(Some(alive)).build();
        let list = cx.ec2().describe_instances().filters(within(vpc)).filters(alive);
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let interfaces = async {
        let list = cx.ec2().describe_network_interfaces().filters(within(vpc));
        let pages = list.into_paginator().items().send();
        pages.collect::<Result<Vec<_>, _>>().await.classify()
    };
    let (instances, interfaces) = try_join!(instances, interfaces)?;
    let instances = instances.iter().flat_map(Reservation::instances).filter_map(instance);
    let found = instances.chain(interfaces.iter().filter_map(interface)).collect();
    let addresses = interfaces.iter().filter_map(NetworkInterface::association);
    let addresses = addresses.filter_map(|it| it.allocation_id().map(str::to_owned)).collect();
    Ok(Found { found, addresses })
}

fn instance(it: &Instance) -> Option<Contained> {
    Some(object("aws:ec2:Instance", it.instance_id()?, &tags(it.tags())))
}

/// An interface. What AWS made for a service, or goes with its instance, is not anybody's.
fn interface(it: &NetworkInterface) -> Option<Contained> {
    let attachment = it.attachment();
    let goes = attachment.and_then(NetworkInterfaceAttachment::delete_on_termination);
    let goes = goes == Some(true);
    let with = (goes || it.requester_managed() == Some(true)).then(|| {
        let instance = attachment.and_then(NetworkInterfaceAttachment::instance_id);
        let said = it.description().filter(|said| !said.is_empty());
        let by = || it.requester_id().unwrap_or("a service of AWS").to_owned();
        said.map(str::to_owned)
            .or_else(|| Some(format!("the instance {}", instance?)))
            .unwrap_or_else(by)
    });
    let found =
        object("AWS::EC2::NetworkInterface", it.network_interface_id()?, &tags(it.tag_set()));
    Some(part_of(found, with))
}
