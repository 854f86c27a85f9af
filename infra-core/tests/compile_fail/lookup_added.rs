#[path = "kinds/mod.rs"]
mod kinds;

use infra_core::prelude::*;
use kinds::{Image, Vpc};

fn program(stack: &mut Stack) -> Result<()> {
    let image = stack.add("image", Image::new("linux"));
    stack.lookup("vpc", Vpc::new(&image.id));
    Ok(())
}

fn main() {
    let _ = program;
}
