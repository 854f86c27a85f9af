#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Subnet, Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let vpc = stack.add("vpc", Vpc::new("10.0.0.0/16"));
    let a = stack.add("a", Subnet::new(&vpc.id, "10.0.0.0/24"));
    let b = stack.add("b", Subnet::new(&vpc.id, "10.0.1.0/24"));
    if a.id == b.id || vpc.id == a.id {
        stack.export("same", true);
    }
    Ok(())
}

fn main() {
    let _ = program;
}
