//! The VPC, and everything that the services say is in it.

use infra_core::provider::{Connection, Contained, Cx, Memo, Result};
use tokio::try_join;

use super::{
    gateways, groups, machines, network,
    object::{object, tags, within},
    tables,
};
use crate::{Aws, classify::Classify as _};

/// What is in the VPC with this id, the VPC first; `None` where there is no such VPC here.
pub(crate) async fn contained(
    connection: &Connection,
    vpc: &str,
) -> Result<Option<Vec<Contained>>> {
    if !vpc.starts_with("vpc-") {
        return Ok(None);
    }
    let cx = Cx::<Aws>::of(connection, Memo::default())?;
    let found = cx.ec2().describe_vpcs().filters(within(vpc)).send().await.classify()?;
    let Some(found) = found.vpcs().first() else { return Ok(None) };
    let tags = tags(found.tags());
    let default = found.is_default() == Some(true);
    let mut itself = object("aws:ec2:Vpc", vpc, &tags);
    itself.comes_with = default.then(|| "the account: its default VPC".to_owned());
    let mut all = vec![itself];

    let (subnets, tables, gateways, groups, machines) = try_join!(
        network::subnets(&cx, vpc),
        tables::tables(&cx, vpc),
        gateways::gateways(&cx, vpc),
        groups::groups(&cx, vpc),
        machines::machines(&cx, vpc),
    )?;
    let ids: Vec<String> = subnets.iter().map(|subnet| subnet.id.clone()).collect();
    let addresses = [gateways.addresses, machines.addresses].concat();
    let (rest, addresses, logs) = try_join!(
        network::rest(&cx, vpc),
        gateways::addresses(&cx, &addresses),
        network::flow_logs(&cx, vpc, &ids),
    )?;
    for more in [subnets, tables, gateways.found, groups, machines.found, rest, addresses, logs] {
        all.extend(more);
    }

    #[cfg(feature = "autoscaling")]
    all.extend(super::autoscaling::scaling_groups(&cx, &ids).await?);
    #[cfg(feature = "elbv2")]
    all.extend(super::balancers::balancers(&cx, vpc).await?);
    #[cfg(feature = "rds")]
    all.extend(super::databases::databases(&cx, vpc).await?);
    #[cfg(feature = "eks")]
    super::clusters::clusters(&cx, vpc, &mut all).await?;
    Ok(Some(all))
}
