#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    stack.provider("us", Vpc::new("10.0.0.0/16"));
    Ok(())
}

fn main() {
    let _ = program;
}
