#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::Vpc;

struct Network {
    cidr_block: String,
}

fn program(stack: &mut Stack) -> Result<()> {
    stack.reference::<Network>("network");
    Ok(())
}

fn main() {
    let _ = (program, Vpc::new("10.0.0.0/16"));
}
