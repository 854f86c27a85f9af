//! Many small things: a network of a hundred subnets, a hundred roles, a hundred parameters, and a group with fifty rules.
//! `--set of=3` makes it a small stack, of which there can be many.
//!
//! A look at all 352 (`drift`) reads them by the page: `.ci/emulators/bulk.py` counts the calls. `.ci/emulators/fleet.py`
//! looks at many such stacks with a few processes.

use std::process::ExitCode;

use infra_aws::{cidr, ec2, iam, ssm};
use infra_core::{App, Error, ErrorKind, prelude::*};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many subnets, roles and parameters there are, and half as many rules.
    #[serde(default = "hundred")]
    of: u16,
}

fn hundred() -> u16 {
    100
}

fn many(stack: &mut Stack) -> Result<()> {
    let Config { of } = stack.config()?;
    let network = cidr!("10.0.0.0/16");
    let zones = stack.lookup("zones", ec2::AvailabilityZones::new());
    let vpc = stack.add("vpc", ec2::Vpc::new(network));
    for at in 0..of {
        let Some(block) = network.subnet(24, at.into()) else {
            let message = format!("`of`: expected at most 256, found {of}");
            return Err(Error::new(ErrorKind::Usage, message));
        };
        stack.add(format!("subnet-{at}"), ec2::Subnet::new(&vpc.id, block, zones.names.index(0)));
        stack.add(format!("role-{at}"), iam::Role::for_service("ec2.amazonaws.com"));
        let name = format!("/many/{}/{at}", stack.name());
        stack.add(format!("parameter-{at}"), ssm::Parameter::new(name, format!("value {at}")));
    }
    let group = stack.add("group", ec2::SecurityGroup::new(&vpc.id, "many rules"));
    for port in 8000..8000 + of / 2 {
        let rule = ec2::SecurityGroupRule::ingress(&group.id, network, ec2::Ports::Tcp(port));
        stack.add(format!("rule-{port}"), rule);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    App::new("many")
        .cloud("simulated", infra_aws::simulated())
        .cloud("aws", infra_aws::aws())
        .backend("s3", infra_aws::state::s3)
        .run(many)
        .await
}
