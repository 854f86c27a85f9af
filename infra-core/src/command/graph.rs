//! The stack as a picture.

use super::outputs::remembered;
use crate::{Engine, Result, report::graph::Picture};

/// What the program declares. Calls no cloud and reads no state.
pub fn declared(engine: &Engine) -> Result<Picture> {
    Ok(Picture::of_graph(engine.state.name().to_string(), &engine.graph()?))
}

/// What state remembers.
pub async fn recorded(engine: &Engine) -> Result<Picture> {
    let view = remembered(engine).await?;
    Ok(Picture::of_snapshot(engine.state.name().to_string(), &view.snapshot))
}
