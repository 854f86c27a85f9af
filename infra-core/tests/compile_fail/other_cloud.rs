#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{OtherProvider, Provider, Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let us = stack.provider("us", Provider::new().region("us"));
    let other = stack.provider("other", OtherProvider::new());
    stack.add("a", Vpc::new("10.0.0.0/16").provider(&us));
    stack.add("b", Vpc::new("10.0.0.0/16").provider(&other));
    Ok(())
}

fn main() {
    let _ = program;
}
