#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Group, Subnet, Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let vpc = stack.add("vpc", Vpc::new("10.0.0.0/16"));
    let subnet = stack.add("a", Subnet::new(&vpc.id, "10.0.0.0/24"));
    let id = &vpc.id;
    stack.export("url", interpolate!("{id}/*"));
    stack.export("path", interpolate!("/{}/${aws:username}/{id:?}", id));
    stack.add("group", Group::new().subnets([&subnet.id]));
    Ok(())
}

fn main() {
    let _ = program;
}
