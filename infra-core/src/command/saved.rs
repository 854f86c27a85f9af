//! Plans that are looked at today and executed tomorrow.

use std::{fs, path::Path};

use infra_state::Checksum;

use super::Preview;
use crate::{Engine, Error, ErrorKind, Result, graph::Graph, plan::saved::SavedPlan};

/// Writes a plan to a file, sealed.
pub async fn save(engine: &Engine, preview: &Preview, destroy: bool, path: &Path) -> Result<()> {
    let saved = SavedPlan {
        stack: engine.state.name().clone(),
        program: executable()?,
        graph: preview.graph.hash(),
        position: preview.position,
        destroy,
        plan: (*preview.plan).clone(),
    };
    let bytes = saved.to_bytes(&engine.state).await?;
    fs::write(path, bytes).map_err(|e| {
        let message = format!("cannot write the plan {}: {e}", path.display());
        Error::new(ErrorKind::Failed, message).because(e)
    })
}

/// Reads such a file. Refused if the program, what it declares, or the state is another one now.
pub async fn load(engine: &Engine, path: &Path) -> Result<SavedPlan> {
    let bytes = fs::read(path).map_err(|e| {
        let message = format!("cannot read the plan {}: {e}", path.display());
        Error::new(ErrorKind::Usage, message).because(e)
    })?;
    let position = engine.state.read().await?.map(|view| view.position).unwrap_or_default();
    // Which of the two graphs it was made for stands in the file; what does not fit is refused.
    let graph = engine.graph()?;
    let (state, program) = (&engine.state, executable()?);
    let saved = SavedPlan::from_bytes(&bytes, state, &program, &graph, position).await;
    match saved {
        Err(e) if e.kind() == ErrorKind::PlanStale => {
            let empty = Graph::empty();
            let destroy = SavedPlan::from_bytes(&bytes, state, &program, &empty, position).await;
            destroy.ok().filter(|saved| saved.destroy).ok_or(e)
        }
        other => other,
    }
}

/// The digest of the running program.
fn executable() -> Result<String> {
    let failed = |e: std::io::Error| {
        Error::new(ErrorKind::Failed, format!("cannot read the program's own file: {e}")).because(e)
    };
    let path = std::env::current_exe().map_err(failed)?;
    Ok(Checksum::of(&fs::read(path).map_err(failed)?).to_string())
}
