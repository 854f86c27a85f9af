#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Subnet, Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let vpc = stack.add("vpc", Vpc::new("10.0.0.0/16"));
    stack.add("a", Subnet::new(&vpc.id, &vpc.id));
    Ok(())
}

fn main() {
    let _ = program;
}
