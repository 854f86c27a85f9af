#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let vpc = stack.add("vpc", Vpc::new("10.0.0.0/16"));
    stack.add("other", Vpc::new("10.1.0.0/16").depends_on(&vpc.id));
    Ok(())
}

fn main() {
    let _ = program;
}
